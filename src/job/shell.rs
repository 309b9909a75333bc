//! The shell that `run --shell-on-failure` starts: a prompt where the scripts of the job ran.

use std::cell::RefCell;
use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::rc::Rc;

use anyhow::Context as _;

use super::containers::Containers;
use super::containers::task::ExecTarget;
use super::{Ready, Session, chosen_task, script_commands};
use crate::output::Failure;
use crate::run::console::{Console, Watcher};
use crate::run::{self, Event, Outcome, Signals, StepKind};
use crate::workspace::Workspace;

/// The user's shell.
pub(crate) fn program() -> OsString {
    let shell = std::env::var_os("SHELL").filter(|shell| !shell.is_empty());
    shell.unwrap_or_else(|| "/bin/sh".into())
}

/// Which TASK of a run failed. Shared with the console, which tells of it.
#[derive(Clone, Default)]
pub(crate) struct FailedTask(Rc<RefCell<Option<String>>>);

impl Watcher for FailedTask {
    fn event(&mut self, event: &Event) {
        if let Event::StepEnd { step } = event
            && step.kind == StepKind::Task
            && step.outcome.is_some_and(|outcome| outcome != Outcome::Success)
        {
            self.0.replace(Some(step.name.clone()));
        }
    }
}

impl FailedTask {
    /// Watches a console.
    pub(crate) fn of(console: &mut Console) -> FailedTask {
        let failed = FailedTask::default();
        console.tell_also(failed.clone());
        failed
    }

    /// Starts a shell in the workspace of the job that failed, with the variables of the TASK. Its end is that of the run.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub(crate) fn start_shell(
        &self,
        session: &Session,
        ready: &Ready,
        containers: Option<(&Containers, &Path)>,
        workspace: &Workspace,
        signals: &Signals,
    ) -> Result<(), Failure> {
        let task = self.0.borrow();
        let Some(name) = task.as_deref().filter(|_| has_terminal()) else { return Ok(()) };
        let root = ready.context.directory(&ready.plan);
        // A name that is masked is none of its TASKs.
        let task = chosen_task(&ready.plan, Some(name)).or_else(|_| chosen_task(&ready.plan, None))?;
        let begin = |place: &str| {
            session.say(&format!(
                "shipctl: a shell in {place} with the variables of TASK {name}; the run ends with it\n"
            ));
        };
        if let (Some((containers, pipes)), Some(task)) = (containers, task)
            && let Some(image) = &task.1.image
        {
            begin(&format!("the container of {}", image.name));
            let place = ExecTarget { containers, task, pipes, workspace: workspace.root() };
            return place.exec(session, ready, &["bash".into()], None, signals, || {}).map(|_| ());
        }
        begin(&root.display().to_string());
        let on_top = session.of_task(task, &ready.context)?;
        let mut variables = session.process_environment(&ready.environment, &on_top)?;
        script_commands::add(&mut variables)?;
        let before = std::env::current_dir().context("the current directory is gone")?;
        std::env::set_current_dir(&root).context("cannot go to the workspace")?;
        let ended = run::exec(&[program()], variables, None, signals, || {});
        std::env::set_current_dir(before).context("the current directory is gone")?;
        ended.map(|_| ()).map_err(Failure::from)
    }
}

/// Whether there is a terminal to type into a shell.
pub(crate) fn has_terminal() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}
