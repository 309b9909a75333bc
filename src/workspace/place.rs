//! Where workspaces lie.
//!
//! Those that lie where they lie by default have a file of their name in `.busy` while they are in use, locked. One that
//! nobody has locked was left by a run that was killed. So a run has to look at those in use, and not at all that there
//! have ever been. The others have it in them.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, bail};
use nix::fcntl::{AT_FDCWD, Flock, FlockArg, RenameFlags, renameat2};
use nix::unistd::Uid;

use super::claim::{KEPT, Origin, lock, read};
use super::clear::remove_tree;
use super::make_directory;

/// How long empty directories are kept for the next run.
const IDLE: Duration = Duration::from_secs(7 * 24 * 3600);

/// How often the others are looked at.
const ROUND: Duration = Duration::from_secs(24 * 3600);

/// Beside the workspaces: the files of those that are in use, and one that is as old as the last look at the others.
const BUSY: &str = ".busy";
const LOOKED: &str = ".looked";

/// Beside them, in memory: the pipes of runs, a directory for each.
const PIPES: &str = ".pipes";

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
        const SHARED_MEMORY: &str = "/dev/shm";
        static HAS_MEMORY: LazyLock<bool> = LazyLock::new(|| Path::new(SHARED_MEMORY).is_dir());
        let own = format!("shipctl-{}", Uid::effective());
        match self {
            Home::Memory if *HAS_MEMORY => Path::new(SHARED_MEMORY).join(own),
            Home::Memory | Home::Disk => std::env::temp_dir().join(own),
        }
    }

    /// The same, once it is there and private.
    fn private(self) -> Result<PathBuf> {
        let home = self.directory();
        let make = || -> io::Result<fs::Metadata> {
            make_directory(&home.join(BUSY))?;
            fs::symlink_metadata(&home)
        };
        let metadata = fs::symlink_metadata(&home).or_else(|_| make());
        let metadata = metadata.with_context(|| format!("cannot make {}", home.display()))?;
        if !metadata.is_dir() || metadata.uid() != Uid::effective().as_raw() || metadata.mode() & 0o077 != 0 {
            bail!(
                "{} is not a private directory of yours, so secrets are not safe in it: remove it, or give --workspace",
                home.display()
            );
        }
        Ok(home)
    }

    /// The workspace of a job; `attempt` counts the ones that are in use, from 0.
    pub fn workspace(self, job: &str, attempt: usize) -> PathBuf {
        let mut job = job.replace('/', "_");
        if job.starts_with('.') {
            job.insert(0, '_');
        }
        self.directory().join(if attempt == 0 { job } else { format!("{job}.{}", attempt + 1) })
    }
}

/// The file that says that a workspace is in use, if that lies where they lie by default.
pub(super) fn busy(root: &Path) -> Option<PathBuf> {
    let home = root.parent()?;
    let is_default = [Home::Disk, Home::Memory].iter().any(|default| home == default.directory());
    is_default.then(|| Some(home.join(BUSY).join(root.file_name()?))).flatten()
}

/// The directory for the pipes between `shipctl` and the shells that it starts.
///
/// # Errors
///
/// When it cannot be made, or would not be safe.
pub fn pipes() -> Result<PathBuf> {
    let pipes = Home::Memory.private()?.join(PIPES);
    make_directory(&pipes).with_context(|| format!("cannot make {}", pipes.display()))?;
    Ok(pipes)
}

/// Makes the directory of workspaces if it is not there.
///
/// # Errors
///
/// When it is not safe to use: it belongs to another user, or others may write to it.
pub fn make_home(home: Home) -> Result<()> {
    home.private().map(drop)
}

/// Removes what runs that were killed left in the directory of workspaces that holds the marker `own`, which is in use.
pub(super) fn remove_stale(own: &Path) -> Result<()> {
    let Some((busy, home)) = own.parent().and_then(|busy| Some((busy, busy.parent()?))) else {
        return Ok(());
    };
    // What cannot be removed now is tried again next time, and in the way of nobody.
    for entry in fs::read_dir(busy).into_iter().flatten().flatten() {
        if Some(&*entry.file_name()) != own.file_name() {
            let _ = remove_if_free(&home.join(entry.file_name()), &entry.path());
        }
    }
    let looked = home.join(LOOKED);
    let age = fs::metadata(&looked).and_then(|looked| Ok(looked.modified()?.elapsed().unwrap_or_default()));
    if age.is_ok_and(|age| age < ROUND) {
        return Ok(());
    }
    let mut options = OpenOptions::new();
    let look = options.write(true).create(true).truncate(true).mode(0o600).open(&looked);
    // Its age counts, also of one that was empty before.
    look.and_then(|looked| looked.set_modified(SystemTime::now()))
        .with_context(|| format!("cannot write to {}", home.display()))?;
    for entry in fs::read_dir(home)?.flatten() {
        let _ = remove_if_idle(&entry, &busy.join(entry.file_name()));
    }
    for entry in fs::read_dir(pipes()?)?.flatten() {
        let _ = remove_if_cut(&entry);
    }
    Ok(())
}

/// Removes pipes of which one end is gone.
fn remove_if_cut(pipes: &fs::DirEntry) -> io::Result<()> {
    let name = pipes.file_name();
    let process = name.to_str().and_then(|name| name.split('.').next()).unwrap_or_default();
    // In another container that number may be nobody's: those are left alone as long as a job may take.
    let idle = pipes.metadata()?.modified()?.elapsed().is_ok_and(|age| age > ROUND);
    if idle && !Path::new("/proc").join(process).exists() { remove_tree(&pipes.path()) } else { Ok(()) }
}

/// Removes a workspace that somebody left who was killed, and what says that it is in use.
fn remove_if_free(root: &Path, busy: &Path) -> io::Result<()> {
    let file = File::open(busy)?;
    // One that is kept on purpose says so.
    if read(&file)? == KEPT {
        return Ok(());
    }
    let Ok(lock) = Flock::lock(file, FlockArg::LockExclusiveNonblock) else { return Ok(()) };
    if is_same_file(&lock, busy) {
        match remove_tree(root) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::remove_file(busy)?,
        }
    }
    Ok(())
}

/// Removes a workspace that nobody has used for long.
fn remove_if_idle(entry: &fs::DirEntry, busy: &Path) -> io::Result<()> {
    let metadata = entry.metadata()?;
    let idle = metadata.modified()?.elapsed().is_ok_and(|age| age > IDLE);
    if !metadata.is_dir() || !idle || [BUSY, PIPES].iter().any(|own| entry.file_name() == *own) {
        return Ok(());
    }
    if let Ok(Some((_lock, Origin::New))) = lock(busy, None) {
        remove_tree(&entry.path())?;
        fs::remove_file(busy)?;
    }
    Ok(())
}

/// Gives the file of a workspace that is not in use its name, if there is none of that name. To make it and remove it again
/// takes some file systems long.
pub(super) fn take_up(idle: &Path, busy: &Path) -> bool {
    renameat2(AT_FDCWD, idle, AT_FDCWD, busy, RenameFlags::RENAME_NOREPLACE).is_ok()
}

/// Lays the file of a workspace down in it, for the next run.
pub(super) fn lay_down(busy: &Path, idle: &Path) -> io::Result<()> {
    // A script may have put something there, or have removed the workspace.
    fs::rename(busy, idle).or_else(|_| {
        let _ = remove_tree(idle);
        fs::remove_file(busy)
    })
}

/// Whether an open file is still the one at a path.
pub(super) fn is_same_file(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(there)) => (open.dev(), open.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}
