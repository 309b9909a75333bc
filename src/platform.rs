//! The few things that need `unsafe`: starting a process, and what the standard library and nix leave out.

#![allow(unsafe_code)]

mod linux;
mod spawn;

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use nix::libc::{self, c_int};
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};
use nix::unistd::Pid;

pub use linux::executed_as;
pub(super) use linux::{
    collect_orphans, collects_orphans, comes_from_kernel, end_with_parent, pipe, threads,
};
pub(super) use spawn::{Launch, Mount, Session, can_mount_at, spawn};

/// How large the window of a terminal is; `None` if it is no terminal.
pub(super) fn window(terminal: BorrowedFd) -> Option<libc::winsize> {
    let mut size = MaybeUninit::<libc::winsize>::zeroed();
    // SAFETY: the kernel fills `size`, which is what it expects for this request, and valid when zeroed.
    unsafe {
        let done = libc::ioctl(terminal.as_raw_fd(), libc::TIOCGWINSZ as _, size.as_mut_ptr());
        (done == 0).then(|| size.assume_init())
    }
}

/// Sets the size of a terminal's window, of which the process group in the foreground there is told.
pub(super) fn set_window(terminal: BorrowedFd, size: &libc::winsize) {
    // SAFETY: the kernel reads `size`, which is what it expects for this request.
    unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCSWINSZ as _, &raw const *size) };
}

/// Goes on as two processes: returns the child's number to the parent, and `None` to the child.
///
/// To be called while the process has one thread.
pub(super) fn fork() -> nix::Result<Option<Pid>> {
    // SAFETY: with one thread, the child's memory is as good as the parent's: no lock is held in it.
    match unsafe { nix::unistd::fork() }? {
        nix::unistd::ForkResult::Parent { child } => Ok(Some(child)),
        nix::unistd::ForkResult::Child => Ok(None),
    }
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
    linux::hide_memory();
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
pub(super) fn is_ignored(signal: c_int) -> bool {
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
pub(super) fn takes_file_limit_for_error() -> bool {
    LIMIT_IS_AN_ERROR.load(Ordering::Relaxed)
}

/// Makes the ends of children known again, should our parent have chosen to ignore theirs.
pub(super) fn notice_children() {
    // SAFETY: the default action is no function of ours that would have to be safe in a signal handler.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
}

/// Sends a signal by number: real-time signals have no name in nix. The process may be gone; that is no error.
pub(super) fn kill(pid: Pid, signal: c_int) {
    // SAFETY: `kill` reads two integers.
    unsafe { libc::kill(pid.as_raw(), signal) };
}

/// Sends bytes over a socket, descriptors along with the first of them.
pub(super) fn send(socket: BorrowedFd, bytes: &[u8], descriptors: &[RawFd]) -> nix::Result<()> {
    let rights = [ControlMessage::ScmRights(descriptors)];
    let mut along = if descriptors.is_empty() { &[][..] } else { &rights[..] };
    let mut sent = 0;
    while sent < bytes.len() {
        let piece = [IoSlice::new(&bytes[sent..])];
        match sendmsg::<()>(socket.as_raw_fd(), &piece, along, MsgFlags::MSG_NOSIGNAL, None) {
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
pub(super) fn receive_from(
    socket: BorrowedFd,
    buffer: &mut [u8],
    descriptors: &mut Vec<OwnedFd>,
) -> nix::Result<usize> {
    let mut space = nix::cmsg_space!([RawFd; 4]);
    let mut pieces = [IoSliceMut::new(buffer)];
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
    let received = recvmsg::<()>(socket.as_raw_fd(), &mut pieces, Some(&mut space), flags)?;
    for message in received.cmsgs()? {
        if let ControlMessageOwned::ScmRights(came) = message {
            // SAFETY: the kernel has just made these for us, and no other code knows them.
            descriptors.extend(came.into_iter().map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }));
        }
    }
    Ok(received.bytes)
}
