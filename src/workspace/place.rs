//! Where workspaces lie, and removing them.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use nix::fcntl::{Flock, FlockArg};
use nix::unistd::Uid;

use super::{MARKER, empty};
use crate::environment::stable_id;

/// The directory that holds the workspaces of this user.
fn base() -> PathBuf {
    std::env::temp_dir().join(format!("shipctl-{}", Uid::effective()))
}

/// The workspace of a job of the line in `directory`; `attempt` counts the ones that are in use, from 0.
pub fn default_root(directory: &Path, job: &str, attempt: usize) -> PathBuf {
    let line = stable_id("line", &directory.to_string_lossy());
    let job = job.replace('/', "_");
    let name = if attempt == 0 { job } else { format!("{job}.{}", attempt + 1) };
    base().join(&line[..8]).join(name)
}

/// Whether a workspace lies where they lie by default, and so is nobody else's directory.
pub(super) fn is_default(root: &Path) -> bool {
    root.starts_with(base())
}

/// Removes what runs that were killed left behind.
///
/// # Errors
///
/// When the directory of workspaces is not safe to use: it belongs to another user, or others may write to it.
pub fn remove_stale() -> Result<()> {
    let base = base();
    match fs::DirBuilder::new().mode(0o700).create(&base) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error).with_context(|| format!("cannot make {}", base.display())),
    }
    let metadata = fs::symlink_metadata(&base).with_context(|| format!("cannot read {}", base.display()))?;
    if !metadata.is_dir() || metadata.uid() != Uid::effective().as_raw() || metadata.mode() & 0o077 != 0 {
        bail!(
            "{} is not a private directory of yours, so secrets are not safe in it: remove it, or set TMPDIR or --workspace",
            base.display()
        );
    }
    for line in subdirectories(&base) {
        for root in subdirectories(&line) {
            // What cannot be removed now is tried again next time, and in the way of nobody.
            let _ = remove_if_stale(&root);
        }
        // It goes as soon as it is empty.
        let _ = fs::remove_dir(&line);
    }
    Ok(())
}

fn subdirectories(path: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(path) else { return Vec::new() };
    entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
}

/// Removes a workspace that nobody has locked, unless it was kept on purpose.
fn remove_if_stale(root: &Path) -> io::Result<()> {
    let marker = root.join(MARKER);
    let file = File::open(&marker)?;
    let Ok(lock) = Flock::lock(file, FlockArg::LockExclusiveNonblock) else { return Ok(()) };
    if lock.metadata()?.len() == 0 && is_same_file(&lock, &marker) {
        empty(root)?;
        fs::remove_file(&marker)?;
        fs::remove_dir(root)?;
    }
    Ok(())
}

/// Whether an open file is still the one at a path.
pub(super) fn is_same_file(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(there)) => (open.dev(), open.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
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
