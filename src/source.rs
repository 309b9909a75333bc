//! The text of a file and places in it.
//!
//! A [`Span`] is offsets of bytes. Line and column are computed only when there is something to say about it.

mod secrets;
mod words;

use std::cell::{Cell, OnceCell};
use std::collections::HashSet;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::file;
use crate::printable::Printable;
use secrets::{Hidden, What};

pub use words::{CI as CI_KEYS, is_known_word};

/// The largest file that is read, in bytes: far more than an assembly line needs, and little enough to parse in a
/// moment.
pub const MAX_BYTES: u64 = 32 << 20;

/// A stretch of a file's text, or the place where one begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Which of the [`Sources`].
    pub source: SourceId,
    /// Offset of the first byte.
    pub start: u32,
    /// How many bytes; 0 where only the beginning is known.
    pub len: u32,
}

/// Why a file cannot be read as a source. Fit for "cannot read FILE: …".
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It cannot be read, or is no regular file.
    #[error("{}", file::describe(.0))]
    Io(io::Error),
    /// It is larger than [`MAX_BYTES`].
    #[error("it is larger than {} MiB", MAX_BYTES >> 20)]
    TooLarge,
    /// The line of this number, from 1, is not UTF-8.
    #[error("line {0} is not UTF-8 text; save the file as UTF-8")]
    NotText(usize),
    /// There are as many as there can be.
    #[error("too many files")]
    TooMany,
}

/// Stands for one of the [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SourceId(u16);

/// One file's text.
pub struct Source {
    path: PathBuf,
    text: String,
    /// Offsets of the beginnings of lines; made when the first position is asked for.
    lines: OnceCell<Vec<usize>>,
    /// Whether it is no YAML.
    damaged: Cell<bool>,
    /// What of the text is not shown; made when the first line is shown.
    hidden: OnceCell<Vec<Hidden>>,
    /// The words of what is not shown.
    words: OnceCell<HashSet<String>>,
    /// The words of what is shown.
    shown: OnceCell<HashSet<String>>,
}

/// Line and column of a place, both counted from 1; the column counts characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// A line of a text as it is shown, with the stretch of it that is meant; both in characters.
#[derive(Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// The line.
    pub line: String,
    /// How many characters stand before what is meant.
    pub before: usize,
    /// How many characters that is; at least one.
    pub width: usize,
}

impl Excerpt {
    /// Adds what is shown for a range of the text; from `start` to `end` is what is meant.
    fn push(&mut self, shown: &str, range: Range<usize>, start: usize, end: usize) {
        if range.end <= start {
            self.before += shown.chars().count();
        } else if range.start < end.max(start + 1) {
            self.width += shown.chars().count();
        }
        self.line += shown;
    }
}

/// All files that were read.
#[derive(Default)]
pub struct Sources {
    files: Vec<Source>,
    /// Words of names that are not from the files.
    outside: HashSet<String>,
}

impl Sources {
    /// Keeps a text under a name. A carriage return alone, which ends a line in YAML, becomes a line feed.
    ///
    /// # Errors
    ///
    /// When there are more sources than an assembly line can sensibly have (65,535).
    pub fn add(&mut self, path: PathBuf, text: String) -> Result<SourceId, ReadError> {
        let id = u16::try_from(self.files.len()).map_err(|_| ReadError::TooMany)?;
        let text = with_line_feeds(text);
        let (lines, damaged, hidden, words, shown) = Default::default();
        self.files.push(Source { path, text, lines, damaged, hidden, words, shown });
        Ok(SourceId(id))
    }

    /// The source that `id` stands for.
    pub fn get(&self, id: SourceId) -> &Source {
        &self.files[usize::from(id.0)]
    }

    /// All of them, in order.
    pub fn ids(&self) -> impl Iterator<Item = SourceId> + use<> {
        (0..self.files.len()).filter_map(|id| u16::try_from(id).ok()).map(SourceId)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Notes a name that is not from the files, such as that of their directory: a message may quote it, whatever stands in
    /// them.
    pub fn name_outside(&mut self, name: &str) {
        self.outside.extend(secrets::words(name).map(str::to_owned));
    }

    /// Whether a message must not quote a text: a word of it stands where values are secret, and in no file elsewhere.
    pub fn may_be_secret(&self, quoted: &str) -> bool {
        let hidden = |word| self.files.iter().any(|source| source.hides_word(word));
        let shown = |word: &str| {
            self.outside.contains(word) || self.files.iter().any(|source| source.shows_word(word))
        };
        secrets::words(quoted).any(|word| hidden(word) && !shown(word))
    }

    /// `file:line:column` of a place.
    pub fn describe(&self, place: Span) -> String {
        let source = self.get(place.source);
        let position = source.position(place.start);
        format!("{}:{}:{}", Printable(&source.path.to_string_lossy()), position.line, position.column)
    }
}

impl Source {
    /// The file's name, as it was given or found.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The whole text, without a byte order mark.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Line and column of a byte offset.
    pub fn position(&self, offset: u32) -> Position {
        let offset = self.text.floor_char_boundary(offset as usize);
        let (index, line) = self.line_at(offset);
        Position { line: index + 1, column: self.text[line.start..offset].chars().count() + 1 }
    }

    /// What stands behind a `#` in the line of an offset, and in the line above if that is a comment alone.
    pub fn comments_at(&self, offset: u32) -> impl Iterator<Item = &str> {
        let offset = self.text.floor_char_boundary(offset as usize);
        let (index, line) = self.line_at(offset);
        let above = index.checked_sub(1).map(|_| self.line_at(line.start - 1).1);
        let above = above.map(|above| self.text[above].trim_start()).filter(|above| above.starts_with('#'));
        [Some(&self.text[line]), above].into_iter().flatten().filter_map(|line| Some(line.split_once('#')?.1))
    }

    /// Notes that the text is no YAML: more of it may be what it does not look like.
    pub fn mark_damaged(&self) {
        self.damaged.set(true);
    }

    /// The line of a place, as it may be shown: `***` stands for what may be a secret. What is `named` in the message about
    /// it is shown.
    pub fn excerpt(&self, place: Span, named: impl Fn(&str) -> bool) -> Excerpt {
        let start = self.text.floor_char_boundary(place.start as usize);
        let end = self.text.floor_char_boundary(start + place.len as usize);
        let (_, line) = self.line_at(start);
        let line = line.start..line.start + self.text[line].trim_end_matches(['\n', '\r']).len();
        let is_named = start < end && named(&self.text[start..end]);
        let mut excerpt = Excerpt { line: String::new(), before: 0, width: 0 };
        let mut hidden = self.hidden_in(&line, &named).peekable();
        let mut at = line.start;
        while at < line.end {
            while hidden.peek().is_some_and(|part| part.range.end <= at) {
                hidden.next();
            }
            let here = (start..end.max(start + 1)).contains(&at);
            match hidden.peek() {
                Some(Hidden { range, what }) if range.start <= at && !(here && is_named) => {
                    let to = if is_named && start > at { range.end.min(start) } else { range.end };
                    let shown = if *what == What::Comment { "" } else { "***" };
                    excerpt.push(shown, at..to, start, end);
                    at = to;
                }
                _ => {
                    let c = self.text[at..].chars().next().unwrap_or(' ');
                    excerpt.push(c.encode_utf8(&mut [0; 4]), at..at + c.len_utf8(), start, end);
                    at += c.len_utf8();
                }
            }
        }
        if at <= start {
            excerpt.before = excerpt.line.chars().count();
        }
        excerpt.width = excerpt.width.max(1);
        excerpt
    }

    /// Whether a word stands where values are secret, and nowhere else in the text.
    fn hides_word(&self, word: &str) -> bool {
        self.words.get_or_init(|| secrets::hidden_words(&self.text, self.hidden())).contains(word)
    }

    /// Whether a word stands where an excerpt shows it.
    fn shows_word(&self, word: &str) -> bool {
        self.shown.get_or_init(|| secrets::shown_words(&self.text, self.hidden())).contains(word)
    }

    fn hidden(&self) -> &[Hidden] {
        self.hidden.get_or_init(|| secrets::hidden(&self.text, self.damaged.get()))
    }

    /// What is hidden in a line.
    fn hidden_in(&self, line: &Range<usize>, named: &impl Fn(&str) -> bool) -> impl Iterator<Item = &Hidden> {
        let hidden = self.hidden();
        let first = hidden.partition_point(|part| part.range.end <= line.start);
        let end = line.end;
        let hidden = hidden[first..].iter().take_while(move |part| part.range.start < end);
        hidden.filter(|part| {
            !(part.what == What::Nameable && named(self.text[part.range.clone()].trim_matches(['"', '\''])))
        })
    }

    /// The index, from 0, and the range of the line that holds an offset.
    fn line_at(&self, offset: usize) -> (usize, Range<usize>) {
        let starts = self.lines.get_or_init(|| {
            let breaks = memchr::memchr_iter(b'\n', self.text.as_bytes());
            std::iter::once(0).chain(breaks.map(|i| i + 1)).collect()
        });
        let index = starts.partition_point(|start| *start <= offset) - 1;
        (index, starts[index]..starts.get(index + 1).copied().unwrap_or(self.text.len()))
    }
}

/// The text with every carriage return that stands alone turned into a line feed.
fn with_line_feeds(text: String) -> String {
    if !text.contains('\r') {
        return text;
    }
    let lines: Vec<_> = text.split("\r\n").map(|line| line.replace('\r', "\n")).collect();
    lines.join("\r\n")
}

/// Reads a text file whole.
///
/// # Errors
///
/// No such file, no regular file, too large, not UTF-8.
pub fn read_text(path: &Path) -> Result<String, ReadError> {
    let file = file::open(path).map_err(ReadError::Io)?;
    let metadata = file.metadata().map_err(ReadError::Io)?;
    if metadata.len() > MAX_BYTES {
        return Err(ReadError::TooLarge);
    }
    let mut bytes = Vec::with_capacity(metadata.len() as usize + 1);
    // A pipe says nothing of its length beforehand.
    io::Read::read_to_end(&mut io::Read::take(file, MAX_BYTES + 1), &mut bytes).map_err(ReadError::Io)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(ReadError::TooLarge);
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = memchr::memchr_iter(b'\n', valid).count() + 1;
        ReadError::NotText(line)
    })?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        let mut sources = Sources::default();
        let id = sources.add("x.yml".into(), text.to_owned()).unwrap();
        sources.files.swap_remove(usize::from(id.0))
    }

    #[test]
    fn columns_count_characters() {
        let source = source("é: ü\n  ñ: x\n");
        assert_eq!(source.position(4), Position { line: 1, column: 4 });
        assert_eq!(source.position(12), Position { line: 2, column: 5 });
    }

    #[test]
    fn values_of_integrations_are_not_shown() {
        let source = source(
            "integrations:\n  - name: a\n    fields:\n      key: hunter2\n      nodes:\n        - hunter3\njobs:\n  - name: j\n",
        );
        let shown: Vec<_> = (0..8).map(|n| line(&source, nth_line(source.text(), n))).collect();
        assert_eq!(
            shown,
            [
                "integrations:",
                "  - name: a",
                "    fields:",
                "      key: ***",
                "      nodes:",
                "        - ***",
                "jobs:",
                "  - name: j"
            ]
        );
        let flow = super::tests::source("{\"integrations\": [{\"name\": \"hunter2\"}]}");
        assert!(!line(&flow, 0).contains("hunter2"));
    }

    fn line(source: &Source, start: u32) -> String {
        source.excerpt(Span { source: SourceId(0), start, len: 0 }, |_| false).line
    }

    fn nth_line(text: &str, n: usize) -> u32 {
        text.match_indices('\n').nth(n.wrapping_sub(1)).map_or(0, |(i, _)| i as u32 + 1)
    }
}
