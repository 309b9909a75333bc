//! Where secrets stand in a stream, for those who only want to know.

use super::Patterns;
use super::buffer::Buffer;
use super::search::{Matches, Search};

/// Finds secrets in a stream, however it is cut into chunks. Occurrences that overlap count as one.
pub struct Finder {
    search: Search,
    /// The tail of the stream that is not final.
    held: Buffer,
    /// How many bytes at the front of `held` belong to an occurrence that was told of.
    told: usize,
    /// How many bytes of the stream came before `held`.
    before: u64,
}

impl Finder {
    /// A finder at the start of a stream.
    pub fn new(patterns: &Patterns) -> Self {
        Finder { search: Search::new(patterns), held: Buffer::default(), told: 0, before: 0 }
    }

    /// Takes the next bytes of the stream, and tells of what is found: the offset in the stream, and the bytes there.
    pub fn push(&mut self, chunk: &[u8], found: &mut dyn FnMut(u64, &[u8])) {
        let mut text = std::mem::take(&mut self.held);
        text.extend(chunk);
        let kept = self.scan(&text, false, found);
        text.drop_front(kept);
        self.held = text;
    }

    /// Tells of what is found at the end of the stream.
    pub fn finish(mut self, found: &mut dyn FnMut(u64, &[u8])) {
        let text = std::mem::take(&mut self.held);
        self.scan(&text, true, found);
    }

    /// Looks at `text`, which starts where `held` does, up to the first position where a form could start that ends
    /// beyond it. Returns that position.
    fn scan(&mut self, text: &[u8], last: bool, found: &mut dyn FnMut(u64, &[u8])) -> usize {
        let Matches { spans, kept } = self.search.search(text, last);
        let mut done = self.told;
        for (start, end) in spans {
            if start >= done {
                found(self.before + start as u64, &text[start..end]);
            }
            done = done.max(end);
        }
        self.told = done.saturating_sub(kept);
        self.before += kept as u64;
        kept
    }
}

impl Patterns {
    /// Whether any of the secrets is in a text that is known as a whole.
    pub fn are_in(&self, text: &[u8]) -> bool {
        !Search::new(self).search(text, true).spans.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    #[test]
    fn occurrences_are_told_once_however_the_stream_is_cut() {
        let patterns =
            Patterns::new(&[Secret::new("hunter2".to_owned()), Secret::new("hunter22".to_owned())]);
        let text = b"a hunter2, aHVudGVyMg== and hunter22 hunte hunter2";
        let mut expected = None;
        for size in 1..=text.len() {
            let mut seen = Vec::new();
            let mut finder = Finder::new(&patterns);
            for chunk in text.chunks(size) {
                finder.push(chunk, &mut |offset, _| seen.push(offset));
            }
            finder.finish(&mut |offset, _| seen.push(offset));
            assert_eq!(*expected.get_or_insert(seen.clone()), seen, "{size}");
        }
        assert_eq!(expected.unwrap_or_default(), [2, 11, 28, 43]);
    }
}
