//! `shipctl env`: the environment of a job, in four forms.

use std::io;

use crate::cli::{Env, EnvFormat, LineOptions};
use crate::environment::Shown;
use crate::exit;
use crate::job::{FetchPolicy, Session, chosen_task};
use crate::mask::Patterns;
use crate::output::{Failure, paint, print};

/// Runs the command.
///
/// # Errors
///
/// Where `run` would fail before its first script line.
pub fn run(command: &Env, options: &LineOptions) -> Result<u8, Failure> {
    let session = Session::new(options, &command.options, &command.job)?;
    let policy = if command.reveal { FetchPolicy::Full } else { FetchPolicy::NoCommands };
    let ready = session.prepare(&command.job, policy)?;
    let task = session.of_task(chosen_task(&ready.plan, command.task.as_deref())?, &ready.context)?;
    let patterns = (!command.reveal).then(|| Patterns::new(ready.environment.secrets()));
    let shown = Shown::new(ready.environment.with(task), patterns);
    print(&match command.format {
        EnvFormat::Table => shown.table(paint(options.color, &io::stdout())),
        EnvFormat::Shell => shown.shell(),
        EnvFormat::Dotenv => shown.dotenv(),
        EnvFormat::Json => shown.json(),
    })?;
    Ok(exit::SUCCESS)
}
