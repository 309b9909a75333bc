//! Files that are read whole, and files that are written whole or not at all.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process;

use nix::libc;

/// Readable and writable for the owner alone.
const PRIVATE: u32 = 0o600;

/// Opens a file that is to be read whole: a pipe or a device in its place would keep the reader waiting, or never end.
///
/// What was handed to this process is read whatever it is: `/dev/stdin`, `/dev/fd/N` (as of `<(command)`).
///
/// # Errors
///
/// When it cannot be opened, or is a directory, a named pipe, a device or a socket.
pub fn open(path: &Path) -> io::Result<File> {
    let handed = [Path::new("/dev/fd"), Path::new("/proc/self/fd")];
    if path == Path::new("/dev/stdin") || path.parent().is_some_and(|parent| handed.contains(&parent)) {
        return File::open(path);
    }
    // A named pipe is opened at once with this, whether or not it has a writer.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    let kind = file.metadata()?.file_type();
    if kind.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory"));
    }
    let other = |what: &str| Err(io::Error::new(io::ErrorKind::InvalidInput, format!("it is {what}")));
    if kind.is_file() {
        Ok(file)
    } else if kind.is_fifo() {
        other("a named pipe, not a file")
    } else {
        other("a device, not a file")
    }
}

/// All that is in a file, which is opened by [`open`].
///
/// # Errors
///
/// When it cannot be opened or read.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    open(path)?.read_to_end(&mut content)?;
    Ok(content)
}

/// Why a file cannot be opened or read, in words for people.
pub fn describe(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        _ => error.to_string(),
    }
}

/// New content for a file, in another file beside it, which is removed if it is dropped before [`Pending::commit`].
pub struct Pending {
    at: PathBuf,
    new: PathBuf,
    file: File,
    committed: bool,
}

impl Pending {
    /// No content yet for the file `at`; the new file is for the owner alone.
    ///
    /// # Errors
    ///
    /// When no file can be made beside it.
    pub fn new(at: PathBuf) -> io::Result<Pending> {
        let name = at.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        for attempt in 0..100 {
            let mut hidden = OsString::from(".");
            hidden.push(name);
            hidden.push(format!(".{}-{attempt}", process::id()));
            let new = at.with_file_name(hidden);
            match OpenOptions::new().write(true).create_new(true).mode(PRIVATE).open(&new) {
                Ok(file) => return Ok(Pending { at, new, file, committed: false }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// Content for the file `at` with the permissions of the file that is there; a new one is for the owner alone. A
    /// symbolic link is followed, so that it stays one.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn like(at: &Path, content: &[u8]) -> io::Result<Pending> {
        let at = fs::canonicalize(at).unwrap_or_else(|_| at.to_owned());
        let mode = fs::metadata(&at).map_or(PRIVATE, |old| old.permissions().mode() & 0o7777);
        let mut pending = Pending::new(at)?;
        pending.write(&[content], mode)?;
        Ok(pending)
    }

    /// The new file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Writes the content, piece by piece, and brings it to the disk, with these permissions.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn write(&mut self, content: &[&[u8]], mode: u32) -> io::Result<()> {
        for part in content {
            self.file.write_all(part)?;
        }
        self.file.set_permissions(Permissions::from_mode(mode))?;
        self.file.sync_all()
    }

    /// Lets the new content take the place of the old, in one step.
    ///
    /// # Errors
    ///
    /// When the file cannot be replaced.
    pub fn commit(mut self) -> io::Result<()> {
        fs::rename(&self.new, &self.at)?;
        self.committed = true;
        Ok(())
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.committed {
            // Nothing more can be done about it if even this fails.
            let _ = fs::remove_file(&self.new);
        }
    }
}

/// Replaces or makes the file `at`: it has all of `content`, or is what it was.
///
/// # Errors
///
/// When it cannot be written.
pub fn replace(at: &Path, content: &[u8]) -> io::Result<()> {
    Pending::like(at, content)?.commit()
}

/// The same for a secret: whatever was there, the file is for the owner alone.
///
/// # Errors
///
/// When it cannot be written.
pub fn replace_private(at: &Path, content: &[u8]) -> io::Result<()> {
    let mut pending = Pending::new(at.to_owned())?;
    pending.write(&[content], PRIVATE)?;
    pending.commit()
}

/// Writes a new file that its owner alone may read.
///
/// # Errors
///
/// When it cannot be written, or is there already. Nothing half-written stays.
pub fn create_private(at: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(PRIVATE).open(at)?;
    file.write_all(content).and_then(|()| file.sync_all()).inspect_err(|_| {
        let _ = fs::remove_file(at);
    })
}
