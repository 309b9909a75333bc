//! A job, from what was fetched for it to its end, and what is stored of it.

mod managed;
mod matrix;
mod script;

pub(crate) use super::log::unwritten;
pub(crate) use managed::plan as plan_of_managed;

use super::record::{PriorState, Record};
use super::remote::incoming::Incoming;
use super::{Executor, Fetched, Ready, log, remote};
use crate::output::Failure;
use crate::run::{Masking, Outcome};
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
    /// How it ended.
    pub(crate) outcome: Outcome,
    /// The number of the build; `None` if it is in no history.
    pub(crate) build: Option<u32>,
    /// What it leaves.
    pub(crate) left: Left,
}

/// Where the files of what goes into a job come from.
pub(crate) enum Inputs<'a> {
    /// The state of the line, and its repositories.
    Line(&'a mut Record),
    /// The machine that sent the job here.
    Sender(&'a mut Incoming),
}

impl Inputs<'_> {
    /// The number of the run in the history; none for a job that was sent here: its history is the sender's.
    fn number(&self) -> Option<u32> {
        match self {
            Inputs::Line(record) => record.number(),
            Inputs::Sender(_) => None,
        }
    }
}

/// A job that has run, and what it has left.
pub(crate) struct Ran<'a> {
    pub(crate) ready: Ready<'a>,
    pub(crate) workspace: Workspace,
    pub(crate) outcome: Outcome,
    /// What is masked by now.
    pub(crate) masking: Masking,
}

impl Executor<'_, '_> {
    /// Runs a job, and stores what it made. `before` is the workspace of the job before.
    ///
    /// # Errors
    ///
    /// When no line of its script can be run, when the log cannot be written, and when what it made cannot be stored.
    pub(crate) fn execute(
        &mut self,
        mut fetched: Fetched,
        state: PriorState,
        before: Option<Workspace>,
    ) -> Result<Done, Failure> {
        if let Some(work) = fetched.plan.job.managed() {
            return self.run_managed(work, fetched, state, before);
        }
        let session = self.session;
        let mut record = Record::begin(session, state, &mut fetched)?;
        let number = record.number();
        log::keep(session, self.command, &fetched.plan.job.name.text, number, self.console);
        let allowed = self.command.allow_secrets_in_state;
        if let Some(elsewhere) = &session.elsewhere {
            drop(before);
            let ended = match self.run_remote(elsewhere, fetched, &record) {
                Ok(ended) => ended,
                Err(failure) => return Err(record.fail(session, failure)),
            };
            let remote::EndedRemotely { report, credentials, patterns, files } = ended;
            let (outcome, made) = (report.outcome, (report.changes, report.added.as_slice()));
            let store = record
                .finish_with(session, &credentials, outcome, made, allowed)
                .map_err(|failure| failure.masked(&patterns))?;
            return Ok(Done { outcome, build: number, left: Left { workspace: Some(files), store } });
        }
        let ran = match self.run(fetched, before, &mut Inputs::Line(&mut record)) {
            Ok(ran) => ran,
            Err(failure) => return Err(record.fail(session, failure)),
        };
        let Ran { ready, workspace, outcome, masking } = ran;
        let store = record
            .finish(session, &ready, outcome, &masking, allowed)
            .map_err(|failure| failure.masked(masking.patterns()))?;
        Ok(Done { outcome, build: number, left: Left { workspace: Some(workspace), store } })
    }

    /// Runs the scripts of a job, once or with each entry of its matrix.
    ///
    /// # Errors
    ///
    /// When no line of its script can be run, and when the log cannot be written.
    pub(crate) fn run<'a>(
        &mut self,
        fetched: Fetched<'a>,
        before: Option<Workspace>,
        inputs: &mut Inputs,
    ) -> Result<Ran<'a>, Failure> {
        if self.session.runs_matrix(&fetched.plan) {
            return self.run_matrix(fetched, before, inputs);
        }
        let (ready, workspace) = self.session.open(fetched, Home::Disk, self.command.keep, true)?;
        let (outcome, masking) = self.run_scripts(&ready, &workspace, before, inputs)?;
        Ok(Ran { ready, workspace, outcome, masking })
    }
}
