//! Which builds are running: each locks a file of its own, and whoever is killed loses the lock.
//!
//! A number of a process would not do: it is given again, and means nothing in another container.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

/// The lock of a build that is running. Dropping it takes the file away.
#[derive(Debug)]
pub(super) struct Running {
    path: PathBuf,
    _lock: Flock<File>,
}

impl Running {
    /// Locks the file of the build `id` in the state's `directory`.
    pub(super) fn start(directory: &Path, id: i64) -> io::Result<Running> {
        let path = path(directory, id);
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path)?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => Ok(Running { path, _lock: lock }),
            Err((_, error)) => Err(error.into()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have gone with the whole state; and a file that stays is one that nobody has locked.
        let _ = fs::remove_file(&self.path);
    }
}

/// Whether a build that has not ended is running.
pub(super) fn is_running(directory: &Path, id: i64) -> bool {
    let Ok(file) = File::open(path(directory, id)) else { return false };
    matches!(Flock::lock(file, FlockArg::LockSharedNonblock), Err((_, Errno::EWOULDBLOCK)))
}

/// Removes the file that a build left which was killed.
pub(super) fn forget(directory: &Path, id: i64) {
    // It is in the way of nobody.
    let _ = fs::remove_file(path(directory, id));
}

fn path(directory: &Path, id: i64) -> PathBuf {
    directory.join(format!("running-{id}"))
}
