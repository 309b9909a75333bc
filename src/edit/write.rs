//! Putting new texts into files, all of them or none.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt as _, fchown};
use std::path::Path;

use super::error::WriteError;
use crate::file::{self, Pending};

/// The byte order mark.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// A file and what is to be in it.
pub struct Replacement<'a> {
    /// Its path; a symbolic link stays one.
    pub path: &'a Path,
    /// The text that it had when the new one was thought out.
    pub before: &'a str,
    /// The text that it gets.
    pub after: &'a str,
}

/// Puts new texts into files: each is written beside the old one, brought to the disk and put in its place, with its
/// mode, and only after all of them could be written. A byte order mark stays.
///
/// # Errors
///
/// When a file cannot be written, or is not any more what it was.
pub fn replace(replacements: &[Replacement]) -> Result<(), WriteError> {
    let mut ready = Vec::new();
    for replacement in replacements {
        let path = || replacement.path.to_owned();
        let failed = move |source: io::Error| WriteError::Replace { path: path(), source };
        let target = fs::canonicalize(replacement.path).map_err(failed)?;
        let found = fs::read(&target).map_err(failed)?;
        let (mark, text) = match found.strip_prefix(MARK) {
            Some(text) => (MARK, text),
            None => (&[][..], &*found),
        };
        if text != replacement.before.as_bytes() {
            return Err(WriteError::Changed(replacement.path.to_owned()));
        }
        let pending = write(&target, &[mark, replacement.after.as_bytes()]).map_err(failed)?;
        ready.push((target, pending, failed));
    }
    ready.into_iter().try_for_each(|(target, pending, failed)| {
        pending.commit().map_err(failed)?;
        sync_directory_of(&target);
        Ok(())
    })
}

/// Writes a new file that its owner alone may read.
///
/// # Errors
///
/// When it cannot be written, or is there already.
pub fn create(path: &Path, text: &str) -> Result<(), WriteError> {
    file::create_private(path, text.as_bytes())
        .map_err(|source| WriteError::Create { path: path.to_owned(), source })
}

/// New content beside a file, with its mode, and as far as possible its owner.
fn write(target: &Path, parts: &[&[u8]]) -> io::Result<Pending> {
    let like = fs::metadata(target)?;
    let mut pending = Pending::new(target.to_owned())?;
    // Only root can give a file to another user; any other user keeps it, or becomes its owner.
    let _ = fchown(pending.file(), Some(like.uid()), Some(like.gid()));
    pending.write(parts, like.mode() & 0o7777)?;
    Ok(pending)
}

/// Brings the directory of a file to the disk, which has its new name; where that cannot be asked for, it comes by itself.
fn sync_directory_of(target: &Path) {
    if let Some(directory) = target.parent() {
        let _ = File::open(directory).and_then(|directory| directory.sync_all());
    }
}
