//! What the operating system gives: processes, signals, terminals, and all that needs `unsafe`.
//!
//! `linux` has what Linux alone can do, `posix` the same with what every Unix has, as far as that goes. The feature `posix`
//! takes the second one on Linux too, where it is tested. Both have the same functions; all else is here and in `spawn`.

#![allow(unsafe_code)]

#[cfg(all(target_os = "linux", not(feature = "posix")))]
mod linux;
#[cfg(not(all(target_os = "linux", not(feature = "posix"))))]
mod posix;
mod spawn;

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::libc::{self, c_int};
use nix::sys::socket::{ControlMessage, ControlMessageOwned, recvmsg, sendmsg};
use nix::unistd::Pid;

#[cfg(all(target_os = "linux", not(feature = "posix")))]
use linux as system;
#[cfg(not(all(target_os = "linux", not(feature = "posix"))))]
use posix as system;

pub use spawn::{Launch, Mount};
pub use system::{
    KNOWS_READERS, Readers, Session, SignalSource, can_mount_at, collect_orphans, collects_orphans, end_of,
    end_with_parent, executed_as, has_finishing_writer, having_variable, is_local, pipe, processes,
    program_of, session_of, spawn, terminal_name, threads,
};

/// A process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: Pid,
    /// The number of its parent.
    pub parent: Pid,
    /// What is another number with each program that it executes, most likely; 0 if that is not to be found out.
    pub image: u64,
    /// The session that it is in, where orphans are not collected: then only this tells whose it was.
    pub session: Option<Pid>,
    /// Whether it has not ended yet.
    pub is_alive: bool,
}

/// A signal that came, and from where.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    /// Its number.
    pub signal: i32,
    /// Whether the kernel sent it, as for a key on the terminal: then the whole foreground process group has it.
    pub from_kernel: bool,
    /// The process that sent it, if one did.
    pub sender: Pid,
}

/// Whether a child, or any child at all, has ended and was not reaped: its number if so, and `ECHILD` if there is none.
pub fn ended_child(pid: Option<Pid>) -> nix::Result<Option<Pid>> {
    let (kind, number) = pid.map_or((libc::P_ALL, 0), |pid| (libc::P_PID, pid.as_raw()));
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: this only fills `info`, which is large enough and valid when zeroed.
    let pid = unsafe {
        nix::errno::Errno::result(libc::waitid(kind, number as libc::id_t, info.as_mut_ptr(), options))?;
        info.assume_init().si_pid()
    };
    Ok((pid != 0).then(|| Pid::from_raw(pid)))
}

/// How large the window of a terminal is; `None` if it is no terminal.
pub fn window(terminal: BorrowedFd) -> Option<libc::winsize> {
    let mut size = MaybeUninit::<libc::winsize>::zeroed();
    // SAFETY: the kernel fills `size`, which is what it expects for this request, and valid when zeroed.
    unsafe {
        let done = libc::ioctl(terminal.as_raw_fd(), libc::TIOCGWINSZ as _, size.as_mut_ptr());
        (done == 0).then(|| size.assume_init())
    }
}

/// Sets the size of a terminal's window, of which the process group in the foreground there is told.
pub fn set_window(terminal: BorrowedFd, size: &libc::winsize) {
    // SAFETY: the kernel reads `size`, which is what it expects for this request.
    unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCSWINSZ as _, &raw const *size) };
}

/// Goes on as two processes: returns the child's number to the parent, and `None` to the child.
///
/// To be called while the process has one thread.
///
/// # Errors
///
/// When the system has no more processes to give.
pub fn fork() -> nix::Result<Option<Pid>> {
    system::fork()
}

/// The limit that this process had for core dumps, for those that it starts.
static CORE_LIMIT: AtomicU64 = AtomicU64::new(UNTOUCHED);

/// That the limit was not touched: no limit is one less than infinity.
const UNTOUCHED: u64 = u64::MAX - 1;

/// Keeps the memory of this process, and the environment it was given, from all but the system: both hold secrets, the key
/// that opens a line among them. It leaves no core dump, and no process of the same user can look into it, those that it
/// starts least of all. They are as they would be without it.
pub fn keep_memory_private() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    // Where this is not allowed, all else still works. A program that is executed is as before, so nothing has to be undone.
    system::hide_memory();
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_CORE)
        && CORE_LIMIT.load(Ordering::Relaxed) == UNTOUCHED
        && setrlimit(Resource::RLIMIT_CORE, 0, hard).is_ok()
    {
        CORE_LIMIT.store(soft, Ordering::Relaxed);
    }
}

/// Gives a process that is being started the limit for core dumps that we had.
fn restore_core_limit() {
    let soft = CORE_LIMIT.load(Ordering::Relaxed);
    if soft == UNTOUCHED {
        return;
    }
    // SAFETY: both calls only use the one structure, which is alive; they are safe between fork and exec.
    unsafe {
        let mut limit = MaybeUninit::<libc::rlimit>::zeroed().assume_init();
        if libc::getrlimit(libc::RLIMIT_CORE, &raw mut limit) == 0 {
            limit.rlim_cur = soft;
            libc::setrlimit(libc::RLIMIT_CORE, &raw const limit);
        }
    }
}

/// Whether this process was told to ignore a signal, as by `nohup`.
pub fn is_ignored(signal: c_int) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: with no new action this only fills `action`, which is large enough and valid when zeroed.
    unsafe {
        libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) == 0
            && action.assume_init().sa_sigaction == libc::SIG_IGN
    }
}

/// Whether this process ignores SIGXFSZ of its own accord; its children do not.
static LIMIT_IS_AN_ERROR: AtomicBool = AtomicBool::new(false);

/// Makes a file that would become larger than `ulimit -f` allows an error of its write, as a full disk is one. The signal
/// that tells of it would end the process, with secrets left behind.
pub fn take_file_limit_for_error() {
    if !is_ignored(libc::SIGXFSZ) {
        // SAFETY: to ignore a signal is no function of ours that would have to be safe in a signal handler.
        unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
        LIMIT_IS_AN_ERROR.store(true, Ordering::Relaxed);
    }
}

/// Whether SIGXFSZ is ignored only so that the write gets an error.
pub fn takes_file_limit_for_error() -> bool {
    LIMIT_IS_AN_ERROR.load(Ordering::Relaxed)
}

/// Makes the ends of children known again, should our parent have chosen to ignore theirs.
pub fn notice_children() {
    // SAFETY: the default action is no function of ours that would have to be safe in a signal handler.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
}

/// Sends a signal by number: real-time signals have no name in nix. The process may be gone; that is no error.
pub fn kill(pid: Pid, signal: c_int) {
    // SAFETY: `kill` reads two integers.
    unsafe { libc::kill(pid.as_raw(), signal) };
}

/// Keeps a descriptor from programs that are executed.
fn close_on_exec(descriptor: &OwnedFd) -> nix::Result<()> {
    fcntl(descriptor, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).map(drop)
}

/// Sends bytes over a socket, descriptors along with the first of them.
///
/// # Errors
///
/// Those of sendmsg(2).
pub fn send(socket: BorrowedFd, bytes: &[u8], descriptors: &[RawFd]) -> nix::Result<()> {
    let rights = [ControlMessage::ScmRights(descriptors)];
    let mut along = if descriptors.is_empty() { &[][..] } else { &rights[..] };
    let mut sent = 0;
    while sent < bytes.len() {
        let piece = [IoSlice::new(&bytes[sent..])];
        match sendmsg::<()>(socket.as_raw_fd(), &piece, along, system::SEND, None) {
            Ok(n) => {
                sent += n;
                along = &[];
            }
            Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads what has come over a socket, and the descriptors that came along; says how many bytes that were.
///
/// # Errors
///
/// Those of recvmsg(2), `EAGAIN` if nothing has come.
pub fn receive_from(
    socket: BorrowedFd,
    buffer: &mut [u8],
    descriptors: &mut Vec<OwnedFd>,
) -> nix::Result<usize> {
    let mut space = nix::cmsg_space!([RawFd; 4]);
    let mut pieces = [IoSliceMut::new(buffer)];
    let received = recvmsg::<()>(socket.as_raw_fd(), &mut pieces, Some(&mut space), system::RECEIVE)?;
    for message in received.cmsgs()? {
        if let ControlMessageOwned::ScmRights(came) = message {
            // SAFETY: the kernel has just made these for us, and no other code knows them.
            let came = came.into_iter().map(|fd| unsafe { OwnedFd::from_raw_fd(fd) });
            for descriptor in came {
                close_on_exec(&descriptor)?;
                descriptors.push(descriptor);
            }
        }
    }
    Ok(received.bytes)
}
