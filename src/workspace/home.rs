//! The private directories of a user that hold workspaces, and who uses what is in them.
//!
//! Each workspace `NAME` has a file `.busy/NAME`, which is locked by the process that uses it. The kernel drops the lock with
//! the process, however that ends: so what is not locked was left by a process that was killed, and is removed by the next
//! command. Neither ages nor numbers of processes say that.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Write as _;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use anyhow::{Context as _, Result, bail};
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, Flock, FlockArg, OFlag, openat};
use nix::sys::stat::{Mode, fstat, mkdirat};
use nix::unistd::{Pid, Uid, UnlinkatFlags, unlinkat};

use super::remove::{Blocked, open_directory, remove};
use super::strays;

/// The directory of the files that are locked.
const LOCKS: &str = ".busy";

/// How the names of directories for pipes begin. No workspace is called so.
const PIPES: &str = ".pipes.";

/// What the lock file of a workspace holds that stays on purpose.
const KEPT: &[u8] = b"kept\n";

/// The variables that say where temporary files lie: instead of `/tmp`, and instead of `/dev/shm`.
const TEMPORARY: &str = "TMPDIR";
const MEMORY: &str = "SHIPCTL_SHM";

/// Where workspaces lie by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// A directory for temporary files: what jobs clone and build may be large.
    Disk,
    /// Memory, if this machine offers it: for workspaces that hold no more than what shipctl writes.
    Memory,
}

impl Home {
    /// The directory that holds the workspaces of this user.
    pub(super) fn directory(self) -> PathBuf {
        self.base().1.join(format!("shipctl-{}", Uid::effective()))
    }

    /// The directory that this lies in, and the variable that says which one that is.
    fn base(self) -> (&'static str, PathBuf) {
        const SHARED_MEMORY: &str = "/dev/shm";
        static HAS_MEMORY: LazyLock<bool> = LazyLock::new(|| Path::new(SHARED_MEMORY).is_dir());
        let given = |variable: &str| {
            let given = std::env::var_os(variable).filter(|given| !given.is_empty()).map(PathBuf::from)?;
            Some(std::path::absolute(&given).unwrap_or(given))
        };
        if self == Home::Memory {
            let memory = given(MEMORY).or_else(|| HAS_MEMORY.then(|| SHARED_MEMORY.into()));
            if let Some(memory) = memory {
                return (MEMORY, memory);
            }
        }
        (TEMPORARY, given(TEMPORARY).unwrap_or_else(|| "/tmp".into()))
    }

    /// The workspace of a job; `attempt` counts the ones that cannot be used, from 0.
    pub fn workspace(self, job: &str, attempt: usize) -> PathBuf {
        let mut job = job.replace('/', "_");
        if job.starts_with('.') {
            job.insert(0, '_');
        }
        self.directory().join(if attempt == 0 { job } else { format!("{job}.{}", attempt + 1) })
    }

    /// The home that a workspace lies in, and its name there.
    pub(super) fn of(root: &Path) -> Option<(Home, &OsStr)> {
        let directory = root.parent()?;
        let home = [Home::Disk, Home::Memory].into_iter().find(|home| home.directory() == directory)?;
        Some((home, root.file_name()?))
    }
}

/// A home that is open.
pub(super) struct OpenHome {
    pub(super) directory: OwnedFd,
    locks: OwnedFd,
}

/// Something in a home that belongs to this process. Dropping it removes it.
pub(super) struct Claim {
    pub(super) home: OpenHome,
    name: OsString,
    /// The directory.
    pub(super) directory: OwnedFd,
    lock: Flock<File>,
    stays: bool,
}

/// Why something in a home cannot be had.
pub(super) enum Taken {
    /// Another process uses it.
    InUse,
    /// What a process that was killed left there cannot be removed.
    Blocked(Blocked),
}

impl OpenHome {
    /// Opens a home, which is made if it is not there.
    ///
    /// # Errors
    ///
    /// When it cannot be made, or is not safe to use: it belongs to another user, or others may look into it.
    pub(super) fn open(home: Home) -> Result<OpenHome> {
        let path = home.directory();
        let open = || -> nix::Result<OpenHome> {
            let directory = make_directory(AT_FDCWD, &path)?;
            let locks = make_directory(directory.as_fd(), Path::new(LOCKS))?;
            Ok(OpenHome { directory, locks })
        };
        let opened = match open() {
            Err(Errno::ENOENT) => {
                let (variable, base) = home.base();
                bail!(
                    "{} is not there, and workspaces are to lie in it: make it, or set {variable} to a directory that is there",
                    base.display()
                )
            }
            Err(Errno::ENOTDIR | Errno::ELOOP) => None,
            opened => Some(opened.with_context(|| format!("cannot use {}", path.display()))?),
        };
        match opened.filter(OpenHome::is_private) {
            Some(home) => Ok(home),
            None => bail!(
                "{} is not a private directory of yours, so secrets are not safe in it: remove it, or give --workspace",
                path.display()
            ),
        }
    }

    /// The same if it is there.
    pub(super) fn open_existing(home: Home) -> Option<OpenHome> {
        let directory = open_directory(AT_FDCWD, &home.directory()).ok()?;
        let locks = open_directory(&directory, LOCKS).ok()?;
        Some(OpenHome { directory, locks }).filter(OpenHome::is_private)
    }

    /// A directory in it that is no workspace.
    pub(super) fn subdirectory(&self, name: &str) -> nix::Result<OwnedFd> {
        make_directory(self.directory.as_fd(), Path::new(name))
    }

    fn is_private(&self) -> bool {
        fstat(&self.directory)
            .is_ok_and(|found| found.st_uid == Uid::effective().as_raw() && found.st_mode & 0o077 == 0)
    }

    /// Makes a directory in it, of which nothing is left from before.
    pub(super) fn claim(self, name: &OsStr) -> nix::Result<Result<Claim, Taken>> {
        let Some(lock) = self.lock(name)? else { return Ok(Err(Taken::InUse)) };
        let make = || mkdirat(&self.directory, name, Mode::S_IRWXU);
        match make() {
            Err(Errno::EEXIST) => {
                let _ = strays::read(&lock);
                if let Err(blocked) = remove(self.directory.as_fd(), name) {
                    return Ok(Err(Taken::Blocked(blocked)));
                }
                // The process that had it may have kept it.
                lock.set_len(0).map_err(|_| Errno::EIO)?;
                make()?;
            }
            made => made?,
        }
        let directory = open_directory(&self.directory, name)?;
        Ok(Ok(Claim { home: self, name: name.to_owned(), directory, lock, stays: false }))
    }

    /// Locks what has this name; `None` if another process uses it.
    fn lock(&self, name: &OsStr) -> nix::Result<Option<Flock<File>>> {
        let flags = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_APPEND | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        loop {
            let file = File::from(openat(&self.locks, name, flags, Mode::S_IRUSR | Mode::S_IWUSR)?);
            match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                // The process that held the lock before may have removed the file after it was opened here.
                Ok(lock) if fstat(&*lock)?.st_nlink == 0 => {}
                Ok(lock) => return Ok(Some(lock)),
                Err((_, Errno::EWOULDBLOCK)) => return Ok(None),
                Err((_, error)) => return Err(error),
            }
        }
    }

    /// Removes all that no process uses and that is not kept on purpose. What cannot be removed is left to the next command.
    pub(super) fn clear(&self) {
        let mut names: BTreeSet<OsString> = names(self.locks.as_fd()).into_iter().collect();
        let is_ours = |name: &OsString| {
            !name.as_bytes().starts_with(b".") || name.as_bytes().starts_with(PIPES.as_bytes())
        };
        names.extend(self::names(self.directory.as_fd()).into_iter().filter(is_ours));
        for name in names {
            let Ok(Some(lock)) = self.lock(&name) else { continue };
            let is_kept = strays::read(&lock).map_or(true, |contents| contents == KEPT);
            let remove = || remove(self.directory.as_fd(), &name);
            // Where the shell of a run that was killed lives on, it may make something in a directory that is just emptied.
            if !is_kept && remove().or_else(|_| remove()).is_ok() {
                let _ = unlinkat(&self.locks, name.as_os_str(), UnlinkatFlags::NoRemoveDir);
            }
        }
    }
}

impl Claim {
    /// Removes what has its name, which a script may have put there.
    pub(super) fn remove(&mut self) -> Result<(), Blocked> {
        // If it fails, the next command tries again, as no process has the lock then.
        self.stays = true;
        remove(self.home.directory.as_fd(), &self.name)?;
        self.stays = false;
        Ok(())
    }

    /// The file that is locked.
    pub(super) fn lock(&self) -> &File {
        &self.lock
    }

    /// Whether its name is still that of the directory that was made.
    pub(super) fn is_there(&self) -> bool {
        let there = open_directory(&self.home.directory, self.name.as_os_str()).and_then(fstat);
        match (there, fstat(&self.directory)) {
            (Ok(there), Ok(made)) => (there.st_dev, there.st_ino) == (made.st_dev, made.st_ino),
            _ => false,
        }
    }

    /// Has it stay until another run claims it.
    pub(super) fn keep(&mut self) -> std::io::Result<()> {
        self.stays = true;
        self.lock.set_len(0)?;
        (&*self.lock).write_all(KEPT)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.stays {
            let _ = unlinkat(&self.home.locks, self.name.as_os_str(), UnlinkatFlags::NoRemoveDir);
        }
    }
}

/// The directory for the pipes between one run and its shells. Dropping it removes it.
pub struct Pipes {
    claim: Claim,
    path: PathBuf,
}

impl Pipes {
    /// Makes it.
    ///
    /// # Errors
    ///
    /// When it cannot be made, or would not be safe.
    pub fn make() -> Result<Pipes> {
        for number in 0.. {
            let name = OsString::from(format!("{PIPES}{}.{number}", Pid::this()));
            let path = Home::Memory.directory().join(&name);
            let claim = OpenHome::open(Home::Memory)?.claim(&name);
            if let Ok(claim) = claim.with_context(|| format!("cannot make {}", path.display()))? {
                return Ok(Pipes { claim, path });
            }
        }
        bail!("there are no more names for pipes")
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Pipes {
    fn drop(&mut self) {
        // The next command tries again.
        let _ = self.claim.remove();
    }
}

/// Opens a directory that is made, for its owner alone, if it is not there.
fn make_directory(parent: BorrowedFd, path: &Path) -> nix::Result<OwnedFd> {
    match open_directory(parent, path) {
        Err(Errno::ENOENT) => match mkdirat(parent, path, Mode::S_IRWXU) {
            Ok(()) | Err(Errno::EEXIST) => open_directory(parent, path),
            Err(error) => Err(error),
        },
        opened => opened,
    }
}

/// The names of all that is in a directory.
pub(super) fn names(directory: BorrowedFd) -> Vec<OsString> {
    let Ok(mut entries) = directory.try_clone_to_owned().map_err(|_| Errno::EMFILE).and_then(Dir::from_fd)
    else {
        return Vec::new();
    };
    let names = entries.iter().flatten().map(|entry| entry.file_name().to_bytes().to_vec());
    names
        .filter(|name| name != b"." && name != b"..")
        .map(std::os::unix::ffi::OsStringExt::from_vec)
        .collect()
}
