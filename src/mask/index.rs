//! All forms of all secrets, sorted, so that those with one prefix are side by side.

use std::cmp::Ordering;

use zeroize::Zeroize;

use super::buffer::Buffer;
use super::filter::Filter;
use super::forms::{Form, Forms};

/// The longest form that is looked for in one piece, in bytes.
pub(super) const LONGEST: usize = 512;

/// The forms of the secrets of a run.
pub(super) struct Index {
    bytes: Buffer,
    /// In the order of their bytes, each once.
    entries: Vec<IndexEntry>,
    /// What positions of a text are worth a look.
    pub(super) filter: Filter,
}

/// One form, or one piece of a long one.
#[derive(Clone, Copy)]
struct IndexEntry {
    /// The first eight bytes, the first of them highest, so that most comparisons need not touch `bytes`.
    key: u64,
    start: usize,
    length: u16,
    /// See [`Form::shared`].
    shared: bool,
}

/// The forms that share a prefix: where the first of them is, and the one behind the last.
pub(super) type Range = std::ops::Range<u32>;

impl Index {
    /// Sorts the forms.
    pub(super) fn new(forms: Forms) -> Self {
        let Forms { bytes, forms, .. } = forms;
        let mut entries = Vec::with_capacity(forms.iter().map(|form| pieces(form).count()).sum());
        for form in &forms {
            for start in pieces(form) {
                let length = form.length.min(LONGEST);
                entries.push(IndexEntry {
                    key: key(&bytes[start..start + length]),
                    start,
                    length: length as u16,
                    shared: form.shared && start + length == form.start + form.length,
                });
            }
        }
        entries.sort_unstable_by(|a, b| a.order(&bytes, b.key, b.bytes(&bytes)));
        entries.dedup_by(|again, first| {
            let same = again.bytes(&bytes) == first.bytes(&bytes);
            first.shared |= same && again.shared;
            same
        });
        let filter = Filter::new(entries.iter().map(|entry| entry.bytes(&bytes)));
        Index { bytes, entries, filter }
    }

    /// Whether there is no form at all.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All forms.
    pub(super) fn all(&self) -> Range {
        0..self.entries.len() as u32
    }

    /// Those of `range`, which share `depth` bytes, that go on with `byte`.
    pub(super) fn child(&self, range: &Range, depth: usize, byte: u8) -> Option<Range> {
        let entries = &self.entries[range.start as usize..range.end as usize];
        let next = |entry: &IndexEntry| entry.bytes(&self.bytes).get(depth).copied();
        let start = entries.partition_point(|entry| next(entry) < Some(byte));
        let length = entries[start..].partition_point(|entry| next(entry) == Some(byte));
        let start = range.start + start as u32;
        (length > 0).then(|| start..start + length as u32)
    }

    /// Whether among the forms of `range`, which share `depth` bytes, there is one of just these bytes; whether that is a
    /// shared one; and whether there is a longer one.
    pub(super) fn ends(&self, range: &Range, depth: usize) -> (bool, bool, bool) {
        // Each is there once, and the shortest comes first.
        let first = &self.entries[range.start as usize];
        let ends = usize::from(first.length) == depth;
        (ends, ends && first.shared, !ends || range.len() > 1)
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        for entry in &mut self.entries {
            entry.key.zeroize();
        }
    }
}

impl IndexEntry {
    fn bytes<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        &bytes[self.start..self.start + usize::from(self.length)]
    }

    fn order(&self, bytes: &[u8], key: u64, other: &[u8]) -> Ordering {
        self.key.cmp(&key).then_with(|| self.bytes(bytes).cmp(other))
    }
}

/// Where the pieces of a form start. Each shares a byte with the next, so that a form that is there as a whole
/// becomes one mask, and the last is as long as the others, lest a short rest be masked wherever it stands.
fn pieces(form: &Form) -> impl Iterator<Item = usize> {
    let last = form.start + form.length.saturating_sub(LONGEST);
    (form.start..last).step_by(LONGEST - 1).chain([last])
}

fn key(bytes: &[u8]) -> u64 {
    let mut first = [0; 8];
    let length = bytes.len().min(8);
    first[..length].copy_from_slice(&bytes[..length]);
    u64::from_be_bytes(first)
}

/// Whether a byte is a character of base64, in either alphabet.
pub(super) fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}
