//! Opening files that are to be read whole: a pipe or a device in their place would keep the reader waiting, or never end.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;

use nix::libc;

/// Opens a file for reading.
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
    // A named pipe is opened at once with this, whether or not somebody writes to it.
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
