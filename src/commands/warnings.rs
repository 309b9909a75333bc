//! What `check` would warn of, as far as it is about one job; and what only its secrets show.

use std::iter;

use super::Session;
use crate::credentials::{self, Credentials};
use crate::diagnostic::Diagnostic;
use crate::model::Pipeline;
use crate::resolve::Plan;
use crate::source::Place;

impl Session {
    /// Tells what the YAML of a job, or of what goes in and comes out of it, has that has no effect: a key that is
    /// misspelt there is not missed anywhere else.
    pub(super) fn warn_of_job(&self, plan: &Plan) {
        let about = |diagnostic: &&Diagnostic| {
            !diagnostic.is_error()
                && diagnostic.place.and_then(|place| item_at(&self.line.pipeline, place)).is_some_and(
                    |name| {
                        name == CI && plan.ci.is_some()
                            || name == plan.job.name.text
                            || plan.dependencies.iter().any(|d| d.name.text == name)
                    },
                )
        };
        let warnings: Vec<_> = self.line.diagnostics.iter().filter(about).cloned().collect();
        self.warn(&warnings);
        if let Some((first, more)) = plan.ci.and_then(|ci| ci.services.split_first()) {
            let names: Vec<_> = iter::once(first).chain(more).map(|name| name.text.as_str()).collect();
            self.warn(&[Diagnostic::warning(format!(
                "services of the CI section are not started here: {}",
                names.join(", ")
            ))
            .at(first.place)
            .hint("start them before, if the job needs them")]);
        }
    }

    /// Tells which secrets cannot be masked, or are in every log.
    pub(super) fn warn_of_weak_secrets(&self, credentials: &Credentials) {
        self.warn(&credentials::weak(credentials));
    }
}

/// What stands for the CI section among the names of items: no item is called so.
const CI: &str = "";

/// The name of the resource or job that a place lies in: the last one that begins before it.
fn item_at(pipeline: &Pipeline, place: Place) -> Option<&str> {
    let resources =
        pipeline.resources.values().map(|resource| (resource.node.place, resource.name.text.as_str()));
    let jobs = pipeline.jobs.values().map(|job| (job.node.place, job.name.text.as_str()));
    let ci = pipeline.ci.iter().flat_map(|ci| &ci.keys).map(|key| (*key, CI));
    resources
        .chain(jobs)
        .chain(ci)
        .filter(|(start, _)| start.source == place.source && start.start <= place.start)
        .max_by_key(|(start, _)| start.start)
        .map(|(_, name)| name)
}
