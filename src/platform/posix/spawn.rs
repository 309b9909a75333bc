//! Starting processes with fork(2).

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::libc::{self, c_char, c_int};
use nix::sys::signal::{SigSet, SigmaskHow};
use nix::unistd::{Pid, read};

use super::pipe;
use crate::platform::spawn::{Launch, Prepared, started};

/// Starts a process. It lives on should this one die.
///
/// # Errors
///
/// When it cannot be started, or its program not be executed.
pub fn spawn(launch: &Launch) -> io::Result<Pid> {
    begin(&Prepared::new(launch, -1))
}

fn begin(prepared: &Prepared) -> io::Result<Pid> {
    let (answer, answer_end) = pipe()?;
    // No function of ours may be called for a signal that the child gets before it executes its program.
    let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
    // SAFETY: the child calls nothing but async-signal-safe functions, on its copy of what is alive here.
    let forked = unsafe {
        let forked = libc::fork();
        if forked == 0 {
            let error = prepared.child.execute().to_ne_bytes();
            libc::write(answer_end.as_raw_fd(), error.as_ptr().cast(), error.len());
            libc::_exit(127);
        }
        Errno::result(forked)
    };
    before.thread_set_mask()?;
    let pid = forked?;
    drop(answer_end);
    started(pid, receive(&answer)?)
}

/// Why the program was not executed; 0 if it was, which has closed the pipe.
fn receive(answer: &OwnedFd) -> io::Result<c_int> {
    let mut error = [0; 4];
    loop {
        match read(answer, &mut error) {
            Ok(4) => return Ok(c_int::from_ne_bytes(error)),
            Ok(_) => return Ok(0),
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// A session with a terminal, which is led by the process that is started in it: when that ends, what still runs in the
/// foreground is hung up on.
pub struct Session;

impl Session {
    /// Opens a session on `terminal`, which must not have one, and starts a process in it, as a child of this process
    /// and in the foreground. The keys of the terminal cannot stop it, as no other process of the session could wake it.
    ///
    /// # Errors
    ///
    /// None; the second result is that of starting the process.
    pub fn start(
        launch: &Launch,
        terminal: BorrowedFd,
        _stops: bool,
    ) -> io::Result<(Session, io::Result<Pid>)> {
        let launch = Launch { session: true, ..*launch };
        Ok((Session, begin(&Prepared::new(&launch, terminal.as_raw_fd()))))
    }

    /// The process that leads it and is none of the job: there is none.
    pub fn leader(&self) -> Option<Pid> {
        None
    }
}

/// The system does not tell the children of a process that dies.
///
/// # Safety
///
/// None is needed.
pub(in crate::platform) unsafe fn end_with(_parent: libc::pid_t) -> bool {
    true
}

/// Makes this process, which leads a session, the one that this terminal controls, in its foreground.
///
/// # Safety
///
/// To be called in a new process.
pub(in crate::platform) unsafe fn take_foreground(terminal: c_int) -> bool {
    // SAFETY: these only make system calls.
    unsafe {
        libc::ioctl(terminal, libc::TIOCSCTTY as _, 0) == 0 && libc::tcsetpgrp(terminal, libc::getpid()) == 0
    }
}

/// Nothing is to be mounted: see [`super::can_mount_at`].
///
/// # Safety
///
/// None is needed.
pub(in crate::platform) unsafe fn mount([source, _]: [*const c_char; 2]) -> bool {
    source.is_null()
}
