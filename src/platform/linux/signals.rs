//! Signals that are held back and read from a descriptor: signalfd.

use std::os::fd::{AsFd, BorrowedFd};

use nix::libc;
use nix::sys::signal::{SigSet, SigmaskHow};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::Pid;

use crate::platform::{Arrival, is_ignored, takes_file_limit_for_error};

/// Where signals are read, instead of what they would do. It is the calling thread that holds them back.
pub struct SignalSource {
    pending: SignalFd,
    before: SigSet,
}

impl SignalSource {
    /// Holds these signals back.
    ///
    /// # Errors
    ///
    /// When the system does not let us.
    pub fn hold(watched: &SigSet) -> nix::Result<SignalSource> {
        let before = watched.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        let pending = SignalFd::with_flags(watched, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        Ok(SignalSource { pending, before })
    }

    /// The signals that were blocked before.
    pub fn before(&self) -> &SigSet {
        &self.before
    }

    /// The next signal, if one has come that is not ignored.
    ///
    /// # Errors
    ///
    /// Those of read(2).
    pub fn next(&self) -> nix::Result<Option<Arrival>> {
        while let Some(info) = self.pending.read_signal()? {
            let signal = info.ssi_signo as i32;
            let sender = Pid::from_raw(info.ssi_pid as i32);
            let is_meant = match signal {
                // It comes all the same, as it is held back.
                libc::SIGCHLD => true,
                // A write of ours has reached the limit, and got an error.
                libc::SIGXFSZ if takes_file_limit_for_error() => sender != Pid::this(),
                _ => !is_ignored(signal),
            };
            if is_meant {
                return Ok(Some(Arrival { signal, from_kernel: info.ssi_code == libc::SI_KERNEL, sender }));
            }
        }
        Ok(None)
    }
}

impl AsFd for SignalSource {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pending.as_fd()
    }
}

impl Drop for SignalSource {
    fn drop(&mut self) {
        // What came too late to be acted on must not end a process that is finished.
        while let Ok(Some(_)) = self.next() {}
        let _ = self.before.thread_set_mask();
    }
}
