//! `shipctl run` with several jobs: each once, behind those that it depends on, and side by side where they may.
//!
//! ```text
//! order      which jobs, and what each waits for
//! schedule   what may begin, and what a failure keeps from beginning
//! worker     the work of one process; the pool of them is `run::worker_pool`
//! view       what is seen of it
//! ```

mod dry;
mod schedule;
mod view;
mod worker;

use std::io::{self, IsTerminal as _};
use std::rc::Rc;
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, anyhow};
use nix::libc;

use crate::cli::{LineOptions, LogFormat, Run};
use crate::credentials::{self, Credentials};
use crate::diagnostic::Diagnostic;
use crate::exit;
use crate::job::execute::Left;
use crate::job::report::Report;
use crate::job::{FetchPolicy, Session, execute, results};
use crate::load::{read_to_run, store};
use crate::model::{Job, files::Line};
use crate::order::{Order, Selection};
use crate::output::{Failure, failure, paint};
use crate::printable::Printable;
use crate::resolve::{self, Plan};
use crate::run::console::junit::Suite;
use crate::run::worker_pool::{PoolEvent, Stage, Update, WorkerPool};
use crate::run::{Outcome, Signals};
use crate::state::{Ending, Progress};
use crate::trace::Trace;
use crate::workspace;
use schedule::{JobState, Schedule};
use view::View;

/// How many jobs are queued at most: the pipe that they wait in has room for more.
const MOST: usize = 1000;

/// Runs the jobs that are asked for, or says what that would be.
///
/// # Errors
///
/// On everything that is wrong before the first line of the first script, as far as it can be known by then: a later
/// job's version is made by an earlier one.
pub fn run(command: &Run, options: &LineOptions, trace: Option<Rc<Trace>>) -> Result<u8, Failure> {
    let line = read_to_run(command, options)?;
    let failed = if command.failed { failed_jobs(&line)? } else { Vec::new() };
    if command.failed && failed.is_empty() {
        eprintln!("shipctl: no job failed when it last ran");
        return Ok(exit::SUCCESS);
    }
    if command.job.is_empty() && !command.all && !command.failed {
        let problem = Diagnostic::error("say which job to run, or --all for all of them")
            .hint(resolve::known_jobs(&line.pipeline));
        let failure = failure(&[problem], &line.sources, paint(options.color, &io::stderr()));
        return Err(Failure { status: exit::USAGE, ..failure });
    }
    let selection = Selection {
        jobs: if command.failed { &failed } else { &command.job },
        upstream: command.upstream,
        downstream: command.downstream || command.failed,
        all: command.all,
    };
    let stderr = paint(options.color, &io::stderr());
    for job in &command.job {
        // What is named has to be there, and of a type that can be run.
        if line.pipeline.jobs.get(job).is_none_or(|job| !job.can_run())
            && let Err(problems) = resolve::resolve(&line.pipeline, job)
        {
            return Err(failure(&problems, &line.sources, stderr));
        }
    }
    let names: Vec<String> = Order::of(&line.pipeline, &selection)
        .members
        .iter()
        .map(|member| member.job.name.text.clone())
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut session = Session::to_run(line, &names, command, options)?;
    session.trace = trace;
    let order = Order::of(&session.line.pipeline, &selection);
    if order.members.is_empty() {
        return Err(anyhow!(nothing_to_run(&order)).into());
    }
    if command.options.workspace.is_some() && order.members.len() > 1 {
        return Err(anyhow!("--workspace is for one job, and these are {}", order.members.len()).into());
    }
    if command.from.is_some() || command.shell_on_failure {
        let option = if command.from.is_some() { "--from" } else { "--shell-on-failure" };
        return Err(anyhow!("{option} is for one job, and these are {}", order.members.len()).into());
    }
    if command.dry_run {
        return dry::run(&session, &order, command, paint(options.color, &io::stdout()));
    }
    let report = Report::wanted(command)?;
    let jobs = prepare(&session, &order);
    if let (Some(report), Err(_)) = (report.as_ref(), &jobs) {
        report.write("jobs", &jobs)?;
    }
    let jobs = jobs?;
    let signals = Signals::hold().context("cannot take hold of signals")?;
    let stdout = io::stdout();
    let paint = paint(options.color, &stdout);
    let live = command.log_format == LogFormat::Text
        && stdout.is_terminal()
        && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
        && std::env::var_os("GITHUB_ACTIONS").is_none();
    let prefixes = view::prefixes(&order, paint);
    let view = View::new(&order, &stdout, Rc::clone(&prefixes), command.log_format, paint, live);
    let limit = command.jobs.or_else(|| thread::available_parallelism().ok()).map_or(1, usize::from);
    LineRun {
        worker: worker::Worker {
            session: &session,
            order: &order,
            command,
            signals: &signals,
            paint,
            prefixes,
            jobs,
            left: Left::default(),
        },
        schedule: Schedule::new(&order),
        pool: WorkerPool::new(&signals)?,
        view,
        limit,
        stopped: None,
        report,
    }
    .run()
}

/// The jobs of a line whose last run did not succeed.
fn failed_jobs(line: &Line) -> Result<Vec<String>, Failure> {
    let Some(store) = store::open_existing(line)? else { return Ok(Vec::new()) };
    let has_failed = |progress| match progress {
        Progress::Running => false,
        Progress::Started | Progress::Interrupted => true,
        Progress::Ended(ended) => ended.ending != Ending::Success,
    };
    let last = store.last_builds(1)?.into_iter().filter(|build| has_failed(build.progress));
    let jobs = last.map(|build| build.reference.job);
    Ok(jobs.filter(|job| line.pipeline.jobs.get(job).is_some_and(Job::can_run)).collect())
}

/// Resolves all jobs and fetches their credentials, each value once: what is missing is said before anything begins.
fn prepare<'a>(
    session: &'a Session,
    order: &Order<'a>,
) -> Result<Vec<Option<(Plan<'a>, Credentials)>>, Failure> {
    let mut fetch = session.fetcher(FetchPolicy::Full);
    let mut jobs = Vec::new();
    let mut problems = Vec::new();
    for member in &order.members {
        let plan = resolve::resolve(&session.line.pipeline, &member.job.name.text);
        let fetched =
            plan.and_then(|plan| credentials::fetch(&plan, &mut fetch).map(|fetched| (plan, fetched)));
        let fetched = fetched.and_then(|(plan, mut credentials)| {
            session.assume_roles(&plan, &mut credentials, true)?;
            Ok((plan, credentials))
        });
        match fetched {
            Ok((plan, credentials)) => {
                session.warn_of_job(&plan);
                session.warn_of_weak_secrets(&credentials);
                jobs.push(Some((plan, credentials)));
            }
            Err(found) => {
                for problem in found {
                    // Several jobs may lack the same.
                    if !problems.contains(&problem) {
                        problems.push(problem);
                    }
                }
            }
        }
    }
    if problems.is_empty() { Ok(jobs) } else { Err(session.fail(&problems)) }
}

/// A line that runs.
struct LineRun<'a, 'o> {
    worker: worker::Worker<'a, 'o>,
    schedule: Schedule<'o>,
    pool: WorkerPool<'a>,
    view: View<'o>,
    /// How many jobs may run side by side.
    limit: usize,
    /// The signal that ended it.
    stopped: Option<i32>,
    /// The report that is asked for.
    report: Option<Report>,
}

impl LineRun<'_, '_> {
    fn run(mut self) -> Result<u8, Failure> {
        let started = Instant::now();
        self.view.begin();
        self.queue_jobs()?;
        while self.schedule.is_open() {
            let until = self.view.refresh(&self.schedule);
            let logs = !self.view.stream.is_full();
            for event in self.pool.wait(until, logs, self.view.stream.writable())? {
                match event {
                    PoolEvent::Log(worker, bytes) => self.view.log(worker, &bytes),
                    PoolEvent::Update(worker, update) => self.on_update(worker, update)?,
                    PoolEvent::Exited(worker) => self.on_exit(worker)?,
                    PoolEvent::Signal(signal, shared) => self.on_signal(signal, shared),
                    PoolEvent::Writable => self.view.stream.write_some(),
                }
            }
        }
        self.view.end(&self.schedule, started.elapsed(), self.stopped);
        if let Some(report) = self.report.take() {
            let mut suites = vec![self.view.suite(&self.schedule)];
            suites.extend(self.tests());
            report.write_suites(&suites)?;
        }
        self.flush()?;
        let LineRun { pool, schedule, view, stopped, .. } = self;
        pool.shut_down();
        if let Some(error) = view.stream.error().filter(|error| error.kind() != io::ErrorKind::BrokenPipe) {
            return Err(execute::unwritten(error));
        }
        Ok(stopped.map_or_else(|| schedule.status(), exit::of_signal))
    }

    /// The tests that the jobs have left, for a report: those of builds whose results are kept.
    fn tests(&self) -> impl Iterator<Item = Suite> {
        let directory = &self.worker.session.line.directory;
        self.schedule.jobs().filter_map(move |(name, state)| {
            let JobState::Ended(Update { build: number @ 1.., .. }) = state else { return None };
            let tests = results::kept(directory, name, number);
            (!tests.cases.is_empty()).then(|| Suite::of_tests(name, &tests))
        })
    }

    /// Writes the rest of the output, unless Ctrl-C is pressed meanwhile.
    fn flush(&mut self) -> Result<(), Failure> {
        while let Some(stream) = self.view.stream.writable() {
            for event in self.pool.wait(None, false, Some(stream))? {
                match event {
                    PoolEvent::Writable => self.view.stream.write_some(),
                    PoolEvent::Signal(libc::SIGINT | libc::SIGTERM, _) => return Ok(()),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Queues what may begin, and spawns workers for it.
    fn queue_jobs(&mut self) -> Result<(), Failure> {
        while self.schedule.given() < MOST
            && let Some(job) = self.schedule.next()
        {
            self.pool.enqueue(job)?;
        }
        while self.pool.living() < self.limit.min(self.schedule.given()) {
            let worker = &mut self.worker;
            let follows = self.schedule.follows();
            self.pool.spawn(worker.logs_stderr(), |handle| worker.work(&handle, follows))?;
        }
        Ok(())
    }

    fn on_update(&mut self, worker: usize, update: Update) -> Result<(), Failure> {
        match update.stage {
            Stage::Started => self.schedule.started(update.job, worker),
            Stage::Ended(_) | Stage::Broken(_) => {
                let kept = self.schedule.ended(update);
                self.view.kept(&self.schedule, &kept);
                if self.stopped.is_none() {
                    self.queue_jobs()?;
                }
            }
        }
        Ok(())
    }

    /// A worker has exited, and the job that it ran has ended with it.
    fn on_exit(&mut self, worker: usize) -> Result<(), Failure> {
        // Its workspace was not removed by it.
        workspace::clear();
        let Some(job) = self.schedule.job_of(worker) else { return Ok(()) };
        self.view.lost(job);
        let stage = Stage::Ended(Outcome::Signalled(libc::SIGKILL));
        self.on_update(worker, Update { job, build: 0, took: 0, stage })
    }

    fn on_signal(&mut self, signal: i32, shared: bool) {
        match signal {
            libc::SIGTSTP => self.view.pause(),
            libc::SIGCONT | libc::SIGTTIN | libc::SIGTTOU => {}
            _ => {
                if matches!(signal, libc::SIGINT | libc::SIGTERM) {
                    self.stopped.get_or_insert(signal);
                    self.schedule.stop(&self.pool.withdraw());
                }
                if !shared {
                    self.pool.signal(signal);
                }
            }
        }
    }
}

/// What there is to say of an order that no job is in.
pub fn nothing_to_run(order: &Order) -> String {
    let mut text = "the line has no job that shipctl runs".to_owned();
    for job in &order.left_out {
        text += &format!("\n  - {}: {}", Printable(&job.name.text), Printable(&job.why_not_run()));
    }
    if order.left_out.is_empty() {
        text += "\n  hint: its files declare no job under `jobs:`";
    }
    text
}
