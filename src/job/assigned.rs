//! The other side of `run --on`: a job that was sent here, run as any other, but for its number and what it makes: those are
//! the sender's.

use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::rc::Rc;

use anyhow::{Context as _, anyhow};

use super::execute::{Inputs, Ran};
use super::record::ending_of;
use super::remote::assignment::{Assignment, RemoteOptions};
use super::remote::incoming::Incoming;
use super::remote::report;
use super::{Executor, Session, notifications, outputs};
use crate::cli::{JobOptions, Run};
use crate::model::files::Line;
use crate::output::Failure;
use crate::paint::Paint;
use crate::resolve;
use crate::run::Signals;
use crate::run::console::Console;
use crate::run::remote::{EventFrames, Input, Output, Upload};

/// Runs the job that comes, and says how that went.
pub(crate) fn work(input: Input, output: Output, signals: &Signals) {
    let output = Rc::new(output);
    if let Err(failure) = run(input, &output, signals) {
        // Of a document that cannot be written, the sender sees that it does not come.
        let _ = report::broken(&failure).map(|document| output.end(Upload::new(Vec::new()), &document));
    }
}

fn run(mut input: Input, output: &Rc<Output>, signals: &Signals) -> Result<(), Failure> {
    let document = input.job().context("the job did not come whole")?;
    let unknown = || anyhow!("the job that came is not what this shipctl knows");
    let assignment = Assignment::parse(&document).ok_or_else(unknown)?;
    drop(document);
    let (job, options) = (assignment.job.clone(), assignment.options.clone());
    let (texts, received) = assignment.split().ok_or_else(unknown)?;
    let mut line = texts.line();
    if let Some(sent) = &options.notifications {
        notifications::send_as(sent, &mut line.pipeline, &job);
    }
    let place = line.pipeline.jobs.get(&job).map(|job| job.name.place).ok_or_else(unknown)?;
    for integration in received.integrations(place) {
        line.pipeline.integrations.insert(integration.name.text.clone(), integration);
    }
    let repositories = received.repositories.keys().cloned();
    let mut session = session(line, &job, &options, repositories)?;
    session.given = Rc::clone(&received.given);
    session.from.clone_from(&options.from);
    session.runs_containers = options.containers;
    session.messages.output = Some(Rc::clone(output));
    if let Some(password) = &received.smtp_password {
        session.set_smtp_password(password);
    }
    let plan = resolve::resolve(&session.line.pipeline, &job).map_err(|problems| session.fail(&problems))?;
    let entry = session.chosen_entry(&plan)?;
    let fetched = received.fetched(plan, entry);
    let mut incoming = match session.runs_matrix(&fetched.plan) {
        true => Incoming::spool(&job, &mut input)?,
        false => Incoming::Stream(input),
    };
    let mut console = Console::new(EventFrames, output.stream().as_fd());
    let command =
        Run { timeout: options.timeout, grace: options.grace, keep: options.keep, ..Run::of_job(&job) };
    let ran = Executor { session: &session, command: &command, signals, console: &mut console }.run(
        fetched,
        None,
        &mut Inputs::Sender(&mut incoming),
    )?;
    send(ran, &session, output)
}

/// The session of a job that was sent here.
fn session(
    line: Line,
    job: &str,
    sent: &RemoteOptions,
    repositories: impl Iterator<Item = String>,
) -> Result<Session, Failure> {
    let options = JobOptions {
        workspace: sent.workspace.clone(),
        matrix: sent.matrix,
        clean_env: sent.clean_env,
        // Where they lie is the sender's to know. Here it matters that they are there.
        repo: repositories.map(|name| (name, PathBuf::new())).collect(),
        ..JobOptions::default()
    };
    Session::of(line, &[job], Paint::Plain, &options)
}

/// Sends what a job has made, and how it ended.
fn send(ran: Ran, session: &Session, output: &Output) -> Result<(), Failure> {
    let Ran { ready, workspace, outcome, masking } = ran;
    let changes = outputs::read(&ready, ending_of(outcome)).map(|outputs| {
        session.warn(&outputs.warnings);
        outputs.changes
    });
    let changes = changes.map_err(|failure| failure.masked(masking.patterns()));
    let (document, items) = report::ended(outcome, &changes, masking.added()).map_err(anyhow::Error::from)?;
    output.end(Upload::new(items), &document).context("what the job made cannot be read")?;
    drop(workspace);
    Ok(())
}
