//! Notifications that a run is to send. One that cannot be sent is left out, with a warning: it is no reason not to run.

use serde::{Deserialize, Serialize};

use crate::credentials::{self, Fetch, PREFIX};
use crate::diagnostic::Diagnostic;
use crate::load::opener;
use crate::load::store;
use crate::model::ci::Before;
use crate::model::files::Line;
use crate::model::{Name, Pipeline, Resource};
use crate::secure::Opener;
use crate::source::Sources;
use crate::state::{Ending, Progress};

/// What of the notifications of a job is sent: the machine that has the state and the secrets of the line finds it out, and
/// one that the job is sent to goes by it.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Sent {
    before: Before,
    /// The resources that cannot be notified.
    refused: Vec<String>,
}

/// Makes scripts of the notifications of a job, and says what cannot be sent.
pub(crate) fn send(line: &mut Line, job: &str) -> (Sent, Vec<Diagnostic>) {
    let opener = opener(&line.pipeline);
    let mut sent = Sent { before: before(line, job), refused: Vec::new() };
    let Line { pipeline, sources, .. } = line;
    let left_out = make_scripts(pipeline, job, sent.before, &mut |pipeline, resource| {
        let why = refuse(pipeline, resource, sources, &opener)?;
        sent.refused.push(resource.name.text.clone());
        Some(why)
    });
    let warn = |(name, why): (Name, String)| {
        Diagnostic::warning(format!("job `{job}` does not notify `{}`: {why}", name.text)).at(name.place)
    };
    let warnings = left_out.into_iter().map(warn).collect();
    (sent, warnings)
}

/// Makes the same scripts where the job was sent to.
pub(crate) fn send_as(sent: &Sent, pipeline: &mut Pipeline, job: &str) {
    make_scripts(pipeline, job, sent.before, &mut |_, resource| {
        sent.refused.contains(&resource.name.text).then(String::new)
    });
}

/// Makes scripts of the notifications of a job but for those that `refuse` gives a reason against: these are returned, each
/// with its place and the reason.
fn make_scripts(
    pipeline: &mut Pipeline,
    job: &str,
    before: Before,
    refuse: &mut dyn FnMut(&Pipeline, &Resource) -> Option<String>,
) -> Vec<(Name, String)> {
    let Some(known) = pipeline.jobs.get(job) else { return Vec::new() };
    let mut left_out = Vec::new();
    for name in known.notified() {
        let why = match pipeline.resources.get(&name.text) {
            None => Some("it is declared nowhere".to_owned()),
            Some(resource) => refuse(pipeline, resource),
        };
        left_out.extend(why.map(|why| (name.clone(), why)));
    }
    if let Some(job) = pipeline.jobs.get_mut(job) {
        left_out.iter().for_each(|(name, _)| job.forget_notification(&name.text));
        job.send_notifications();
    }
    left_out.extend(pipeline.send_ci_notifications(job, before, refuse));
    left_out
}

/// Why a resource cannot be notified, as far as the line and the environment tell.
fn refuse(pipeline: &Pipeline, resource: &Resource, sources: &Sources, opener: &Opener) -> Option<String> {
    if resource.kind.text != "notification" {
        return Some(format!("it is of type `{}`, and not `notification`", resource.kind.text));
    }
    let bound = resource.integration.as_ref()?;
    let Some(integration) = pipeline.integrations.get(&bound.text) else {
        let variable = bound.env().map(|env| format!("{PREFIX}{env}_TYPE"));
        let is_ambient = variable.is_some_and(|variable| std::env::var_os(variable).is_some());
        return (!is_ambient).then(|| format!("its integration `{}` is declared nowhere", bound.text));
    };
    let mut fetch = Fetch::new(sources, opener).without_commands();
    let (_, problems) = credentials::fetch_each(&[integration], &mut fetch);
    problems.into_iter().flatten().find(Diagnostic::is_error).map(|problem| problem.message)
}

/// How the run before ended.
fn before(line: &Line, job: &str) -> Before {
    let has_notifications = line.pipeline.ci.as_ref().is_some_and(|ci| !ci.notifications.is_empty());
    if !has_notifications {
        return Before::Unknown;
    }
    let store = store::open_existing(line).ok().flatten();
    let last = store.and_then(|store| store.history(Some(job), 1).ok()?.pop());
    match last.map(|record| record.progress) {
        Some(Progress::Ended(ended)) => match ended.ending {
            Ending::Success => Before::Succeeded,
            Ending::Failure | Ending::TimedOut => Before::Failed,
            Ending::Cancelled => Before::Cancelled,
        },
        _ => Before::Unknown,
    }
}
