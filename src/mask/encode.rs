//! Encoders that secrets go through on their way to the output, each as a row of a table that says whose it is.

use super::buffer::Buffer;
use super::markup::{MARKUP, Markup};

/// An encoder that treats each character by itself, and leaves letters and digits as they are.
#[derive(Clone, Copy)]
pub(super) enum Encoder {
    /// Percent-encoding, with these hexadecimal digits.
    Percent(&'static Percent, &'static Digits),
    /// The same twice: a URL in the query of a URL.
    Twice(&'static Percent, &'static Digits),
    /// Backslashes.
    Escape(&'static Escape),
    /// Backslashes of one row, and then of another: JSON in a text of JSON.
    Nested(&'static Escape, &'static Escape),
    /// Quotes of a shell, as the GNU tools put them around an argument.
    Gnu(&'static Escape),
    /// One character, written as this.
    Replace(char, &'static [u8]),
    /// Entities of XML and HTML.
    Markup(&'static Markup),
}

impl Encoder {
    /// All of them.
    pub(super) fn all() -> impl Iterator<Item = Encoder> {
        let percent =
            PERCENT.iter().flat_map(|row| [UPPER, LOWER].map(|digits| Encoder::Percent(row, digits)));
        let twice =
            PERCENT[..TWICE].iter().flat_map(|row| [UPPER, LOWER].map(|digits| Encoder::Twice(row, digits)));
        percent
            .chain(ESCAPES.iter().map(Encoder::Escape))
            .chain(ESCAPES.iter().filter(|row| row.is_json()).flat_map(nested))
            .chain(twice)
            .chain(GNU.iter().map(Encoder::Gnu))
            .chain(REPLACED.iter().map(|&(char, with)| Encoder::Replace(char, with)))
            .chain(MARKUP.iter().map(Encoder::Markup))
    }

    /// Appends `text`, encoded.
    pub(super) fn encode(self, text: &str, out: &mut Buffer) {
        match self {
            Encoder::Percent(row, digits) => row.encode(text, digits, out),
            Encoder::Twice(row, digits) => encode_twice(
                text,
                |text, out| row.encode(text, digits, out),
                |text, out| row.encode(text, digits, out),
                out,
            ),
            Encoder::Gnu(row) => row.encode_gnu(text, out),
            Encoder::Escape(row) => row.encode(text, out),
            Encoder::Markup(row) => row.encode(text, out),
            Encoder::Nested(first, second) => encode_twice(
                text,
                |text, out| first.encode(text, out),
                |text, out| second.encode(text, out),
                out,
            ),
            Encoder::Replace(char, with) => {
                for (at, part) in text.split(char).enumerate() {
                    out.extend(if at == 0 { b"" } else { with });
                    out.extend(part.as_bytes());
                }
            }
        }
    }
}

/// Appends what the second encoder makes of what the first makes of a text.
fn encode_twice(
    text: &str,
    first: impl Fn(&str, &mut Buffer),
    second: impl Fn(&str, &mut Buffer),
    out: &mut Buffer,
) {
    let mut inner = Buffer::default();
    first(text, &mut inner);
    // Encoders only put ASCII in, so this stays UTF-8.
    if let Ok(inner) = str::from_utf8(&inner) {
        second(inner, out);
    }
}

/// Appends a text that bash shows as a pattern, quoted: `[[ … == "$SECRET" ]]` under `set -x`.
pub(super) fn as_pattern(text: &str, out: &mut Buffer) {
    for char in text.chars() {
        out.push(b'\\');
        out.extend(char.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

/// The same in a locale without UTF-8.
pub(super) fn as_pattern_of_bytes(text: &str, out: &mut Buffer) {
    for byte in text.bytes() {
        out.extend(&[b'\\', byte]);
    }
}

/// JSON in JSON: written twice by the same encoder, or once by that of most.
fn nested(row: &'static Escape) -> [Encoder; 3] {
    let plain = &ESCAPES[0];
    [Encoder::Nested(row, row), Encoder::Nested(row, plain), Encoder::Nested(plain, row)]
}

type Digits = [u8; 16];

const LOWER: &Digits = b"0123456789abcdef";
const UPPER: &Digits = b"0123456789ABCDEF";

/// What an encoder of URLs leaves as it is, besides letters and digits.
pub(super) struct Percent {
    kept: &'static [u8],
    /// Whether a blank becomes `+`.
    plus: bool,
}

/// How many of [`PERCENT`], from the first, are used twice too.
const TWICE: usize = 6;

/// Encoders of URLs. Each is used with upper and with lower hexadecimal digits.
const PERCENT: &[Percent] = &[
    // RFC 3986: curl, jq's @uri, Python's quote(safe=""), rawurlencode.
    Percent { kept: b"-._~", plus: false },
    // Go's QueryEscape, Python's quote_plus.
    Percent { kept: b"-._~", plus: true },
    // HTML forms, URLSearchParams, Java's URLEncoder.
    Percent { kept: b"*-._", plus: true },
    // PHP's urlencode.
    Percent { kept: b"-._", plus: true },
    // .NET's UrlEncode.
    Percent { kept: b"-_.!*()", plus: true },
    // encodeURIComponent.
    Percent { kept: b"-_.!~*'()", plus: false },
    // JavaScript's escape.
    Percent { kept: b"@*_+-./", plus: false },
    // encodeURI.
    Percent { kept: b";,/?:@&=+$-_.!~*'()#", plus: false },
    // Python's quote.
    Percent { kept: b"-._~/", plus: false },
    // Go's PathEscape.
    Percent { kept: b"-._~$&+=:@", plus: false },
    // Go's UserPassword.
    Percent { kept: b"-._~$&+,;=", plus: false },
    // The URL standard: user names and passwords, path, query.
    Percent { kept: b"!$%&'()*+,-._~", plus: false },
    Percent { kept: b"!$%&'()*+,-./:;=@[\\]^_|~", plus: false },
    Percent { kept: b"!$%&'()*+,-./:;=?@[\\]^_`{|}~", plus: false },
    // Everything that can be.
    Percent { kept: b"", plus: false },
];

impl Percent {
    fn encode(&self, text: &str, digits: &Digits, out: &mut Buffer) {
        for byte in text.bytes() {
            if byte.is_ascii_alphanumeric() || self.kept.contains(&byte) {
                out.push(byte);
            } else if byte == b' ' && self.plus {
                out.push(b'+');
            } else {
                out.push(b'%');
                hex(u32::from(byte), 2, digits, out);
            }
        }
    }
}

/// Characters that a syntax takes for its own, and how they are written in it.
const REPLACED: &[(char, &[u8])] = &[
    // A single quote inside single quotes: bash, zsh, ksh; dash, busybox, Python's shlex; YAML, SQL, PowerShell.
    ('\'', b"'\\''"),
    ('\'', b"'\"'\"'"),
    ('\'', b"''"),
    // CSV.
    ('"', b"\"\""),
    // What Compose and make print, so that they can read it again.
    ('$', b"$$"),
    // Unit files, crontabs, Python's configparser.
    ('%', b"%%"),
];

/// A way to write text with backslashes.
pub(super) struct Escape {
    /// What gets a backslash before it.
    marked: &'static [u8],
    /// Control characters that become a backslash and a letter.
    letters: &'static [(u8, u8)],
    /// What is written by number although it is printable.
    numbered: &'static [u8],
    /// How the other control characters are written.
    number: Number,
    /// Whether characters outside ASCII are written by number too.
    ascii: bool,
    /// Whether those of them are that no terminal prints, see [`is_unprintable`].
    unprintable: bool,
    /// Whether DEL, alone among the control characters, is left as it is.
    raw_delete: bool,
    /// Whether `~` gets a backslash behind `=` and `:`, where a shell would expand it.
    tilde: bool,
}

/// A character outside ASCII that the C library does not count as printable, as far as that is the same in each of its
/// versions: controls, and what ends lines and paragraphs.
pub(super) fn is_unprintable(char: char) -> bool {
    char.is_control() && !char.is_ascii() || matches!(char, '\u{2028}' | '\u{2029}')
}

/// How a character is written by number.
enum Number {
    /// Not at all.
    Raw,
    /// `\033`, each byte.
    Octal,
    /// `\x1b`, each byte.
    Hex,
    /// `\u001b`, in units of UTF-16.
    Unit(&'static Digits),
}

const JSON: &[(u8, u8)] = &[(8, b'b'), (12, b'f'), (b'\n', b'n'), (b'\r', b'r'), (b'\t', b't')];
const C: &[(u8, u8)] = &[(b'\n', b'n'), (b'\r', b'r'), (b'\t', b't')];
const BASH: &[(u8, u8)] =
    &[(7, b'a'), (8, b'b'), (27, b'E'), (12, b'f'), (b'\n', b'n'), (b'\r', b'r'), (b'\t', b't'), (11, b'v')];

const fn json(
    marked: &'static [u8],
    numbered: &'static [u8],
    ascii: bool,
    digits: &'static Digits,
) -> Escape {
    Escape { marked, letters: JSON, numbered, number: Number::Unit(digits), ascii, ..PLAIN }
}

/// Nothing escaped: what the rows of the table start from.
const PLAIN: Escape = Escape {
    marked: b"",
    letters: &[],
    numbered: b"",
    number: Number::Raw,
    ascii: false,
    unprintable: false,
    raw_delete: false,
    tilde: false,
};

/// JSON by number, whatever can be.
const fn numbered(digits: &'static Digits) -> Escape {
    Escape { numbered: b"\"\\/'<>&", number: Number::Unit(digits), ascii: true, ..PLAIN }
}

/// JSON that knows no letters for control characters.
const fn unlettered(digits: &'static Digits) -> Escape {
    Escape { marked: b"\"\\", number: Number::Unit(digits), ..PLAIN }
}

/// What `printf %q` marks in a value without control characters, wherever it stands.
const PRINTF: &[u8] = b" \t!\"$&'()*,;<>?[\\]^`{|}";

/// JSON and shells.
const ESCAPES: &[Escape] = &[
    // jq; JSON.stringify, serde_json and Python's json.dumps(ensure_ascii=False); json.dumps; Java.
    json(b"\"\\", b"", false, LOWER),
    json(b"\"\\", b"", false, UPPER),
    with_raw_delete(json(b"\"\\", b"", false, LOWER)),
    with_raw_delete(json(b"\"\\", b"", false, UPPER)),
    json(b"\"\\", b"", true, LOWER),
    json(b"\"\\", b"", true, UPPER),
    with_raw_delete(json(b"\"\\", b"", true, LOWER)),
    with_raw_delete(json(b"\"\\", b"", true, UPPER)),
    // PHP with and without JSON_UNESCAPED_UNICODE.
    with_raw_delete(with_unprintable(json(b"\"\\/", b"", false, LOWER))),
    with_raw_delete(json(b"\"\\/", b"", true, LOWER)),
    with_unprintable(json(b"\"\\/", b"", false, LOWER)),
    json(b"\"\\/", b"", true, LOWER),
    // Go; Gson; Rails; .NET.
    with_raw_delete(with_unprintable(json(b"\"\\", b"<>&", false, LOWER))),
    with_unprintable(json(b"\"\\", b"<>&", false, LOWER)),
    with_raw_delete(with_unprintable(json(b"\"\\", b"<>&='", false, LOWER))),
    with_unprintable(json(b"\"\\", b"<>&='", false, LOWER)),
    with_unprintable(json(b"\"\\", b"<>&", false, UPPER)),
    json(b"\\", b"\"'<>&+`", true, UPPER),
    numbered(LOWER),
    numbered(UPPER),
    unlettered(LOWER),
    unlettered(UPPER),
    with_raw_delete(unlettered(LOWER)),
    with_raw_delete(unlettered(UPPER)),
    // bash's `$'…'`: `set -x`, `printf %q`, `declare -p`; the second in a locale without UTF-8.
    Escape { marked: b"'\\", letters: BASH, number: Number::Octal, unprintable: true, ..PLAIN },
    Escape { marked: b"'\\", letters: BASH, number: Number::Octal, ascii: true, ..PLAIN },
    // `printf %q` of a value without control characters, since bash 5.1 and before; Ruby's Shellwords.escape.
    Escape { marked: PRINTF, tilde: true, ..PLAIN },
    raw(PRINTF),
    raw(b" \t!\"#$&'()*;<=>?[\\]^`{|}~%"),
    raw(b" \t!\"#$%&'()*,;<=>?[\\]^`{|}~"),
    // Everything that is no letter and no digit: Perl's quotemeta, and `sed 's/[^[:alnum:]]/\\&/g'` with and without `_`.
    raw(b"\t !\"#$%&'()*+,-./:;<=>?@[\\]^`{|}~"),
    raw(b"\t !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
    // `[[ … =~ "$SECRET" ]]` under `set -x`.
    raw(b"$()*+.?[\\^{|"),
    // `declare -p`, `export -p`: inside double quotes; the second with history expansion.
    raw(b"\"$\\`"),
    raw(b"!\"$\\`"),
    // Python's repr; fish's `string escape`; both of bytes, which are ASCII.
    Escape { marked: b"\\", letters: C, number: Number::Hex, ..PLAIN },
    Escape { marked: b"'\\", letters: C, number: Number::Hex, ..PLAIN },
    Escape { marked: b"\\", letters: C, number: Number::Hex, ascii: true, ..PLAIN },
    Escape { marked: b"'\\", letters: C, number: Number::Hex, ascii: true, ..PLAIN },
];

/// What GNU's tools write as `'$'…''` inside quotes; the second in a locale without UTF-8.
const GNU: &[Escape] = &[
    Escape { letters: GNU_LETTERS, number: Number::Octal, unprintable: true, ..PLAIN },
    Escape { letters: GNU_LETTERS, number: Number::Octal, ascii: true, ..PLAIN },
];

const GNU_LETTERS: &[(u8, u8)] =
    &[(7, b'a'), (8, b'b'), (12, b'f'), (b'\n', b'n'), (b'\r', b'r'), (b'\t', b't'), (11, b'v')];

/// The same where characters that are not printable are written by number.
const fn with_unprintable(escape: Escape) -> Escape {
    Escape { unprintable: true, ..escape }
}

/// The same where DEL is left as it is.
const fn with_raw_delete(escape: Escape) -> Escape {
    Escape { raw_delete: true, ..escape }
}

const fn raw(marked: &'static [u8]) -> Escape {
    Escape { marked, ..PLAIN }
}

impl Escape {
    fn is_json(&self) -> bool {
        matches!(self.number, Number::Unit(_))
    }

    fn encode(&self, text: &str, out: &mut Buffer) {
        let mut before = ' ';
        for char in text.chars() {
            let mut bytes = [0; 4];
            let bytes = char.encode_utf8(&mut bytes).as_bytes();
            let first = bytes[0];
            let expands = self.tilde && first == b'~' && matches!(before, '=' | ':');
            before = char;
            if expands || self.marked.contains(&first) {
                out.extend(&[b'\\', first]);
            } else if let Some(&(_, letter)) = self.letters.iter().find(|(control, _)| *control == first) {
                out.extend(&[b'\\', letter]);
            } else if self.is_numbered(char) {
                self.number.write(char, bytes, out);
            } else {
                out.extend(bytes);
            }
        }
    }
}

impl Escape {
    /// Whether a character that has no letter is written by number.
    fn is_numbered(&self, char: char) -> bool {
        char.is_ascii_control() && !(self.raw_delete && char == '\u{7f}')
            || u8::try_from(char).is_ok_and(|byte| self.numbered.contains(&byte))
            || self.ascii && !char.is_ascii()
            || self.unprintable && is_unprintable(char)
    }

    /// Inside quotes of a shell, from which it leaves only for what it must escape.
    fn encode_gnu(&self, text: &str, out: &mut Buffer) {
        let mut escaping = false;
        for char in text.chars() {
            let escapes = self.is_numbered(char);
            match (escaping, escapes) {
                (false, true) => out.extend(b"'$'"),
                (true, false) if char != '\'' => out.extend(b"''"),
                _ => {}
            }
            escaping = escapes;
            let mut bytes = [0; 4];
            match char {
                _ if escapes => self.encode(char.encode_utf8(&mut bytes), out),
                '\'' => out.extend(b"'\\''"),
                _ => out.extend(char.encode_utf8(&mut bytes).as_bytes()),
            }
        }
        if escaping {
            out.push(b'\'');
        }
    }
}

impl Number {
    fn write(&self, char: char, bytes: &[u8], out: &mut Buffer) {
        match self {
            Number::Raw => out.extend(bytes),
            Number::Octal => {
                for &byte in bytes {
                    out.extend(&[b'\\', b'0' + (byte >> 6), b'0' + (byte >> 3 & 7), b'0' + (byte & 7)]);
                }
            }
            Number::Hex => {
                for &byte in bytes {
                    out.extend(b"\\x");
                    hex(u32::from(byte), 2, LOWER, out);
                }
            }
            Number::Unit(digits) => {
                for &mut unit in char.encode_utf16(&mut [0; 2]) {
                    out.extend(b"\\u");
                    hex(u32::from(unit), 4, digits, out);
                }
            }
        }
    }
}

fn hex(number: u32, digits: u32, alphabet: &Digits, out: &mut Buffer) {
    for digit in (0..digits).rev() {
        out.push(alphabet[(number >> (4 * digit) & 15) as usize]);
    }
}
