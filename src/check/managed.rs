//! What people get wrong in jobs without scripts.

use std::collections::HashSet;

use crate::diagnostic::Diagnostic;
use crate::model::job::Input;
use crate::model::work::CLUSTERS;
use crate::model::{Job, Pipeline, Resource};

/// Types of jobs that put manifests onto a cluster.
const DEPLOYMENTS: &[&str] = &["deploy", "ecsDeploy", "gkeDeploy"];

/// The jobs of some types.
fn jobs<'p>(pipeline: &'p Pipeline, kinds: &'static [&'static str]) -> impl Iterator<Item = &'p Job> {
    pipeline.jobs.values().filter(|job| kinds.contains(&job.kind.text.as_str()))
}

/// The resources that go into a job.
fn resources<'p>(pipeline: &'p Pipeline, job: &'p Job) -> impl Iterator<Item = (&'p Input, &'p Resource)> {
    job.inputs().filter_map(|input| Some((input, pipeline.resources.get(&input.name.text)?)))
}

/// Whether all that goes into a job is declared: what is not may be what seems to be missing.
fn all_known(pipeline: &Pipeline, job: &Job) -> bool {
    job.inputs().all(|input| {
        pipeline.resources.contains_key(&input.name.text) || pipeline.jobs.contains_key(&input.name.text)
    })
}

/// The jobs that go into a job and hold manifests.
fn holders<'p>(pipeline: &'p Pipeline, job: &'p Job) -> impl Iterator<Item = &'p Job> {
    let names = job.inputs().map(|input| &input.name.text);
    let jobs = names.filter(|name| !pipeline.resources.contains_key(*name));
    jobs.filter_map(|name| pipeline.jobs.get(name)).filter(|job| job.holds_manifests())
}

/// The job and those whose manifests it has, each once.
fn with_holders<'p>(pipeline: &'p Pipeline, job: &'p Job) -> Vec<&'p Job> {
    let mut found = vec![job];
    let mut known = HashSet::from([job.name.text.as_str()]);
    let mut next = 0;
    while let Some(job) = found.get(next).copied() {
        next += 1;
        found.extend(holders(pipeline, job).filter(|job| known.insert(&job.name.text)));
    }
    found
}

/// Manifests of images and files.
pub(super) fn manifests(pipeline: &Pipeline, diagnostics: &mut Vec<Diagnostic>) {
    for job in jobs(pipeline, &["manifest"]) {
        let of = |kind: &str| resources(pipeline, job).find(|(_, resource)| resource.kind.text == kind);
        if let (Some((image, _)), Some((file, _))) = (of("image"), of("file")) {
            diagnostics.push(
                Diagnostic::warning(format!(
                    "manifest `{}` has images and files, and cannot be made",
                    job.name.text
                ))
                .rule("incomplete-job")
                .at(file.name.place)
                .and_at(image.name.place, "an image")
                .hint("a manifest lists either; make one of each, and deploy both"),
            );
        }
        if of("image").is_none() && of("file").is_none() && all_known(pipeline, job) {
            diagnostics.push(
                Diagnostic::warning(format!(
                    "manifest `{}` has no image and no file, and cannot be made",
                    job.name.text
                ))
                .rule("incomplete-job")
                .at(job.name.place)
                .hint("add `- IN: name` with the name of an image or file resource"),
            );
        }
    }
}

/// Releases that nothing gives a version to begin with.
pub(super) fn releases(pipeline: &Pipeline, diagnostics: &mut Vec<Diagnostic>) {
    for job in jobs(pipeline, &["release"]) {
        let has_version = resources(pipeline, job).any(|(_, resource)| resource.kind.text == "version");
        let others = with_holders(pipeline, job);
        let has_release = others.iter().skip(1).any(|job| job.kind.text == "release");
        if !has_version && !has_release && others.iter().all(|job| all_known(pipeline, job)) {
            diagnostics.push(
                Diagnostic::warning(format!("release `{}` has no version to begin with", job.name.text))
                    .rule("incomplete-job")
                    .at(job.name.place)
                    .hint("add `- IN: name` with the name of a version resource, or of another release"),
            );
        }
    }
}

/// Scripts of jobs that have no shell for them.
pub(super) fn scripts(pipeline: &Pipeline, diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.extend(pipeline.jobs.values().flat_map(Job::idle_scripts));
}

/// Deployments to nowhere.
pub(super) fn deployments(pipeline: &Pipeline, diagnostics: &mut Vec<Diagnostic>) {
    for job in jobs(pipeline, DEPLOYMENTS) {
        let is_cluster = |resource: &Resource| CLUSTERS.contains(&resource.kind.text.as_str());
        let has_cluster = resources(pipeline, job).any(|(_, resource)| is_cluster(resource));
        if !has_cluster && all_known(pipeline, job) {
            diagnostics.push(
                Diagnostic::warning(format!("job `{}` deploys to no cluster", job.name.text))
                    .rule("incomplete-job")
                    .at(job.name.place)
                    .hint("add `- IN: name` with the name of a cluster resource"),
            );
        }
    }
}

/// Names in `applyTo` that the job does not have.
pub(super) fn targets(pipeline: &Pipeline, diagnostics: &mut Vec<Diagnostic>) {
    for job in pipeline.jobs.values().filter(|job| job.holds_manifests() && job.kind.text != "release") {
        diagnostics.extend(job.inputs().filter_map(Input::applies_to_nothing));
        let named: Vec<_> = job.inputs().filter_map(|input| Some((input, input.apply_to()?))).collect();
        if named.is_empty() {
            continue;
        }
        let jobs = with_holders(pipeline, job);
        if !jobs.iter().all(|job| all_known(pipeline, job)) {
            continue;
        }
        let mut known: Vec<&str> = Vec::new();
        for job in &jobs {
            known.push(&job.name.text);
            let is_part = |resource: &Resource| matches!(resource.kind.text.as_str(), "image" | "file");
            let parts = resources(pipeline, job).filter(|(_, resource)| is_part(resource));
            known.extend(parts.map(|(input, _)| input.name.text.as_str()));
        }
        for (input, names) in named {
            for name in names.iter().filter(|name| !known.contains(&name.text.as_str())) {
                diagnostics.push(
                    Diagnostic::warning(format!(
                        "`{}` is to apply to `{}`, which is not in job `{}`",
                        input.name.text, name.text, job.name.text
                    ))
                    .rule("incomplete-job")
                    .at(name.place)
                    .hint("`applyTo` lists manifests, images or files of the job")
                    .did_you_mean(&name.text, known.iter().copied()),
                );
            }
        }
    }
}
