//! State files back on disk.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use super::content::Reader;
use super::error::damaged;
use super::import::EXPORTED;
use super::sqlite::{Context as _, Sqlite};
use super::{EntryKind, Error, Result, StateErrorKind, Store, TreeEntry, Version};
use crate::contract::path::VERSION_JSON;

/// Where the bytes of a file come from: called with its place in the list, and what takes them piece by piece. Says whether
/// they are what was stored; or the error of what takes them.
pub(super) type Contents<'a> =
    &'a mut dyn FnMut(usize, &mut dyn FnMut(&[u8]) -> io::Result<()>) -> Result<io::Result<bool>>;

/// Writes files into a directory, which is made if it is not there. Files and directories are private until their content is
/// complete; then they get the permissions that they had. Nothing that is there is overwritten, and no link is followed.
/// `what` is being done; `altered` makes the error for a content that is not what was stored.
pub(super) fn lay_out(
    entries: &[TreeEntry],
    directory: &Path,
    what: &str,
    contents: Contents,
    altered: &dyn Fn(&TreeEntry) -> Error,
) -> Result<()> {
    let at = |error: io::Error, path: &Path| {
        Error::io(&error, format!("cannot {what} to {}", directory.join(path).display()))
    };
    let mut private = DirBuilder::new();
    private.mode(0o700);
    if !directory.is_dir() {
        private.create(directory).map_err(|error| at(error, Path::new("")))?;
    }
    for (index, entry) in entries.iter().enumerate() {
        let target = directory.join(&entry.path);
        match &entry.kind {
            EntryKind::Directory => private.create(&target).map_err(|error| at(error, &entry.path))?,
            EntryKind::File { .. } => {
                let mut file = create(&target).map_err(|error| at(error, &entry.path))?;
                let intact = contents(index, &mut |bytes| file.write_all(bytes))?
                    .and_then(|intact| {
                        file.set_permissions(Permissions::from_mode(entry.mode & 0o777)).map(|()| intact)
                    })
                    .map_err(|error| at(error, &entry.path))?;
                if !intact {
                    return Err(altered(entry));
                }
            }
            EntryKind::Symlink { .. } => {}
        }
    }
    // Links come last, so that no file is written through one; and a directory gets its permissions when nothing
    // more goes into it, the innermost first.
    for entry in entries.iter().rev() {
        let path = directory.join(&entry.path);
        match &entry.kind {
            EntryKind::Directory => fs::set_permissions(&path, Permissions::from_mode(entry.mode & 0o777)),
            EntryKind::Symlink { target } => symlink(target, &path),
            EntryKind::File { .. } => Ok(()),
        }
        .map_err(|error| at(error, &entry.path))?;
    }
    Ok(())
}

impl Sqlite {
    pub(super) fn restore_files(&self, version: &Version, directory: &Path) -> Result<()> {
        let what = format!("restore the files of {}", version.reference());
        // One moment, so that nothing is pruned that is half read.
        let _snapshot = self.read(&what)?;
        let (entries, rows): (Vec<_>, Vec<_>) = self.listing(version)?.into_iter().unzip();
        let altered = |entry: &TreeEntry| {
            let path = entry.path.display();
            damaged(&self.place, &format!("cannot {what}: the content of {path} is not what was stored"))
        };
        let mut reader = Reader::new(&self.connection).context(self, &what)?;
        let mut contents = |index: usize, take: &mut dyn FnMut(&[u8]) -> io::Result<()>| {
            let (Some(row), EntryKind::File { hash, .. }) = (rows[index], &entries[index].kind) else {
                return Ok(Ok(false));
            };
            reader.read(row, hash, take).context(self, &what)
        };
        lay_out(&entries, directory, &what, &mut contents, &altered)
    }
}

impl Store {
    /// Writes all of a version into `directory`, which must be new or empty: `version.json` says what it is and what its
    /// property bag holds, `files/` has its state files.
    ///
    /// # Errors
    ///
    /// As [`Store::restore_files`], and when the directory is not empty.
    pub fn export(&self, version: &Version, directory: &Path) -> Result<()> {
        let failed = |error: io::Error| {
            Error::io(&error, format!("cannot export {} to {}", version.reference(), directory.display()))
        };
        match DirBuilder::new().mode(0o700).create(directory) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if fs::read_dir(directory).map_err(failed)?.next().is_some() {
                    return Err(Error::new(
                        StateErrorKind::Unfit,
                        format!(
                            "cannot export {} to {}: it is not empty, so name a new directory",
                            version.reference(),
                            directory.display()
                        ),
                    ));
                }
            }
            made => made.map_err(failed)?,
        }
        self.restore_files(version, &directory.join(EXPORTED))?;
        let document = version.document();
        create(&directory.join(VERSION_JSON))
            .and_then(|mut file| file.write_all(format!("{document:#}\n").as_bytes()))
            .map_err(failed)
    }
}

/// Makes a file that its owner alone can read.
fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}
