//! Looking for the values of secrets in a stream.
//!
//! All secrets are looked for at once, in all their forms. Only where something is found is it asked which secret it
//! was. Nothing here holds more of a stream than one piece of it.

use std::cell::OnceCell;
use std::io::{self, Read};

use zeroize::Zeroizing;

use crate::mask::{Finder, Patterns};
use crate::secret::Secret;

/// Secrets of fewer bytes are not looked for: they are found by chance.
pub const SHORTEST: usize = 8;

/// The shortest part of a value with several lines that is looked for by itself, in bytes. What is shorter in a file of
/// keys or of configuration is in many a file that has nothing to do with it.
const SHORTEST_PART: usize = 20;

/// Secrets that are looked for, by numbers from 0.
pub struct Scan {
    patterns: Patterns,
    needles: Vec<Vec<Secret>>,
    /// The patterns of each secret alone; made when something is found.
    each: OnceCell<Vec<Patterns>>,
}

/// A place where a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The line, from 1.
    pub line: u64,
    /// The column, from 1; it counts characters, or bytes where a file is no text.
    pub column: u64,
    /// The number of the secret.
    pub secret: usize,
    /// How it is written; `None` for the value as it is.
    pub form: Option<&'static str>,
}

impl Scan {
    /// Gets ready to look for secrets. Those that [`is_searched`] leaves out keep their numbers.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Scan {
        let needles: Vec<_> = secrets.into_iter().map(needles).collect();
        Scan { patterns: Patterns::new(needles.iter().flatten()), needles, each: OnceCell::new() }
    }

    /// Looks through a stream. A secret that goes on over several lines is found once.
    ///
    /// # Errors
    ///
    /// When the stream cannot be read.
    pub fn stream(&self, mut stream: impl Read) -> io::Result<Vec<Finding>> {
        let mut findings = Vec::new();
        let mut sightings = Vec::new();
        let mut lines = Lines::default();
        let mut finder = Finder::new(&self.patterns);
        let mut piece = Zeroizing::new(vec![0; 64 << 10]);
        loop {
            let length = match stream.read(&mut piece) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            finder.push(&piece[..length], &mut |offset, text| sightings.push((offset, self.which(text))));
            lines.push(&piece[..length]);
            // What was found may begin before this piece, but not further than what is remembered of lines.
            findings.extend(sightings.drain(..).filter_map(|(offset, which)| lines.finding(offset, which)));
            lines.forget();
        }
        finder.finish(&mut |offset, text| sightings.push((offset, self.which(text))));
        findings.extend(sightings.drain(..).filter_map(|(offset, which)| lines.finding(offset, which)));
        Ok(once(findings))
    }

    /// Which secret a text holds, and in which form.
    fn which(&self, text: &[u8]) -> Option<(usize, Option<&'static str>)> {
        let each = self.each.get_or_init(|| self.needles.iter().map(Patterns::new).collect());
        let secret = each.iter().position(|patterns| patterns.are_in(text))?;
        let plain = self.needles[secret].iter().any(|needle| {
            memchr::memmem::find(needle.expose().as_bytes(), text).is_some()
                || memchr::memmem::find(text, needle.expose().as_bytes()).is_some()
        });
        Some((secret, if plain { None } else { Some(form(text)) }))
    }
}

/// Whether a secret is long enough to be looked for.
pub fn is_searched(secret: &Secret) -> bool {
    !needles(secret).is_empty()
}

/// What is looked for of a secret: the value, or the long words of one with several lines.
fn needles(secret: &Secret) -> Vec<Secret> {
    let value = secret.expose().trim();
    if !value.contains('\n') {
        return if value.len() < SHORTEST { Vec::new() } else { vec![Secret::new(value.to_owned())] };
    }
    let words = value.split(|c: char| c.is_whitespace() || "\"',{}[]".contains(c));
    words
        .filter(|word| word.len() >= SHORTEST_PART && !word.contains("://"))
        .map(|word| Secret::new(word.to_owned()))
        .collect()
}

/// What a text that is not the value itself has been put through.
fn form(text: &[u8]) -> &'static str {
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_=\r\n\\".contains(byte);
    if text.contains(&b'%') {
        "URL"
    } else if text.iter().all(is_base64) {
        "base64"
    } else {
        "escaped"
    }
}

/// The findings without those that go on from the line before.
fn once(findings: Vec<Finding>) -> Vec<Finding> {
    let mut last: Option<(usize, u64)> = None;
    findings
        .into_iter()
        .filter(|finding| {
            let goes_on =
                last.is_some_and(|(secret, line)| secret == finding.secret && finding.line <= line + 1);
            last = Some((finding.secret, finding.line));
            !goes_on
        })
        .collect()
}

/// How long ago something that is found only now may have begun, in bytes: longer than the longest form with the line
/// ends in it.
const REMEMBERED: usize = 8 << 10;

/// Lines and columns of a stream, of which only the end is remembered.
#[derive(Default)]
struct Lines {
    /// The end of what came.
    text: Zeroizing<Vec<u8>>,
    /// The offset of `text` in the stream.
    start: u64,
    /// The line and the column that `text` begins with, from 0.
    at: (u64, u64),
}

impl Lines {
    fn push(&mut self, piece: &[u8]) {
        self.text.extend_from_slice(piece);
    }

    /// Drops what nothing will be asked about.
    fn forget(&mut self) {
        let length = self.text.len().saturating_sub(REMEMBERED);
        self.at = self.position(length);
        self.start += length as u64;
        self.text.drain(..length);
    }

    /// The line and the column, from 0, of a position in `text`.
    fn position(&self, at: usize) -> (u64, u64) {
        let before = &self.text[..at];
        let characters = |bytes: &[u8]| bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count() as u64;
        match memchr::memrchr(b'\n', before) {
            None => (self.at.0, self.at.1 + characters(before)),
            Some(end) => (
                self.at.0 + memchr::memchr_iter(b'\n', before).count() as u64,
                characters(&before[end + 1..]),
            ),
        }
    }

    fn finding(&self, offset: u64, which: Option<(usize, Option<&'static str>)>) -> Option<Finding> {
        let (secret, form) = which?;
        let at =
            usize::try_from(offset.saturating_sub(self.start)).unwrap_or(usize::MAX).min(self.text.len());
        let (line, column) = self.position(at);
        Some(Finding { line: line + 1, column: column + 1, secret, form })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hands out a text in small pieces.
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let length = self.1.min(self.0.len()).min(into.len());
            into[..length].copy_from_slice(&self.0[..length]);
            self.0 = &self.0[length..];
            Ok(length)
        }
    }

    #[test]
    fn places_do_not_depend_on_the_pieces() {
        let secrets = ["wJalrXUtnFEMI/K7MDENG", "hunter2hunter2"].map(|text| Secret::new(text.to_owned()));
        let scan = Scan::new(&secrets);
        let filler = "é filler line\n".repeat(2000);
        let text = format!(
            "{filler}é: hunter2hunter2\n{filler}x d0phbHJYVXRuRkVNSS9LN01ERU5H\n  wJalrXUtnFEMI%2FK7MDENG"
        );
        let expected = [
            Finding { line: 2001, column: 4, secret: 1, form: None },
            Finding { line: 4002, column: 3, secret: 0, form: Some("base64") },
        ];
        for size in [1, 7, 4096, usize::MAX] {
            assert_eq!(scan.stream(Pieces(text.as_bytes(), size)).unwrap_or_default(), expected, "{size}");
        }
    }

    #[test]
    fn short_values_and_common_lines_are_left_out() {
        for value in
            ["short", "-----BEGIN X-----\nabc\n", "apiVersion: v1\nserver: https://a.example.com:6443\n"]
        {
            assert!(!is_searched(&Secret::new(value.to_owned())), "{value}");
        }
        assert!(is_searched(&Secret::new(format!("-----BEGIN X-----\n{}\n", "aB3/".repeat(16)))));
    }
}
