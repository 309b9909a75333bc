//! A command with the environment and the files of a job, for `exec` and `shell`.

use std::ffi::OsString;

use anyhow::Context as _;

use super::add_mask::add_masks;
use super::record::StateAccess;
use super::{
    FetchPolicy, Session, audit, chosen_task, containers, credentials_endpoint, jobless, masking,
    script_commands, shell,
};
use crate::cli::{Exec, LineOptions};
use crate::output::Failure;
use crate::repository::Filters;
use crate::run::{self, Signals};
use crate::workspace::Home;

/// Runs the command, or a shell `inside` the workspace of the job; the status is that of the command.
///
/// # Errors
///
/// Where `run` would fail before its first script line, and if the command cannot be started.
pub(crate) fn execute(command: &Exec, options: &LineOptions, inside: bool) -> Result<u8, Failure> {
    let (job, mut session) = session(command, options)?;
    if command.container {
        session.runs_containers = containers::choice(None)?;
    }
    let words = words(command);
    let (fetched, state) = session.fetch(&job, FetchPolicy::Full, StateAccess::Read)?;
    session.warn_of_left_out(&fetched.repositories, Filters::On);
    if command.mask {
        session.warn_of_weak_secrets(&fetched.credentials);
    }
    let signals = Signals::hold().context("cannot take hold of signals")?;
    let container = command.container.then(|| session.task_container(&fetched.plan, command.task.as_deref()));
    let container = container.transpose()?;
    let (ready, workspace) = session.open(fetched, Home::Memory, command.keep, command.mask)?;
    add_masks(command.add_mask, ready.environment.secrets())?;
    workspace.fill()?;
    session.clone_repositories(&ready, &signals)?;
    session.finish_tools(&ready, &signals)?;
    state.restore_files(&ready)?;
    drop(state);
    let endpoint = session.serve_credentials(&ready);
    let token = credentials_endpoint::token(endpoint.as_ref());
    let mut masking = if command.mask { Some(masking(&ready, &workspace, token)?) } else { None };
    let program = words.first().map(|program| program.to_string_lossy());
    let name = if inside { "shell" } else { "exec" };
    let entry = audit::AuditEntry { command: name, program: program.as_deref(), build: None };
    if inside {
        let root = ready.context.directory(&ready.plan);
        std::env::set_current_dir(root).context("cannot go to the workspace")?;
    }
    let mut note = None;
    let meanwhile = || note = Some(audit::begin(&ready, command.no_audit, &entry));
    let outcome = match &container {
        Some(container) => {
            container.prepare(&session, &ready, &signals)?;
            let place = container.place(&workspace);
            let outcome = place.exec(&session, &ready, &words, masking.as_mut(), &signals, meanwhile);
            container.remove_leftovers();
            outcome
        }
        None => {
            let task = session.of_task(chosen_task(&ready.plan, command.task.as_deref())?, &ready.context)?;
            let mut variables = session.process_environment(&ready.environment, &task)?;
            script_commands::add(&mut variables)?;
            credentials_endpoint::name(endpoint.as_ref(), &mut variables, &ready)?;
            run::exec(&words, variables, masking.as_mut(), &signals, meanwhile).map_err(Failure::from)
        }
    };
    drop(endpoint);
    drop(workspace);
    let note = note.unwrap_or_else(|| audit::begin(&ready, command.no_audit, &entry));
    note.into_iter().for_each(|note| note.end(&session, &outcome));
    Ok(match &masking {
        Some(masking) => outcome.map_err(|failure| failure.masked(masking.patterns())),
        None => outcome,
    }?
    .status())
}

/// The job, or what stands for it, and its session.
fn session(command: &Exec, options: &LineOptions) -> Result<(String, Session), Failure> {
    match command.job() {
        Some(job) => Ok((job.to_string(), Session::new(options, &command.options, &job)?)),
        None => {
            let session = Session::of_integrations(options, &command.options, &command.integration)?;
            Ok((jobless::JOB.to_owned(), session))
        }
    }
}

/// What is run: a shell, if nothing is given.
fn words(command: &Exec) -> Vec<OsString> {
    let words = command.command();
    if !words.is_empty() {
        return words;
    }
    vec![if command.container { "bash".into() } else { shell::program() }]
}
