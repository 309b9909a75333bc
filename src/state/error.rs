//! What can go wrong, in words that say what to do about it.

use std::fmt;
use std::io;
use std::time::Duration;

use rusqlite::{ErrorCode, ffi};

use super::place::StateFiles;

/// Why state could not be read or written. It prints as one line: what was wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: StateErrorKind,
    message: String,
}

/// What sort of error it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateErrorKind {
    /// Another process was writing for too long.
    Busy,
    /// The disk is full.
    Full,
    /// Permissions, or a file system that cannot be written to.
    Denied,
    /// The database is damaged, or is none.
    Damaged,
    /// A newer `shipctl` wrote it.
    Newer,
    /// What was asked for is not there, or not any more.
    Missing,
    /// What was given cannot be kept: a special file, too many bytes, a value that is not text.
    Unfit,
    /// Any other failure of a file or disk.
    Io,
}

impl Error {
    /// An error of this kind.
    pub fn new(kind: StateErrorKind, message: impl Into<String>) -> Self {
        Error { kind, message: message.into() }
    }

    /// What sort of error it is.
    pub fn kind(&self) -> StateErrorKind {
        self.kind
    }

    /// `message: error`, of the kind that the error shows.
    pub(super) fn io(error: &io::Error, message: impl fmt::Display) -> Self {
        let (kind, advice) = match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                (StateErrorKind::Denied, ": make it accessible to you")
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                (StateErrorKind::Full, ": make room and run again")
            }
            io::ErrorKind::NotFound => (StateErrorKind::Missing, ""),
            _ => (StateErrorKind::Io, ""),
        };
        Error::new(kind, format!("{message}: {error}{advice}"))
    }

    /// An error of the database, while it was to `what` ("store the versions").
    pub(super) fn sqlite(
        error: &rusqlite::Error,
        place: &StateFiles,
        patience: Duration,
        what: &str,
    ) -> Self {
        let at = place.shown();
        let Some(code) = error.sqlite_error_code() else {
            // A row that does not hold what this program wrote into it.
            return damaged(place, &format!("cannot {what}: {error}"));
        };
        let extended = error.sqlite_error().map_or(0, |error| error.extended_code);
        match code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Error::new(
                StateErrorKind::Busy,
                format!(
                    "cannot {what}: another shipctl has been writing to {at} for more than {}: run again when it \
                     has finished, or end it",
                    seconds(patience)
                ),
            ),
            // The memory that processes share is a file, too.
            _ if code == ErrorCode::DiskFull || extended == ffi::SQLITE_IOERR_SHMSIZE => Error::new(
                StateErrorKind::Full,
                format!(
                    "cannot {what}: the disk that holds {at} is full: make room and run again; what was there before \
                     is intact"
                ),
            ),
            ErrorCode::PermissionDenied | ErrorCode::ReadOnly | ErrorCode::CannotOpen => Error::new(
                StateErrorKind::Denied,
                format!(
                    "cannot {what}: {at} or its directory cannot be written to: make them yours ({error})"
                ),
            ),
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => {
                damaged(place, &format!("cannot {what}: {error}"))
            }
            ErrorCode::SystemIoFailure => Error::new(
                StateErrorKind::Io,
                format!(
                    "cannot {what}: {at} could not be read or written: the disk fails, or a quota or a limit on the size \
                     of files is reached ({error}); what was there before is intact"
                ),
            ),
            _ => Error::new(StateErrorKind::Io, format!("cannot {what}: {error}, in {at}")),
        }
    }
}

/// The database does not hold what it should.
pub(super) fn damaged(place: &StateFiles, why: &str) -> Error {
    Error::new(
        StateErrorKind::Damaged,
        format!(
            "{why}: {} is damaged or no state of shipctl: put a copy in its place, or start over with `shipctl reset`, \
             which sets the damaged file aside",
            place.shown()
        ),
    )
}

fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f32())
}

/// Makes of an error of the database one that can be shown.
pub(super) type Explain<'a> = &'a dyn Fn(rusqlite::Error) -> Error;
