//! A workspace in a directory that was given with `--workspace`.
//!
//! A file in it marks it as one, so that a directory with other files is never emptied, and is locked while it is in use.
//! Where it lies is noted in the home of workspaces, so that the next command finds what was left in it.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, Flock, FlockArg, OFlag, openat};
use nix::sys::stat::{Mode, fstat, stat};
use nix::unistd::{UnlinkatFlags, unlinkat};
use sha2::{Digest as _, Sha256};

use super::home::{Home, OpenHome, names};
use super::remove::{Blocked, empty, open_directory};
use super::{Unavailable, strays};

/// The file that marks a workspace.
pub(super) const MARKER: &str = ".shipctl-workspace";

/// A directory that is a workspace.
pub(super) struct GivenWorkspace {
    root: PathBuf,
    pub(super) directory: OwnedFd,
    lock: Flock<File>,
    /// Whether the directory was made for it.
    created: bool,
    note: Option<Note>,
}

/// What the home of workspaces says of one that lies elsewhere.
struct Note {
    notes: OwnedFd,
    name: String,
}

/// The directory of the notes.
const NOTES: &str = ".given";

/// How a note begins for a directory that was made for its workspace, and for another one; its path follows.
const MADE: &[u8] = b"made ";
const THERE: &[u8] = b"there ";

/// What the marker of a workspace holds that stays on purpose.
const KEPT: &[u8] = b"kept\n";

impl GivenWorkspace {
    /// Makes a directory a workspace, with nothing in it.
    pub(super) fn claim(root: &Path) -> Result<GivenWorkspace, Unavailable> {
        let context = || format!("cannot use {} as the workspace", root.display());
        let created = !root.exists();
        if created {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(root).with_context(context)?;
        }
        let flags = (OFlag::O_DIRECTORY | OFlag::O_CLOEXEC).bits();
        let directory = fs::OpenOptions::new().read(true).custom_flags(flags).open(root);
        let directory = OwnedFd::from(directory.with_context(context)?);
        let flags = OFlag::O_RDWR | OFlag::O_APPEND | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let mode = Mode::S_IRUSR | Mode::S_IWUSR;
        let marker = match openat(&directory, MARKER, flags, mode) {
            Err(Errno::ENOENT) => {
                if !created {
                    refuse_foreign(root)?;
                }
                openat(&directory, MARKER, flags | OFlag::O_CREAT, mode)
            }
            opened => opened,
        };
        let marker = File::from(marker.with_context(context)?);
        let lock = match Flock::lock(marker, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => lock,
            Err((_, Errno::EWOULDBLOCK)) => return Err(Unavailable::InUse),
            Err((_, error)) => {
                return Err(Unavailable::Failed(anyhow::Error::from(error).context(context())));
            }
        };
        // The process that held the lock before may have removed it after it was opened here.
        if fstat(&*lock).with_context(context)?.st_nlink == 0 {
            return Err(Unavailable::InUse);
        }
        strays::read(&lock).with_context(context)?;
        if let Err(blocked) = empty(directory.as_fd(), MARKER) {
            return Err(Unavailable::Failed(anyhow::anyhow!(
                "{}: what a run has left there cannot be removed, {blocked}: remove it, or give another directory",
                context()
            )));
        }
        lock.set_len(0).with_context(context)?;
        // Without one, only the next run in the same directory removes what a killed one leaves.
        let note = Note::write(root, created).ok();
        Ok(GivenWorkspace { root: root.to_owned(), directory, lock, created, note })
    }

    /// The workspace that a note is about, if no process uses it and it does not stay on purpose.
    fn left(note: &[u8]) -> Option<GivenWorkspace> {
        let (created, root) = match note.strip_prefix(MADE) {
            Some(root) => (true, root),
            None => (false, note.strip_prefix(THERE)?),
        };
        let root = PathBuf::from(OsStr::from_bytes(root));
        let directory = open_directory(AT_FDCWD, &root).ok()?;
        let flags = OFlag::O_RDWR | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let marker = File::from(openat(&directory, MARKER, flags, Mode::empty()).ok()?);
        let lock = Flock::lock(marker, FlockArg::LockExclusiveNonblock).ok()?;
        let contents = strays::read(&lock).ok()?;
        (contents != KEPT).then_some(GivenWorkspace { root, directory, lock, created, note: None })
    }

    /// Removes what is in it, and the directory if it was made for it and is still where it was.
    pub(super) fn remove(&self) -> Result<(), Blocked> {
        empty(self.directory.as_fd(), MARKER)?;
        let _ = unlinkat(&self.directory, MARKER, UnlinkatFlags::NoRemoveDir);
        self.note.iter().for_each(Note::remove);
        if self.created
            && let (Ok(there), Ok(created)) = (stat(&self.root), fstat(&self.directory))
            && (there.st_dev, there.st_ino) == (created.st_dev, created.st_ino)
        {
            // A script may have put something into it just now.
            let _ = fs::remove_dir(&self.root);
        }
        Ok(())
    }

    /// The file that is locked.
    pub(super) fn lock(&self) -> &File {
        &self.lock
    }

    /// Has it stay until the next run.
    pub(super) fn keep(&self) -> io::Result<()> {
        self.lock.set_len(0)?;
        (&*self.lock).write_all(KEPT)?;
        self.note.iter().for_each(Note::remove);
        Ok(())
    }
}

impl Note {
    fn write(root: &Path, created: bool) -> anyhow::Result<Note> {
        let root = root.canonicalize()?;
        let notes = OpenHome::open(Home::Memory)?.subdirectory(NOTES)?;
        let mut name = String::new();
        for byte in Sha256::digest(root.as_os_str().as_bytes()) {
            let _ = write!(name, "{byte:02x}");
        }
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_TRUNC | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let file = openat(&notes, name.as_str(), flags, Mode::S_IRUSR | Mode::S_IWUSR)?;
        let text = [if created { MADE } else { THERE }, root.as_os_str().as_bytes()].concat();
        File::from(file).write_all(&text)?;
        Ok(Note { notes, name })
    }

    fn remove(&self) {
        let _ = unlinkat(&self.notes, self.name.as_str(), UnlinkatFlags::NoRemoveDir);
    }
}

/// Removes what processes that were killed have left in the workspaces that a home has notes of.
pub(super) fn clear(home: &OpenHome) {
    let Ok(notes) = open_directory(&home.directory, NOTES) else { return };
    for name in names(notes.as_fd()) {
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let mut note = Vec::new();
        let read = openat(&notes, name.as_os_str(), flags, Mode::empty())
            .is_ok_and(|file| File::from(file).read_to_end(&mut note).is_ok());
        if read
            && let Some(given) = GivenWorkspace::left(&note)
            && given.remove().is_ok()
        {
            let _ = unlinkat(&notes, name.as_os_str(), UnlinkatFlags::NoRemoveDir);
        }
    }
}

/// An existing directory without a marker becomes a workspace only if it is empty.
fn refuse_foreign(root: &Path) -> anyhow::Result<()> {
    let mut entries =
        fs::read_dir(root).with_context(|| format!("cannot use {} as the workspace", root.display()))?;
    if entries.next().is_some() {
        bail!(
            "{} is not empty and no workspace of shipctl: a workspace is wiped, so give --workspace a new or an empty directory",
            root.display()
        );
    }
    Ok(())
}
