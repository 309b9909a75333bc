//! `shipctl remote-job`: the other side of `shipctl run --on`.

use anyhow::Context as _;

use crate::exit;
use crate::job::assigned;
use crate::output::Failure;
use crate::run::Signals;
use crate::run::remote::supervise;

/// Runs the job that comes on stdin, and reports on stdout.
///
/// # Errors
///
/// When the worker that runs it cannot be started.
pub fn run() -> Result<u8, Failure> {
    let signals = Signals::hold().context("cannot take hold of signals")?;
    supervise(&signals, |input, output| assigned::work(input, output, &signals))?;
    Ok(exit::SUCCESS)
}
