//! Where forms stand in a text, and where they could.

use super::buffer::Buffer;
use super::filter::GRAM;
use super::index::{Found, Index, LONGEST};
use super::wrap::{self, Wrap};

/// A position where a form starts, or could start.
pub(super) struct Occurrence {
    /// The position.
    pub(super) start: usize,
    /// The end of the longest form that starts there.
    pub(super) end: Option<usize>,
    /// Whether a form, or a longer one, could start there if the text went on.
    pub(super) open: bool,
}

/// All occurrences in a text, in the order of their starts.
pub(super) struct Search<'a> {
    index: &'a Index,
    text: &'a [u8],
    /// How many characters of base64 stand before the text.
    run: usize,
    at: usize,
    /// The next wrap; `at` is not behind its start.
    wrap: Option<Wrap>,
}

impl<'a> Search<'a> {
    /// Searches `text`, before which there are `run` characters of base64.
    pub(super) fn new(index: &'a Index, text: &'a [u8], run: usize) -> Self {
        Search { index, text, run, at: 0, wrap: wrap::next(text, 0, run) }
    }

    /// The next position that is worth a look.
    fn candidate(&mut self) -> Option<usize> {
        loop {
            let limit = self.wrap.as_ref().map_or(self.text.len(), |wrap| wrap.start);
            // Before this, the bytes to hash stand side by side.
            let seam = limit.saturating_sub(GRAM - 1);
            if let Some(start) = self.index.filter.next(self.text, self.at, seam) {
                return Some(start);
            }
            let from = self.at.max(seam);
            if let Some(start) = (from..limit).find(|&start| self.is_candidate(start)) {
                return Some(start);
            }
            let wrap = self.wrap.take()?;
            self.at = wrap.start;
            self.wrap = wrap::next(self.text, wrap.end, self.run);
        }
    }

    /// The same for a position so close to a wrap or the end of the text that the bytes to hash may be on both
    /// sides of the wrap, or may not be there yet.
    fn is_candidate(&self, start: usize) -> bool {
        let filter = &self.index.filter;
        let joined = |wrap: &Wrap| {
            let (before, after) = (&self.text[start..wrap.start], &self.text[wrap.end..]);
            let mut gram = [0; GRAM];
            let mut length = 0;
            for (place, &byte) in gram.iter_mut().zip(before.iter().chain(after)) {
                *place = byte;
                length += 1;
            }
            filter.passes(&gram[..length])
        };
        filter.passes(&self.text[start..]) || self.wrap.as_ref().is_some_and(joined)
    }

    fn look(&self, start: usize) -> Occurrence {
        let plain = self.index.find(&self.text[start..]);
        let mut end = start + plain.length;
        let mut open = plain.open;
        // Joining costs a copy, and is in vain where no form could go on at the wrap.
        let goes_on = |wrap: &&Wrap| self.index.find(&self.text[start..wrap.start]).open;
        if let Some(wrap) = self.wrap.as_ref().filter(goes_on) {
            let (joined, ends) = self.join(start, wrap.clone());
            let Found { length, open: joined_open } = self.index.find(&joined);
            if length > 0 {
                end = end.max(ends[length - 1]);
            }
            open |= joined_open;
        }
        Occurrence { start, end: (end > start).then_some(end), open }
    }

    /// The text from `start` without its wraps, as far as a form can reach, and where each byte of it ends.
    fn join(&self, start: usize, wrap: Wrap) -> (Buffer, Vec<usize>) {
        let (mut joined, mut ends) = (Buffer::default(), Vec::new());
        let (mut start, mut wrap) = (start, Some(wrap));
        // One byte more than a form has: the one that it may share.
        while joined.len() <= LONGEST && start < self.text.len() {
            let room = start + LONGEST + 1 - joined.len();
            let limit = wrap.as_ref().map_or(self.text.len(), |wrap| wrap.start).min(room);
            joined.extend(&self.text[start..limit]);
            ends.extend(start + 1..=limit);
            let Some(passed) = wrap.filter(|wrap| wrap.start == limit) else { break };
            start = passed.end;
            wrap = wrap::next(self.text, start, self.run);
        }
        (joined, ends)
    }
}

impl Iterator for Search<'_> {
    type Item = Occurrence;

    fn next(&mut self) -> Option<Occurrence> {
        let start = self.candidate()?;
        self.at = start + 1;
        Some(self.look(start))
    }
}
