//! A line that was read for some jobs, and what is true for all of them.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::rc::Rc;

use anyhow::Context as _;

use super::given::given;
use super::host::{inherited, operating_system};
use super::messages::Messages;
use super::prepare::chosen_task;
use super::remote::Elsewhere;
use super::{ci_inputs, containers, notifications};
use crate::cli::{JobOptions, LineOptions, Run};
use crate::container::Choice;
use crate::credentials::{self, Ambient};
use crate::environment::{self, Environment, GivenVariable, RunContext};
use crate::exit;
use crate::load::{opener, read_good};
use crate::model::files::Line;
use crate::model::task::Task;
use crate::output::{Failure, failure, paint};
use crate::paint::Paint;
use crate::printable;
use crate::resolve::Plan;
use crate::secure::Opener;
use crate::trace::Trace;

/// A line that was read for some jobs, and what is true for all of them.
pub(crate) struct Session {
    pub(crate) line: Line,
    pub(crate) options: JobOptions,
    pub(crate) messages: Messages,
    pub(crate) inherited: Rc<[(OsString, OsString)]>,
    /// The variables that the caller gives.
    pub(crate) given: Rc<[GivenVariable]>,
    /// The architecture and the operating system of this machine.
    pub(crate) machine: (String, String),
    /// What opens the encrypted values of the line.
    pub(crate) opener: Opener,
    /// Whom each of the line's warnings is about: to find that out takes a look at all of the line.
    pub(crate) owners: OnceCell<Vec<Option<String>>>,
    /// Whether TASKs run in the images they name, and by what.
    pub(crate) runs_containers: Choice,
    /// The options that files gave, for people.
    pub(crate) defaults: Vec<String>,
    /// The TASK that the run begins with.
    pub(crate) from: Option<String>,
    /// The other machine that jobs run on, if they do.
    pub(crate) elsewhere: Option<Elsewhere>,
    /// What of the notifications of jobs is sent; nothing of those that are not in it.
    pub(crate) notifications: HashMap<String, notifications::Sent>,
    /// Whether it is about several jobs.
    pub(crate) is_of_several: bool,
    /// The trace that its jobs are a part of.
    pub(crate) trace: Option<Rc<Trace>>,
}

impl Session {
    /// Reads a line for a job.
    pub(crate) fn new(
        line_options: &LineOptions,
        options: &JobOptions,
        job: &str,
    ) -> Result<Session, Failure> {
        Session::of(read_good(line_options)?, &[job], paint(line_options.color, &io::stderr()), options)
    }

    /// The session of some jobs of a line.
    pub(crate) fn of(
        mut line: Line,
        jobs: &[&str],
        paint: Paint,
        options: &JobOptions,
    ) -> Result<Session, Failure> {
        let mut problems = Vec::new();
        let environment: Vec<_> = std::env::vars_os().collect();
        let ambient = Ambient::new(environment.iter().map(|(name, value)| (name, value)));
        let mut no_repositories = Vec::new();
        for job in jobs {
            no_repositories.extend(ci_inputs::add_repository(&mut line, options, job));
            credentials::add_ambient(&mut line.pipeline, job, &ambient, &mut problems);
            ci_inputs::add_hubs(&mut line.pipeline, job);
        }
        if !problems.is_empty() {
            return Err(failure(&problems, &line.sources, paint));
        }
        credentials::spare(&mut line.pipeline, options.repo.iter().map(|(name, _)| name.as_str()));
        let given = given(options)?;
        let inherited = inherited(environment, options.clean_env).into();
        let uname = nix::sys::utsname::uname().context("cannot tell the kind of this machine")?;
        let machine = (uname.machine().to_string_lossy().into_owned(), operating_system());
        let session = Session {
            messages: Messages::new(paint),
            options: options.clone(),
            inherited,
            given,
            machine,
            opener: opener(&line.pipeline),
            owners: OnceCell::new(),
            runs_containers: Choice::Never,
            defaults: Vec::new(),
            from: None,
            elsewhere: None,
            notifications: HashMap::new(),
            is_of_several: jobs.len() > 1,
            trace: None,
            line,
        };
        session.warn(&no_repositories);
        Ok(session)
    }

    /// The session of some jobs of a line, as they are to be run.
    pub(crate) fn to_run(
        mut line: Line,
        jobs: &[&str],
        command: &Run,
        options: &LineOptions,
    ) -> Result<Session, Failure> {
        forbid_shell_elsewhere(command)?;
        let (mut sent, mut unsent) = (HashMap::new(), Vec::new());
        for job in if command.notify { jobs } else { &[] } {
            let (of_job, warnings) = notifications::send(&mut line, job);
            sent.insert((*job).to_owned(), of_job);
            unsent.extend(warnings);
        }
        let mut session = Session::of(line, jobs, paint(options.color, &io::stderr()), &command.options)?;
        session.warn(&unsent);
        session.notifications = sent;
        session.messages.is_dry = command.dry_run;
        let errors = session.line.diagnostics.iter().filter(|found| found.is_error());
        session.complain(errors.cloned().collect())?;
        session.defaults.clone_from(&options.defaults);
        session.from.clone_from(&command.from);
        if let Some(on) = &command.on {
            session.elsewhere = Some(Elsewhere::new(on, &session.line)?);
        }
        session.runs_containers = containers::choice(command.containers)?;
        Ok(session)
    }

    /// The number of the TASK that a run begins with.
    pub(crate) fn first_task(&self, plan: &Plan) -> Result<usize, Failure> {
        match &self.from {
            Some(from) => Ok(chosen_task(plan, Some(from))?.map_or(0, |(index, _)| index)),
            None => Ok(0),
        }
    }

    /// The variables of a TASK on top of those of the job.
    pub(crate) fn of_task(
        &self,
        task: Option<(usize, &Task)>,
        context: &RunContext,
    ) -> Result<Environment, Failure> {
        let Some((index, task)) = task else { return Ok(Environment::default()) };
        self.go_on(environment::of_task(task, index, context))
    }
}

/// A shell after a failed TASK needs a terminal, which jobs on another machine do not have.
fn forbid_shell_elsewhere(command: &Run) -> Result<(), Failure> {
    let Some(on) = command.on.as_ref().filter(|_| command.shell_on_failure) else { return Ok(()) };
    let message = format!(
        "error: --shell-on-failure does not go with --on: a job that `{on}` starts has no terminal\n  \
         hint: run the job with --shell-on-failure on that machine itself, or keep its workspace there with --keep\n"
    );
    Err(Failure { status: exit::USAGE, message: printable::lines(&message) })
}
