//! State files back on disk.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use super::content::Reader;
use super::error::{Context as _, damaged};
use super::{Entry, EntryKind, Error, Kind, Result, Store, Version};
use crate::contract::path::VERSION_JSON;

/// Where an export has the state files.
const FILES: &str = "files";

impl Store {
    /// Writes the state files of a version into `directory`, which is made if it is not there. Files and directories
    /// are private until their content is complete; then they get the permissions that they had. Nothing that is
    /// there is overwritten, and no link is followed.
    ///
    /// # Errors
    ///
    /// When a path is taken or cannot be written, when the version was pruned meanwhile, or when what is stored is
    /// damaged. What has been written until then stays.
    pub fn restore_files(&self, version: &Version, directory: &Path) -> Result<()> {
        let what = format!("restore the files of {}", version.reference());
        // One moment, so that nobody prunes what is half read.
        let _snapshot = self.read(&what)?;
        let entries = self.listing(version)?;
        let at = |error: io::Error, path: &Path| {
            Error::io(&error, format!("cannot {what} to {}", directory.join(path).display()))
        };
        let mut private = DirBuilder::new();
        private.mode(0o700);
        if !directory.is_dir() {
            private.create(directory).map_err(|error| at(error, Path::new("")))?;
        }
        let mut contents = Reader::new(&self.connection).context(self, &what)?;
        for (entry, content) in &entries {
            let target = directory.join(&entry.path);
            match &entry.kind {
                EntryKind::Directory => private.create(&target).map_err(|error| at(error, &entry.path))?,
                EntryKind::File { hash, .. } => {
                    let mut file = create(&target).map_err(|error| at(error, &entry.path))?;
                    let content = content.ok_or_else(|| self.altered(entry, &what))?;
                    let intact = contents
                        .read(content, hash, |bytes| file.write_all(bytes))
                        .context(self, &what)?
                        .and_then(|intact| {
                            file.set_permissions(Permissions::from_mode(entry.mode & 0o777)).map(|()| intact)
                        })
                        .map_err(|error| at(error, &entry.path))?;
                    if !intact {
                        return Err(self.altered(entry, &what));
                    }
                }
                EntryKind::Symlink { .. } => {}
            }
        }
        // Links come last, so that no file is written through one; and a directory gets its permissions when nothing
        // more goes into it, the innermost first.
        for (entry, _) in entries.iter().rev() {
            let path = directory.join(&entry.path);
            match &entry.kind {
                EntryKind::Directory => {
                    fs::set_permissions(&path, Permissions::from_mode(entry.mode & 0o777))
                }
                EntryKind::Symlink { target } => symlink(target, &path),
                EntryKind::File { .. } => Ok(()),
            }
            .map_err(|error| at(error, &entry.path))?;
        }
        Ok(())
    }

    fn altered(&self, entry: &Entry, what: &str) -> Error {
        damaged(
            &self.place,
            &format!("cannot {what}: the content of {} is not what was stored", entry.path.display()),
        )
    }

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
                        Kind::Unfit,
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
        self.restore_files(version, &directory.join(FILES))?;
        let document = version.document();
        create(&directory.join(VERSION_JSON))
            .and_then(|mut file| file.write_all(format!("{document:#}\n").as_bytes()))
            .map_err(failed)
    }
}

/// Makes a file that nobody else can read.
fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}
