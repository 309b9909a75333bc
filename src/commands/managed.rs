//! Jobs without scripts: glue between what goes in, what they make, and the state.

use std::io;
use std::time::Instant;

use super::record::Record;
use super::run::Done;
use super::{Commands, Failure, Fetched, Ready, Session, plan, run};
use crate::cli::Run;
use crate::diagnostic::Paint;
use crate::environment::{self, Environment};
use crate::managed::{self, Given, Holding, Incoming, Made};
use crate::mask::Patterns;
use crate::model::{Job, Managed};
use crate::resolve::{Operation, Plan, Target};
use crate::run::console::Console;
use crate::run::{Event, Kind, Outcome, Step};
use crate::state::{Base, Change, Entries, Files};
use crate::versions::{Opened, Versions};
use crate::workspace::Home;

/// What becomes of a job that goes in and has no version yet.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unmade {
    /// It gives nothing.
    LeftOut,
    /// It gives what it would if it ran now: in a dry run.
    Assumed,
}

/// Runs a job, and stores what it made.
///
/// # Errors
///
/// When what goes in does not fit together, when the log cannot be written, and when the version cannot be stored.
pub(super) fn run(
    session: &Session,
    work: Managed,
    mut fetched: Fetched,
    command: &Run,
    console: &mut Console,
) -> Result<Done, Failure> {
    let begun = Instant::now();
    let root = session.root(&fetched.plan.job.name.text, Home::Disk, 0)?;
    let (built, build, _) = session.build(&fetched, root)?;
    session.warn(&built.warnings);
    let patterns = Patterns::new(built.environment.secrets());
    let made = make(session, work, &fetched.plan, &built.environment, &build.versions, &build.opened)
        .map_err(|failure| failure.masked(&patterns))?;
    let (state, record) = Record::begin(session, &mut fetched)?;
    let job = &fetched.plan.job.name.text;
    let step = fetched.plan.job.kind.text.as_str();
    let outcome = Outcome::Success;
    console.tell(&Event::JobStart { job });
    console.tell(&Event::StepStart { step, kind: Kind::Task });
    for line in &made.lines {
        let line = format!("{line}\n");
        console.tell(&Event::Output { bytes: &patterns.mask(line.as_bytes()) });
    }
    let change = Change {
        name: job.clone(),
        base: Base::Given { version_name: made.version_name, bag: made.bag },
        entries: Entries::default(),
        files: Files::Empty,
        even_unchanged: true,
        seed: None,
    };
    let number = record.is_some().then_some(fetched.number);
    if let Some(record) = record {
        let allowed = command.allow_secrets_in_state;
        record.finish_managed(state, session, &fetched.credentials, outcome, vec![change], allowed)?;
    }
    let duration = begun.elapsed();
    let step =
        Step { name: step.to_owned(), kind: Kind::Task, outcome: Some(outcome), overlooked: 0, duration };
    console.tell(&Event::StepEnd { step: &step });
    console.tell(&Event::JobEnd { job, outcome, duration, steps: &[step] });
    match console.error().filter(|error| error.kind() != io::ErrorKind::BrokenPipe) {
        Some(error) => Err(run::unwritten(error)),
        None => Ok(Done { outcome, build: number, workspace: None }),
    }
}

/// What a run of the job would do, as text.
///
/// # Errors
///
/// As [`run`], but for the log and the state.
pub(super) fn described(
    session: &Session,
    work: Managed,
    ready: &Ready,
    paint: Paint,
) -> Result<String, Failure> {
    let (environment, build) = (&ready.environment, &ready.build);
    let jobs = incoming(
        session,
        &ready.plan,
        &build.versions,
        Unmade::Assumed,
        &mut vec![ready.plan.job.name.text.clone()],
    );
    let given =
        Given { plan: &ready.plan, environment, versions: &build.versions, opened: &build.opened, jobs };
    let made = managed::make(work, &given).map_err(|problems| session.fail(&problems))?;
    session.warn(&made.warnings);
    Ok(plan::describe_managed(ready, &made.lines, paint))
}

fn make(
    session: &Session,
    work: Managed,
    plan: &Plan,
    environment: &Environment,
    versions: &Versions,
    opened: &Opened,
) -> Result<Made, Failure> {
    let jobs = incoming(session, plan, versions, Unmade::LeftOut, &mut Vec::new());
    let given = Given { plan, environment, versions, opened, jobs };
    let made = managed::make(work, &given).map_err(|problems| session.fail(&problems))?;
    session.warn(&made.warnings);
    Ok(made)
}

/// The jobs that go in and hold manifests. `trail` are the jobs that are being looked at: two may take each other in.
fn incoming(
    session: &Session,
    plan: &Plan,
    versions: &Versions,
    unmade: Unmade,
    trail: &mut Vec<String>,
) -> Vec<Incoming> {
    let jobs =
        plan.dependencies.iter().filter_map(|dependency| match (dependency.operation, dependency.target) {
            (Operation::In(_), Target::Job(job)) if job.holds_manifests() => Some((dependency, job)),
            _ => None,
        });
    let mut incoming = Vec::new();
    for (dependency, job) in jobs {
        let version = match versions.of(dependency) {
            Some(version) => Some(Holding::of(version)),
            None if unmade == Unmade::Assumed => assumed(session, job, trail),
            None => None,
        };
        incoming.push(Incoming { name: dependency.name.text.clone(), kind: job.kind.text.clone(), version });
    }
    incoming
}

/// What a job would make if it ran now; `None` if that cannot be told.
fn assumed(session: &Session, job: &Job, trail: &mut Vec<String>) -> Option<Holding> {
    let name = &job.name.text;
    let work = job.managed()?;
    if trail.contains(name) {
        return None;
    }
    trail.push(name.clone());
    let made = (|| {
        let fetched = session.fetch(name, Commands::Skip, super::record::Access::Read).ok()?;
        let root = session.root(name, Home::Disk, 0).ok()?;
        let mut build = session.surroundings(root, fetched.number, &fetched.versions).ok()?;
        build.opened = std::rc::Rc::clone(&fetched.opened);
        let built = environment::build(&fetched.plan, &fetched.credentials, &build).ok()?;
        let jobs = incoming(session, &fetched.plan, &fetched.versions, Unmade::Assumed, trail);
        let given = Given {
            plan: &fetched.plan,
            environment: &built.environment,
            versions: &fetched.versions,
            opened: &fetched.opened,
            jobs,
        };
        managed::make(work, &given).ok()
    })();
    trail.pop();
    let made = made?;
    Some(Holding { number: None, manifests: made.manifests(), version_name: made.version_name })
}
