//! Writing files whole or not at all.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

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
pub fn replace(replacements: &[Replacement]) -> Result<(), String> {
    let mut ready = Vec::new();
    for replacement in replacements {
        let failed = |error: io::Error| format!("cannot write {}: {error}", replacement.path.display());
        let target = fs::canonicalize(replacement.path).map_err(failed)?;
        let found = fs::read(&target).map_err(failed)?;
        let (mark, text) = match found.strip_prefix(MARK) {
            Some(text) => (MARK, text),
            None => (&[][..], &*found),
        };
        if text != replacement.before.as_bytes() {
            return Err(format!(
                "{} has been changed by somebody else in the meantime; nothing was written",
                replacement.path.display()
            ));
        }
        let like = fs::metadata(&target).map_err(failed)?;
        ready.push((
            Beside::write(target, &[mark, replacement.after.as_bytes()], &like).map_err(failed)?,
            failed,
        ));
    }
    ready.into_iter().try_for_each(|(beside, failed)| beside.settle().map_err(failed))
}

/// Writes a new file that its owner alone may read.
///
/// # Errors
///
/// When it cannot be written, or is there already.
pub fn create(path: &Path, text: &str) -> Result<(), String> {
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).inspect_err(|_| {
            // Half of it would be in the way of the next try.
            let _ = fs::remove_file(path);
        })
    };
    write().map_err(|error: io::Error| format!("cannot make {}: {error}", path.display()))
}

const MARK: &[u8] = "\u{feff}".as_bytes();

/// A file that is to take the place of another; it goes again if it does not come to that.
struct Beside {
    path: PathBuf,
    target: PathBuf,
    settled: bool,
}

impl Beside {
    fn write(target: PathBuf, parts: &[&[u8]], like: &fs::Metadata) -> io::Result<Beside> {
        let mut name = std::ffi::OsString::from(".");
        name.push(target.file_name().unwrap_or_default());
        name.push(format!(".{}", std::process::id()));
        let path = target.with_file_name(name);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        let beside = Beside { path, target, settled: false };
        for part in parts {
            file.write_all(part)?;
        }
        // Only root can give a file away; for everybody else it is theirs as it was, or becomes theirs.
        let _ = fchown(&file, Some(like.uid()), Some(like.gid()));
        file.set_permissions(Permissions::from_mode(like.mode() & 0o7777))?;
        file.sync_all()?;
        Ok(beside)
    }

    fn settle(mut self) -> io::Result<()> {
        fs::rename(&self.path, &self.target)?;
        self.settled = true;
        // The new name is on the disk once its directory is; where that cannot be asked for, it comes by itself.
        if let Some(directory) = self.target.parent() {
            let _ = File::open(directory).and_then(|directory| directory.sync_all());
        }
        Ok(())
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if !self.settled {
            let _ = fs::remove_file(&self.path);
        }
    }
}
