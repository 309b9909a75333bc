//! What Linux does in ways of its own, with what every Unix has, as far as that goes. docs/platforms.md says what is weaker.

mod processes;
mod signals;
mod spawn;

use std::env;
use std::ffi::CStr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::pty::PtyMaster;
use nix::sys::socket::MsgFlags;
use nix::unistd::{AccessFlags, Pid, access, getppid};

use super::close_on_exec;

pub use processes::{
    Readers, end_of, has_finishing_writer, having_variable, processes, program_of, session_of,
};
pub use signals::SignalSource;
pub(super) use signals::{forget_signals, fork};
pub use spawn::{Session, spawn};
pub(super) use spawn::{end_with, mount, take_foreground};

/// Whether it is known who reads from a pipe.
pub const KNOWS_READERS: bool = false;

/// How bytes are sent over a socket, and received. SIGPIPE is ignored from the start of a Rust program.
pub(super) const SEND: MsgFlags = MsgFlags::empty();
pub(super) const RECEIVE: MsgFlags = MsgFlags::MSG_DONTWAIT;

/// The path that this program was executed by, as its first argument tells: a name alone was found along the `PATH`.
pub fn executed_as() -> Option<PathBuf> {
    let name = PathBuf::from(env::args_os().next()?);
    if name.parent() != Some(Path::new("")) {
        return Some(name);
    }
    let is_program = |path: &PathBuf| path.is_file() && access(path, AccessFlags::X_OK).is_ok();
    env::split_paths(&env::var_os("PATH")?).map(|directory| directory.join(&name)).find(is_program)
}

/// Makes a pipe, of which programs that are executed know nothing: the end to read from, and the end to write to.
///
/// # Errors
///
/// When the system has no more to give.
pub fn pipe() -> nix::Result<(OwnedFd, OwnedFd)> {
    let (from, to) = nix::unistd::pipe()?;
    close_on_exec(&from)?;
    close_on_exec(&to)?;
    Ok((from, to))
}

/// Makes a pipe of which neither end waits.
fn pipe_without_waiting() -> nix::Result<(OwnedFd, OwnedFd)> {
    let (from, to) = pipe()?;
    for end in [&from, &to] {
        fcntl(end, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    }
    Ok((from, to))
}

/// Whether the parent of a process that was forked is still there. It is not told when that dies.
pub fn end_with_parent(parent: Pid) -> bool {
    getppid() == parent
}

/// Orphans become children of the first process of the machine.
///
/// # Errors
///
/// None.
pub fn collects_orphans() -> nix::Result<bool> {
    Ok(false)
}

/// Orphans cannot be collected.
///
/// # Errors
///
/// None.
pub fn collect_orphans(_collect: bool) -> nix::Result<()> {
    Ok(())
}

/// How many threads this process has. One that has been joined is gone.
pub fn threads() -> usize {
    1
}

/// There is no portable way.
pub(super) fn hide_memory() {}

/// The path of the other side of a pseudo-terminal.
///
/// # Errors
///
/// When there is none.
pub fn terminal_name(master: &PtyMaster) -> nix::Result<String> {
    // SAFETY: no other thread asks for such a name.
    unsafe { nix::pty::ptsname(master) }
}

/// Nothing can be mounted for some processes alone.
pub fn can_mount_at(_target: &CStr) -> bool {
    false
}

/// Whether a directory lies in a file system of this machine is not known.
pub fn is_local(_directory: &Path) -> bool {
    false
}
