//! Starting processes, which the standard library cannot do as is needed here: with a signal at the death of their parent, in a
//! session with a terminal, with a mount of their own.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::ptr;

use nix::libc::{self, c_char, c_int, c_void};
use nix::sys::signal::{SigSet, SigmaskHow};
use nix::unistd::{Pid, read};

use super::linux::pipe;
use super::{fork, kill, restore_core_limit, takes_file_limit_for_error};

/// A process that is to be started: all of it said, nothing inherited but what is left `None`.
pub(in crate::run) struct Launch<'a> {
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
pub(in crate::run) struct Mount<'a> {
    /// The directory.
    pub source: &'a CStr,
    /// The other path.
    pub target: &'a CStr,
}

/// What the child works with. It shares our memory until it executes its program, so everything is laid out before.
struct Child {
    program: *const c_char,
    arguments: *const *const c_char,
    environment: *const *const c_char,
    directory: *const c_char,
    /// What becomes its stdin, stdout and stderr; -1 for what it inherits.
    streams: [RawFd; 3],
    session: bool,
    outlives: bool,
    /// The terminal of the session that it is in; it leads the process group in the foreground there. -1 if there is none.
    terminal: RawFd,
    blocked: libc::sigset_t,
    /// What is mounted where; both null if nothing is.
    mount: [*const c_char; 2],
    parent: libc::pid_t,
    error: c_int,
}

/// The stack of the child until it executes its program: it calls a dozen functions, none of which calls another.
const CHILD_STACK: usize = 16 * 1024;

/// A [`Launch`] as the child takes it.
struct Prepared<'a> {
    child: Child,
    stack: Vec<u128>,
    // What `child` points to.
    _arguments: Vec<*const c_char>,
    _environment: Vec<*const c_char>,
    _launch: &'a Launch<'a>,
}

impl<'a> Prepared<'a> {
    fn new(launch: &'a Launch<'a>, terminal: RawFd) -> Prepared<'a> {
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
            error: 0,
        };
        let stack = Vec::with_capacity(CHILD_STACK / size_of::<u128>());
        Prepared { child, stack, _arguments: arguments, _environment: environment, _launch: launch }
    }

    /// Makes the process, as a child of this one or with `flags` as the kernel does with them; gives its number, or a
    /// negative one, and `errno` if that or what came before the program failed. All signals must be blocked: two
    /// processes share one memory for a while.
    fn start(&mut self, flags: c_int) -> (libc::pid_t, c_int) {
        let child = &raw mut self.child;
        // SAFETY: `CLONE_VFORK` suspends this thread until the child has executed its program or is gone, so `self` and
        // what it points to outlive its use of them, and nothing else touches them meanwhile. The stack is 16-byte
        // aligned (`u128`) and the pointer given is one past its end, as stacks grow down. `start` only makes system
        // calls. The child wrote its error through a raw pointer that the compiler saw escape into `clone`.
        let namespace = if self.child.mount[0].is_null() { 0 } else { libc::CLONE_NEWNS };
        unsafe {
            let top = self.stack.as_mut_ptr().add(self.stack.capacity());
            let flags = flags | namespace | libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
            match libc::clone(start, top.cast(), flags, child.cast()) {
                pid @ ..0 => (pid, *libc::__errno_location()),
                pid => (pid, ptr::read_volatile(&raw const (*child).error)),
            }
        }
    }
}

/// Starts a process; it is killed should this one die, unless it is to outlive it.
///
/// The child runs in our memory while we wait (`CLONE_VM | CLONE_VFORK`), as in `posix_spawn`, which is a tenth of the
/// whole time of a short command faster than `fork`; `posix_spawn` itself cannot set the parent-death signal.
pub(in crate::run) fn spawn(launch: &Launch) -> io::Result<Pid> {
    let mut prepared = Prepared::new(launch, -1);
    let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
    let (pid, error) = prepared.start(0);
    before.thread_set_mask()?;
    started(pid, error)
}

fn started(pid: libc::pid_t, error: c_int) -> io::Result<Pid> {
    if error == 0 {
        return Ok(Pid::from_raw(pid));
    }
    if pid > 0 {
        let _ = nix::sys::wait::waitpid(Pid::from_raw(pid), None);
    }
    Err(io::Error::from_raw_os_error(error))
}

/// A session with a terminal. It ends when this is dropped, and what still runs in its foreground is hung up on.
///
/// It is led by a process of ours that does nothing else: the kernel takes the terminal from a session, and hangs up on
/// its foreground, as soon as its leader ends; a job goes on when its shell has ended.
pub(in crate::run) struct Session {
    leader: Pid,
}

impl Session {
    /// Opens a session on `terminal`, which must not have one, and starts a process in it, as a child of this process
    /// and in the foreground. With `stops`, the keys of the terminal can stop it; a caller that does not look for that must not set
    /// it. All of them are killed should this process die.
    pub(in crate::run) fn start(
        launch: &Launch,
        terminal: BorrowedFd,
        stops: bool,
    ) -> io::Result<(Session, io::Result<Pid>)> {
        let mut prepared = Prepared::new(launch, terminal.as_raw_fd());
        let (answer, answer_end) = pipe()?;
        let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
        let forked = match fork() {
            Ok(None) => lead(&mut prepared, stops, answer_end.as_fd()),
            Ok(Some(leader)) => Ok(leader),
            Err(error) => Err(error),
        };
        before.thread_set_mask()?;
        let session = Session { leader: forked? };
        drop(answer_end);
        let (pid, error) = receive(&answer)?;
        Ok((session, started(pid, error)))
    }

    /// The process that leads it.
    pub(in crate::run) fn leader(&self) -> Pid {
        self.leader
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
            Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let (pid, error) = bytes.split_at(4);
    let number = |half: &[u8]| half.try_into().map_or(0, c_int::from_ne_bytes);
    Ok((number(pid), number(error)))
}

/// The leader of a session, from its beginning to its end. All signals are blocked: only KILL ends it.
fn lead(prepared: &mut Prepared, stops: bool, answer: BorrowedFd) -> ! {
    // SAFETY: only async-signal-safe functions are called, on memory of our own.
    unsafe {
        let parent = prepared.child.parent;
        let ready = libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) == 0
            && libc::getppid() == parent
            && libc::setsid() >= 0
            && libc::ioctl(prepared.child.terminal, libc::TIOCSCTTY as _, 0) == 0;
        let (pid, error) =
            if ready { prepared.start(libc::CLONE_PARENT) } else { (-1, *libc::__errno_location()) };
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
        if !(*child).outlives && libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) < 0 {
            failed();
        }
        // The parent may have died before the line above.
        if libc::getppid() != (*child).parent {
            libc::_exit(127);
        }
        let [source, target] = (*child).mount;
        if !source.is_null() && (own_mounts() < 0 || bind(source, target) < 0) {
            failed();
        }
        if !(*child).directory.is_null() && libc::chdir((*child).directory) < 0 {
            failed();
        }
        let terminal = (*child).terminal;
        if terminal >= 0 && (libc::setpgid(0, 0) < 0 || libc::tcsetpgrp(terminal, libc::getpid()) < 0) {
            failed();
        }
        let [stdin, stdout, stderr] = (*child).streams;
        for (from, to) in [(stdin, 0), (stdout, 1), (stderr, 2)] {
            if from >= 0 && libc::dup2(from, to) < 0 {
                failed();
            }
        }
        restore_core_limit();
        // Rust's runtime ignores SIGPIPE; a script's `yes | head` relies on it.
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
        if takes_file_limit_for_error() {
            libc::signal(libc::SIGXFSZ, libc::SIG_DFL);
        }
        libc::sigprocmask(libc::SIG_SETMASK, &raw const (*child).blocked, ptr::null_mut());
        libc::execve((*child).program, (*child).arguments, (*child).environment);
        failed();
    }
    127
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

/// Whether a process that is started can have a [`Mount`] at this directory: tried in a mount namespace that is gone when this
/// returns.
pub(in crate::run) fn can_mount_at(target: &CStr) -> bool {
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
