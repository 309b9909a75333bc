//! Starting processes that share our memory until they execute their program, and that are killed should we die.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::ptr;

use nix::errno::Errno;
use nix::libc::{self, c_char, c_int, c_void};
use nix::sys::signal::{SigSet, SigmaskHow};
use nix::unistd::{Pid, read};

use super::pipe;
use crate::platform::spawn::{Child, Launch, Prepared, started};
use crate::platform::{fork, kill};

/// The stack of the child until it executes its program: it calls a dozen functions, which call hardly any other.
const CHILD_STACK: usize = 16 * 1024;

/// What this process and the new one share.
struct Shared<'a> {
    child: &'a Child,
    error: c_int,
}

/// Makes the process, as a child of this one or with `flags` as the kernel does with them; gives its number, or a
/// negative one, and `errno` if that or what came before the program failed. All signals must be blocked: two
/// processes share one memory for a while.
fn begin(prepared: &Prepared, stack: &mut Vec<u128>, flags: c_int) -> (libc::pid_t, c_int) {
    let namespace = if prepared.child.mount[0].is_null() { 0 } else { libc::CLONE_NEWNS };
    let mut shared = Shared { child: &prepared.child, error: 0 };
    let shared = &raw mut shared;
    // SAFETY: `CLONE_VFORK` suspends this thread until the child has executed its program or is gone, so `shared` and
    // what it points to outlive its use of them, and nothing else touches them meanwhile. The stack is 16-byte
    // aligned (`u128`) and the pointer given is one past its end, as stacks grow down. `start` only makes system
    // calls. The child wrote its error through a raw pointer that the compiler saw escape into `clone`.
    unsafe {
        let top = stack.as_mut_ptr().add(stack.capacity());
        let flags = flags | namespace | libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        match libc::clone(start, top.cast(), flags, shared.cast()) {
            pid @ ..0 => (pid, Errno::last_raw()),
            pid => (pid, ptr::read_volatile(&raw const (*shared).error)),
        }
    }
}

fn new_stack() -> Vec<u128> {
    Vec::with_capacity(CHILD_STACK / size_of::<u128>())
}

/// Starts a process; it is killed should this one die, unless it is to outlive it.
///
/// The child runs in our memory while we wait (`CLONE_VM | CLONE_VFORK`), as in `posix_spawn`, which is a tenth of the
/// whole time of a short command faster than `fork`; `posix_spawn` itself cannot set the parent-death signal.
///
/// # Errors
///
/// When it cannot be started, or its program not be executed.
pub fn spawn(launch: &Launch) -> io::Result<Pid> {
    let prepared = Prepared::new(launch, -1);
    let mut stack = new_stack();
    let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
    let (pid, error) = begin(&prepared, &mut stack, 0);
    before.thread_set_mask()?;
    started(pid, error)
}

/// A session with a terminal. It ends when this is dropped, and what still runs in its foreground is hung up on.
///
/// It is led by a process of ours that does nothing else: the kernel takes the terminal from a session, and hangs up on
/// its foreground, as soon as its leader ends; a job goes on when its shell has ended.
pub struct Session {
    leader: Pid,
}

impl Session {
    /// Opens a session on `terminal`, which must not have one, and starts a process in it, as a child of this process
    /// and in the foreground. With `stops`, the keys of the terminal can stop it, which has to be looked for. All of
    /// them are killed should this process die.
    ///
    /// # Errors
    ///
    /// When there is no session; the second result is that of starting the process.
    pub fn start(
        launch: &Launch,
        terminal: BorrowedFd,
        stops: bool,
    ) -> io::Result<(Session, io::Result<Pid>)> {
        let prepared = Prepared::new(launch, terminal.as_raw_fd());
        let mut stack = new_stack();
        let (answer, answer_end) = pipe()?;
        let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
        let forked = match fork() {
            Ok(None) => lead(&prepared, &mut stack, stops, answer_end.as_fd()),
            Ok(Some(leader)) => Ok(leader),
            Err(error) => Err(error),
        };
        before.thread_set_mask()?;
        let session = Session { leader: forked? };
        drop(answer_end);
        let (pid, error) = receive(&answer)?;
        Ok((session, started(pid, error)))
    }

    /// The process that leads the session. It is not one of the job.
    pub fn leader(&self) -> Option<Pid> {
        Some(self.leader)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        kill(self.leader, libc::SIGKILL);
        let _ = nix::sys::wait::waitpid(self.leader, None);
    }
}

/// What the leader of a session says of the process it has started: its number, and what failed.
fn receive(answer: &OwnedFd) -> io::Result<(libc::pid_t, c_int)> {
    let mut bytes = [0; 8];
    let mut filled = 0;
    while filled < bytes.len() {
        match read(answer, &mut bytes[filled..]) {
            Ok(0) => return Err(io::Error::other("the leader of the session is gone")),
            Ok(n) => filled += n,
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let (pid, error) = bytes.split_at(4);
    let number = |half: &[u8]| half.try_into().map_or(0, c_int::from_ne_bytes);
    Ok((number(pid), number(error)))
}

/// The leader of a session, from its beginning to its end. All signals are blocked: only KILL ends it.
fn lead(prepared: &Prepared, stack: &mut Vec<u128>, stops: bool, answer: BorrowedFd) -> ! {
    // SAFETY: only async-signal-safe functions are called, on memory of our own.
    unsafe {
        let parent = prepared.child.parent;
        let ready = libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) == 0
            && libc::getppid() == parent
            && libc::setsid() >= 0
            && libc::ioctl(prepared.child.terminal, libc::TIOCSCTTY as _, 0) == 0;
        let (pid, error) =
            if ready { begin(prepared, stack, libc::CLONE_PARENT) } else { (-1, Errno::last_raw()) };
        // A process group can be stopped by keys only if one of it has a parent elsewhere in the session: this one.
        let leader = libc::getpid();
        if stops && error == 0 && libc::fork() == 0 {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            // The leader may have been killed before the line above.
            if libc::getppid() != leader {
                libc::_exit(0);
            }
            libc::setpgid(0, pid);
            rest();
        }
        let said = [pid, error];
        libc::write(answer.as_raw_fd(), said.as_ptr().cast(), size_of_val(&said));
    }
    rest()
}

/// Does nothing, and holds nothing open, until killed.
fn rest() -> ! {
    // SAFETY: nothing of this process uses a descriptor any more.
    unsafe {
        libc::syscall(libc::SYS_close_range, 0, u32::MAX, 0);
        loop {
            libc::pause();
        }
    }
}

/// The child's side of [`spawn`].
extern "C" fn start(shared: *mut c_void) -> c_int {
    // SAFETY: `begin` passes a `Shared` that is alive and not in use by anyone else.
    unsafe {
        let shared = shared.cast::<Shared>();
        (*shared).error = (*shared).child.execute();
        libc::_exit(127)
    }
}

/// Has the system kill this process, which was just started, when its parent dies.
///
/// # Safety
///
/// To be called in a new process.
pub(in crate::platform) unsafe fn end_with(parent: libc::pid_t) -> bool {
    // SAFETY: these only make system calls.
    unsafe {
        if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) < 0 {
            return false;
        }
        // The parent may have died before the line above.
        if libc::getppid() != parent {
            libc::_exit(127);
        }
    }
    true
}

/// Makes this process, in a session with this terminal, the leader of the process group in the foreground.
///
/// # Safety
///
/// To be called in a new process.
pub(in crate::platform) unsafe fn take_foreground(terminal: c_int) -> bool {
    // SAFETY: these only make system calls.
    unsafe { libc::setpgid(0, 0) == 0 && libc::tcsetpgrp(terminal, libc::getpid()) == 0 }
}

/// No signal has a function of ours that would have to be forgotten.
pub(in crate::platform) fn forget_signals() {}

/// Has a directory at another path as well, for this process alone, unless both are null.
///
/// # Safety
///
/// To be called in a new process in a mount namespace of its own; both are null or strings that are alive.
pub(in crate::platform) unsafe fn mount([source, target]: [*const c_char; 2]) -> bool {
    // SAFETY: as the caller says.
    source.is_null() || own_mounts() == 0 && unsafe { bind(source, target) } == 0
}

/// Has the mount namespace of this thread, which is a new one, keep what is mounted in it to itself. What is mounted
/// elsewhere is seen as before.
fn own_mounts() -> c_int {
    let flags = libc::MS_REC | libc::MS_SLAVE;
    // SAFETY: the kernel reads one string, a constant.
    unsafe { libc::mount(ptr::null(), c"/".as_ptr(), ptr::null(), flags, ptr::null()) }
}

/// Has a directory at another path as well.
///
/// # Safety
///
/// Both are strings that are alive.
unsafe fn bind(source: *const c_char, target: *const c_char) -> c_int {
    // SAFETY: as the caller says.
    unsafe { libc::mount(source, target, ptr::null(), libc::MS_BIND, ptr::null()) }
}

/// Whether a process that is started can have a [`Mount`](crate::platform::Mount) at this directory: tried in a mount
/// namespace that is gone when this returns.
pub fn can_mount_at(target: &CStr) -> bool {
    let try_it = || {
        // SAFETY: the thread gets a mount namespace, and so a current directory, of its own; the string is alive.
        unsafe {
            libc::unshare(libc::CLONE_NEWNS) == 0
                && own_mounts() == 0
                && bind(target.as_ptr(), target.as_ptr()) == 0
        }
    };
    std::thread::scope(|scope| scope.spawn(try_it).join().unwrap_or(false))
}
