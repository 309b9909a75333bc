//! The forms in which a secret shows up in output.
//!
//! What is looked for are the value, the value with its line ends turned round, and each of its lines; and of each of
//! these what the encoders make of it.

use super::MIN_LENGTH;
use super::base64::{self, SPELLINGS};
use super::buffer::Buffer;
use super::document::{self, Part};
use super::encode::{self, Encoder, is_unprintable};

/// The size of the largest value that Linux takes as an environment variable. A larger one has not been near a shell or
/// a URL; it is looked for in base64, and its lines as they are, so that compiling it stays cheap.
const ENVIRONMENT_LIMIT: usize = 128 << 10;

/// A run of bytes that must not be printed.
pub(super) struct Form {
    /// Where it starts in [`Forms::bytes`].
    pub(super) start: usize,
    /// How many bytes it has.
    pub(super) length: usize,
    /// It is base64 that ends within a character: the next one holds bits of the secret and of what follows it.
    pub(super) shared: bool,
}

/// The forms of all secrets of a run.
#[derive(Default)]
pub(super) struct Forms {
    pub(super) bytes: Buffer,
    pub(super) forms: Vec<Form>,
}

/// Which encoders a text is put through.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Encodings {
    None,
    Base64,
    All,
}

impl Forms {
    /// Adds all forms of a secret, and of the secrets that it holds if it is a document.
    pub(super) fn add(&mut self, value: &str) {
        self.add_value(value);
        if value.len() <= ENVIRONMENT_LIMIT {
            document::visit(value, &mut |part| match part {
                Part::Secret(inner) => self.add_value(inner),
                Part::Printed(member) => self.add_text(member, Encodings::None),
            });
        }
    }

    /// Adds all forms of a value.
    fn add_value(&mut self, value: &str) {
        let (of_whole, of_lines) = match value.len() {
            ..=ENVIRONMENT_LIMIT => (Encodings::All, Encodings::All),
            _ => (Encodings::Base64, Encodings::None),
        };
        let whole = trim_line_ends(value);
        self.add_text(whole, of_whole);
        for line_end in ["\n", "\r\n"] {
            self.add_turned(whole, line_end, of_whole);
        }
        for line in whole.split(['\n', '\r']) {
            // Indentation is no secret, and a shell that splits words drops the blanks at the ends.
            let words = line.trim_ascii();
            if !words.is_empty() && line.len() < whole.len() {
                self.add_text(line, of_lines);
            }
            if words.len() < line.len() {
                self.add_text(words, of_lines);
            }
            self.add_split(words, of_lines);
        }
    }

    /// Adds the forms of a line with one blank between its words, if it has others: a shell prints that for a variable
    /// without quotes around it.
    fn add_split(&mut self, line: &str, encodings: Encodings) {
        let mut split = Buffer::default();
        for word in line.split_ascii_whitespace() {
            split.extend(if split.is_empty() { b"" } else { b" " });
            split.extend(word.as_bytes());
        }
        // Whole words of a text, and blanks, are text.
        if let Ok(split) = str::from_utf8(&split)
            && split != line
        {
            self.add_text(split, encodings);
        }
    }

    /// Adds the forms of a value whose lines are made to end in `line_end`, if they did not.
    fn add_turned(&mut self, whole: &str, line_end: &str, encodings: Encodings) {
        let mut turned = Buffer::default();
        for line in whole.split_inclusive('\n') {
            let Some(line) = line.strip_suffix('\n') else {
                turned.extend(line.as_bytes());
                continue;
            };
            turned.extend(line.strip_suffix('\r').unwrap_or(line).as_bytes());
            turned.extend(line_end.as_bytes());
        }
        // Taking and adding ASCII characters keeps text valid.
        if let Ok(turned) = str::from_utf8(&turned)
            && turned != whole
        {
            self.add_text(turned, encodings);
        }
    }

    /// Adds the forms of one text, without looking into its lines.
    fn add_text(&mut self, text: &str, encodings: Encodings) {
        if text.len() < MIN_LENGTH {
            return;
        }
        self.insert(text.as_bytes(), text.len());
        if encodings >= Encodings::Base64 {
            self.add_base64(text.as_bytes());
        }
        if encodings >= Encodings::All {
            self.add_encoded(text);
        }
    }

    fn add_base64(&mut self, text: &[u8]) {
        let (mut standard, mut spelled) = (Buffer::default(), Buffer::default());
        for before in 0..3 {
            standard.clear();
            let inner = base64::encode(text, before, &mut standard);
            let spellings =
                if standard.iter().any(|byte| b"+/".contains(byte)) { SPELLINGS } else { &SPELLINGS[..1] };
            for spelling in spellings {
                spelled.clear();
                let (first, rest) = standard.split_at(inner);
                spelling.respell(first, &mut spelled);
                let inner = spelled.len();
                spelling.respell(rest, &mut spelled);
                self.insert(&spelled, inner);
            }
        }
    }

    fn add_encoded(&mut self, text: &str) {
        // Encoders that treat the signs of the text alike make the same of the text, and most leave it alone.
        let signs = signs(text);
        let mut seen = vec![Buffer::default()];
        seen[0].extend(signs.as_bytes());
        let mut scratch = Buffer::default();
        for encoder in Encoder::all() {
            scratch.clear();
            encoder.encode(&signs, &mut scratch);
            if seen.iter().any(|seen| **seen == *scratch) {
                continue;
            }
            seen.push(std::mem::take(&mut scratch));
            encoder.encode(text, &mut scratch);
            self.insert(&scratch, scratch.len());
        }
        // These change letters too.
        scratch.clear();
        encode::as_pattern(text, &mut scratch);
        self.insert(&scratch, scratch.len());
        if !text.is_ascii() {
            scratch.clear();
            encode::as_pattern_of_bytes(text, &mut scratch);
            self.insert(&scratch, scratch.len());
        }
    }

    /// Adds a form, and its first `inner` bytes as one that ends within a character of base64.
    fn insert(&mut self, bytes: &[u8], inner: usize) {
        let (start, length) = (self.bytes.len(), bytes.len());
        self.bytes.extend(bytes);
        self.forms.push(Form { start, length, shared: false });
        if inner < length {
            self.forms.push(Form { start, length: inner, shared: true });
        }
    }
}

/// The line ends around a value are no secret, and a prompt after a key should not stand on the key's line. But a
/// value that is nothing else stays as it is.
fn trim_line_ends(value: &str) -> &str {
    let inner = value.trim_matches(['\n', '\r']);
    if inner.len() < MIN_LENGTH { value } else { inner }
}

/// The characters of a text that an encoder may change, each once; one stands for all outside ASCII that are printable and
/// one for the others, which are treated alike, and its number has letters in it, by which upper and lower digits differ.
/// A tilde is there once more behind what makes a shell expand it.
fn signs(text: &str) -> String {
    let mut has = [false; 128];
    let (mut other, mut unprintable) = (false, false);
    for char in text.chars() {
        match has.get_mut(char as usize) {
            Some(has) => *has = !char.is_ascii_alphanumeric(),
            None if is_unprintable(char) => unprintable = true,
            None => other = true,
        }
    }
    let ascii = (0..128_u8).map(char::from).filter(|&char| has[char as usize]);
    let signs: String = ascii.chain(other.then_some('é')).chain(unprintable.then_some('\u{9b}')).collect();
    let expanded = ["=~", ":~"].into_iter().filter(|pair| text.contains(pair));
    expanded.fold(signs, |signs, pair| signs + pair)
}
