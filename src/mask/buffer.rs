//! Bytes that leave no copy of themselves behind.

use std::ops::Deref;

use zeroize::Zeroizing;

/// A byte vector that is wiped when it is dropped, and also when it moves because it grows: `Zeroizing<Vec<u8>>`
/// leaves the old allocation as it was.
#[derive(Default)]
pub(super) struct Buffer(Zeroizing<Vec<u8>>);

impl Buffer {
    /// Appends one byte.
    pub(super) fn push(&mut self, byte: u8) {
        self.reserve(1);
        self.0.push(byte);
    }

    /// Appends bytes.
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    /// Removes the first `count` bytes.
    pub(super) fn drop_front(&mut self, count: usize) {
        self.0.drain(..count);
    }

    /// Empties it for the next use.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    fn reserve(&mut self, more: usize) {
        if self.0.capacity() - self.0.len() < more {
            let room = (self.0.len() + more).max(2 * self.0.capacity()).max(64);
            let mut grown = Zeroizing::new(Vec::with_capacity(room));
            grown.extend_from_slice(&self.0);
            self.0 = grown;
        }
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}
