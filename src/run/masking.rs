//! What is masked in a run: the secrets that it was given, and those that its scripts have found out themselves.
//!
//! `shipctl mask` appends a value to a file of the workspace, between two NUL bytes. Before anything that was read is
//! masked, the length of that file is asked for: so a value holds for all that is printed once `shipctl mask` has
//! returned, without a word between the two, and for what was printed a little earlier too.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use zeroize::Zeroizing;

use crate::mask::Patterns;
use crate::secret::Secret;

/// The secrets of a run, to which its scripts may add.
pub struct Masking {
    patterns: Patterns,
    /// Where values are added.
    file: File,
    /// How much of it has been read, in bytes.
    read: u64,
    /// What was added.
    added: Vec<Secret>,
}

impl Masking {
    /// Masks these, and what is added to the file at `path`, which is empty.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn new(patterns: Patterns, path: &Path) -> io::Result<Masking> {
        let file = File::open(path)?;
        Ok(Masking { patterns, file, read: 0, added: Vec::new() })
    }

    /// What is masked, as far as was known when it was last refreshed.
    pub fn patterns(&self) -> &Patterns {
        &self.patterns
    }

    /// What scripts have added, as far as was known when it was last refreshed.
    pub fn added(&self) -> &[Secret] {
        &self.added
    }

    /// Takes in what was added; says whether anything was.
    pub(super) fn refresh(&mut self) -> bool {
        let length = self.file.metadata().map_or(0, |metadata| metadata.len());
        if length <= self.read {
            return false;
        }
        let mut added = Zeroizing::new(vec![0; usize::try_from(length - self.read).unwrap_or_default()]);
        if self.file.read_exact_at(&mut added, self.read).is_err() {
            return false;
        }
        // The last value may not be all there yet.
        let Some(end) = memchr::memrchr(0, &added) else { return false };
        self.read += end as u64 + 1;
        let values = added[..end].split(|&byte| byte == 0).filter(|value| !value.is_empty());
        let secrets: Vec<_> = values
            .filter_map(|value| Some(Secret::new(std::str::from_utf8(value).ok()?.to_owned())))
            .collect();
        if secrets.is_empty() {
            return false;
        }
        self.added.extend_from_slice(&secrets);
        self.patterns = self.patterns.with(secrets);
        true
    }
}
