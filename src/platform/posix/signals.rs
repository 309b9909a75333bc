//! Signals that are written to a pipe where they arrive, and read from it in order.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};

use nix::errno::Errno;
use nix::libc::{self, c_int, c_void, siginfo_t};
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::unistd::{Pid, read};

use super::pipe_without_waiting;
use super::processes::is_ps;
use crate::platform::{Arrival, is_ignored};

/// The end of the pipe that is written to, while signals are held; -1 otherwise.
static WRITTEN_TO: AtomicI32 = AtomicI32::new(-1);

/// The end that is read.
static READ_FROM: AtomicI32 = AtomicI32::new(-1);

/// Signals have numbers below this one.
const END_OF_SIGNALS: c_int = 65;

/// Where signals are read, instead of what they would do.
pub struct SignalSource {
    from: OwnedFd,
    _to: OwnedFd,
    before: SigSet,
    /// What each of them did before.
    actions: Vec<(c_int, libc::sigaction)>,
}

impl SignalSource {
    /// Holds these signals back, and those that have no name among them.
    ///
    /// # Errors
    ///
    /// When the system does not let us.
    pub fn hold(watched: &SigSet) -> nix::Result<SignalSource> {
        let (from, to) = pipe_without_waiting()?;
        let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
        READ_FROM.store(from.as_raw_fd(), Ordering::Relaxed);
        WRITTEN_TO.store(to.as_raw_fd(), Ordering::Relaxed);
        let mut actions = Vec::new();
        for signal in (1..END_OF_SIGNALS).filter(|signal| is_watched(watched, *signal)) {
            // SAFETY: `note` only calls async-signal-safe functions; both structures are alive, and valid when zeroed.
            unsafe {
                let mut action = MaybeUninit::<libc::sigaction>::zeroed().assume_init();
                action.sa_sigaction = note as *const () as usize;
                action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
                libc::sigfillset(&raw mut action.sa_mask);
                let mut old = MaybeUninit::<libc::sigaction>::zeroed().assume_init();
                // Some numbers are those of no signal, or of one of the C library.
                if libc::sigaction(signal, &raw const action, &raw mut old) == 0 {
                    actions.push((signal, old));
                }
            }
        }
        let source = SignalSource { from, _to: to, before, actions };
        // Those that were blocked come, too. A terminal is set up in the background without these, if they are blocked.
        let mut blocked = SigSet::empty();
        blocked.add(Signal::SIGTTIN);
        blocked.add(Signal::SIGTTOU);
        blocked.thread_set_mask()?;
        Ok(source)
    }

    /// The signals that were blocked before.
    pub fn before(&self) -> &SigSet {
        &self.before
    }

    /// The next signal, if one has come.
    ///
    /// # Errors
    ///
    /// Those of read(2).
    pub fn next(&self) -> nix::Result<Option<Arrival>> {
        let mut record = [0; 8];
        loop {
            return match read(&self.from, &mut record) {
                Ok(8) => {
                    let number = |half: &[u8]| half.try_into().map_or(0, i32::from_ne_bytes);
                    let (signal, sender) = (number(&record[..4]), Pid::from_raw(number(&record[4..])));
                    if signal == libc::SIGCHLD && is_ps(sender) {
                        continue;
                    }
                    // What the kernel sends has no sender, but for the ends of children.
                    Ok(Some(Arrival { signal, from_kernel: sender.as_raw() == 0, sender }))
                }
                Ok(_) | Err(Errno::EAGAIN) => Ok(None),
                Err(Errno::EINTR) => continue,
                Err(error) => Err(error),
            };
        }
    }
}

/// Whether a signal is one of these, and means something here: one that was ignored from the start (`nohup`) does not.
fn is_watched(watched: &SigSet, signal: c_int) -> bool {
    // One without a name is a real-time signal.
    Signal::try_from(signal).map_or(true, |signal| watched.contains(signal)) && !is_ignored(signal)
}

/// Writes down a signal that has come. What finds no room is forgotten: there are thousands of others to act on.
extern "C" fn note(signal: c_int, info: *mut siginfo_t, _: *mut c_void) {
    let before = Errno::last_raw();
    // SAFETY: the system passes an `info` that is alive; only async-signal-safe functions are called.
    unsafe {
        let record = [signal, (*info).si_pid()];
        libc::write(WRITTEN_TO.load(Ordering::Relaxed), record.as_ptr().cast(), size_of_val(&record));
    }
    Errno::set_raw(before);
}

impl AsFd for SignalSource {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.from.as_fd()
    }
}

impl Drop for SignalSource {
    fn drop(&mut self) {
        let _ = SigSet::all().thread_set_mask();
        for (signal, action) in &self.actions {
            // SAFETY: the system reads what it has given us before.
            unsafe { libc::sigaction(*signal, &raw const *action, ptr::null_mut()) };
        }
        WRITTEN_TO.store(-1, Ordering::Relaxed);
        READ_FROM.store(-1, Ordering::Relaxed);
        let _ = self.before.thread_set_mask();
    }
}

/// Has every signal that has a function of ours do what it does by default.
///
/// To be called in a new process, with all signals blocked; it is safe there.
pub(in crate::platform) fn forget_signals() {
    for signal in 1..END_OF_SIGNALS {
        let mut action = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: with no new action this only fills `action`, which is large enough and valid when zeroed.
        unsafe {
            if libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) == 0
                && action.assume_init().sa_sigaction != libc::SIG_IGN
            {
                libc::signal(signal, libc::SIG_DFL);
            }
        }
    }
}

/// Goes on as two processes, each of which gets its own signals; see [`crate::platform::fork`].
pub(in crate::platform) fn fork() -> nix::Result<Option<Pid>> {
    let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
    // SAFETY: with one thread, the child's memory is as good as the parent's: no lock is held in it.
    let forked = unsafe { Errno::result(libc::fork()) };
    if forked == Ok(0) && take_own_pipe().is_err() {
        // Both would read each other's signals.
        std::process::exit(crate::exit::SHIPCTL_FAILED.into());
    }
    before.thread_set_mask()?;
    Ok(Some(forked?).filter(|pid| *pid != 0).map(Pid::from_raw))
}

/// Has the descriptors of the pipe stand for a new one.
fn take_own_pipe() -> io::Result<()> {
    let (from, to) = (READ_FROM.load(Ordering::Relaxed), WRITTEN_TO.load(Ordering::Relaxed));
    if from < 0 {
        return Ok(());
    }
    let (new_from, new_to) = pipe_without_waiting()?;
    for (new, old) in [(new_from, from), (new_to, to)] {
        // SAFETY: the old descriptors are those of a `SignalSource`, which goes on with what they stand for now.
        unsafe {
            Errno::result(libc::dup2(new.as_raw_fd(), old))?;
            Errno::result(libc::fcntl(old, libc::F_SETFD, libc::FD_CLOEXEC))?;
        }
    }
    Ok(())
}
