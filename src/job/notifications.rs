//! Notifications that a run is to send. One that cannot be sent is left out, with a warning: it is no reason not to run.

use crate::credentials::{self, Fetch, PREFIX};
use crate::diagnostic::Diagnostic;
use crate::load::opener;
use crate::load::store;
use crate::model::ci::Before;
use crate::model::files::Line;
use crate::model::{Job, Pipeline, Resource};
use crate::secure::Opener;
use crate::source::Sources;
use crate::state::{Ending, Progress};

/// Makes scripts of the notifications of a job, and says what cannot be sent.
pub(crate) fn send(line: &mut Line, job: &str) -> Vec<Diagnostic> {
    let opener = opener(&line.pipeline);
    let before = before(line, job);
    let mut warnings = Vec::new();
    let Line { pipeline, sources, .. } = line;
    let Some(known) = pipeline.jobs.get(job) else { return warnings };
    for name in known.notified().cloned().collect::<Vec<_>>() {
        let why = match pipeline.resources.get(&name.text) {
            None => Some("it is declared nowhere".to_owned()),
            Some(resource) => refuse(pipeline, resource, sources, &opener),
        };
        let Some(why) = why else { continue };
        warnings.push(unsent(job, &name.text, &why).at(name.place));
        pipeline.jobs.get_mut(job).into_iter().for_each(|job| job.forget_notification(&name.text));
    }
    pipeline.jobs.get_mut(job).map(Job::send_notifications);
    let refused = |pipeline: &Pipeline, resource: &Resource| refuse(pipeline, resource, sources, &opener);
    let unsent_of_ci = pipeline.send_ci_notifications(job, before, &refused);
    warnings.extend(unsent_of_ci.into_iter().map(|(name, why)| unsent(job, &name.text, &why).at(name.place)));
    warnings
}

fn unsent(job: &str, name: &str, why: &str) -> Diagnostic {
    Diagnostic::warning(format!("job `{job}` does not notify `{name}`: {why}"))
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
