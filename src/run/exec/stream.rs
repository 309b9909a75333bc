//! A stream of the command that is masked on its way to ours.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::libc;
use nix::unistd::{read, write};

use crate::mask::Masker;
use crate::poll::{PollSet, is_writable};

/// What can be written to a pipe that has room without waiting, in bytes.
const PIECE: usize = libc::PIPE_BUF;

/// A stream of the command that is masked.
pub(super) struct Stream<'a> {
    /// The pipe from the command; `None` once either side is closed.
    pub(super) from: Option<OwnedFd>,
    pub(super) to: BorrowedFd<'a>,
    pub(super) masker: Masker,
    /// What is masked and still to be written, and how much of it was.
    pub(super) masked: Vec<u8>,
    pub(super) written: usize,
    /// Why what the command wrote could not be passed on, but for a reader that is gone.
    pub(super) error: Option<Errno>,
}

impl Stream<'_> {
    /// Whether something is still to be written.
    pub(super) fn is_waiting(&self) -> bool {
        self.written < self.masked.len()
    }

    /// Waits until it can be written to, or else until the command has written.
    pub(super) fn wait_in<'fd>(&'fd self, set: &mut PollSet<'fd>) {
        if self.is_waiting() {
            set.writable(self.to);
        } else {
            set.readable(self.from.as_ref().map(AsFd::as_fd));
        }
    }

    /// Reads what the command has written; `None` if there is nothing now, or what came before is not written yet.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Option<usize> {
        if self.is_waiting() {
            return None;
        }
        loop {
            match read(self.from.as_ref()?, buffer) {
                Ok(0) => self.from = None,
                Ok(length) => return Some(length),
                Err(Errno::EINTR) => {}
                Err(_) => return None,
            }
        }
    }

    /// Passes it on.
    pub(super) fn show(&mut self, bytes: &[u8]) {
        self.masker.push(bytes, &mut self.masked);
        self.write_some();
    }

    pub(super) fn finish(&mut self) {
        self.masker.finish(&mut self.masked);
        self.write_some();
    }

    /// Writes as much as is taken without waiting, so that signals are heard meanwhile. When it is not read any more, the
    /// command learns it as it would without us: its pipe is closed.
    pub(super) fn write_some(&mut self) {
        while self.is_waiting() {
            if !is_writable(self.to) {
                return;
            }
            let end = self.masked.len().min(self.written + PIECE);
            match write(self.to, &self.masked[self.written..end]) {
                Ok(n) => self.written += n,
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return,
                Err(error) => {
                    self.from = None;
                    self.error = Some(error).filter(|error| *error != Errno::EPIPE);
                    break;
                }
            }
        }
        self.masked.clear();
        self.written = 0;
    }
}
