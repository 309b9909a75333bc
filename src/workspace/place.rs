//! Where workspaces lie, and clearing them.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use indexmap::IndexSet;
use nix::fcntl::{Flock, FlockArg};
use nix::unistd::Uid;

use super::{IN_USE, MARKER};
use crate::environment::stable_id;

/// How long the empty directories of a job are kept for its next run.
const IDLE: Duration = Duration::from_secs(7 * 24 * 3600);

/// What workspaces are kept in by default.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// A directory for temporary files: what jobs clone and build may be large.
    Disk,
    /// Memory, if this machine offers it: for workspaces that hold no more than what shipctl writes.
    Memory,
}

impl Home {
    /// The directory that holds the workspaces of this user.
    fn directory(self) -> PathBuf {
        let own = format!("shipctl-{}", Uid::effective());
        let shared_memory = Path::new("/dev/shm");
        match self {
            Home::Memory if shared_memory.is_dir() => shared_memory.join(own),
            Home::Memory | Home::Disk => std::env::temp_dir().join(own),
        }
    }

    /// The workspace of a job of the line in `line`; `attempt` counts the ones that are in use, from 0.
    pub fn workspace(self, line: &Path, job: &str, attempt: usize) -> PathBuf {
        let line = stable_id("line", &line.to_string_lossy());
        let job = job.replace('/', "_");
        let attempt = if attempt == 0 { String::new() } else { format!(".{}", attempt + 1) };
        self.directory().join(format!("{job}-{}{attempt}", &line[..8]))
    }
}

/// Whether a workspace lies where they lie by default.
pub(super) fn is_default(root: &Path) -> bool {
    [Home::Disk, Home::Memory].iter().any(|home| root.parent() == Some(&home.directory()))
}

/// Removes what runs that were killed left behind, and makes the directory of workspaces if it is not there.
///
/// # Errors
///
/// When that directory is not safe to use: it belongs to another user, or others may write to it.
pub fn remove_stale(home: Home) -> Result<()> {
    let home = home.directory();
    match fs::DirBuilder::new().mode(0o700).create(&home) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error).with_context(|| format!("cannot make {}", home.display())),
    }
    let metadata = fs::symlink_metadata(&home).with_context(|| format!("cannot read {}", home.display()))?;
    if !metadata.is_dir() || metadata.uid() != Uid::effective().as_raw() || metadata.mode() & 0o077 != 0 {
        bail!(
            "{} is not a private directory of yours, so secrets are not safe in it: remove it, or give --workspace",
            home.display()
        );
    }
    for entry in fs::read_dir(&home)?.flatten() {
        // What cannot be removed now is tried again next time, and in the way of nobody.
        let _ = remove_if_stale(&entry.path());
    }
    Ok(())
}

/// Removes a workspace that a killed run left, or that nobody has used for long.
fn remove_if_stale(root: &Path) -> io::Result<()> {
    let marker = root.join(MARKER);
    let metadata = fs::metadata(&marker)?;
    let left = metadata.len() == IN_USE.len() as u64;
    let idle = metadata.len() == 0 && metadata.modified()?.elapsed().is_ok_and(|age| age > IDLE);
    if !left && !idle {
        return Ok(());
    }
    let Ok(lock) = Flock::lock(File::open(&marker)?, FlockArg::LockExclusiveNonblock) else { return Ok(()) };
    if is_same_file(&lock, &marker) { remove_tree(root) } else { Ok(()) }
}

/// Whether an open file is still the one at a path.
pub(super) fn is_same_file(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(there)) => (open.dev(), open.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

/// Removes everything in a workspace but its marker and the directories to keep, which are given relative to it; says
/// which of those are there.
pub(super) fn clear(root: &Path, keep: &IndexSet<PathBuf>) -> io::Result<IndexSet<PathBuf>> {
    let mut present = IndexSet::new();
    clear_below(root, Path::new(""), keep, &mut present)?;
    Ok(present)
}

fn clear_below(
    root: &Path,
    below: &Path,
    keep: &IndexSet<PathBuf>,
    present: &mut IndexSet<PathBuf>,
) -> io::Result<()> {
    for entry in fs::read_dir(root.join(below))? {
        let entry = entry?;
        let name = below.join(entry.file_name());
        if name.as_os_str() == MARKER {
            continue;
        }
        if keep.contains(&name) && entry.file_type()?.is_dir() {
            clear_below(root, &name, keep, present)?;
            present.insert(name);
        } else {
            remove_tree(&root.join(&name))?;
        }
    }
    Ok(())
}

/// Removes a file or a tree, also one with directories that are not writable (as those of module caches are not).
pub(super) fn remove_tree(path: &Path) -> io::Result<()> {
    if !fs::symlink_metadata(path)?.is_dir() {
        return fs::remove_file(path);
    }
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            make_writable(path)?;
            fs::remove_dir_all(path)
        }
        done => done,
    }
}

fn make_writable(directory: &Path) -> io::Result<()> {
    fs::set_permissions(directory, fs::Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            make_writable(&entry.path())?;
        }
    }
    Ok(())
}
