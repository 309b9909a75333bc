//! The run of one job, whose log is all there is to see.

use std::io::{self, IsTerminal as _};
use std::os::fd::AsFd as _;
use std::rc::Rc;

use anyhow::Context as _;

use super::record::StateAccess;
use super::report::Report;
use super::{Executor, FetchPolicy, Session, dry_run, shell};
use crate::cli::{LineOptions, LogFormat, Run};
use crate::diagnostic::Diagnostic;
use crate::load::read_to_run;
use crate::output::{Failure, paint, print};
use crate::repository::Filters;
use crate::run::console::{Console, Groups, Json, Stamped, Text};
use crate::run::{Outcome, Signals};
use crate::trace::Trace;

/// Runs one job, or says what this would be.
///
/// # Errors
///
/// On everything that is wrong before the first line of the job's script.
pub(crate) fn run(
    job: &str,
    command: &Run,
    options: &LineOptions,
    trace: Option<Rc<Trace>>,
) -> Result<u8, Failure> {
    let mut session = Session::to_run(read_to_run(command, options)?, &[job], command, options)?;
    session.trace = trace;
    if command.dry_run {
        let ready = session.prepare(job, FetchPolicy::NoCommands)?;
        session.check_inputs(&ready.plan, &ready.context.versions, command.require_in)?;
        print(&dry_run::describe(&session, &ready, command, paint(options.color, &io::stdout()))?)?;
        return session.end_of_dry_run();
    }
    if command.shell_on_failure && !shell::has_terminal() {
        session.warn(&[Diagnostic::warning("--shell-on-failure has no effect: there is no terminal")]);
    }
    let report = Report::wanted(command)?;
    let done = watched(&session, job, command, options, report.as_ref());
    if let Some(report) = report {
        report.write(job, &done)?;
    }
    Ok(done?.status())
}

/// The same, watched for a report.
fn watched(
    session: &Session,
    job: &str,
    command: &Run,
    options: &LineOptions,
    report: Option<&Report>,
) -> Result<Outcome, Failure> {
    let (fetched, state) = session.fetch(job, FetchPolicy::Full, StateAccess::Record)?;
    session.check_inputs(&fetched.plan, &fetched.versions, command.require_in)?;
    session.warn_of_job(&fetched.plan);
    session.warn_of_weak_secrets(&fetched.credentials);
    session.warn_of_skipped(&fetched.plan, &fetched.repositories);
    session.warn_of_left_out(&fetched.repositories, Filters::On);
    // From here on a signal ends the run in order: nothing secret is left behind.
    let signals = Signals::hold().context("cannot take hold of signals")?;
    let stdout = io::stdout();
    let mut console = match command.log_format {
        LogFormat::Json => Console::new(Json::of_job(job), stdout.as_fd()),
        // Neither a terminal nor GitHub knows its own words behind a time.
        LogFormat::Text if command.timestamps => {
            Console::new(Stamped::new(Text::new(paint(options.color, &stdout), false)), stdout.as_fd())
        }
        LogFormat::Text => {
            let groups = Groups::of(|name| std::env::var_os(name).is_some_and(|value| value == "true"));
            let live = stdout.is_terminal() && std::env::var_os("GITHUB_ACTIONS").is_none();
            let console =
                Console::new(Text::new(paint(options.color, &stdout), live).grouped(groups), stdout.as_fd());
            if live { console.with_terminal() } else { console }
        }
    };
    if let Some(report) = report {
        report.watch(&mut console);
    }
    let done = Executor { session, command, signals: &signals, console: &mut console }
        .execute(fetched, state, None)?;
    Ok(done.outcome)
}
