//! What `run --dry-run` prints: everything that `run` would do.

mod text;

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use super::containers::{self, Containers};
use super::{FetchPolicy, Ready, Session, execute};
use crate::cli::Run;
use crate::environment::task_name;
use crate::mask::Patterns;
use crate::output::Failure;
use crate::paint::Paint;
use crate::printable::Printable;
use crate::repository::Filters;
use text::Text;

/// The plan of a job as a dry run prints it, after its warnings.
///
/// # Errors
///
/// Where the run would fail before the first line of its script.
pub(crate) fn described(
    session: &Session,
    job: &str,
    command: &Run,
    paint: Paint,
) -> Result<String, Failure> {
    describe(session, &session.prepare(job, FetchPolicy::NoCommands)?, command, paint)
}

/// The same of a job that is ready.
///
/// # Errors
///
/// As [`described`].
pub(crate) fn describe(
    session: &Session,
    ready: &Ready,
    command: &Run,
    paint: Paint,
) -> Result<String, Failure> {
    session.warn_of_job(&ready.plan);
    if let Some(work) = ready.plan.job.managed() {
        let output = execute::plan_of_managed(session, work, ready)?;
        return Ok(of_managed(session, ready, &output, paint));
    }
    session.warn_of_weak_secrets(&ready.credentials);
    session.warn_of_skipped(&ready.plan, &ready.context.repositories);
    session.warn_of_left_out(&ready.context.repositories, Filters::Off);
    let limit = command.timeout.or(ready.plan.job.time_limit);
    of_scripts(session, ready, limit, command.verbose, paint)
}

/// The plan of a job as text, secrets masked.
///
/// # Errors
///
/// When a TASK's own variables cannot be.
fn of_scripts(
    session: &Session,
    ready: &Ready,
    limit: Option<Duration>,
    verbose: bool,
    paint: Paint,
) -> Result<String, Failure> {
    let mut plan = Text::new(session, paint);
    let job = ready.plan.job;
    let planned = session.planned_containers(&ready.plan)?;
    if let Some(planned) = &planned {
        session.check_images(planned, ready)?;
    }
    let containers = command_lines(session, ready, planned.as_ref())?;
    plan.heading(
        &format!("job {} ({})", job.name.text, job.kind.text),
        "dry run: nothing is started, nothing is written",
    );
    // Where several jobs run, each has its own, and none is asked for.
    if verbose || !session.is_of_several {
        plan.row("workspace", &ready.context.root.display().to_string());
    }
    if let Some(elsewhere) = &session.elsewhere {
        plan.row("runs where this starts it", &elsewhere.on);
    }
    if let Some(limit) = limit {
        plan.row("time limit", &format!("{} s", limit.as_secs_f64()));
    }
    if !session.is_of_several {
        plan.defaults();
    }
    plan.matrix(ready);
    plan.integrations(ready);
    if let Some(planned) = planned.as_ref().filter(|planned| !planned.services.is_empty()) {
        plan.heading("services", "");
        for service in &planned.services {
            let _ = writeln!(plan.out, "  {}", Printable(&service.describe()));
        }
    }
    plan.steps(ready, &containers, session.first_task(&ready.plan)?);
    plan.sections(&job.sections);
    plan.notifications_of_ci(ready);
    plan.variables("environment", &ready.environment, verbose);
    for (index, task) in ready.plan.tasks.iter().enumerate() {
        let on_top = session.of_task(Some((index, task)), &ready.context)?;
        plan.variables(&format!("environment of TASK {}", task_name(task, index)), &on_top, verbose);
    }
    plan.other_entries(session, ready)?;
    let patterns = Patterns::new(ready.environment.secrets());
    Ok(String::from_utf8_lossy(&patterns.mask(plan.out.as_bytes())).into_owned())
}

/// The plan of a job without scripts: what goes in, and what it makes of that.
fn of_managed(session: &Session, ready: &Ready, output: &[String], paint: Paint) -> String {
    let mut plan = Text::new(session, paint);
    let job = ready.plan.job;
    plan.heading(
        &format!("job {} ({})", job.name.text, job.kind.text),
        "dry run: nothing is started, nothing is written",
    );
    if !session.is_of_several {
        plan.defaults();
    }
    plan.steps(ready, &[], 0);
    plan.heading("what it makes", "");
    for line in output {
        let _ = writeln!(plan.out, "  {}", Printable(line));
    }
    plan.sections(&job.sections);
    let patterns = Patterns::new(ready.environment.secrets());
    String::from_utf8_lossy(&patterns.mask(plan.out.as_bytes())).into_owned()
}

/// The command lines that start the containers of the TASKs; `None` for one that runs on this machine.
fn command_lines(
    session: &Session,
    ready: &Ready,
    containers: Option<&Containers>,
) -> Result<Vec<Option<String>>, Failure> {
    let Some(containers) = containers else { return Ok(Vec::new()) };
    let line = |(index, task)| {
        let on_top = session.of_task(Some((index, task)), &ready.context)?;
        let (root, pipes) = (&ready.context.root, Path::new("$PIPES"));
        let container = containers.of_task((index, task), ready, &on_top, root, pipes)?;
        Ok(container.map(|container| containers::shown(&container.start)))
    };
    ready.plan.tasks.iter().copied().enumerate().map(line).collect()
}
