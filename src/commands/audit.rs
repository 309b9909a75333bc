//! The line that each run leaves in the audit log: who gave which credentials to what. Names, never values.

use std::time::SystemTime;

use indexmap::IndexMap;
use serde_json::{Value as Json, json};

use super::{Failure, Ready, Session, ci};
use crate::model::Integration;
use crate::run::Outcome;
use crate::state;

/// What is noted of a run beside its job.
pub(super) struct Entry<'a> {
    /// `run` or `exec`.
    pub(super) command: &'static str,
    /// The program that `exec` was given; not its arguments, which may hold anything.
    pub(super) program: Option<&'a str>,
    /// The number of the run, if it is recorded.
    pub(super) build: Option<u32>,
    /// How it ended: in one word, and the exit status.
    pub(super) outcome: (&'static str, u8),
}

/// The word and the status of an outcome, or of what kept one from coming.
pub(super) fn outcome(outcome: &Result<Outcome, Failure>) -> (&'static str, u8) {
    match outcome {
        Ok(outcome) => (outcome.as_str(), outcome.status()),
        Err(failure) => ("error", failure.status),
    }
}

/// Notes that the credentials of a job were handed over. A log that cannot be written to is a warning: the run is over.
/// One that nobody could write anything beside, neither the log nor the record of the run, was warned of before.
pub(super) fn append(session: &Session, ready: &Ready, off: bool, entry: &Entry) {
    if off || std::env::var_os("SHIPCTL_NO_AUDIT").is_some_and(|value| !value.is_empty()) {
        return;
    }
    let note = Note {
        line: line(ready, entry),
        job: ready.plan.job.name.text.clone(),
        warned: entry.command == "run" && entry.build.is_none(),
    };
    if session.has_more_jobs() {
        session.leftover.borrow_mut().note = Some(note);
    } else {
        write(session, &note);
    }
}

/// A line that is still to be written.
pub(super) struct Note {
    line: Json,
    job: String,
    /// Whether it was warned of a log that nobody can write to.
    warned: bool,
}

/// Writes it.
pub(super) fn write(session: &Session, note: &Note) {
    if let Err(error) = state::append_audit(&session.line.directory, &note.line)
        && !note.warned
    {
        let job = &note.job;
        session.say(&format!(
            "warning: `{job}` is not in the audit log: {error}\n  hint: --no-audit does without\n"
        ));
    }
}

fn line(ready: &Ready, entry: &Entry) -> Json {
    let bound = ready.plan.dependencies.iter().filter_map(|dependency| dependency.integration);
    let listed = ready.plan.integrations.iter().map(|(_, integration)| *integration);
    let integrations: IndexMap<_, _> =
        bound.chain(listed).map(|integration| (&integration.name.text, handed_over(integration))).collect();
    let host = nix::sys::utsname::uname().map(|name| name.nodename().to_string_lossy().into_owned());
    json!({
        "time": state::rfc3339(SystemTime::now()),
        "user": ready.build.user,
        "uid": nix::unistd::getuid().as_raw(),
        "host": host.unwrap_or_default(),
        "command": entry.command,
        "program": entry.program,
        "job": ci::name_of_run(&ready.plan, ready.build.entry),
        "build": entry.build,
        "integrations": integrations.into_values().collect::<Vec<_>>(),
        "outcome": entry.outcome.0,
        "status": entry.outcome.1,
    })
}

/// An integration with its fields, and from what kind of source each was.
fn handed_over(integration: &Integration) -> Json {
    let fields = integration.fields.iter().flat_map(|given| {
        given.values.sources().into_iter().map(|(key, source)| {
            let name = given.field.name;
            let name = key.map_or(name.to_owned(), |key| format!("{name}.{}", key.text));
            json!({"name": name, "source": source.kind.word()})
        })
    });
    json!({
        "name": integration.name.text,
        "type": integration.kind.name,
        "fields": fields.collect::<Vec<_>>(),
    })
}
