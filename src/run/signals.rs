//! The signals that `shipctl` gets while it runs something.

use std::os::fd::{AsFd, BorrowedFd};

use nix::libc;
use nix::sys::signal::{SigSet, Signal};

use crate::platform::{self, Arrival, SignalSource};

/// Holds signals back: while it lives, a signal that would end the process waits until it is read.
///
/// What makes something that must be undone (a workspace with secrets) takes hold of the signals first and lets go
/// of them last. Signals that were ignored from the start (`nohup`) mean nothing here either, and those that tell of a
/// fault in this process are left alone. It may be the calling thread that holds them: the rest of the run must stay on it.
pub struct Signals {
    source: SignalSource,
}

impl Arrival {
    /// Whether it tells a program to end.
    pub(super) fn ends_programs(&self) -> bool {
        matches!(self.signal, libc::SIGINT | libc::SIGTERM | libc::SIGHUP | libc::SIGQUIT)
    }
}

impl Signals {
    /// Takes hold of the signals.
    pub fn hold() -> nix::Result<Signals> {
        let mut watched = SigSet::all();
        for signal in [
            Signal::SIGKILL,
            Signal::SIGSTOP,
            Signal::SIGSEGV,
            Signal::SIGBUS,
            Signal::SIGFPE,
            Signal::SIGILL,
            Signal::SIGTRAP,
            Signal::SIGABRT,
            Signal::SIGSYS,
            Signal::SIGPIPE,
        ] {
            watched.remove(signal);
        }
        platform::notice_children();
        Ok(Signals { source: SignalSource::hold(&watched)? })
    }

    /// The signal that tells this process to end, if one has come. Others that came before it are forgotten.
    pub fn told_to_end(&self) -> Option<i32> {
        while let Ok(Some(arrival)) = self.next() {
            if matches!(arrival.signal, libc::SIGINT | libc::SIGTERM | libc::SIGHUP) {
                return Some(arrival.signal);
            }
        }
        None
    }

    /// The signals that were blocked before: what a child gets.
    pub(super) fn before(&self) -> &SigSet {
        self.source.before()
    }

    /// The next signal, if one has come.
    pub(super) fn next(&self) -> nix::Result<Option<Arrival>> {
        self.source.next()
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.source.as_fd()
    }
}
