//! Jobs without scripts: glue between what goes in, what they make, and the state.

mod deploy;
mod incoming;
mod kubernetes;
mod notify;
mod settings;

use std::time::Instant;

use super::{Done, Left};
use crate::diagnostic::Diagnostic;
use crate::job::record::{PriorState, Record};
use crate::job::{Executor, Fetched, Ready, Session, audit, log};
use crate::managed::deploy::Platform;
use crate::managed::{self, ManagedJob, ManagedOutput};
use crate::mask::Patterns;
use crate::model::Managed;
use crate::output::Failure;
use crate::run::console::Console;
use crate::run::{Event, Outcome, StepKind, StepResult};
use crate::state::{Base, Change, Entries, Files};
use crate::workspace::{Home, Workspace};
use incoming::{Unmade, incoming};

/// The exit status of a deployment that failed.
const FAILED: u8 = 1;

/// The log of a job.
struct Log<'l, 'c> {
    console: &'l mut Console<'c>,
    patterns: Patterns,
}

impl Log<'_, '_> {
    /// Adds a line, secrets masked.
    fn line(&mut self, line: &str) {
        let bytes = self.patterns.mask(format!("{line}\n").as_bytes());
        self.console.tell(&Event::Output { bytes: &bytes });
    }
}

impl Executor<'_, '_> {
    /// Runs a job, and stores what it made.
    ///
    /// # Errors
    ///
    /// When what goes in does not fit together, when the log cannot be written, and when the version cannot be stored.
    pub(super) fn run_managed(
        &mut self,
        work: Managed,
        mut fetched: Fetched,
        state: PriorState,
        before: Option<Workspace>,
    ) -> Result<Done, Failure> {
        let Executor { session, command, signals, console } = self;
        let started = Instant::now();
        drop(before);
        let root = session.root(&fetched.plan.job.name.text, Home::Disk, 0)?;
        let (built, mut context, _) = session.build(&fetched, root)?;
        session.warn(&built.warnings);
        let mut log = Log { console, patterns: Patterns::new(built.environment.secrets()) };
        let jobs = incoming(session, &fetched.plan, &context.versions, Unmade::LeftOut, &mut Vec::new());
        let given = ManagedJob {
            plan: &fetched.plan,
            environment: &built.environment,
            versions: &context.versions,
            opened: &context.opened,
            jobs,
            is_dry: false,
        };
        let fail = |problems: Vec<Diagnostic>| session.fail(&problems);
        let (output, deployment) = match work {
            Managed::Deploy => {
                let deployment = deploy::Prepared::new(session, &given, &fetched.credentials)?;
                (ManagedOutput::default(), Some(deployment))
            }
            _ => (managed::make(work, &given).map_err(fail)?, None),
        };
        drop(given);
        session.warn(&output.warnings);
        let record = Record::begin(session, state, &mut fetched)?;
        context.number = fetched.number;
        let number = record.number();
        log::keep(session, command, &fetched.plan.job.name.text, number, log.console);
        let notifies = command.notify && notify::is_wanted(&fetched.plan);
        let needs_workspace =
            work == Managed::Provision || deployment.as_ref().is_some_and(deploy::Prepared::needs_workspace);
        let (ready, workspace) = if notifies || needs_workspace {
            let (ready, workspace) = session.open(fetched, Home::Disk, command.keep, false)?;
            workspace.fill()?;
            if needs_workspace {
                session.finish_tools(&ready, signals)?;
            }
            (ready, Some(workspace))
        } else {
            let Fetched { plan, credentials, logins, .. } = fetched;
            let (environment, finish) = (built.environment, Vec::new());
            (Ready { plan, credentials, environment, context, logins, finish }, None)
        };
        let sections = &ready.plan.job.sections;
        let notify = |entries: &[String], log: &mut Log| {
            if notifies {
                notify::send(session, &ready, entries, signals, log);
            }
        };
        let job = &ready.plan.job.name.text;
        let note = audit::begin(
            &ready,
            command.no_audit,
            &audit::AuditEntry { command: "run", program: None, build: number },
        );
        let step = ready.plan.job.kind.text.as_str();
        log.console.tell(&Event::JobStart { job });
        log.console.tell(&Event::StepStart { step, kind: StepKind::Task });
        notify(&sections.on_start, &mut log);
        let (outcome, output) = match deployment {
            Some(deployment) => {
                let limit = command.timeout.or(ready.plan.job.time_limit);
                let deadline = limit.and_then(|limit| started.checked_add(limit));
                deployment.run(session, &ready, deadline, signals, &mut log)
            }
            None if work == Managed::Provision => {
                (kubernetes::provision(session, &ready, &output, signals, &mut log), output)
            }
            None => {
                output.lines.iter().for_each(|line| log.line(line));
                (Outcome::Success, output)
            }
        };
        note.into_iter().for_each(|note| note.end(session, &Ok(outcome)));
        let changes = match outcome {
            Outcome::Success => vec![change(job, output)],
            _ => Vec::new(),
        };
        let allowed = command.allow_secrets_in_state;
        let store = record.finish_with(session, &ready.credentials, outcome, (Ok(changes), &[]), allowed)?;
        let of_outcome = match outcome {
            Outcome::Success => &sections.on_success,
            Outcome::Cancelled(_) => &sections.on_cancel,
            _ => &sections.on_failure,
        };
        notify(of_outcome, &mut log);
        notify(&sections.always, &mut log);
        let duration = started.elapsed();
        let (name, kind) = (step.to_owned(), StepKind::Task);
        let step = StepResult { name, kind, outcome: Some(outcome), overlooked: 0, duration };
        log.console.tell(&Event::StepEnd { step: &step });
        log.console.tell(&Event::JobEnd { job, outcome, duration, steps: &[step] });
        log::written(log.console)?;
        Ok(Done { outcome, build: number, left: Left { workspace, store } })
    }
}

/// The next version of a job.
fn change(job: &str, output: ManagedOutput) -> Change {
    Change {
        name: job.to_owned(),
        base: Base::Given { version_name: output.version_name, bag: output.bag },
        entries: Entries::default(),
        files: Files::Empty,
        even_unchanged: true,
        seed: None,
    }
}

/// What a run of the job would do, line by line.
///
/// # Errors
///
/// As a run, but for the log and the state.
pub(crate) fn plan(session: &Session, work: Managed, ready: &Ready) -> Result<Vec<String>, Failure> {
    let (environment, context) = (&ready.environment, &ready.context);
    let trail = &mut vec![ready.plan.job.name.text.clone()];
    let jobs = incoming(session, &ready.plan, &context.versions, Unmade::Assumed, trail);
    let given = ManagedJob {
        plan: &ready.plan,
        environment,
        versions: &context.versions,
        opened: &context.opened,
        jobs,
        is_dry: true,
    };
    let described = match work {
        Managed::Deploy => managed::deploy::read(&given).map(|deployment| {
            let lines = match deployment.cluster.platform {
                Platform::Ecs => managed::ecs::described(&deployment, context.number),
                Platform::Kubernetes => {
                    managed::kubernetes::described(&ready.plan.job.name.text, &deployment, context.number)
                }
            };
            (lines, deployment.warnings)
        }),
        _ => managed::make(work, &given).map(|output| (output.lines, output.warnings)),
    };
    let (lines, warnings) = session.go_on(described)?;
    session.warn(&warnings);
    let first = ready.finish.iter().map(|finish| format!("first: {}", finish.command.join(" ")));
    Ok(first.chain(lines).collect())
}
