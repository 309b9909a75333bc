//! The few things that need `unsafe`: starting a process, and what the standard library and nix leave out.

#![allow(unsafe_code)]

use std::ffi::{CStr, CString};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::ptr;

use nix::libc::{self, c_char, c_int, c_void};
use nix::sys::signal::SigSet;
use nix::unistd::Pid;

/// A process that is to be started: all of it said, nothing inherited but stdin and what is left `None`.
pub(super) struct Launch<'a> {
    /// The file to execute.
    pub program: &'a CStr,
    /// The arguments, the name it goes by first.
    pub arguments: &'a [CString],
    /// The complete environment, as `NAME=value`.
    pub environment: &'a [CString],
    /// The directory it starts in.
    pub directory: Option<&'a CStr>,
    /// Where its stdout goes.
    pub stdout: Option<BorrowedFd<'a>>,
    /// Where its stderr goes.
    pub stderr: Option<BorrowedFd<'a>>,
    /// Whether it leads a session, and so a process group, of its own.
    pub session: bool,
    /// The signals that are blocked in it.
    pub blocked: &'a SigSet,
}

/// What the child works with. It shares our memory until it executes its program, so everything is laid out before.
struct Child {
    program: *const c_char,
    arguments: *const *const c_char,
    environment: *const *const c_char,
    directory: *const c_char,
    stdout: RawFd,
    stderr: RawFd,
    session: bool,
    blocked: libc::sigset_t,
    parent: libc::pid_t,
    error: c_int,
}

/// The stack of the child until it executes its program: it calls a dozen functions, none of which calls another.
const CHILD_STACK: usize = 64 * 1024;

/// Starts a process; it is killed should this one die.
///
/// The child runs in our memory while we wait (`CLONE_VM | CLONE_VFORK`), as in `posix_spawn`, which is a tenth of the
/// whole time of a short command faster than `fork`; `posix_spawn` itself cannot set the parent-death signal.
pub(super) fn spawn(launch: &Launch) -> io::Result<Pid> {
    let pointers = |strings: &[CString]| -> Vec<*const c_char> {
        strings.iter().map(|s| s.as_ptr()).chain([ptr::null()]).collect()
    };
    let arguments = pointers(launch.arguments);
    let environment = pointers(launch.environment);
    let mut child = Child {
        program: launch.program.as_ptr(),
        arguments: arguments.as_ptr(),
        environment: environment.as_ptr(),
        directory: launch.directory.map_or(ptr::null(), CStr::as_ptr),
        stdout: launch.stdout.map_or(-1, |fd| fd.as_raw_fd()),
        stderr: launch.stderr.map_or(-1, |fd| fd.as_raw_fd()),
        session: launch.session,
        blocked: *launch.blocked.as_ref(),
        parent: Pid::this().as_raw(),
        error: 0,
    };
    let mut stack: Vec<u128> = Vec::with_capacity(CHILD_STACK / size_of::<u128>());
    // All signals are blocked while two processes share one memory.
    let before = SigSet::all().thread_swap_mask(nix::sys::signal::SigmaskHow::SIG_SETMASK)?;
    // SAFETY: `CLONE_VFORK` suspends this thread until the child has executed its program or is gone, so `child`, the
    // vectors it points into and the stack outlive its use of them, and nothing else touches them meanwhile. The stack
    // is 16-byte aligned (`u128`) and the pointer given is one past its end, as stacks grow down. `start` only makes
    // system calls.
    let pid = unsafe {
        libc::clone(
            start,
            stack.as_mut_ptr().add(stack.capacity()).cast(),
            libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD,
            (&raw mut child).cast::<c_void>(),
        )
    };
    let error = io::Error::last_os_error();
    before.thread_set_mask()?;
    if pid < 0 {
        return Err(error);
    }
    let pid = Pid::from_raw(pid);
    // SAFETY: `child` is alive; the child wrote through a raw pointer that the compiler saw escape into `clone`.
    let failed = unsafe { ptr::read_volatile(&raw const child.error) };
    if failed != 0 {
        let _ = nix::sys::wait::waitpid(pid, None);
        return Err(io::Error::from_raw_os_error(failed));
    }
    Ok(pid)
}

/// The child's side of [`spawn`]: sets itself up and executes its program.
extern "C" fn start(child: *mut c_void) -> c_int {
    // SAFETY: `spawn` passes a `Child` that is alive and not in use by anyone else. Only async-signal-safe functions
    // are called, and none that allocates.
    unsafe {
        let child = child.cast::<Child>();
        let failed = || {
            (*child).error = *libc::__errno_location();
            libc::_exit(127)
        };
        if (*child).session && libc::setsid() < 0 {
            failed();
        }
        if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) < 0 {
            failed();
        }
        // The parent may have died before the line above.
        if libc::getppid() != (*child).parent {
            libc::_exit(127);
        }
        if !(*child).directory.is_null() && libc::chdir((*child).directory) < 0 {
            failed();
        }
        for (from, to) in [((*child).stdout, 1), ((*child).stderr, 2)] {
            if from >= 0 && libc::dup2(from, to) < 0 {
                failed();
            }
        }
        // Rust's runtime ignores SIGPIPE; a script's `yes | head` relies on it.
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const (*child).blocked, ptr::null_mut());
        libc::execve((*child).program, (*child).arguments, (*child).environment);
        failed();
    }
    127
}

/// Goes on as two processes: returns the child's number to the parent, and `None` to the child.
///
/// To be called while the process has one thread.
pub(super) fn fork() -> nix::Result<Option<Pid>> {
    // SAFETY: with one thread, the child's memory is as good as the parent's: nobody holds a lock in it.
    match unsafe { nix::unistd::fork() }? {
        nix::unistd::ForkResult::Parent { child } => Ok(Some(child)),
        nix::unistd::ForkResult::Child => Ok(None),
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

/// Makes the ends of children known again, should whoever started us have chosen to ignore theirs.
pub(super) fn notice_children() {
    // SAFETY: the default action is no function of ours that would have to be safe in a signal handler.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
}

/// Sends a signal by number: real-time signals have no name in nix. The process may be gone; that is no error.
pub(super) fn kill(pid: Pid, signal: c_int) {
    // SAFETY: `kill` reads two integers.
    unsafe { libc::kill(pid.as_raw(), signal) };
}
