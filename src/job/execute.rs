//! A job, from what was fetched for it to its end; or, for a dry run, all that this would be.

use std::io;

use super::add_mask::add_masks;
use super::containers::{self, Containers};
use super::record::{Record, State};
use super::shell::FailedTask;
use super::{
    Commands, Fetched, Ready, Session, audit, container_program, dry_run, log, managed, masking, matrix,
    notifications, results, script_commands,
};
use crate::cli::{LineOptions, Run};
use crate::contract::path;
use crate::diagnostic::Paint;
use crate::environment::task_name;
use crate::exit;
use crate::model::files::Line;
use crate::model::job::Sections;
use crate::output::{Failure, paint};
use crate::repository::Filters;
use crate::run::console::Console;
use crate::run::{self, Masking, Outcome, Signals};
use crate::workspace::{Home, Pipes, Workspace};

/// The plan of a job as a dry run prints it, after its warnings.
///
/// # Errors
///
/// Where the run would fail before the first line of its script.
pub(crate) fn described(
    session: &Session,
    job: &str,
    command: &Run,
    paint: Paint,
) -> Result<String, Failure> {
    describe(session, &session.prepare(job, Commands::Skip)?, command, paint)
}

pub(crate) fn describe(
    session: &Session,
    ready: &Ready,
    command: &Run,
    paint: Paint,
) -> Result<String, Failure> {
    session.warn_of_job(&ready.plan);
    if let Some(work) = ready.plan.job.managed() {
        return managed::described(session, work, ready, paint);
    }
    session.warn_of_weak_secrets(&ready.credentials);
    session.warn_of_left_out(&ready.build.repositories, Filters::Off);
    let limit = command.timeout.or(ready.plan.job.time_limit);
    dry_run::describe(session, ready, limit, command.verbose, paint)
}

/// The session of some jobs of a line, as they are to be run.
pub(crate) fn session(
    mut line: Line,
    jobs: &[&str],
    command: &Run,
    options: &LineOptions,
) -> Result<Session, Failure> {
    let sent = if command.notify { jobs } else { &[] };
    let unsent: Vec<_> = sent.iter().flat_map(|job| notifications::send(&mut line, job)).collect();
    let mut session = Session::of(line, jobs, paint(options.color, &io::stderr()), &command.options)?;
    session.warn(&unsent);
    session.is_dry = command.dry_run;
    let errors = session.line.diagnostics.iter().filter(|found| found.is_error());
    session.complain(errors.cloned().collect())?;
    session.defaults.clone_from(&options.defaults);
    session.from.clone_from(&command.from);
    session.runs_containers = containers::choice(command.containers)?;
    Ok(session)
}

/// A run that has come to its end.
pub(crate) struct Done {
    /// How.
    pub(crate) outcome: Outcome,
    /// The number of the build; `None` if it is in no history.
    pub(crate) build: Option<u32>,
    /// What is still to be taken away, by dropping it.
    pub(crate) workspace: Option<Workspace>,
}

/// Runs a job for which everything was fetched, and stores what it made.
///
/// # Errors
///
/// When no line of its script can be run, when the log cannot be written, and when what it made cannot be stored.
pub(crate) fn execute(
    session: &Session,
    mut fetched: Fetched,
    command: &Run,
    signals: &Signals,
    console: &mut Console,
) -> Result<Done, Failure> {
    if let Some(work) = fetched.plan.job.managed() {
        return managed::run(session, work, fetched, command, signals, console);
    }
    let (state, record) = Record::begin(session, &mut fetched)?;
    let number = record.is_some().then_some(fetched.number);
    log::keep(session, command, &fetched.plan.job.name.text, number, console);
    if session.runs_matrix(&fetched.plan) {
        return matrix::run(session, fetched, (state, record), command, signals, console);
    }
    let (ready, workspace) = session.open(fetched, Home::Disk, command.keep, true)?;
    let (outcome, masking) = run_opened(session, &ready, &workspace, &state, command, signals, console)?;
    let build = record.is_some().then_some(ready.build.number);
    if let Some(record) = record {
        record
            .finish(state, session, &ready, outcome, &masking, command.allow_secrets_in_state)
            .map_err(|failure| failure.masked(masking.patterns()))?;
    }
    Ok(Done { outcome, build, workspace: Some(workspace) })
}

/// Runs a job in its workspace, once what goes in is there. Returns what is masked by now, too.
///
/// # Errors
///
/// When no line of its script can be run, and when the log cannot be written.
pub(crate) fn run_opened<'c>(
    session: &Session,
    ready: &Ready,
    workspace: &Workspace,
    state: &State,
    command: &Run,
    signals: &Signals,
    console: &mut Console<'c>,
) -> Result<(Outcome, Masking), Failure> {
    add_masks(command.add_mask, ready.environment.secrets())?;
    let pipes = Pipes::make()?;
    let containers = session.containers(&ready.plan)?;
    let tasks = tasks(session, ready, containers.as_ref(), workspace, &pipes)?;
    if let Some(task) = tasks.iter().find(|task| task.container.is_none()) {
        session.warn_of_versions(&ready.plan, ready.build.entry, &task.environment, signals);
    }
    let job = run::Job {
        name: &matrix::name_of_run(&ready.plan, ready.build.entry),
        tasks: &tasks,
        sections: &sections(&ready.plan.job.sections),
        root: &ready.build.directory(&ready.plan),
        scripts: &workspace.root().join(path::SCRIPTS),
        pipes: pipes.path(),
        time_limit: command.timeout.or(ready.plan.job.time_limit),
        grace: command.grace.unwrap_or(run::GRACE),
    };
    // A shell takes as long to load as all that it has to find takes to be written. What other programs do takes longer,
    // and they may want the terminal.
    let alone = ready.build.repositories.is_empty() && ready.finish.is_empty() && containers.is_none();
    workspace.note_run()?;
    let started = alone.then(|| run::start(&job, signals, console));
    session.catch_up();
    if state.recording && state.store.is_none() {
        session.open_store();
    }
    workspace.fill()?;
    session.clone_repositories(ready, signals)?;
    session.finish_tools(ready, signals)?;
    state.restore_files(ready)?;
    let leftovers = match &containers {
        Some(containers) => {
            session.pull(containers, ready, signals)?;
            container_program::prepare(&pipes)?;
            containers.look_for_leftovers()
        }
        None => None,
    };
    let services = match &containers {
        Some(containers) => {
            session.start_services(containers, &ready.plan, &ready.build, pipes.path(), signals)?
        }
        None => None,
    };
    let mut masking = masking(ready, workspace)?;
    let failed = command.shell_on_failure.then(|| FailedTask::of(console));
    let started = started.unwrap_or_else(|| run::start(&job, signals, console));
    let entry =
        audit::Entry { command: "run", program: None, build: state.recording.then_some(ready.build.number) };
    let note = audit::begin(ready, command.no_audit, &entry);
    let outcome = started
        .and_then(|started| run::run(&job, started, &mut masking, signals, console))
        .map_err(Failure::from)
        .and_then(|outcome| {
            match console.error().filter(|error| error.kind() != io::ErrorKind::BrokenPipe) {
                Some(error) => Err(unwritten(error)),
                None => Ok(outcome),
            }
        });
    drop(services);
    if let Some(leftovers) = leftovers {
        leftovers.remove();
    }
    let number = state.recording.then_some(ready.build.number);
    results::take(session, ready, job.root, number, masking.patterns(), console);
    note.into_iter().for_each(|note| note.end(session, &outcome));
    let outcome = outcome.map_err(|failure| failure.masked(masking.patterns()))?;
    if outcome == Outcome::Failed(exit::NOT_FOUND) {
        session.hint_at_line_files(&ready.plan, job.root);
    }
    if let Some(failed) = failed {
        failed.start_shell(session, ready, signals)?;
    }
    if command.keep {
        session.say(&format!("shipctl: the workspace is kept: {}\n", workspace.root().display()));
    }
    Ok((outcome, masking))
}

/// The tasks of a job, with their environments.
fn tasks(
    session: &Session,
    ready: &Ready,
    containers: Option<&Containers>,
    workspace: &Workspace,
    pipes: &Pipes,
) -> Result<Vec<run::Task>, Failure> {
    let mut tasks = Vec::new();
    let from = session.first_task(&ready.plan)?;
    for (index, task) in ready.plan.tasks.iter().enumerate().skip(from) {
        let on_top = session.of_task(Some((index, task)), &ready.build)?;
        let container = containers.map(|containers| {
            containers.of_task((index, task), ready, &on_top, workspace.root(), pipes.path())
        });
        let container = container.transpose()?.flatten();
        let environment = match container {
            Some(_) => session.container_environment(&ready.environment, &on_top)?,
            None => {
                let mut environment = session.process_environment(&ready.environment, &on_top)?;
                script_commands::add(&mut environment)?;
                environment
            }
        };
        tasks.push(run::Task {
            name: task_name(task, index),
            entries: task.entries.clone(),
            environment,
            container,
        });
    }
    Ok(tasks)
}

/// The failure of a log.
pub(crate) fn unwritten(error: io::Error) -> Failure {
    anyhow::Error::from(error).context("the log could not be written to its end").into()
}

fn sections(sections: &Sections) -> run::Sections {
    run::Sections {
        on_start: sections.on_start.clone(),
        on_success: sections.on_success.clone(),
        on_failure: sections.on_failure.clone(),
        on_cancel: sections.on_cancel.clone(),
        always: sections.always.clone(),
    }
}
