//! Line ends inside base64.
//!
//! Encoders break their output after 76 characters, or 64, or whatever they were told, and where in the encoded secret that
//! happens depends on what stands before it, so no list of forms can have them all. What prints the lines may put the
//! name of a container or a time stamp before each. Instead, the text is searched once more without its *wraps*. A wrap is
//! a line end after at least [`SHORTEST`] characters of base64, with what stands before the base64 of the next line: as
//! much of it as is like what stands before the base64 of the line that ends, and blanks.
//!
//! The threshold keeps ordinary output flowing: without it the `e` and the line end of every `done` would have
//! to be held back, as any letter can begin the base64 of something. So does the likeness: nothing of a prompt is held
//! back because it might stand before base64.

use std::ops::Range;

use memchr::memchr;

use super::buffer::Buffer;

/// How many characters of base64 make it likely that the line ends within base64.
const SHORTEST: usize = 16;

/// How many blanks are looked through where nothing like them stood on the line before: an encoded value in YAML or LDIF
/// is indented.
const INDENT: usize = 16;

/// The longest text before base64 that is known again, in bytes.
const LONGEST_PREFIX: usize = 128;

/// A line end to be looked through, with what stands before the base64 of the next line. One that reaches the end of the
/// text may turn out to be otherwise when more text comes.
pub(super) type Wrap = Range<usize>;

/// The line that a text goes on with.
#[derive(Default)]
pub(super) struct CurrentLine {
    /// Its beginning.
    head: Buffer,
    /// How many bytes it has.
    length: usize,
    /// How many characters of base64 it ends in.
    run: usize,
}

impl CurrentLine {
    /// Takes in the text that follows.
    pub(super) fn go_on(&mut self, text: &[u8]) {
        let mut rest = text;
        if let Some(line_end) = memchr::memrchr(b'\n', text) {
            self.head.clear();
            (self.length, self.run) = (0, 0);
            rest = &text[line_end + 1..];
        }
        self.head.extend(&rest[..rest.len().min(LONGEST_PREFIX - self.head.len())]);
        self.length += rest.len();
        self.run = if run(rest) == rest.len() { self.run + rest.len() } else { run(rest) };
    }

    /// What stands before the base64 that `rest`, the end of the line, ends in; `None` if that is too short. What is too
    /// long to be known again is left out.
    fn prefix<'a>(&'a self, rest: &'a [u8]) -> Option<[&'a [u8]; 2]> {
        let mut run = run(rest);
        if run == rest.len() {
            run += self.run;
        }
        if run < SHORTEST {
            return None;
        }
        let length = self.length + rest.len() - run;
        if length > LONGEST_PREFIX {
            return Some([b"", b""]);
        }
        let of_head = length.min(self.head.len());
        Some([&self.head[..of_head], &rest[..length - of_head]])
    }
}

/// Tells of all wraps in `text`, which goes on with `line` and is the `last` of its stream or not.
pub(super) fn each(text: &[u8], line: &CurrentLine, last: bool, mut tell: impl FnMut(Wrap)) {
    let start_of_line = CurrentLine::default();
    let (mut at, mut line) = (0, line);
    loop {
        let line_end = memchr(b'\n', &text[at..]).map(|found| at + found);
        let content = &text[at..line_end.unwrap_or(text.len())];
        let end = content.strip_suffix(b"\r").unwrap_or(content);
        let ends = line_end.is_some() || end.len() < content.len();
        if let Some(prefix) = line.prefix(end).filter(|_| ends) {
            let next = line_end.map_or(text.len(), |line_end| line_end + 1);
            tell(at + end.len()..next + indent(prefix, &text[next..], last));
        }
        let Some(line_end) = line_end else { return };
        (at, line) = (line_end + 1, &start_of_line);
    }
}

/// How much of the beginning of `line` is like `prefix`, in whole words, and blanks. Numbers are like each other, so that
/// time stamps are, and blanks are. All of a line that may become like it counts, unless it is the `last` one.
fn indent(prefix: [&[u8]; 2], line: &[u8], last: bool) -> usize {
    let line = &line[..line.len().min(2 * LONGEST_PREFIX)];
    let goes_on = !last && line.len() < 2 * LONGEST_PREFIX;
    let mut prefix = prefix.into_iter().flatten().copied().peekable();
    let (mut at, mut word) = (0, 0);
    while let Some(wanted) = prefix.next() {
        let Some(&byte) = line.get(at) else {
            at = if goes_on { at } else { word };
            break;
        };
        let same: fn(u8) -> bool = match byte {
            b'0'..=b'9' => |byte| byte.is_ascii_digit(),
            b' ' | b'\t' => |byte| matches!(byte, b' ' | b'\t'),
            _ => |_| false,
        };
        if byte != wanted && !(same(byte) && same(wanted)) {
            at = word;
            break;
        }
        while prefix.next_if(|&byte| same(byte)).is_some() {}
        at += 1;
        while line.get(at).is_some_and(|&byte| same(byte)) {
            at += 1;
        }
        if !BASE64[usize::from(byte)] {
            word = at;
        }
    }
    at + line[at..].iter().take(INDENT).take_while(|&&byte| matches!(byte, b' ' | b'\t')).count()
}

/// How many characters of base64 end `text`.
fn run(text: &[u8]) -> usize {
    text.iter().rev().take_while(|&&byte| BASE64[usize::from(byte)]).count()
}

/// What is base64. The URL-safe alphabet is left out: it is not wrapped, and a rule of dashes is no base64.
const BASE64: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128u8 {
        table[byte as usize] = byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
        byte += 1;
    }
    table
};
