//! The line that each run leaves in the audit log: who gave which credentials to what. Names, never values.

use std::time::SystemTime;

use indexmap::IndexMap;
use serde_json::{Map, Value as Json, json};

use super::{Ready, Session, matrix};
use crate::model::Integration;
use crate::output::Failure;
use crate::run::Outcome;
use crate::state;

/// What is noted of a run beside its job.
pub(crate) struct AuditEntry<'a> {
    /// `run` or `exec`.
    pub(crate) command: &'static str,
    /// The program that `exec` was given; not its arguments, which may hold anything.
    pub(crate) program: Option<&'a str>,
    /// The number of the run, if it is recorded.
    pub(crate) build: Option<u32>,
}

/// A line that is still to be written.
pub(crate) struct Note {
    line: Map<String, Json>,
    job: String,
    /// Whether it was warned of a log that cannot be written to.
    warned: bool,
}

/// Begins the line about a job that gets its credentials: how it ends is still to be said. `None` if no line is wanted.
pub(crate) fn begin(ready: &Ready, off: bool, entry: &AuditEntry) -> Option<Note> {
    if off || std::env::var_os("SHIPCTL_NO_AUDIT").is_some_and(|value| !value.is_empty()) {
        return None;
    }
    let bound = ready.plan.dependencies.iter().filter_map(|dependency| dependency.integration);
    let listed = ready.plan.integrations.iter().map(|(_, integration)| *integration);
    let integrations: IndexMap<_, _> =
        bound.chain(listed).map(|integration| (&integration.name.text, handed_over(integration))).collect();
    let host = nix::sys::utsname::uname().map(|name| name.nodename().to_string_lossy().into_owned());
    let line = [
        (TIME, Json::Null),
        ("user", json!(ready.context.user)),
        ("uid", json!(nix::unistd::getuid().as_raw())),
        ("host", json!(host.unwrap_or_default())),
        ("command", json!(entry.command)),
        ("program", json!(entry.program)),
        ("job", json!(matrix::name_of_run(&ready.plan, ready.context.entry))),
        ("build", json!(entry.build)),
        ("integrations", integrations.into_values().collect()),
    ];
    Some(Note {
        line: line.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        job: ready.plan.job.name.text.clone(),
        warned: entry.command == "run" && entry.build.is_none(),
    })
}

/// When the job ended. It comes first.
const TIME: &str = "time";

impl Note {
    /// Says how the job ended just now, or what kept it from running, and writes it. A log that cannot be written to is a
    /// warning: the run is over. There is no second one where the run could not be recorded either.
    pub(crate) fn end(mut self, session: &Session, outcome: &Result<Outcome, Failure>) {
        let (word, status) = match outcome {
            Ok(outcome) => (outcome.as_str(), outcome.status()),
            Err(failure) => ("error", failure.status),
        };
        let end = [
            (TIME, json!(state::rfc3339(SystemTime::now()))),
            ("outcome", json!(word)),
            ("status", json!(status)),
        ];
        self.line.extend(end.map(|(name, value)| (name.to_owned(), value)));
        if let Err(error) = state::append_audit(&session.line.directory, &Json::Object(self.line))
            && !self.warned
        {
            let job = self.job;
            session.say(&format!(
                "warning: `{job}` is not in the audit log: {error}\n  hint: --no-audit does without\n"
            ));
        }
    }
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
