//! The scripts of a job, run in its workspace.

use super::Inputs;
use crate::contract::path;
use crate::credentials::CredentialsEndpoint;
use crate::environment::task_name;
use crate::exit;
use crate::job::add_mask::add_masks;
use crate::job::containers::{self, Containers};
use crate::job::log;
use crate::job::shell::FailedTask;
use crate::job::{
    Executor, Ready, Session, audit, credentials_endpoint, masking, matrix, results, script_commands,
    ssh_keys,
};
use crate::model::job::Sections;
use crate::output::Failure;
use crate::run::{self, Masking, Outcome};
use crate::trace::TRACEPARENT;
use crate::workspace::{Pipes, Workspace};

impl Executor<'_, '_> {
    /// Runs a job in its workspace, once what goes in is there. Returns what is masked by now, too.
    ///
    /// # Errors
    ///
    /// When no line of its script can be run, and when the log cannot be written.
    pub(super) fn run_scripts(
        &mut self,
        ready: &Ready,
        workspace: &Workspace,
        before: Option<Workspace>,
        inputs: &mut Inputs,
    ) -> Result<(Outcome, Masking), Failure> {
        let Executor { session, command, signals, console } = self;
        add_masks(command.add_mask, ready.environment.secrets())?;
        let pipes = Pipes::make()?;
        let containers = session.containers(&ready.plan)?;
        if let Some(containers) = &containers {
            session.check_images(containers, ready)?;
        }
        let endpoint = session.serve_credentials(ready);
        let name = matrix::name_of_run(&ready.plan, ready.context.entry);
        let mut tasks = tasks(session, ready, containers.as_ref(), workspace, &pipes, endpoint.as_ref())?;
        for (number, task) in tasks.iter_mut().enumerate() {
            if let Some(trace) = &session.trace {
                let parent = trace.parent_of_task(&name, number);
                task.environment.set(TRACEPARENT.as_ref(), parent.as_ref())?;
            }
        }
        if let Some(task) = tasks.iter().find(|task| task.container.is_none()) {
            session.warn_of_versions(&ready.plan, ready.context.entry, &task.environment, signals);
        }
        let job = run::Job {
            name: &name,
            tasks: &tasks,
            sections: &sections(&ready.plan.job.sections),
            root: &ready.context.directory(&ready.plan),
            mount: session.old_workspace(&ready.plan).map(|build| (workspace.root(), build)),
            scripts: &workspace.root().join(path::SCRIPTS),
            pipes: pipes.path(),
            time_limit: command.timeout.or(ready.plan.job.time_limit),
            grace: command.grace.unwrap_or(run::GRACE),
        };
        // A shell takes as long to load as all that it has to find takes to be written. What other programs do takes longer,
        // and they may want the terminal.
        let alone = ready.context.repositories.is_empty()
            && ready.finish.is_empty()
            && containers.is_none()
            && !ssh_keys::are_needed(&ready.plan);
        workspace.note_run()?;
        let started = alone.then(|| run::start(&job, signals, console));
        drop(before);
        if let Inputs::Line(record) = inputs {
            record.open_ahead(session);
        }
        workspace.fill()?;
        match inputs {
            Inputs::Line(_) => session.clone_repositories(ready, signals)?,
            Inputs::Sender(incoming) => incoming.put(workspace.root())?,
        }
        session.finish_tools(ready, signals)?;
        if let Inputs::Line(record) = inputs {
            record.restore_files(ready)?;
        }
        let leftovers = match &containers {
            Some(containers) => {
                session.say(&containers.engine_line());
                session.pull(containers, ready, signals)?;
                containers::program::prepare(&pipes)?;
                containers.look_for_leftovers()
            }
            None => None,
        };
        let services = match &containers {
            Some(containers) => {
                session.start_services(containers, &ready.plan, &ready.context, pipes.path(), signals)?
            }
            None => None,
        };
        let here = tasks.iter().any(|task| task.container.is_none());
        let keys = session.provide_keys(ready, &pipes, here, signals)?;
        let mut masking = masking(ready, workspace, credentials_endpoint::token(endpoint.as_ref()))?;
        let failed = command.shell_on_failure.then(|| FailedTask::of(console));
        let started = started.unwrap_or_else(|| run::start(&job, signals, console));
        let number = inputs.number();
        let entry = audit::AuditEntry { command: "run", program: None, build: number };
        let note = audit::begin(ready, command.no_audit, &entry);
        let outcome = started
            .and_then(|started| run::run(&job, started, &mut masking, signals, console))
            .map_err(Failure::from)
            .and_then(|outcome| log::written(console).map(|()| outcome));
        drop(services);
        drop(keys);
        drop(endpoint);
        if let Some(leftovers) = leftovers {
            leftovers.remove();
        }
        results::take(session, ready, job.root, number, masking.patterns(), console);
        note.into_iter().for_each(|note| note.end(session, &outcome));
        let outcome = outcome.map_err(|failure| failure.masked(masking.patterns()))?;
        if outcome == Outcome::Failed(exit::NOT_FOUND) {
            session.hint_at_line_files(&ready.plan, job.root);
        }
        if let Some(failed) = failed {
            let containers = containers.as_ref().map(|containers| (containers, pipes.path()));
            failed.start_shell(session, ready, containers, workspace, signals)?;
        }
        if command.keep {
            session.say(&format!("shipctl: the workspace is kept: {}\n", workspace.root().display()));
        }
        Ok((outcome, masking))
    }
}

/// The tasks of a job, with their environments.
fn tasks(
    session: &Session,
    ready: &Ready,
    containers: Option<&Containers>,
    workspace: &Workspace,
    pipes: &Pipes,
    endpoint: Option<&CredentialsEndpoint>,
) -> Result<Vec<run::Task>, Failure> {
    let mut tasks = Vec::new();
    let from = session.first_task(&ready.plan)?;
    for (index, task) in ready.plan.tasks.iter().enumerate().skip(from) {
        let on_top = session.of_task(Some((index, task)), &ready.context)?;
        let container = containers.map(|containers| {
            containers.of_task((index, task), ready, &on_top, workspace.root(), pipes.path())
        });
        let container = container.transpose()?.flatten();
        let mut environment = match container {
            Some(_) => session.container_environment(&ready.environment, &on_top)?,
            None => {
                let mut environment = session.process_environment(&ready.environment, &on_top)?;
                script_commands::add(&mut environment)?;
                credentials_endpoint::name(endpoint, &mut environment, ready)?;
                environment
            }
        };
        ssh_keys::name_agent(&mut environment, ready, pipes)?;
        tasks.push(run::Task {
            name: task_name(task, index),
            entries: task.entries.clone(),
            environment,
            container,
        });
    }
    Ok(tasks)
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
