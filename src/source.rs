//! The text of a file and places in it.
//!
//! A [`Place`] is a byte offset. Line and column are computed only when there is something to say about it.

use std::cell::OnceCell;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::printable::Printable;

/// The largest file that is read, in bytes: far more than an assembly line needs, and little enough to parse in a
/// moment.
pub const MAX_BYTES: u64 = 32 << 20;

/// A stretch of a file's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which of the [`Sources`].
    pub source: SourceId,
    /// Offset of the first byte.
    pub start: u32,
    /// How many bytes; 0 where only the beginning is known.
    pub len: u32,
}

/// Stands for one of the [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceId(u16);

/// One file's text.
pub struct Source {
    path: PathBuf,
    text: String,
    /// Offsets of the beginnings of lines; made when the first position is asked for.
    lines: OnceCell<Vec<usize>>,
    /// Where the text may hold secrets; made when the first line is shown.
    sensitive: OnceCell<Vec<Range<usize>>>,
}

/// Line and column of a place, both counted from 1; the column counts characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// All files that were read.
#[derive(Default)]
pub struct Sources(Vec<Source>);

impl Sources {
    /// Keeps a text under a name.
    ///
    /// # Errors
    ///
    /// When there are more sources than an assembly line can sensibly have (65,535).
    pub fn add(&mut self, path: PathBuf, text: String) -> Result<SourceId, String> {
        let id = u16::try_from(self.0.len()).map_err(|_| "too many files".to_owned())?;
        self.0.push(Source { path, text, lines: OnceCell::new(), sensitive: OnceCell::new() });
        Ok(SourceId(id))
    }

    /// The source that `id` stands for.
    pub fn get(&self, id: SourceId) -> &Source {
        &self.0[usize::from(id.0)]
    }

    /// All of them, in order.
    pub fn ids(&self) -> impl Iterator<Item = SourceId> + use<> {
        (0..self.0.len()).filter_map(|id| u16::try_from(id).ok()).map(SourceId)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `file:line:column` of a place.
    pub fn describe(&self, place: Place) -> String {
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

    /// The line of a byte offset, as it may be shown. Where it may hold the value of a secret, `***` stands for the
    /// value.
    pub fn line(&self, offset: u32) -> String {
        let (_, range) = self.line_at(self.text.floor_char_boundary(offset as usize));
        let line = self.text[range.clone()].trim_end_matches(['\n', '\r']);
        let sensitive = self.sensitive.get_or_init(|| sensitive_ranges(&self.text));
        let Some(sensitive) = sensitive.iter().find(|s| range.start < s.end && s.start < range.end) else {
            return line.to_owned();
        };
        if self.text[sensitive.start..].starts_with(['[', '{']) {
            // A flow collection: what of it is in this line is left out.
            let from = sensitive.start.saturating_sub(range.start);
            let to = (sensitive.end - range.start).min(line.len());
            return format!("{}***{}", &line[..from], &line[to..]);
        }
        without_values(line)
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

/// Reads a text file whole.
///
/// # Errors
///
/// In words fit for "cannot read FILE: …": no such file, a directory, too large, not UTF-8.
pub fn read_text(path: &Path) -> Result<String, String> {
    let say = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    };
    let metadata = fs::metadata(path).map_err(say)?;
    if metadata.is_dir() {
        return Err("it is a directory".to_owned());
    }
    if metadata.len() > MAX_BYTES {
        return Err(format!("it is larger than {} MiB", MAX_BYTES >> 20));
    }
    let mut bytes = Vec::with_capacity(metadata.len() as usize + 1);
    // A pipe or a device says nothing of its length beforehand.
    let file = fs::File::open(path).map_err(say)?;
    io::Read::read_to_end(&mut io::Read::take(file, MAX_BYTES + 1), &mut bytes).map_err(say)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("it is larger than {} MiB", MAX_BYTES >> 20));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = memchr::memchr_iter(b'\n', valid).count() + 1;
        format!("line {line} is not UTF-8 text; save the file as UTF-8")
    })?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

/// The stretches of a text that may hold values of integrations. It goes by lines, not by structure, because it must
/// hold for a file that is no YAML at all.
fn sensitive_ranges(text: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    for (start, _) in text.match_indices("integrations") {
        let line_start = text[..start].rfind('\n').map_or(0, |i| i + 1);
        let rest = text[start + "integrations".len()..].trim_start_matches(['"', '\'']);
        if !rest.trim_start().starts_with(':') {
            continue;
        }
        let block_key = text[line_start..start].trim_matches(['"', '\'']).is_empty();
        let value = rest.trim_start_matches([' ', '\t', ':']);
        if value.starts_with(['[', '{']) {
            let from = text.len() - value.len();
            ranges.push(from..end_of_flow(text, from));
        } else if block_key {
            ranges.push(start..end_of_block(text, start));
        }
    }
    ranges
}

/// Where the flow collection that begins at `start` ends: behind its last bracket, or nowhere.
fn end_of_flow(text: &str, start: usize) -> usize {
    let mut depth = 0;
    for (offset, byte) in text[start..].bytes().enumerate() {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return start + offset + 1;
        }
    }
    text.len()
}

/// Where the top-level block that begins in the line of `start` ends: at the next line that begins another key.
fn end_of_block(text: &str, start: usize) -> usize {
    let mut offset = start;
    for line in text[start..].split_inclusive('\n') {
        let first = line.bytes().next();
        let begins_key = first.is_some_and(|b| !matches!(b, b' ' | b'\t' | b'\r' | b'\n' | b'-' | b'#'));
        if offset > start && begins_key {
            return offset;
        }
        offset += line.len();
    }
    text.len()
}

/// What a value begins with that only says where the real one is.
const ELSEWHERE: [&str; 8] =
    ["{env:", "{file:", "{op:", "{vault:", "{aws_secret:", "{pass:", "{sops:", "{keyring:"];

/// A line of YAML with its value replaced by `***`; names and types are kept.
fn without_values(line: &str) -> String {
    let (key, value) = match line.split_once(':') {
        Some((key, value)) if value.is_empty() || value.starts_with([' ', '\t']) => (key, value),
        _ => {
            let indent = line.len() - line.trim_start_matches([' ', '-']).len();
            return if line.len() == indent { line.to_owned() } else { format!("{}***", &line[..indent]) };
        }
    };
    // Where a value is to be had is no secret.
    let elsewhere = ELSEWHERE.iter().any(|source| value.trim_start().starts_with(source));
    let harmless = elsewhere
        || matches!(key.trim_start_matches([' ', '-']), "name" | "type" | "fields" | "integrations");
    if harmless || value.trim().is_empty() { line.to_owned() } else { format!("{key}: ***") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        let mut sources = Sources::default();
        let id = sources.add("x.yml".into(), text.to_owned()).unwrap();
        sources.0.swap_remove(usize::from(id.0))
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
            "integrations:\n  - name: a\n    fields:\n      key: hunter2\n      list:\n        - hunter3\njobs:\n  - name: j\n",
        );
        let shown: Vec<_> = (0..8).map(|n| source.line(nth_line(source.text(), n))).collect();
        assert_eq!(
            shown,
            [
                "integrations:",
                "  - name: a",
                "    fields:",
                "      key: ***",
                "      list:",
                "        - ***",
                "jobs:",
                "  - name: j"
            ]
        );
        let flow = super::tests::source("{\"integrations\": [{\"name\": \"hunter2\"}]}");
        assert!(!flow.line(0).contains("hunter2"));
    }

    fn nth_line(text: &str, n: usize) -> u32 {
        text.match_indices('\n').nth(n.wrapping_sub(1)).map_or(0, |(i, _)| i as u32 + 1)
    }
}
