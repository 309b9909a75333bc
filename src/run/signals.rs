//! The signals that `shipctl` gets while it runs something.

use std::os::fd::{AsFd, BorrowedFd};

use nix::libc;
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::Pid;

use super::platform;

/// Holds signals back: while it lives, a signal that would end the process waits until it is read.
///
/// What makes something that must be undone (a workspace with secrets) takes hold of the signals first and lets go
/// of them last. Signals that were ignored from the start (`nohup`) mean nothing here either, and those that tell of a
/// fault in this process are left alone. It is the calling thread that holds them: the rest of the run must stay on it.
pub struct Signals {
    pending: SignalFd,
    before: SigSet,
}

/// A signal that came, and from where.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival {
    /// Its number.
    pub signal: i32,
    /// Whether the kernel sent it, as for a key on the terminal: then the whole foreground process group has it.
    pub from_kernel: bool,
    /// Who sent it, if a process did.
    pub sender: Pid,
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
        let before = watched.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        let pending = SignalFd::with_flags(&watched, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        Ok(Signals { pending, before })
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
        &self.before
    }

    /// The next signal, if one has come.
    pub(super) fn next(&self) -> nix::Result<Option<Arrival>> {
        while let Some(info) = self.pending.read_signal()? {
            let signal = info.ssi_signo as i32;
            let sender = Pid::from_raw(info.ssi_pid as i32);
            let is_meant = match signal {
                // It comes all the same, as it is held back.
                libc::SIGCHLD => true,
                // A write of ours has reached the limit, and got an error.
                libc::SIGXFSZ if platform::takes_file_limit_for_error() => sender != Pid::this(),
                _ => !platform::is_ignored(signal),
            };
            if is_meant {
                return Ok(Some(Arrival {
                    signal,
                    from_kernel: platform::comes_from_kernel(info.ssi_code),
                    sender,
                }));
            }
        }
        Ok(None)
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pending.as_fd()
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        // What came too late to be acted on must not end a process that is finished.
        while let Ok(Some(_)) = self.next() {}
        let _ = self.before.thread_set_mask();
    }
}
