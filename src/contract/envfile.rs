//! Files of variables: `integration.env`, which a shell can source, and the state files `<name>.env`.
//!
//! Writer and reader stand side by side. What the writer writes, bash reads back byte for byte; the reader also
//! takes what the original wrote, which escaped nothing (`key="a "quoted" word"`) and put arrays between single
//! quotes (`nodes='"a","b"'`).

use std::borrow::Cow;
use std::io::{self, Write};

/// Writes `key="value"` and a newline for a shell to source: `\`, `"`, `$` and the backquote get a backslash, a value
/// of several lines spans several lines. `key` is written as it is.
pub fn write_quoted(out: &mut impl Write, key: &str, value: &[u8]) -> io::Result<()> {
    let mut line = Vec::with_capacity(key.len() + value.len() + 4);
    line.extend_from_slice(key.as_bytes());
    line.extend_from_slice(b"=\"");
    for byte in value {
        if matches!(byte, b'\\' | b'"' | b'$' | b'`') {
            line.push(b'\\');
        }
        line.push(*byte);
    }
    line.extend_from_slice(b"\"\n");
    out.write_all(&line)
}

/// The keys of a file that [`write_quoted`] or the original wrote, in order.
pub fn keys(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    entries(text).map(|(key, _)| key)
}

/// The keys and values of a file that [`write_quoted`] or the original wrote, in order. Lines that are not entries
/// are skipped.
pub fn entries(text: &[u8]) -> impl Iterator<Item = (&[u8], Cow<'_, [u8]>)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let (line, _) = split_line(rest);
            let Some((key, _)) = split_entry(line) else {
                rest = split_line(rest).1;
                continue;
            };
            let (value, after) = read_value(&rest[key.len() + 1..]);
            rest = after;
            return Some((key, value));
        }
        None
    })
}

/// Writes one entry of a state file: `key=value` as it is, as the original did; a value of several lines, which the
/// original's reader tore apart, is written as [`write_quoted`] does.
pub fn write_state(out: &mut impl Write, key: &str, value: &[u8]) -> io::Result<()> {
    if value.contains(&b'\n') {
        return write_quoted(out, key, value);
    }
    if value.strip_prefix(b"\"").is_some_and(|rest| closing_quote(rest, true).is_none()) {
        // It looks like the first line of several, so it becomes that: a shell takes `\` and newline away.
        let mut quoted = Vec::new();
        write_quoted(&mut quoted, key, value)?;
        let at = key.len() + 2;
        return out.write_all(&[&quoted[..at], b"\\\n", &quoted[at..]].concat());
    }
    out.write_all(&[key.as_bytes(), b"=", value, b"\n"].concat())
}

/// The keys and values of a state file, in order; of a key that comes twice, the last one counts. Values are what
/// stands behind the `=`, quotes and all; only one that begins with `"` and ends on a later line is unquoted.
pub fn state_entries(text: &[u8]) -> impl Iterator<Item = (&[u8], Cow<'_, [u8]>)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let (line, after) = split_line(rest);
            let Some((key, value)) = split_entry(line) else {
                rest = after;
                continue;
            };
            let several = value.strip_prefix(b"\"").filter(|first| closing_quote(first, true).is_none());
            if several.is_some() {
                let quoted = &rest[key.len() + 2..];
                if let Some(end) = closing_quote(quoted, true) {
                    rest = split_line(&quoted[end..]).1;
                    return Some((key, unescape(&quoted[..end])));
                }
            }
            rest = after;
            return Some((key, Cow::Borrowed(value)));
        }
        None
    })
}

/// The first line, without its newline, and what follows it.
fn split_line(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|&b| b == b'\n').unwrap_or(text.len());
    (&text[..end], text.get(end + 1..).unwrap_or_default())
}

/// A line's key and what stands behind its `=`. No key is empty or holds blanks or quotes.
fn split_entry(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = line.iter().position(|&b| b == b'=')?;
    let key = &line[..at];
    let plain = |b: &u8| !b.is_ascii_whitespace() && !matches!(b, b'"' | b'\'' | b'#');
    (!key.is_empty() && key.iter().all(plain)).then_some((key, &line[at + 1..]))
}

/// The value that `text` begins with, and what follows its last line.
fn read_value(text: &[u8]) -> (Cow<'_, [u8]>, &[u8]) {
    if let Some(quoted) = text.strip_prefix(b"\"") {
        if let Some(end) = closing_quote(quoted, true) {
            return (unescape(&quoted[..end]), split_line(&quoted[end..]).1);
        }
        // Nothing was escaped: a backslash before the last quote stands for itself.
        if let Some(end) = closing_quote(quoted, false) {
            return (Cow::Borrowed(&quoted[..end]), split_line(&quoted[end..]).1);
        }
    }
    if let Some(quoted) = text.strip_prefix(b"'") {
        let closing = |&at: &usize| quoted[at] == b'\'' && matches!(quoted.get(at + 1), None | Some(b'\n'));
        if let Some(end) = (0..quoted.len()).find(closing) {
            return (Cow::Borrowed(&quoted[..end]), split_line(&quoted[end..]).1);
        }
    }
    let (line, after) = split_line(text);
    (Cow::Borrowed(line), after)
}

/// Where the `"` stands that ends a value: the first at the end of a line, unless `escapes` count and it has one.
fn closing_quote(quoted: &[u8], escapes: bool) -> Option<usize> {
    let mut at = 0;
    while at < quoted.len() {
        match quoted[at] {
            b'\\' if escapes => at += 1,
            b'"' if matches!(quoted.get(at + 1), None | Some(b'\n')) => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

/// Takes the backslashes away that a shell would take away between double quotes.
fn unescape(quoted: &[u8]) -> Cow<'_, [u8]> {
    if !quoted.contains(&b'\\') {
        return Cow::Borrowed(quoted);
    }
    let mut value = Vec::with_capacity(quoted.len());
    let mut bytes = quoted.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match (byte, bytes.peek()) {
            (b'\\', Some(&next @ (b'\\' | b'"' | b'$' | b'`'))) => {
                bytes.next();
                value.push(next);
            }
            (b'\\', Some(b'\n')) => _ = bytes.next(),
            _ => value.push(byte),
        }
    }
    Cow::Owned(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;
    use std::process::Command;

    const VALUES: &[&[u8]] = &[
        b"",
        b"plain",
        b" blanks  around ",
        b"a \"quoted\" word\"",
        b"$HOME ${X} $(date) `date` \\ \\\\ \\n \\$ !! #",
        b"-----BEGIN-----\nMIIEow==\nkey=\"inner\"\n-----END-----\n",
        b"\nleading\n\ntrailing\\\n",
        b"it's 'so'",
        b"caf\xc3\xa9 \xff\xfe\r\t\x01",
        b"\"open",
        b"\"open and escaped\\\"",
        b"\"",
        b"\"\n",
    ];

    fn owned<'a>(entries: impl Iterator<Item = (&'a [u8], Cow<'a, [u8]>)>) -> Vec<(String, Vec<u8>)> {
        entries.map(|(key, value)| (String::from_utf8(key.to_vec()).unwrap(), value.into_owned())).collect()
    }

    fn written(write: fn(&mut Vec<u8>, &str, &[u8]) -> io::Result<()>) -> (Vec<u8>, Vec<(String, Vec<u8>)>) {
        let mut text = Vec::new();
        let mut expected = Vec::new();
        for (n, value) in VALUES.iter().enumerate() {
            let key = format!("key_{n:02}");
            write(&mut text, &key, value).unwrap();
            expected.push((key, value.to_vec()));
        }
        (text, expected)
    }

    #[test]
    fn what_is_written_is_read_back() {
        let (text, expected) = written(write_quoted);
        assert_eq!(owned(entries(&text)), expected);
        let (text, expected) = written(write_state);
        assert_eq!(owned(state_entries(&text)), expected);
    }

    #[test]
    fn any_values_side_by_side_are_read_back() {
        let mut seed = 1_u32;
        let mut random = |below: u32| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 16) % below
        };
        for _ in 0..20_000 {
            let values: Vec<Vec<u8>> =
                (0..3).map(|_| (0..random(6)).map(|_| b"\"\\\n$=a'"[random(7) as usize]).collect()).collect();
            let expected: Vec<_> = values.iter().map(|value| ("k".to_owned(), value.clone())).collect();
            let (mut quoted, mut state) = (Vec::new(), Vec::new());
            for value in &values {
                write_quoted(&mut quoted, "k", value).unwrap();
                write_state(&mut state, "k", value).unwrap();
            }
            assert_eq!(owned(entries(&quoted)), expected, "{quoted:?}");
            assert_eq!(owned(state_entries(&state)), expected, "{state:?}");
        }
    }

    #[test]
    fn bash_reads_back_every_byte() {
        let (text, expected) = written(write_quoted);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let mut script = b". '".to_vec();
        script.extend_from_slice(file.path().as_os_str().as_bytes());
        script.extend_from_slice(b"'; for n in ${!key_*}; do printf '%s\\0' \"$n\" \"${!n}\"; done");
        let script = std::ffi::OsStr::from_bytes(&script);
        let output =
            Command::new("bash").args(["--norc", "-c"]).arg(script).env("LC_ALL", "C").output().unwrap();
        assert_eq!(output.stderr, b"");
        let mut fields = output.stdout.split(|&b| b == 0);
        for (key, value) in expected {
            assert_eq!(fields.next(), Some(key.as_bytes()));
            assert_eq!(fields.next(), Some(&*value), "{key}");
        }
    }

    #[test]
    fn what_the_original_wrote_is_understood() {
        for (text, key, value) in [
            ("secretKey=\"s3=cr=et\"\nname=\"x\"", "secretKey", "s3=cr=et"),
            ("quotes=\"a \"b\" c\"\nname=\"x\"\n", "quotes", "a \"b\" c"),
            ("nodes='\"a\",\"b\"'\nname=\"x\"\n", "nodes", "\"a\",\"b\""),
            ("key=\"-----\nMIIEow==\n-----\"\nname=\"x\"", "key", "-----\nMIIEow==\n-----"),
            // With another quote behind it this would be the writer's own `c:"…`; alone it is what it looks like.
            ("name=\"x\"\nslash=\"c:\\\"", "slash", "c:\\"),
        ] {
            let found = owned(entries(text.as_bytes()));
            assert_eq!(found.len(), 2, "{text}");
            assert!(found.contains(&(key.to_owned(), value.into())), "{text}: {found:?}");
        }
    }

    #[test]
    fn a_state_file_is_taken_as_it_is_line_by_line() {
        let text = b"A=\"quoted\"\nC=v 1  $X \"q\"\nC=\nnot an entry\nD=\"two\nE=lines\"\nF=\"open\n";
        let expected =
            [("A", "\"quoted\""), ("C", "v 1  $X \"q\""), ("C", ""), ("D", "two\nE=lines"), ("F", "\"open")];
        assert_eq!(owned(state_entries(text)), expected.map(|(key, value)| (key.to_owned(), value.into())));
    }
}
