//! What Linux alone can do.

mod pipes;
mod processes;
mod signals;
mod spawn;

use std::ffi::{CStr, OsStr};
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use nix::libc::{self, c_char};
use nix::pty::PtyMaster;
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::sys::socket::MsgFlags;
use nix::sys::statfs::{
    BTRFS_SUPER_MAGIC, EXT4_SUPER_MAGIC, F2FS_SUPER_MAGIC, FsType, OVERLAYFS_SUPER_MAGIC, TMPFS_MAGIC, statfs,
};
use nix::unistd::{ForkResult, Pid, getppid, pipe2};

pub use pipes::{Readers, has_finishing_writer};
pub use processes::{end_of, having_variable, processes, program_of, session_of};
pub use signals::SignalSource;
pub use spawn::{Session, can_mount_at, spawn};
pub(super) use spawn::{end_with, forget_signals, mount, take_foreground};

/// Whether it is known who reads from a pipe.
pub const KNOWS_READERS: bool = true;

/// How bytes are sent over a socket, and received.
pub(super) const SEND: MsgFlags = MsgFlags::MSG_NOSIGNAL;
pub(super) const RECEIVE: MsgFlags = MsgFlags::MSG_DONTWAIT.union(MsgFlags::MSG_CMSG_CLOEXEC);

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
///
/// # Errors
///
/// When the system has no more to give.
pub fn pipe() -> nix::Result<(OwnedFd, OwnedFd)> {
    pipe2(OFlag::O_CLOEXEC)
}

/// Has the system tell a process that was forked to end when its parent dies; says whether that will be heard: not if the
/// parent is gone already.
pub fn end_with_parent(parent: Pid) -> bool {
    prctl::set_pdeathsig(Signal::SIGTERM).is_ok() && getppid() == parent
}

/// Whether orphans among the processes below this one become its children.
///
/// # Errors
///
/// Those of prctl(2).
pub fn collects_orphans() -> nix::Result<bool> {
    prctl::get_child_subreaper()
}

/// Has orphans among the processes below this one become its children, or those of the next process above that collects them.
///
/// # Errors
///
/// Those of prctl(2).
pub fn collect_orphans(collect: bool) -> nix::Result<()> {
    prctl::set_child_subreaper(collect)
}

/// How many threads this process has; 1 if that is not to be found out.
pub fn threads() -> usize {
    fs::read_dir("/proc/self/task").map_or(1, Iterator::count)
}

/// Keeps processes of the same user from looking into the memory of this one, and it from leaving a core dump.
pub(super) fn hide_memory() {
    let _ = prctl::set_dumpable(false);
}

/// Goes on as two processes; see [`super::fork`].
pub(super) fn fork() -> nix::Result<Option<Pid>> {
    // SAFETY: with one thread, the child's memory is as good as the parent's: no lock is held in it.
    match unsafe { nix::unistd::fork() }? {
        ForkResult::Parent { child } => Ok(Some(child)),
        ForkResult::Child => Ok(None),
    }
}

/// The path of the other side of a pseudo-terminal.
///
/// # Errors
///
/// When there is none.
pub fn terminal_name(master: &PtyMaster) -> nix::Result<String> {
    nix::pty::ptsname_r(master)
}

/// What nix has no names for, with some C libraries at least: XFS, ZFS, bcachefs.
const LOCAL_FILE_SYSTEMS: [FsType; 3] = [FsType(0x5846_5342), FsType(0x2fc1_2fc1), FsType(0xca45_1a4e)];

/// Whether a directory lies in a file system of this machine, as far as its kind is known.
pub fn is_local(directory: &Path) -> bool {
    // EXT4: ext2 and ext3 have the same.
    let known = [BTRFS_SUPER_MAGIC, EXT4_SUPER_MAGIC, F2FS_SUPER_MAGIC, OVERLAYFS_SUPER_MAGIC, TMPFS_MAGIC];
    statfs(directory).is_ok_and(|found| {
        let kind = found.filesystem_type();
        known.contains(&kind) || LOCAL_FILE_SYSTEMS.contains(&kind)
    })
}
