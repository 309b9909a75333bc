//! Line ends inside base64.
//!
//! `base64` breaks its output after 76 characters, `openssl` after 64, Ruby after 60. Where in the encoded secret that
//! happens depends on what stands before it, so no list of forms can have them all. Instead, a line end is
//! looked through when at least [`SHORTEST`] characters of base64, and nothing else, stand before it on its line.
//!
//! The threshold keeps ordinary output flowing: without it the `e` and the line end of every `done` would have
//! to be held back, as any letter can begin the base64 of something.

use std::ops::Range;

use memchr::memchr;

/// The shortest line that encoders are known to print.
const SHORTEST: usize = 60;

/// How many blanks after the line end are looked through too: an encoded value in YAML or LDIF is indented.
const INDENT: usize = 16;

/// A line end to be looked through, with the blanks after it.
pub(super) type Wrap = Range<usize>;

/// The first wrap in `text` at or after `from`; `run` characters of base64 stand before `text`.
///
/// One at the end of the text may turn out to be longer, or to be none, when more text comes.
pub(super) fn next(text: &[u8], from: usize, run: usize) -> Option<Wrap> {
    let mut at = from;
    while let Some(found) = memchr(b'\n', &text[at..]) {
        let line_end = at + found;
        let start = if line_end > at && text[line_end - 1] == b'\r' { line_end - 1 } else { line_end };
        if self::run(&text[..start], run) >= SHORTEST {
            let blanks =
                text[line_end + 1..].iter().take(INDENT).take_while(|&&byte| matches!(byte, b' ' | b'\t'));
            return Some(start..line_end + 1 + blanks.count());
        }
        at = line_end + 1;
    }
    let (_, before) = text[at..].split_last().filter(|&(&last, _)| last == b'\r')?;
    let start = at + before.len();
    (self::run(&text[..start], run) >= SHORTEST).then_some(start..text.len())
}

/// How many characters of base64 end `text`, counted up to [`SHORTEST`]; `before` stand in front of it.
pub(super) fn run(text: &[u8], before: usize) -> usize {
    let tail = &text[text.len().saturating_sub(SHORTEST)..];
    let run = tail.iter().rev().take_while(|&&byte| BASE64[usize::from(byte)]).count();
    if run == text.len() { SHORTEST.min(run + before) } else { run }
}

/// What is base64. The URL-safe alphabet is left out: nobody wraps it, and a rule of dashes is no base64.
const BASE64: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128u8 {
        table[byte as usize] = byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
        byte += 1;
    }
    table
};
