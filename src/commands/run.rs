//! `shipctl run`: jobs, from their YAML to their end; or, with `--dry-run`, all that this would be.

use std::rc::Rc;

use super::watch;
use crate::cli::{LineOptions, Run};
use crate::job;
use crate::line;
use crate::output::Failure;
use crate::trace::Trace;

/// Runs the command.
///
/// # Errors
///
/// On everything that is wrong before the first line of a job's script.
pub fn run(command: &Run, options: &LineOptions) -> Result<u8, Failure> {
    match command.watch {
        true => watch::run(command, options, || once(command, options)),
        false => once(command, options),
    }
}

fn once(command: &Run, options: &LineOptions) -> Result<u8, Failure> {
    let trace = match command.dry_run {
        true => None,
        false => Trace::wanted(|name| std::env::var(name).ok()).unwrap_or_else(|error| {
            eprintln!("warning: the run has no trace: {error}");
            None
        }),
    };
    let trace = trace.map(Rc::new);
    let done = match command.job.as_slice() {
        [job] if !command.upstream && !command.downstream => {
            job::run::run(job, command, options, trace.clone())
        }
        _ => line::run(command, options, trace.clone()),
    };
    if let Some(trace) = trace {
        let named = if command.all { &["--all".to_owned()] } else { command.job.as_slice() };
        let name = format!("run {}", named.join(" "));
        let status = done.as_ref().map_or_else(|failure| failure.status, |status| *status);
        if let Err(why) = trace.send(&name, status) {
            eprintln!("warning: the trace was not sent to the collector of OpenTelemetry: {why}");
        }
    }
    done
}
