//! One edit at a time.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

/// Keeps other commands from editing the files of some directories until it is dropped. The kernel drops it with the
/// process. The directories themselves are locked: a file is replaced by each edit, and with it a lock on it.
pub struct EditLock {
    _directories: Vec<Flock<File>>,
}

impl EditLock {
    /// Waits until no other command edits files beside any of `files`, and says so if it has to wait.
    ///
    /// Where a file system has no locks, there is none: [`super::replace`] still refuses to write over a file that has
    /// changed.
    pub fn beside<'a>(files: impl IntoIterator<Item = &'a Path>) -> EditLock {
        let directory = |file: &Path| {
            let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
            fs::canonicalize(parent.unwrap_or(Path::new("."))).ok()
        };
        // In order, so that two commands with two directories each do not wait for each other.
        let directories: BTreeSet<_> = files.into_iter().filter_map(directory).collect();
        EditLock { _directories: directories.iter().filter_map(|directory| lock(directory)).collect() }
    }
}

fn lock(directory: &Path) -> Option<Flock<File>> {
    let opened = File::open(directory).ok()?;
    match Flock::lock(opened, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Some(lock),
        Err((opened, Errno::EWOULDBLOCK)) => {
            eprintln!("shipctl: waiting for another shipctl that edits files in {}", directory.display());
            Flock::lock(opened, FlockArg::LockExclusive).ok()
        }
        Err(_) => None,
    }
}
