//! What goes into runCI jobs without a step that says so: the repository that they build, and the registries of their hubs.

use std::path::Path;

use crate::cli::JobOptions;
use crate::diagnostic::Diagnostic;
use crate::model::ci::{JOB_SUFFIX, REPOSITORY_SUFFIX};
use crate::model::files::Line;
use crate::model::job::{Input, Step};
use crate::model::{Job, Name, Pipeline, Resource, written};
use crate::repository;
use crate::tools;

/// Adds the repository that a runCI job builds, where the job names none: the original made a ciRepo for each such job.
/// Here it is the repository that holds the YAML. Says so if there is none.
pub(crate) fn add_repository(line: &mut Line, options: &JobOptions, job: &str) -> Option<Diagnostic> {
    let (pipeline, directory) = (&mut line.pipeline, &line.directory);
    let job = pipeline.jobs.get(job).filter(|job| job.is_ci() && job.has_scripts())?;
    let is_repository = |resource: &Resource| repository::is_repository(&resource.kind.text);
    if job.inputs().any(|input| pipeline.resources.get(&input.name.text).is_some_and(is_repository)) {
        return None;
    }
    let (name, is_input) = repository_of(pipeline, job);
    let given = options.repo.iter().any(|(given, _)| *given == name.text);
    if !given && let Some(why) = no_repository(directory) {
        return Some(
            Diagnostic::warning(format!("job `{}` builds no repository: {why}", job.name.text))
                .at(job.name.place)
                .hint(format!(
                    "give one with --repo {}=PATH; otherwise it starts in an empty directory",
                    name.text
                )),
        );
    }
    if !is_input {
        let node = written::map(name.place, &[("IN", &name.text)]);
        let input = Input { name: name.clone(), pin: None, switched_off: false, scopes: Vec::new(), node };
        let job = job.name.text.clone();
        pipeline.jobs.get_mut(&job)?.steps.insert(0, Step::In(input));
    }
    pipeline.resources.entry(name.text.clone()).or_insert_with(|| Resource::implied(name, "ciRepo"));
    None
}

/// Logs a runCI job in to the registries under `hub:` of its CI section, as a cliConfig of each would.
pub(crate) fn add_hubs(pipeline: &mut Pipeline, job: &str) {
    let is_ci = pipeline.jobs.get(job).is_some_and(|job| job.is_ci() && job.has_scripts());
    let hubs = pipeline.ci.as_ref().filter(|_| is_ci).map(|ci| ci.hubs.clone()).unwrap_or_default();
    for (integration, kind) in hubs {
        // What is missing is said where the job lists it.
        let known = pipeline.integrations.get(&integration.text);
        if !known.is_some_and(|known| tools::are_known(known.kind.name)) {
            continue;
        }
        let place = integration.place;
        let name = Name { text: format!("{}_hub", integration.text), place };
        let node = written::map(place, &[("IN", &name.text)]);
        let scopes = [kind].into_iter().filter(|kind| matches!(kind.as_str(), "ecr" | "gcr")).collect();
        let input = Input { name: name.clone(), pin: None, switched_off: false, scopes, node };
        let Some(job) = pipeline.jobs.get_mut(job) else { return };
        job.steps.insert(0, Step::In(input));
        let resource =
            Resource { integration: Some(integration), ..Resource::implied(name.clone(), "cliConfig") };
        pipeline.resources.entry(name.text).or_insert(resource);
    }
}

/// The name of the repository that a job builds, and whether it goes in already without being declared.
fn repository_of(pipeline: &Pipeline, job: &Job) -> (Name, bool) {
    let undeclared = job.inputs().map(|input| &input.name).find(|name| {
        name.text.ends_with(REPOSITORY_SUFFIX)
            && !pipeline.resources.contains_key(&name.text)
            && !pipeline.jobs.contains_key(&name.text)
    });
    match undeclared {
        Some(name) => (name.clone(), true),
        None => {
            let stem = job.name.text.strip_suffix(JOB_SUFFIX).unwrap_or(&job.name.text);
            (Name { text: format!("{stem}{REPOSITORY_SUFFIX}"), place: job.name.place }, false)
        }
    }
}

/// Why the YAML lies in no repository, if it lies in none.
fn no_repository(directory: &Path) -> Option<String> {
    match repository::holds(directory) {
        Ok(true) => None,
        Ok(false) => Some(format!("{} is in no git repository", directory.display())),
        Err(error) => Some(error.to_string()),
    }
}
