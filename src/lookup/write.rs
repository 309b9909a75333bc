//! Files that are written whole or not at all.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process;

/// Readable and writable for the owner alone.
const PRIVATE: u32 = 0o600;

/// New content for a file, still under another name. Dropped without [`Pending::commit`], it vanishes.
pub(super) struct Pending {
    at: PathBuf,
    new: PathBuf,
    committed: bool,
}

impl Pending {
    /// Writes `content` beside `at`, with the permissions of the file that is there; a new one is for the owner alone.
    /// A symbolic link is followed, so that it stays one.
    pub(super) fn write(at: &Path, content: &[u8]) -> io::Result<Pending> {
        let at = fs::canonicalize(at).unwrap_or_else(|_| at.to_owned());
        let mode = fs::metadata(&at).map_or(PRIVATE, |old| old.permissions().mode() & 0o7777);
        Pending::with_mode(at, content, mode)
    }

    fn with_mode(at: PathBuf, content: &[u8], mode: u32) -> io::Result<Pending> {
        let (new, mut file) = create_beside(&at)?;
        let pending = Pending { at, new, committed: false };
        file.write_all(content)?;
        file.set_permissions(Permissions::from_mode(mode))?;
        file.sync_all()?;
        Ok(pending)
    }

    /// Lets the new content take the place of the old, in one step.
    pub(super) fn commit(mut self) -> io::Result<()> {
        fs::rename(&self.new, &self.at)?;
        self.committed = true;
        Ok(())
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.committed {
            // Nothing more can be done about it if even this fails.
            _ = fs::remove_file(&self.new);
        }
    }
}

/// Replaces or makes the file `at`: it has all of `content`, or is what it was.
pub(super) fn replace(at: &Path, content: &[u8]) -> io::Result<()> {
    Pending::write(at, content)?.commit()
}

/// The same for a secret: whatever was there, the file is for the owner alone.
pub(super) fn replace_private(at: &Path, content: &[u8]) -> io::Result<()> {
    Pending::with_mode(at.to_owned(), content, PRIVATE)?.commit()
}

fn create_beside(at: &Path) -> io::Result<(PathBuf, File)> {
    let name = at.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    for attempt in 0..100 {
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}-{attempt}", process::id()));
        let new = at.with_file_name(hidden);
        match OpenOptions::new().write(true).create_new(true).mode(PRIVATE).open(&new) {
            Ok(file) => return Ok((new, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}
