//! Where state lies.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg, OFlag};

use super::{Error, Result, StateErrorKind};
use crate::platform;

/// The directory beside the YAML.
pub const DIRECTORY: &str = ".shipctl";

/// The files of the builds that have begun, below it; see `running`.
pub(super) const BUILDS: &str = "builds";

/// The logs of builds, below it; see `logs`.
pub(super) const LOGS: &str = "logs";

/// Builds of an older `shipctl`; see `pending`.
pub(super) const PENDING: &str = "ended.jsonl";

/// Who ran what; see `audit`.
pub(super) const AUDIT: &str = "audit.jsonl";

const DATABASE: &str = "state.db";
const IGNORE: &str = ".gitignore";

/// What tells one file from another: its device and its inode.
pub(super) type Identity = (u64, u64);

/// The files of one line's state.
#[derive(Clone)]
pub(super) struct StateFiles {
    /// `.shipctl`.
    pub(super) directory: PathBuf,
    /// The database.
    pub(super) database: PathBuf,
}

impl StateFiles {
    /// The place beside the YAML in `directory`.
    pub(super) fn of(directory: &Path) -> StateFiles {
        let directory = directory.join(DIRECTORY);
        StateFiles { database: directory.join(DATABASE), directory }
    }

    /// That neither the directory nor a file in it is a symbolic link: one that came with a repository could have anything
    /// else overwritten or removed.
    pub(super) fn refuse_links(&self) -> Result<()> {
        let files = [DATABASE, BUILDS, LOGS, PENDING, AUDIT, IGNORE].map(|name| self.directory.join(name));
        for path in std::iter::once(&self.directory).chain(&files) {
            if fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink()) {
                return Err(Error::new(
                    StateErrorKind::Unfit,
                    format!(
                        "{} is a symbolic link, which shipctl does not follow to keep state: remove it",
                        path.display()
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Makes the directory, for its owner alone, and hides it from git.
    pub(super) fn make(&self) -> Result<()> {
        let failed =
            |error: io::Error| Error::io(&error, format!("cannot make {}", self.directory.display()));
        match fs::DirBuilder::new().mode(0o700).create(&self.directory) {
            Ok(()) => self.settle(),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(error)),
        }
        let ignore = self.directory.join(IGNORE);
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&ignore) {
            Ok(mut file) => file.write_all(b"*\n").map_err(failed),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            // A file system that cannot be written to may still hold a database to read.
            Err(_) if self.database.exists() => Ok(()),
            Err(error) => Err(failed(error)),
        }
    }

    /// Brings the new directory's name to the disk, or all that is in it could be lost with it. Where a file system
    /// cannot do that for a directory, it goes without.
    fn settle(&self) {
        let _ =
            self.directory.join("..").canonicalize().and_then(File::open).and_then(|file| file.sync_all());
    }

    /// Whether there is a database.
    pub(super) fn has_database(&self) -> Result<bool> {
        match fs::metadata(&self.database) {
            Ok(_) => Ok(true),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(false)
            }
            Err(error) => Err(Error::io(&error, format!("cannot read {}", self.shown()))),
        }
    }

    /// Which file the database is; `None` if there is none.
    pub(super) fn identity(&self) -> Option<Identity> {
        let metadata = fs::metadata(&self.database).ok()?;
        Some((metadata.dev(), metadata.ino()))
    }

    /// The database's path, for messages.
    pub(super) fn shown(&self) -> std::path::Display<'_> {
        self.database.display()
    }

    /// A file beside the database whose name is that of the database and `suffix`.
    pub(super) fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = self.database.clone().into_os_string();
        name.push(suffix);
        name.into()
    }

    /// The database as SQLite's URI, which carries what has no other door: `modeof` makes a new database as private
    /// as `.gitignore` is, from its first moment on, and needs a file that is there; `immutable` reads where no lock can be made.
    pub(super) fn uri(&self, immutable: bool) -> String {
        let mut uri = String::from("file:");
        // A relative path must not be taken for a host.
        if !self.database.is_absolute() {
            uri.push_str("./");
        }
        escape(&mut uri, self.database.as_os_str().as_bytes(), b"/-_.~");
        uri.push_str("?modeof=");
        // The other file may have been removed since.
        let like = if self.database.exists() { &self.database } else { &self.directory.join(IGNORE) };
        escape(&mut uri, like.as_os_str().as_bytes(), b"/-_.~");
        if immutable {
            uri.push_str("&immutable=1");
        }
        uri
    }

    /// Whether the directory is on a file system that is known to be this machine's own. A write-ahead log needs
    /// memory that all its processes share, and on a network or on a virtual machine's shared folder there is none.
    pub(super) fn is_local(&self) -> bool {
        platform::is_local(&self.directory)
    }
}

/// Adds bytes to a text, as `%XX` unless they are letters, digits or among `plain`.
pub(super) fn escape(text: &mut String, bytes: &[u8], plain: &[u8]) {
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || plain.contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
}

/// Opens a file and locks it as soon as it is not locked; `None` if it was removed meanwhile.
pub(super) fn lock(path: &Path, options: &OpenOptions) -> io::Result<Option<Flock<File>>> {
    let file = options.clone().custom_flags(OFlag::O_NOFOLLOW.bits()).open(path)?;
    let file = Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, error)| io::Error::from(error))?;
    let is_there = file.metadata()?.nlink() > 0;
    Ok(is_there.then_some(file))
}
