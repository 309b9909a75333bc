//! Who uses an integration.

use super::job::{Job, Step};
use super::{Integration, Name, Pipeline, Resource};

/// All that depends on an integration.
#[derive(Default)]
pub struct Usage<'a> {
    /// The resources and triggers that are bound to it.
    pub resources: Vec<Bound<'a>>,
    /// The jobs that list it under `integrations:`, each with the name there.
    pub jobs: Vec<(&'a Job, &'a Name)>,
    /// The integrations that get their own credentials with it, each with the name there.
    pub integrations: Vec<(&'a Integration, &'a Name)>,
}

/// A resource that is bound to an integration.
pub struct Bound<'a> {
    /// The resource.
    pub resource: &'a Resource,
    /// The name behind its `integration:`.
    pub name: &'a Name,
    /// The jobs that take it IN or put it OUT, each with the word of the step and the name there.
    pub jobs: Vec<(&'a Job, &'static str, &'a Name)>,
}

impl Usage<'_> {
    /// Whether nothing does.
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty() && self.jobs.is_empty() && self.integrations.is_empty()
    }
}

/// Finds all that uses the integration of this name, whether it is declared or not.
pub fn of<'a>(pipeline: &'a Pipeline, integration: &str) -> Usage<'a> {
    let bound = |resource: &'a Resource| {
        let name = resource.integration.as_ref().filter(|name| name.text == integration)?;
        let jobs = pipeline.jobs.values().flat_map(|job| {
            steps(job)
                .filter(|(_, step)| step.text == resource.name.text)
                .map(move |(word, step)| (job, word, step))
        });
        Some(Bound { resource, name, jobs: jobs.collect() })
    };
    let listed = |job: &'a Job| {
        let names = job.integrations.iter().filter(|name| name.text == integration);
        names.map(move |name| (job, name))
    };
    Usage {
        resources: pipeline.resources.values().filter_map(bound).collect(),
        jobs: pipeline.jobs.values().flat_map(listed).collect(),
        integrations: pipeline
            .integrations
            .values()
            .filter_map(|user| Some((user, user.source().filter(|name| name.text == integration)?)))
            .collect(),
    }
}

fn steps(job: &Job) -> impl Iterator<Item = (&'static str, &Name)> {
    job.steps.iter().filter_map(|step| match step {
        Step::In(input) => Some(("IN", &input.name)),
        Step::Out(output) => Some(("OUT", &output.name)),
        Step::Task(_) | Step::Notify(_) => None,
    })
}
