//! The container of one TASK, for a command that is no part of a run.

use std::ffi::OsString;
use std::path::Path;

use anyhow::anyhow;

use super::super::{Ready, Session, chosen_task};
use super::leftovers::Leftovers;
use super::{Containers, program};
use crate::environment::task_name;
use crate::model::task::Task;
use crate::output::Failure;
use crate::resolve::Plan;
use crate::run::{self, InContainer, Masking, Outcome, Signals};
use crate::workspace::{Pipes, Workspace};

/// What starts a command where a TASK runs.
pub(crate) struct TaskContainer<'a> {
    containers: Containers,
    task: (usize, &'a Task),
    pipes: Pipes,
}

impl Session {
    /// The container of the chosen TASK, or of the first one that names an image.
    ///
    /// # Errors
    ///
    /// When it names none, and when no engine is there.
    pub(crate) fn task_container<'a>(
        &self,
        plan: &Plan<'a>,
        chosen: Option<&str>,
    ) -> Result<TaskContainer<'a>, Failure> {
        let job = &plan.job.name.text;
        let first = || plan.tasks.iter().copied().enumerate().find(|(_, task)| task.image.is_some());
        let task = if chosen.is_some() { chosen_task(plan, chosen)? } else { first() };
        let Some((index, task)) = task else {
            return Err(anyhow!(
                "--container: no TASK of job `{job}` names an image\n  hint: without --container, the command runs on this machine"
            )
            .into());
        };
        if task.image.is_none() {
            let name = task_name(task, index);
            return Err(anyhow!("--container: TASK `{name}` of job `{job}` names no image").into());
        }
        let Some(containers) = self.containers(plan)? else {
            return Err(
                anyhow!("--container: SHIPCTL_CONTAINERS says that nothing runs in containers").into()
            );
        };
        Ok(TaskContainer { containers: containers.only(index), task: (index, task), pipes: Pipes::make()? })
    }
}

impl TaskContainer<'_> {
    /// Has the image here, and what the container finds among its pipes.
    ///
    /// # Errors
    ///
    /// When the image cannot be had.
    pub(crate) fn prepare(&self, session: &Session, ready: &Ready, signals: &Signals) -> Result<(), Failure> {
        session.pull(&self.containers, ready, signals)?;
        program::prepare(&self.pipes)
    }

    /// Removes the containers of runs that have ended.
    pub(crate) fn remove_leftovers(&self) {
        self.containers.look_for_leftovers().into_iter().for_each(Leftovers::remove);
    }

    /// Where it is.
    pub(crate) fn place<'p>(&'p self, workspace: &'p Workspace) -> ExecTarget<'p> {
        ExecTarget {
            containers: &self.containers,
            task: self.task,
            pipes: self.pipes.path(),
            workspace: workspace.root(),
        }
    }
}

/// Where a command is started: in the container of a TASK, which has these directories of this machine.
pub(crate) struct ExecTarget<'a> {
    pub(crate) containers: &'a Containers,
    pub(crate) task: (usize, &'a Task),
    pub(crate) pipes: &'a Path,
    pub(crate) workspace: &'a Path,
}

impl ExecTarget<'_> {
    /// Runs a command there, in the directory and with the variables that the scripts of the TASK have.
    ///
    /// # Errors
    ///
    /// When the container or the command cannot be started.
    pub(crate) fn exec(
        &self,
        session: &Session,
        ready: &Ready,
        words: &[OsString],
        masking: Option<&mut Masking>,
        signals: &Signals,
        meanwhile: impl FnOnce(),
    ) -> Result<Outcome, Failure> {
        let on_top = session.of_task(Some(self.task), &ready.context)?;
        let container = self
            .containers
            .of_task(self.task, ready, &on_top, self.workspace, self.pipes)?
            .unwrap_or_default();
        let command = InContainer {
            container: &container,
            words,
            environment: session.container_environment(&ready.environment, &on_top)?,
            directory: &ready.context.directory(&ready.plan),
            pipes: self.pipes,
        };
        Ok(run::exec_in_container(command, masking, signals, meanwhile)?)
    }
}
