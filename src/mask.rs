//! Secrets in a stream of bytes become `***`.
//!
//! A secret is looked for in every form of `forms`: as it is, line by line, in base64, percent-encoded, escaped as
//! in JSON, XML or HTML, quoted as a shell does, doubled as in YAML or CSV. The secrets in one that is JSON (`document`) are secrets too. Three
//! rules say what is hidden:
//!
//! - Every byte of every occurrence of every form. Occurrences that overlap become one `***`; two that merely
//!   touch become two, as if each secret had been replaced by itself.
//! - A form longer than 512 bytes counts as a chain of overlapping pieces of that length, so that what has to be held
//!   back is bounded, and a key that is cut off half way is hidden too.
//! - A line end that a program put into a run of base64 is not there, nor is what it puts before each line, see `wrap`.
//!
//! What is printed does not depend on how the stream was cut into chunks, and nothing is held back but the tail
//! that may yet turn out to be the beginning of a secret.
//!
//! Where a secret is found: `search` is the whole way. `filter` drops nearly every position of the text, by a hash of the
//! bytes that stand there. From what is left, the `automaton` follows the forms, which `index` has sorted, until there is
//! nothing to follow. By itself it would miss the cache at every byte; the filter fits into it.

mod automaton;
mod base64;
mod buffer;
mod document;
mod encode;
mod filter;
mod find;
mod forms;
mod index;
mod markup;
mod search;
mod wrap;

use std::sync::Arc;

pub use find::Finder;

use crate::contract::MIN_MASKED;
use crate::secret::Secret;
use buffer::Buffer;
use forms::Forms;
use index::Index;
use search::{Matches, Search};

/// What stands in the output for a secret.
pub const MASK: &str = "***";

/// Secrets of fewer bytes are not masked.
const MIN_LENGTH: usize = MIN_MASKED;

/// The secrets of a run, made ready for searching: cheap to clone and to share between threads, wiped when the last
/// clone is dropped.
#[derive(Clone)]
pub struct Patterns(Arc<Known>);

struct Known {
    index: Index,
    secrets: Vec<Secret>,
}

impl Patterns {
    /// Makes all forms of the secrets ready. Values shorter than [`MIN_MASKED`] are left out, and so are such
    /// lines of longer values.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let secrets: Vec<Secret> = secrets.into_iter().cloned().collect();
        let mut forms = Forms::default();
        for secret in &secrets {
            forms.add(secret.expose());
        }
        Patterns(Arc::new(Known { index: Index::new(forms), secrets }))
    }

    /// These secrets and more.
    #[must_use]
    pub fn with(&self, more: impl IntoIterator<Item = Secret>) -> Self {
        let more: Vec<_> = more.into_iter().collect();
        Patterns::new(self.0.secrets.iter().chain(&more))
    }

    /// Whether there is nothing to mask.
    pub fn is_empty(&self) -> bool {
        self.0.index.is_empty()
    }

    /// Masks a text that is known as a whole.
    pub fn mask(&self, text: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len());
        let mut masker = Masker::new(self);
        masker.push(text, &mut out);
        masker.finish(&mut out);
        out
    }
}

/// Masks one stream.
///
/// ```
/// use shipctl::mask::{Masker, Patterns};
/// use shipctl::secret::Secret;
///
/// let patterns = Patterns::new(&[Secret::new("hunter2".to_owned())]);
/// let mut masker = Masker::new(&patterns);
/// let mut out = Vec::new();
/// masker.push(b"password: hun", &mut out);
/// assert_eq!(out, b"password: ");
/// masker.push(b"ter2\n", &mut out);
/// assert_eq!(out, b"password: ***\n");
/// masker.finish(&mut out);
/// ```
pub struct Masker {
    search: Search,
    /// The tail of the stream that is not final.
    held: Buffer,
    /// How many bytes at the front of `held` belong to a `***` that has been printed.
    hidden: usize,
}

impl Masker {
    /// A masker at the start of a stream.
    pub fn new(patterns: &Patterns) -> Self {
        Masker { search: Search::new(patterns), held: Buffer::default(), hidden: 0 }
    }

    /// Masks these from here on, and what is held back.
    pub fn know(&mut self, patterns: &Patterns) {
        self.search.know(patterns);
    }

    /// Takes the next bytes of the stream, and appends to `out` all that is final now.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        if self.search.has_no_patterns() {
            out.extend_from_slice(chunk);
        } else if self.held.is_empty() {
            let kept = self.scan(chunk, false, out);
            self.held.extend(&chunk[kept..]);
        } else {
            let mut text = std::mem::take(&mut self.held);
            text.extend(chunk);
            let kept = self.scan(&text, false, out);
            text.drop_front(kept);
            self.held = text;
        }
    }

    /// Appends what was held back, because the stream has ended or something else is about to be printed. A push
    /// after it starts a new stream.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        let text = std::mem::take(&mut self.held);
        self.scan(&text, true, out);
        self.hidden = 0;
    }

    /// Prints `text`, which starts where `held` does, up to the first position where a form could start that
    /// ends beyond the text. Returns that position.
    fn scan(&mut self, text: &[u8], last: bool, out: &mut Vec<u8>) -> usize {
        let Matches { spans, kept } = self.search.search(text, last);
        let mut done = self.hidden;
        for (start, end) in spans {
            if start >= done {
                out.extend_from_slice(&text[done..start]);
                out.extend_from_slice(MASK.as_bytes());
            }
            done = done.max(end);
        }
        if done < kept {
            out.extend_from_slice(&text[done..kept]);
        }
        self.hidden = done.saturating_sub(kept);
        kept
    }
}
