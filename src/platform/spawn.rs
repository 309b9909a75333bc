//! What a process that is being started does until it executes its program, which the standard library cannot do as is needed
//! here: end with its parent, in a session with a terminal, with a mount of its own.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, RawFd};
use std::ptr;

use nix::errno::Errno;
use nix::libc::{self, c_char, c_int};
use nix::sys::signal::SigSet;
use nix::unistd::Pid;

use super::{restore_core_limit, system, takes_file_limit_for_error};

/// A process that is to be started: all of it said, nothing inherited but what is left `None`.
pub struct Launch<'a> {
    /// The file to execute.
    pub program: &'a CStr,
    /// The arguments, the name it goes by first.
    pub arguments: &'a [CString],
    /// The complete environment, as `NAME=value`.
    pub environment: &'a [CString],
    /// The directory it starts in.
    pub directory: Option<&'a CStr>,
    /// Where its stdin comes from.
    pub stdin: Option<BorrowedFd<'a>>,
    /// Where its stdout goes.
    pub stdout: Option<BorrowedFd<'a>>,
    /// Where its stderr goes.
    pub stderr: Option<BorrowedFd<'a>>,
    /// Whether it leads a session, and so a process group, of its own.
    pub session: bool,
    /// Whether it lives on when this process dies.
    pub outlives: bool,
    /// The signals that are blocked in it.
    pub blocked: &'a SigSet,
    /// A directory that it sees at another path as well, in a mount namespace of its own.
    pub mount: Option<Mount<'a>>,
}

/// A directory that a process sees at another path as well. Both are there.
#[derive(Clone, Copy)]
pub struct Mount<'a> {
    /// The directory.
    pub source: &'a CStr,
    /// The other path.
    pub target: &'a CStr,
}

/// What the child works with. It may share our memory until it executes its program, so everything is laid out before.
pub(super) struct Child {
    program: *const c_char,
    arguments: *const *const c_char,
    environment: *const *const c_char,
    directory: *const c_char,
    /// What becomes its stdin, stdout and stderr; -1 for what it inherits.
    streams: [RawFd; 3],
    session: bool,
    outlives: bool,
    /// The terminal of the session that it is in; it leads the process group in the foreground there. -1 if there is none.
    pub(super) terminal: RawFd,
    blocked: libc::sigset_t,
    /// What is mounted where; both null if nothing is.
    pub(super) mount: [*const c_char; 2],
    pub(super) parent: libc::pid_t,
}

/// A [`Launch`] as the child takes it.
pub(super) struct Prepared<'a> {
    pub(super) child: Child,
    // What `child` points to.
    _arguments: Vec<*const c_char>,
    _environment: Vec<*const c_char>,
    _launch: &'a Launch<'a>,
}

impl<'a> Prepared<'a> {
    pub(super) fn new(launch: &'a Launch<'a>, terminal: RawFd) -> Prepared<'a> {
        let pointers = |strings: &[CString]| -> Vec<*const c_char> {
            strings.iter().map(|s| s.as_ptr()).chain([ptr::null()]).collect()
        };
        let arguments = pointers(launch.arguments);
        let environment = pointers(launch.environment);
        let stream = |fd: Option<BorrowedFd>| fd.map_or(-1, |fd| fd.as_raw_fd());
        let child = Child {
            program: launch.program.as_ptr(),
            arguments: arguments.as_ptr(),
            environment: environment.as_ptr(),
            directory: launch.directory.map_or(ptr::null(), CStr::as_ptr),
            streams: [stream(launch.stdin), stream(launch.stdout), stream(launch.stderr)],
            session: launch.session,
            outlives: launch.outlives,
            terminal,
            blocked: *launch.blocked.as_ref(),
            mount: launch
                .mount
                .map_or([ptr::null(); 2], |mount| [mount.source.as_ptr(), mount.target.as_ptr()]),
            parent: Pid::this().as_raw(),
        };
        Prepared { child, _arguments: arguments, _environment: environment, _launch: launch }
    }
}

/// The process that was started, or why it was not: then it has ended already, if there was one.
pub(super) fn started(pid: libc::pid_t, error: c_int) -> io::Result<Pid> {
    if error == 0 {
        return Ok(Pid::from_raw(pid));
    }
    if pid > 0 {
        let _ = nix::sys::wait::waitpid(Pid::from_raw(pid), None);
    }
    Err(io::Error::from_raw_os_error(error))
}

impl Child {
    /// The side of the child: sets itself up and executes its program. Gives `errno` if that fails.
    ///
    /// # Safety
    ///
    /// To be called in a new process, with all signals blocked, while what this points to is alive. Only async-signal-safe
    /// functions are called, and none that allocates.
    pub(super) unsafe fn execute(&self) -> c_int {
        // SAFETY: as the caller says.
        unsafe {
            if self.set_up() {
                libc::execve(self.program, self.arguments, self.environment);
            }
        }
        Errno::last_raw()
    }

    unsafe fn set_up(&self) -> bool {
        // SAFETY: as the caller says.
        unsafe {
            if self.session && libc::setsid() < 0 {
                return false;
            }
            if !self.outlives && !system::end_with(self.parent) || !system::mount(self.mount) {
                return false;
            }
            if !self.directory.is_null() && libc::chdir(self.directory) < 0 {
                return false;
            }
            if self.terminal >= 0 && !system::take_foreground(self.terminal) {
                return false;
            }
            let [stdin, stdout, stderr] = self.streams;
            for (from, to) in [(stdin, 0), (stdout, 1), (stderr, 2)] {
                if from >= 0 && libc::dup2(from, to) < 0 {
                    return false;
                }
            }
            restore_core_limit();
            system::forget_signals();
            // Rust's runtime ignores SIGPIPE; a script's `yes | head` relies on it.
            libc::signal(libc::SIGPIPE, libc::SIG_DFL);
            if takes_file_limit_for_error() {
                libc::signal(libc::SIGXFSZ, libc::SIG_DFL);
            }
            libc::sigprocmask(libc::SIG_SETMASK, &raw const self.blocked, ptr::null_mut());
        }
        true
    }
}
