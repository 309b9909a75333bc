//! A job, from what was fetched for it to its end, and what is stored of it.

mod managed;
mod matrix;
mod script;

pub(crate) use managed::plan as plan_of_managed;
pub(crate) use script::unwritten;

use super::record::Record;
use super::{Fetched, Session, log};
use crate::cli::Run;
use crate::output::Failure;
use crate::run::console::Console;
use crate::run::{Outcome, Signals};
use crate::state::Store;
use crate::workspace::{Home, Workspace};

/// What a run leaves to the next one in the same process.
#[derive(Default)]
pub(crate) struct Left {
    /// What is still to be removed, by dropping it: while the next shell loads.
    pub(crate) workspace: Option<Workspace>,
    /// The state of the line, open.
    pub(crate) store: Option<Store>,
}

/// A run that has come to its end.
pub(crate) struct Done {
    /// How.
    pub(crate) outcome: Outcome,
    /// The number of the build; `None` if it is in no history.
    pub(crate) build: Option<u32>,
    /// What it leaves.
    pub(crate) left: Left,
}

/// Runs a job for which everything was fetched, and stores what it made. `before` is the workspace of the job before.
///
/// # Errors
///
/// When no line of its script can be run, when the log cannot be written, and when what it made cannot be stored.
pub(crate) fn execute(
    session: &Session,
    mut fetched: Fetched,
    before: Option<Workspace>,
    command: &Run,
    signals: &Signals,
    console: &mut Console,
) -> Result<Done, Failure> {
    if let Some(work) = fetched.plan.job.managed() {
        return managed::run(session, work, fetched, before, command, signals, console);
    }
    let (mut state, record) = Record::begin(session, &mut fetched)?;
    let number = record.is_some().then_some(fetched.number);
    log::keep(session, command, &fetched.plan.job.name.text, number, console);
    if session.runs_matrix(&fetched.plan) {
        return matrix::run(session, fetched, before, (state, record), command, signals, console);
    }
    let (ready, workspace) = session.open(fetched, Home::Disk, command.keep, true)?;
    let (outcome, masking) =
        script::run(session, (&ready, &workspace), before, &mut state, command, signals, console)?;
    let build = record.is_some().then_some(ready.build.number);
    let store = match record {
        Some(record) => record
            .finish(state, session, &ready, outcome, &masking, command.allow_secrets_in_state)
            .map_err(|failure| failure.masked(masking.patterns()))?,
        None => None,
    };
    Ok(Done { outcome, build, left: Left { workspace: Some(workspace), store } })
}
