//! The log of a run, kept beside its record.

use std::io;

use crate::cli::Run;
use crate::diagnostic::Diagnostic;
use crate::output::Failure;
use crate::printable;
use crate::run::console::{Console, LogFile};
use crate::state::{BuildRef, logs};

use super::Session;

/// Keeps the log of a run beside its record, and its spans in the trace if there is one.
pub(crate) fn keep(session: &Session, command: &Run, job: &str, number: Option<u32>, console: &mut Console) {
    session.trace.iter().for_each(|trace| trace.watch(console));
    let Some(number) = number.filter(|_| !command.no_log) else { return };
    let build = BuildRef { job: job.to_owned(), number };
    match logs::create(&session.line.directory, &build) {
        Ok(file) => console.tell_also(LogFile::new(file)),
        Err(error) => {
            let why = printable::lines(&error.to_string());
            session.warn(&[Diagnostic::warning(format!("the log of {build} is not kept: {why}"))]);
        }
    }
}

/// Makes sure that a log was written, but for a reader that has gone away.
///
/// # Errors
///
/// When it could not be written to its end.
pub(super) fn written(console: &Console) -> Result<(), Failure> {
    let error = console.error().filter(|error| error.kind() != io::ErrorKind::BrokenPipe);
    error.map_or(Ok(()), |error| Err(unwritten(error)))
}

/// The failure of a log.
pub(crate) fn unwritten(error: io::Error) -> Failure {
    anyhow::Error::from(error).context("the log could not be written to its end").into()
}
