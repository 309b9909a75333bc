//! What processes ask of Linux beside starting others.

use std::ffi::{CStr, OsStr};
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use nix::fcntl::OFlag;
use nix::libc::{self, c_char, c_int};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::{Pid, getppid, pipe2};

/// The path that this program was executed by, as it was given to the kernel: it may be relative, or a link.
pub fn executed_as() -> Option<PathBuf> {
    // SAFETY: the kernel gives the address of a string that ends in NUL and is there as long as the process, or 0.
    let path = unsafe {
        let path = libc::getauxval(libc::AT_EXECFN) as *const c_char;
        (!path.is_null()).then(|| CStr::from_ptr(path))
    };
    path.map(|path| OsStr::from_bytes(path.to_bytes()).into())
}

/// Makes a pipe, of which programs that are executed know nothing: the end to read from, and the end to write to.
pub(in crate::run) fn pipe() -> nix::Result<(OwnedFd, OwnedFd)> {
    pipe2(OFlag::O_CLOEXEC)
}

/// Has the system tell a process that was forked to end when its parent dies; says whether that will be heard: not if the
/// parent is gone already.
pub(in crate::run) fn end_with_parent(parent: Pid) -> bool {
    prctl::set_pdeathsig(Signal::SIGTERM).is_ok() && getppid() == parent
}

/// Whether orphans among the processes below this one become its children.
pub(in crate::run) fn collects_orphans() -> nix::Result<bool> {
    prctl::get_child_subreaper()
}

/// Has orphans among the processes below this one become its children, or those of the next process above that collects them.
pub(in crate::run) fn collect_orphans(collect: bool) -> nix::Result<()> {
    prctl::set_child_subreaper(collect)
}

/// How many threads this process has; 1 if that is not to be found out.
pub(in crate::run) fn threads() -> usize {
    fs::read_dir("/proc/self/task").map_or(1, Iterator::count)
}

/// Whether the code that came with a signal says that the kernel sent it, as for a key on the terminal.
pub(in crate::run) fn comes_from_kernel(code: c_int) -> bool {
    code == libc::SI_KERNEL
}

/// Keeps processes of the same user from looking into the memory of this one, and it from leaving a core dump.
pub(super) fn hide_memory() {
    let _ = prctl::set_dumpable(false);
}
