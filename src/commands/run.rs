//! `shipctl run`: a job, from its YAML to its end; or, with `--dry-run`, all that this would be.

use std::io;

use super::{Commands, Failure, Session, paint, plan, print};
use crate::cli::{LineOptions, Run};
use crate::exit;

/// Runs the command.
///
/// # Errors
///
/// On everything that is wrong before the first line of the job's script.
pub fn run(command: &Run, options: &LineOptions) -> Result<u8, Failure> {
    let session = Session::new(options, &command.options, &command.job)?;
    let commands = if command.dry_run { Commands::Skip } else { Commands::Run };
    let ready = session.prepare(&command.job, commands)?;
    session.warn_of_left_out(&ready.build);
    let limit = command.timeout.or(ready.plan.job.time_limit);
    if command.dry_run {
        print(&plan::describe(&session, &ready, limit, paint(options.color, &io::stdout()))?)?;
        return Ok(exit::SUCCESS);
    }
    Ok(exit::SUCCESS)
}
