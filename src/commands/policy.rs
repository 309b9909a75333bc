//! `shipctl policy`: the IAM policy that the keys of a job need, the trust policy of its role, and whether they have it.

mod check;
mod state;
mod trust;

use std::io;

use anyhow::anyhow;

use crate::cli::{LineOptions, Policy};
use crate::exit;
use crate::job::{FetchPolicy, Session};
use crate::load::read_good;
use crate::output::{Failure, paint, print};
use crate::policy::{self, Facts};

/// Runs the command.
///
/// # Errors
///
/// Where `run` would fail before it asks AWS, but for jobs that only the service could run; when nothing can be said, and
/// when AWS cannot be asked.
pub fn run(command: &Policy, options: &LineOptions) -> Result<u8, Failure> {
    let Some(job) = &command.job else { return state::state(options) };
    let facts = Facts::read().map_err(|error| anyhow!("the table of actions cannot be read: {error}"))?;
    let line = read_good(options)?;
    let jobs: Vec<_> = facts.jobs(&line.pipeline, job).into_iter().map(str::to_owned).collect();
    let jobs: Vec<_> = jobs.iter().map(String::as_str).collect();
    let managed =
        line.pipeline.jobs.get(job).is_some_and(|job| !policy::has_scripts(job) && !job.kind.text.is_empty());
    let session = Session::of(line, &jobs, paint(options.color, &io::stderr()), &command.options)?;
    // The policy follows from what the line says; only who asks AWS needs keys.
    let policy =
        if command.check || command.trust { FetchPolicy::NoServers } else { FetchPolicy::NoCommands };
    let mut ready = match managed {
        true => session.survey(&jobs, policy)?,
        false => session.prepare(job, policy)?,
    };
    let needs = policy::needs(&facts, &ready.plan, &ready.credentials, &ready.environment);
    let chosen = policy::choose(&needs, job, command.integration.as_deref()).map_err(anyhow::Error::from)?;
    if command.trust {
        return trust::trust(command, &session, &ready, chosen);
    }
    if command.check {
        session
            .assume_roles(&ready.plan, &mut ready.credentials, true)
            .map_err(|problems| session.fail(&problems))?;
        return check::check(command, &session, &ready, chosen, paint(options.color, &io::stdout()));
    }
    session.warn(&chosen.warnings(&ready.plan));
    if chosen.is_empty() {
        let name = &chosen.integration;
        let why = match managed {
            true => format!(
                "; as far as is known, jobs of type `{}` call nothing of AWS with such resources",
                ready.plan.job.kind.text
            ),
            false => String::new(),
        };
        return Err(anyhow!("nothing in job `{job}` says what `{name}` must be allowed{why}").into());
    }
    print(&format!("{:#}\n", chosen.policy()))?;
    Ok(exit::SUCCESS)
}
