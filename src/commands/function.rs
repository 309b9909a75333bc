//! `shipctl get_… --job JOB`: a lookup function outside of a job.

use std::io::{self, Write as _};

use crate::cli::FunctionCall;
use crate::job::function::Answer;
use crate::lookup::Function;
use crate::output::Failure;

/// Calls a function as if inside the job.
///
/// # Errors
///
/// Where `run` would fail before its first script line.
pub fn run(function: &Function, call: &FunctionCall) -> Result<u8, Failure> {
    let answer = Answer::to(function, call)?;
    io::stderr().lock().write_all(&answer.err)?;
    match io::stdout().lock().write_all(&answer.out) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(answer.status),
    }
}
