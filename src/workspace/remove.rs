//! Removing what a job has left, whatever that is.
//!
//! Everything is done below an open directory and follows no symbolic link, so that nothing outside is ever touched. What
//! cannot be removed (files of root that a container made, a mount point) keeps nothing else from being removed.

use std::ffi::{CStr, CString, OsStr};
use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use nix::dir::{Dir, Type};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{FchmodatFlags, FileStat, Mode, SFlag, fchmod, fchmodat, fstatat};
use nix::unistd::{UnlinkatFlags, ftruncate, unlinkat};

use crate::contract::path;

/// How many directories are open at once: what lies deeper is first moved up.
const MAX_DEPTH: usize = 100;

/// The directories that may hold secrets; they are emptied first.
const SECRETS_FIRST: [&str; 4] = [path::SECRETS, path::IN, path::OUT, path::INTEGRATIONS];

/// What could not be removed.
#[derive(Debug)]
pub(super) struct Blocked {
    /// The first of it, below the directory that was to be emptied.
    path: PathBuf,
    error: Errno,
    /// How many more there are.
    more: usize,
}

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), io::Error::from(self.error))?;
        match self.more {
            0 => Ok(()),
            more => write!(f, " (and {more} more)"),
        }
    }
}

/// Opens a directory in another one, unless it is a symbolic link.
pub(super) fn open_directory(parent: impl AsFd, name: &(impl ?Sized + nix::NixPath)) -> nix::Result<OwnedFd> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    openat(parent, name, flags, Mode::empty())
}

/// Removes everything in a directory, secrets first, but what is called `stays`.
pub(super) fn empty(directory: BorrowedFd, stays: &str) -> Result<(), Blocked> {
    let mut removal = Removal { root: directory, blocked: None, moved: 0 };
    for name in SECRETS_FIRST {
        // None of these names holds a NUL byte.
        let name = CString::new(name).unwrap_or_default();
        removal.remove(directory, &name, None, Path::new(""), 0);
    }
    removal.empty(directory, Path::new(""), 0, stays.as_bytes());
    removal.blocked.map_or(Ok(()), Err)
}

/// Removes a file, a symbolic link, or a directory with all that is in it.
pub(super) fn remove(parent: BorrowedFd, name: &OsStr) -> Result<(), Blocked> {
    let failed = |error| Blocked { path: name.into(), error, more: 0 };
    for flag in [UnlinkatFlags::NoRemoveDir, UnlinkatFlags::RemoveDir] {
        match unlinkat(parent, name, flag) {
            Ok(()) | Err(Errno::ENOENT) => return Ok(()),
            Err(_) => {}
        }
    }
    let directory = match open_directory(parent, name) {
        Err(Errno::EACCES) => {
            make_accessible(parent, name);
            open_directory(parent, name)
        }
        opened => opened,
    }
    .map_err(failed)?;
    let within = |blocked: Blocked| Blocked { path: Path::new(name).join(&blocked.path), ..blocked };
    empty(directory.as_fd(), "").map_err(within)?;
    match unlinkat(parent, name, UnlinkatFlags::RemoveDir) {
        Ok(()) | Err(Errno::ENOENT) => Ok(()),
        Err(error) => Err(failed(error)),
    }
}

/// Removes one file, of which each directory on the way must be one.
pub(super) fn remove_file(directory: BorrowedFd, below: &Path) -> Result<(), Blocked> {
    let Some(name) = below.file_name() else { return Ok(()) };
    let failed = |error| Blocked { path: below.to_owned(), error, more: 0 };
    let mut parent: Option<OwnedFd> = None;
    for component in below.parent().into_iter().flat_map(Path::components) {
        let Component::Normal(component) = component else { continue };
        let from = parent.as_ref().map_or(directory, AsFd::as_fd);
        match open_directory(from, component) {
            Ok(opened) => parent = Some(opened),
            // The script has removed it, or put something else in its place.
            Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => return Ok(()),
            Err(error) => return Err(failed(error)),
        }
    }
    let parent = parent.as_ref().map_or(directory, AsFd::as_fd);
    match unlinkat(parent, name, UnlinkatFlags::NoRemoveDir) {
        Ok(()) | Err(Errno::ENOENT | Errno::EISDIR) => Ok(()),
        Err(error) => {
            blank(parent, name);
            Err(failed(error))
        }
    }
}

/// The removal of all that is in a directory.
struct Removal<'a> {
    root: BorrowedFd<'a>,
    blocked: Option<Blocked>,
    /// How many directories were moved up.
    moved: usize,
}

impl Removal<'_> {
    /// Removes what is in a directory. `path` is for messages.
    fn empty(&mut self, directory: BorrowedFd, path: &Path, depth: usize, stays: &[u8]) {
        let entries = directory.try_clone_to_owned().map_err(|_| Errno::EMFILE).and_then(Dir::from_fd);
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(error) => return self.note(path, error),
        };
        for entry in entries.iter() {
            match entry {
                Ok(entry) if matches!(entry.file_name().to_bytes(), b"." | b"..") => {}
                Ok(entry) if !stays.is_empty() && entry.file_name().to_bytes() == stays => {}
                Ok(entry) => self.remove(directory, entry.file_name(), entry.file_type(), path, depth),
                Err(error) => return self.note(path, error),
            }
        }
    }

    /// Removes an entry of a directory.
    fn remove(&mut self, parent: BorrowedFd, name: &CStr, kind: Option<Type>, path: &Path, depth: usize) {
        let here = || path.join(OsStr::from_bytes(name.to_bytes()));
        if kind != Some(Type::Directory) {
            match unlink(parent, name, UnlinkatFlags::NoRemoveDir) {
                Ok(()) | Err(Errno::ENOENT) => return,
                Err(Errno::EISDIR) => {}
                // Where the kind is not known, and this may be no directory, it is looked at below.
                Err(Errno::EPERM) if kind.is_none() => {}
                Err(error) => {
                    blank(parent, name);
                    return self.note(&here(), error);
                }
            }
        }
        match unlink(parent, name, UnlinkatFlags::RemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => return,
            Err(Errno::ENOTEMPTY | Errno::EEXIST) => {}
            // A mount point, for one, is not entered.
            Err(error) => return self.note(&here(), error),
        }
        if depth >= MAX_DEPTH {
            return self.move_up(parent, name, &here());
        }
        let opened = match open_directory(parent, name) {
            Err(Errno::EACCES) => {
                make_accessible(parent, name);
                open_directory(parent, name)
            }
            opened => opened,
        };
        match opened {
            Ok(directory) => {
                let before = self.count();
                self.empty(directory.as_fd(), &here(), depth + 1, b"");
                match unlink(parent, name, UnlinkatFlags::RemoveDir) {
                    Ok(()) | Err(Errno::ENOENT) => {}
                    // What is in it has been noted.
                    Err(Errno::ENOTEMPTY) if self.count() > before => {}
                    Err(error) => self.note(&here(), error),
                }
            }
            Err(error) => self.note(&here(), error),
        }
    }

    /// Moves a directory that lies too deep to the top and removes it there.
    fn move_up(&mut self, parent: BorrowedFd, name: &CStr, path: &Path) {
        make_accessible(parent, name);
        self.moved += 1;
        let new = CString::new(format!(".moved-{}", self.moved)).unwrap_or_default();
        match nix::fcntl::renameat(parent, name, self.root, new.as_c_str()) {
            Ok(()) => self.remove(self.root, &new, Some(Type::Directory), path, 0),
            Err(error) => self.note(path, error),
        }
    }

    fn count(&self) -> usize {
        self.blocked.as_ref().map_or(0, |blocked| blocked.more + 1)
    }

    fn note(&mut self, path: &Path, error: Errno) {
        match &mut self.blocked {
            Some(blocked) => blocked.more += 1,
            None => self.blocked = Some(Blocked { path: path.to_owned(), error, more: 0 }),
        }
    }
}

/// Removes an entry, also from a directory that is not writable, as those of module caches are not.
fn unlink(parent: BorrowedFd, name: &CStr, flag: UnlinkatFlags) -> nix::Result<()> {
    match unlinkat(parent, name, flag) {
        Err(Errno::EACCES) if fchmod(parent, Mode::S_IRWXU).is_ok() => unlinkat(parent, name, flag),
        done => done,
    }
}

fn make_accessible(parent: BorrowedFd, name: &(impl ?Sized + nix::NixPath)) {
    // If it fails, so does what needs it.
    let _ = fchmodat(parent, name, Mode::S_IRWXU, FchmodatFlags::NoFollowSymlink);
}

/// Takes what is in a file that cannot be removed, unless it has another name elsewhere.
fn blank(parent: BorrowedFd, name: &(impl ?Sized + nix::NixPath)) {
    let is_ours = |found: &FileStat| {
        SFlag::from_bits_truncate(found.st_mode) & SFlag::S_IFMT == SFlag::S_IFREG && found.st_nlink == 1
    };
    if fstatat(parent, name, AtFlags::AT_SYMLINK_NOFOLLOW).is_ok_and(|found| is_ours(&found)) {
        let flags = OFlag::O_WRONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let _ = openat(parent, name, flags, Mode::empty()).and_then(|file| ftruncate(file, 0));
    }
}
