//! All forms of all secrets, sorted: what starts at a position, and what could start there.

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
    entries: Vec<Entry>,
    /// What positions of a text are worth a look.
    pub(super) filter: Filter,
}

/// One form, or one piece of a long one.
#[derive(Clone, Copy)]
struct Entry {
    /// The first eight bytes, the first of them highest, so that most comparisons need not touch `bytes`.
    key: u64,
    start: usize,
    length: u16,
    /// See [`Form::shared`].
    shared: bool,
    /// The longest other entry that this one starts with.
    parent: Option<u32>,
}

/// What an [`Index`] knows about the beginning of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Length of the longest form that the text starts with; 0 if there is none.
    pub(super) length: usize,
    /// Whether the text could become the beginning of a longer one if it went on.
    pub(super) open: bool,
}

impl Index {
    /// Sorts the forms.
    pub(super) fn new(forms: Forms) -> Self {
        let Forms { bytes, forms, .. } = forms;
        let mut entries = Vec::with_capacity(forms.iter().map(|form| pieces(form).count()).sum());
        for form in &forms {
            for start in pieces(form) {
                let length = form.length.min(LONGEST);
                entries.push(Entry {
                    key: key(&bytes[start..start + length]),
                    start,
                    length: length as u16,
                    shared: form.shared && start + length == form.start + form.length,
                    parent: None,
                });
            }
        }
        entries.sort_unstable_by(|a, b| a.order(&bytes, b.key, b.bytes(&bytes)));
        entries.dedup_by(|again, first| {
            let same = again.bytes(&bytes) == first.bytes(&bytes);
            first.shared |= same && again.shared;
            same
        });
        let mut open: Vec<u32> = Vec::new();
        for at in 0..entries.len() {
            let own = entries[at].bytes(&bytes);
            while let Some(&top) = open.last() {
                if own.starts_with(entries[top as usize].bytes(&bytes)) {
                    break;
                }
                open.pop();
            }
            entries[at].parent = open.last().copied();
            open.push(at as u32);
        }
        let filter = Filter::new(entries.iter().map(|entry| entry.bytes(&bytes)));
        Index { bytes, entries, filter }
    }

    /// Whether there is no form at all.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What is known about a text that starts with `text`, and ends there unless `text` has [`LONGEST`] bytes.
    pub(super) fn find(&self, text: &[u8]) -> Found {
        let head = &text[..text.len().min(LONGEST)];
        let key = key(head);
        let after = self.entries.partition_point(|entry| entry.order(&self.bytes, key, head).is_le());
        // Forms that start with all of the text follow it at once, and those that the text starts with are the
        // one before it or the parents of that.
        let mut open =
            self.entries.get(after).is_some_and(|entry| entry.bytes(&self.bytes).starts_with(head));
        let mut before = after.checked_sub(1);
        while let Some(entry) = before.map(|at| &self.entries[at]) {
            if head.starts_with(entry.bytes(&self.bytes)) {
                let mut length = usize::from(entry.length);
                if entry.shared {
                    match text.get(length) {
                        Some(&byte) => length += usize::from(is_base64(byte)),
                        None => open = true,
                    }
                }
                return Found { length, open };
            }
            before = entry.parent.map(|parent| parent as usize);
        }
        Found { length: 0, open }
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        for entry in &mut self.entries {
            entry.key.zeroize();
        }
    }
}

impl Entry {
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

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}
