//! `shipctl exec`: any command with the environment and the files of a job.

use anyhow::Context as _;

use super::{Failure, Session, chosen_task};
use crate::cli::{Exec, LineOptions};
use crate::mask::Patterns;
use crate::run::{self, Signals};

/// Runs the command; the status is that of the command it runs.
///
/// # Errors
///
/// Where `run` would fail before its first script line, and if the command cannot be started.
pub fn run(command: &Exec, options: &LineOptions) -> Result<u8, Failure> {
    let session = Session::new(options, &command.options, &command.job)?;
    let signals = Signals::hold().context("cannot take hold of signals")?;
    let (ready, workspace) = session.open(&command.job, command.keep)?;
    let environment = session.task_environment(&ready, chosen_task(&ready.plan, command.task.as_deref())?)?;
    let variables = session.process_environment(&environment);
    let patterns = command.mask.then(|| Patterns::new(environment.secrets()));
    let outcome = run::exec(&command.command, &variables, patterns.as_ref(), &signals);
    drop(workspace);
    Ok(outcome?.status())
}
