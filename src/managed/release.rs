//! Releases: manifests under one semantic version.

use serde_json::Value as Json;

use super::bump::{self, Bump};
use super::entry::{self, Manifest};
use super::{ManagedJob, ManagedOutput};
use crate::contract::suffix;
use crate::diagnostic::Diagnostic;
use crate::source::Span;

/// The property that remembers which seed a version was counted from.
pub const SEED: &str = "seed";

/// Makes the next release.
pub(super) fn make(given: &ManagedJob) -> Result<ManagedOutput, Vec<Diagnostic>> {
    let job = given.plan.job;
    let mut output = ManagedOutput::default();
    let bump = match job.option("bump") {
        None => Bump::Minor,
        Some(node) => Bump::parse(node.text().unwrap_or_default()).ok_or_else(|| {
            let shown = node.text().unwrap_or("(a list or map)");
            vec![
                Diagnostic::error(format!("release `{}` cannot bump `{shown}`", job.name.text))
                    .at(node.place)
                    .hint("it bumps major, minor, patch, alpha, beta, rc or final"),
            ]
        })?,
    };
    let (seed, from, place) = seed(given).ok_or_else(|| vec![no_base(given)])?;
    if seed.trim().is_empty() {
        let error = Diagnostic::error(format!("{from} has no `versionName` to begin with"));
        return Err(vec![error.at(place).hint("add `seed: {versionName: 1.0.0}` to it")]);
    }
    let parsed = bump::parse(&seed).map_err(|why| {
        vec![
            Diagnostic::error(format!("`{seed}` of {from} is no semantic version: {why}"))
                .at(place)
                .hint("write it as 1.2.3, v1.2.3 or 1.2.3-rc.1"),
        ]
    })?;
    let previous = given.versions.previous.as_ref();
    let last = previous.and_then(|version| bump::parse(version.version_name.as_deref()?).ok());
    let same_seed = previous.is_some_and(|version| version.bag.get(SEED) == Some(&Json::from(seed.as_str())));
    // A release candidate of 1.0.0 comes before 1.0.0, and is counted on all the same.
    let (base, counted) = match last {
        Some(last) if same_seed || last.is_greater(&parsed) => (last, "its last version"),
        _ => (parsed, from.as_str()),
    };
    let next = base.bumped(bump);
    output.lines.push(format!("version {next}: {bump} of {base}, {counted}"));
    let manifests = collect(given, &mut output);
    output.version_name = Some(next.to_string());
    output.bag = entry::bag(&manifests);
    output.bag.insert(SEED.to_owned(), Json::from(seed));
    Ok(output)
}

/// What the version is counted from at first, where that comes from, and where this is written: the version of a job that
/// goes in, of several the last one's; else that of a version resource.
fn seed(given: &ManagedJob) -> Option<(String, String, Span)> {
    let place = |name: &str| {
        let named = given.plan.dependencies.iter().find(|dependency| dependency.name.text == name);
        named.map_or(given.plan.job.name.place, |dependency| dependency.name.place)
    };
    let of_jobs = given.jobs.iter().rev().find_map(|job| {
        let name = job.version.as_ref()?.version_name.clone()?;
        // What a manifest or a deployment is called need not be a version.
        (job.kind == "release" || bump::parse(&name).is_ok())
            .then(|| (name, format!("{} `{}`", job.kind, job.name), place(&job.name)))
    });
    of_jobs.or_else(|| {
        let versions = given.resources().filter(|input| input.kind() == "version");
        versions.last().map(|input| {
            let text = given.variable(input.dependency, suffix::VERSIONNAME).to_owned();
            (text, format!("version `{}`", input.dependency.name.text), input.place())
        })
    })
}

fn no_base(given: &ManagedJob) -> Diagnostic {
    let job = given.plan.job;
    let error = Diagnostic::error(format!("release `{}` has no version to begin with", job.name.text));
    // The version of a deployment is that of the release it deployed.
    let mut unmade = given.jobs.iter().filter(|job| job.version.is_none());
    error.at(job.name.place).hint(match unmade.find(|job| job.kind != "manifest") {
        Some(unmade) => format!("run `{}` first, or add `--upstream`", unmade.name),
        None => "add `- IN: name` with the name of a version resource, or of another release".to_owned(),
    })
}

/// The manifests that go in. Of one that comes by several ways, the last one counts.
fn collect(given: &ManagedJob, output: &mut ManagedOutput) -> Vec<Manifest> {
    let mut manifests: Vec<Manifest> = Vec::new();
    for job in &given.jobs {
        let Some(version) = &job.version else {
            output.lines.push(format!("{} {}: not made yet", job.kind, job.name));
            continue;
        };
        for manifest in &version.manifests {
            output.lines.push(described(manifest, job));
            output.lines.extend(manifest.lines(given.is_dry).into_iter().map(|line| format!("  {line}")));
            match manifests.iter_mut().find(|known| known.name == manifest.name) {
                Some(known) => known.clone_from(manifest),
                None => manifests.push(manifest.clone()),
            }
        }
    }
    manifests
}

fn described(manifest: &Manifest, job: &super::Incoming) -> String {
    let number =
        manifest.version_number.map_or("not made yet".to_owned(), |number| format!("version {number}"));
    match manifest.name == job.name {
        true => format!("manifest {} ({number})", manifest.name),
        false => format!("manifest {} ({number}), of {} {}", manifest.name, job.kind, job.name),
    }
}
