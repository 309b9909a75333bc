//! `shipctl exec`: any command with the environment and the files of a job.

use crate::cli::{Exec, LineOptions, Shell};
use crate::job::exec::execute;
use crate::output::Failure;

/// Runs the command; the status is that of the command it runs.
///
/// # Errors
///
/// Where `run` would fail before its first script line, and if the command cannot be started.
pub fn run(command: &Exec, options: &LineOptions) -> Result<u8, Failure> {
    execute(command, options, false)
}

/// `shipctl shell`: the same with a shell, in the workspace of the job, where its scripts begin.
///
/// # Errors
///
/// Where `run` would fail before its first script line, and if the shell cannot be started.
pub fn shell(command: &Shell, options: &LineOptions) -> Result<u8, Failure> {
    let Shell { job, task, no_audit, keep, options: job_options } = command;
    let command = Exec::shell(job.into(), task.clone(), *no_audit, *keep, job_options.clone());
    execute(&command, options, true)
}
