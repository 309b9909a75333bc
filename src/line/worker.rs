//! The work of one process: jobs, one after the other.

use std::io;
use std::os::fd::AsFd as _;
use std::rc::Rc;
use std::time::Instant;

use crate::cli::{LogFormat, Run};
use crate::credentials::Credentials;
use crate::exit;
use crate::job::execute::{Done, Left};
use crate::job::record::StateAccess;
use crate::job::{Executor, FetchPolicy, Session};
use crate::order::Order;
use crate::output::Failure;
use crate::paint::Paint;
use crate::repository::{self, Filters};
use crate::resolve::{Dependency, Plan};
use crate::run::console::{Console, Json, Prefixed, Stamped, Text};
use crate::run::worker_pool::{Stage, Update, WorkerHandle};
use crate::run::{Outcome, Signals};
use crate::tools;

/// What it takes to run the jobs of a line.
pub(super) struct Worker<'a, 'o> {
    pub(super) session: &'a Session,
    pub(super) order: &'o Order<'a>,
    pub(super) command: &'a Run,
    pub(super) signals: &'a Signals,
    pub(super) paint: Paint,
    /// What stands in front of each line of a job's log.
    pub(super) prefixes: Rc<[String]>,
    /// The jobs by their numbers; each is taken once.
    pub(super) jobs: Vec<Option<(Plan<'a>, Credentials)>>,
    /// What the job before has left.
    pub(super) left: Left,
}

impl Worker<'_, '_> {
    /// Whether what goes to stderr belongs into the log: not among JSON.
    pub(super) fn logs_stderr(&self) -> bool {
        self.command.log_format == LogFormat::Text
    }

    /// Runs jobs until there are no more. A job that follows on this one alone is run by the same worker.
    pub(super) fn work(&mut self, handle: &WorkerHandle, follows: &[Option<u32>]) {
        let started = |job| Update { job, build: 0, took: 0, stage: Stage::Started };
        while let Some(mut job) = handle.next_job() {
            handle.send(&[started(job)]);
            loop {
                let follows = follows[job as usize];
                let update = self.run(job);
                match follows {
                    // The workspace of the job before is removed while this one's shell loads.
                    Some(next) if update.stage == Stage::Ended(Outcome::Success) => {
                        handle.send(&[update, started(next)]);
                        job = next;
                        if !self.starts_at_once(job) {
                            self.left.workspace = None;
                        }
                    }
                    _ => {
                        handle.send(&[update]);
                        break;
                    }
                }
            }
            self.left.workspace = None;
        }
    }

    /// Whether no server has to be asked before the shell of a job is started.
    fn starts_at_once(&self, job: u32) -> bool {
        self.jobs[job as usize].as_ref().is_some_and(|(plan, _)| {
            let is_repository = |dependency: &Dependency| repository::is_repository(dependency.target.kind());
            !plan.dependencies.iter().any(is_repository) && !tools::are_needed(plan)
        })
    }

    fn run(&mut self, job: u32) -> Update {
        let started = Instant::now();
        let name = &self.order.members[job as usize].job.name.text;
        if self.logs_stderr() {
            self.session.messages.set_prefix(&self.prefixes[job as usize]);
        }
        let (stage, build) = match self.execute(job, name) {
            Ok(done) => {
                self.left = done.left;
                (Stage::Ended(done.outcome), done.build.unwrap_or_default())
            }
            Err(failure) => {
                self.session.say(&failure.to_string());
                (Stage::Broken(failure.status), 0)
            }
        };
        let took = u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX);
        Update { job, build, took, stage }
    }

    fn execute(&mut self, job: u32, name: &str) -> Result<Done, Failure> {
        let Some((plan, credentials)) = self.jobs[job as usize].take() else {
            return Err(Failure {
                status: exit::SHIPCTL_FAILED,
                message: format!("error: {name} ran already\n"),
            });
        };
        let left = std::mem::take(&mut self.left);
        let (fetched, state) =
            self.session.complete(plan, credentials, FetchPolicy::Full, StateAccess::Record, left.store)?;
        self.session.check_inputs(&fetched.plan, &fetched.versions, self.command.require_in)?;
        self.session.warn_of_skipped(&fetched.plan, &fetched.repositories);
        self.session.warn_of_left_out(&fetched.repositories, Filters::On);
        let stdout = io::stdout();
        let prefix = self.prefixes[job as usize].clone();
        let mut console = match self.command.log_format {
            LogFormat::Json => Console::new(Json::of_job(name), stdout.as_fd()),
            LogFormat::Text if self.command.timestamps => {
                let text = Stamped::new(Text::brief(self.paint));
                Console::new(Prefixed::new(text, prefix), stdout.as_fd())
            }
            LogFormat::Text => Console::new(Prefixed::new(Text::brief(self.paint), prefix), stdout.as_fd()),
        };
        let Worker { session, command, signals, .. } = *self;
        Executor { session, command, signals, console: &mut console }.execute(fetched, state, left.workspace)
    }
}
