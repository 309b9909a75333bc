//! What people get wrong that is no error of YAML: each lint is one function, and one row of `LINTS`.

mod jobs;
mod managed;
mod plain_secrets;
mod stale_values;
mod text;

use std::collections::HashMap;

use indexmap::IndexSet;

use crate::diagnostic::Diagnostic;
use crate::model::files::Line;
use crate::model::job::Step;
use crate::model::work::type_almost_right;
use crate::model::{Job, Name, Pipeline};
use crate::resolve::{self, keys};

pub use text::text;

/// A lint looks at a whole pipeline and reports what it finds.
type Lint = fn(&Pipeline, &mut Vec<Diagnostic>);

/// All lints.
const LINTS: &[Lint] = &[
    types_almost_right,
    names_without_variables,
    names_that_collide,
    keys_that_collide,
    keys_of_two_integrations,
    undeclared_names,
    undeclared_integrations,
    sources_of_integrations,
    replicas_of_nothing,
    managed::manifests,
    managed::releases,
    managed::deployments,
    managed::targets,
    managed::scripts,
    self_loops,
    cycles,
];

/// Runs all lints.
pub fn check(pipeline: &Pipeline, diagnostics: &mut Vec<Diagnostic>) {
    for lint in LINTS {
        lint(pipeline, diagnostics);
    }
}

/// Adds to what was found wrong when a line was read all that [`check`] finds, and what takes more than the pipeline to
/// tell: its files, what they encrypt, and the warnings of its jobs. All of it comes in the order of the files.
pub fn check_line(line: &mut Line) {
    check(&line.pipeline, &mut line.diagnostics);
    line.diagnostics.extend(plain_secrets::warn(line));
    line.diagnostics.extend(stale_values::warn(line));
    let of_jobs = jobs::warn(line);
    line.diagnostics.extend(of_jobs);
    line.diagnostics
        .sort_by_cached_key(|diagnostic| diagnostic.place.map(|place| (place.source, place.start)));
}

/// The names of a job's steps, with the word of the step.
fn step_names(job: &Job) -> impl Iterator<Item = (&'static str, &Name)> {
    job.steps.iter().filter_map(|step| match step {
        Step::In(input) => Some(("IN", &input.name)),
        Step::Out(output) => Some(("OUT", &output.name)),
        Step::Task(_) | Step::Notify(_) => None,
    })
}

/// Jobs of types like `runsh`.
fn types_almost_right(pipeline: &Pipeline, diagnostics: &mut Vec<Diagnostic>) {
    for job in pipeline.jobs.values() {
        if let Some(meant) = job.type_meant() {
            diagnostics.push(type_almost_right(&format!("job `{}`", job.name.text), &job.kind, meant));
        }
    }
}

/// Names like `1`: variables of nothing. Only a job that needs one cannot run.
fn names_without_variables(pipeline: &Pipeline, diagnostics: &mut Vec<Diagnostic>) {
    let resources = pipeline.resources.values().map(|resource| &resource.name);
    let jobs = pipeline.jobs.values().map(|job| &job.name);
    for name in resources.chain(jobs).filter(|name| name.env().is_none()) {
        diagnostics.push(
            Diagnostic::warning(format!("nothing is left of the name `{}` for its variables", name.text))
                .rule("no-variables").at(name.place)
                .hint("variables keep ASCII letters, digits and `_`, without leading digits: a job that needs it cannot run"),
        );
    }
}

/// Two names of one job with the same variables: the job cannot run.
fn names_that_collide(pipeline: &Pipeline, diagnostics: &mut Vec<Diagnostic>) {
    for job in pipeline.jobs.values().filter(|job| job.has_scripts()) {
        let mut taken: HashMap<String, &Name> = HashMap::new();
        for name in step_names(job).map(|(_, name)| name).chain(&job.integrations) {
            let Some(env) = name.env() else { continue };
            match taken.get(&env) {
                Some(first) if first.text != name.text => diagnostics.push(
                    Diagnostic::error(format!(
                        "`{}` and `{}` of job `{}` have the same variables: {env}_…",
                        first.text, name.text, job.name.text
                    ))
                    .rule("same-variables")
                    .at(name.place)
                    .and_at(first.place, format!("`{}`", first.text))
                    .hint("rename one of them"),
                ),
                Some(_) => {}
                None => _ = taken.insert(env, name),
            }
        }
    }
}

/// Two keys with the same variable: no job can take what has them.
fn keys_that_collide(pipeline: &Pipeline, diagnostics: &mut Vec<Diagnostic>) {
    for resource in pipeline.resources.values() {
        keys::of_resource(resource, diagnostics);
    }
    for integration in pipeline.integrations.values() {
        keys::of_integration(integration, diagnostics);
    }
}

/// Variables that a job gets from more than one integration.
fn keys_of_two_integrations(pipeline: &Pipeline, diagnostics: &mut Vec<Diagnostic>) {
    for job in pipeline.jobs.values().filter(|job| job.has_scripts()) {
        if let Ok(plan) = resolve::resolve(pipeline, &job.name.text) {
            keys::shared(&plan, diagnostics);
        }
    }
}

/// Steps that name nothing of these files: their YAML may live elsewhere.
fn undeclared_names(pipeline: &Pipeline, diagnostics: &mut Vec<Diagnostic>) {
    let declared = |name: &str| pipeline.resources.contains_key(name) || pipeline.jobs.contains_key(name);
    // Looking for near names among thousands for each of thousands takes long, and does not help.
    let near = |name: &str, diagnostic: Diagnostic, found: usize| {
        let known = pipeline.resources.keys().chain(pipeline.jobs.keys()).map(String::as_str);
        if found < 100 { diagnostic.did_you_mean(name, known) } else { diagnostic }
    };
    let mut found = 0;
    for job in pipeline.jobs.values() {
        for (word, name) in step_names(job).filter(|(_, name)| !declared(&name.text)) {
            let diagnostic = Diagnostic::warning(format!(
                "job `{}` takes `{}` {word}, which is declared nowhere",
                job.name.text, name.text
            ))
            .rule("undeclared")
            .at(name.place)
            .hint("declare it under `resources:` or `jobs:`, or add the file that does with -f");
            diagnostics.push(near(&name.text, diagnostic, found));
            found += 1;
        }
    }
}

/// Integrations that cannot get their own credentials from those they name.
fn sources_of_integrations(pipeline: &Pipeline, diagnostics: &mut Vec<Diagnostic>) {
    let all: Vec<_> = pipeline.integrations.values().collect();
    crate::resolve::sources(pipeline, &all, diagnostics);
}

/// Resources and jobs that need an integration of no file: it may be in the environment.
fn undeclared_integrations(pipeline: &Pipeline, diagnostics: &mut Vec<Diagnostic>) {
    let bound = pipeline.resources.values().filter_map(|resource| {
        Some((format!("resource `{}`", resource.name.text), resource.integration.as_ref()?))
    });
    let listed = pipeline
        .jobs
        .values()
        .flat_map(|job| job.integrations.iter().map(|name| (format!("job `{}`", job.name.text), name)));
    let sources = pipeline.integrations.values().filter_map(|integration| {
        Some((format!("integration `{}`", integration.name.text), integration.source()?))
    });
    let named = bound.chain(listed).chain(sources);
    let missing: Vec<_> = named.filter(|(_, name)| !pipeline.integrations.contains_key(&name.text)).collect();
    // Where none is declared they are kept elsewhere, and once is enough to say it.
    if pipeline.integrations.is_empty() {
        let names: IndexSet<_> = missing.iter().map(|(_, name)| name.text.as_str()).collect();
        if let Some((_, first)) = missing.first() {
            let shown: Vec<_> = names.iter().take(10).copied().collect();
            let more = if names.len() > shown.len() { ", …" } else { "" };
            diagnostics.push(
                Diagnostic::warning(format!(
                    "no integrations are declared; jobs need: {}{more}",
                    shown.join(", ")
                ))
                .rule("undeclared-integration")
                .at(first.place)
                .hint("declare them in shippable.integrations.yml, or add the file that does with -i"),
            );
        }
        return;
    }
    for (of, name) in missing {
        let mut diagnostic = crate::resolve::unknown_integration(pipeline, name, &of);
        diagnostic.severity = crate::diagnostic::Severity::Warning;
        diagnostics.push(diagnostic);
    }
}

/// `replicate:` of something that does not go in.
fn replicas_of_nothing(pipeline: &Pipeline, diagnostics: &mut Vec<Diagnostic>) {
    for job in pipeline.jobs.values() {
        for output in job.outputs() {
            let Some(from) = &output.replicate else { continue };
            if job.inputs().any(|input| input.name.text == from.text) {
                continue;
            }
            diagnostics.push(
                Diagnostic::error(format!(
                    "`{}` is to be a replica of `{}`, which is no IN of job `{}`",
                    output.name.text, from.text, job.name.text
                ))
                .rule("replica")
                .at(from.place)
                .hint(format!("add the step `- IN: {}`", from.text))
                .did_you_mean(&from.text, job.inputs().map(|input| input.name.text.as_str())),
            );
        }
    }
}

/// A resource that goes in and comes out again starts the job anew with each of its versions. State does not.
fn self_loops(pipeline: &Pipeline, diagnostics: &mut Vec<Diagnostic>) {
    for job in pipeline.jobs.values() {
        for input in job.inputs().filter(|input| !input.switched_off) {
            let Some(output) = job.outputs().find(|output| output.name.text == input.name.text) else {
                continue;
            };
            let state =
                pipeline.resources.get(&input.name.text).is_none_or(|resource| resource.kind.text == "state");
            if !state {
                diagnostics.push(
                    Diagnostic::warning(format!(
                        "job `{}` takes `{}` IN and puts it OUT: each new version starts it again",
                        job.name.text, input.name.text
                    ))
                    .rule("starts-itself")
                    .at(input.name.place)
                    .and_at(output.name.place, "it comes out here")
                    .hint("add `switch: off` to the IN"),
                );
            }
        }
    }
}

/// Jobs that wait for each other.
fn cycles(pipeline: &Pipeline, diagnostics: &mut Vec<Diagnostic>) {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Done,
    }
    let edges: Vec<Vec<(usize, &Name)>> = pipeline
        .jobs
        .values()
        .map(|job| {
            job.inputs()
                .filter(|input| !pipeline.resources.contains_key(&input.name.text))
                .filter_map(|input| Some((pipeline.jobs.get_index_of(&input.name.text)?, &input.name)))
                .collect()
        })
        .collect();
    let mut marks = vec![Mark::New; edges.len()];
    for start in 0..edges.len() {
        if marks[start] != Mark::New {
            continue;
        }
        // Depth first without recursion: a chain of jobs may be longer than the stack is deep.
        let mut walk = vec![(start, 0)];
        marks[start] = Mark::Open;
        while let Some((job, next)) = walk.last_mut() {
            let (job, edge) = (*job, edges[*job].get(*next));
            *next += 1;
            match edge {
                None => {
                    marks[job] = Mark::Done;
                    walk.pop();
                }
                Some((to, _)) if marks[*to] == Mark::New => {
                    marks[*to] = Mark::Open;
                    walk.push((*to, 0));
                }
                Some((to, _)) if marks[*to] == Mark::Open => {
                    let from = walk.iter().position(|(job, _)| job == to).unwrap_or(0);
                    diagnostics.push(cycle(pipeline, &walk[from..], &edges));
                }
                Some(_) => {}
            }
        }
    }
}

/// The error for a cycle; `walk` holds its jobs, each with the number of edges that were followed from it.
fn cycle(pipeline: &Pipeline, walk: &[(usize, usize)], edges: &[Vec<(usize, &Name)>]) -> Diagnostic {
    let names: Vec<_> = walk.iter().map(|(job, _)| pipeline.jobs[*job].name.text.as_str()).collect();
    let first = names.first().copied().unwrap_or_default();
    let mut diagnostic =
        Diagnostic::error(format!("jobs wait for each other: {} → {first}", names.join(" → ")))
            .rule("circle")
            .hint("remove one of these INs");
    for (job, next) in walk {
        let Some((_, name)) = next.checked_sub(1).and_then(|edge| edges[*job].get(edge)) else { continue };
        diagnostic = match diagnostic.place {
            None => diagnostic.at(name.place),
            Some(_) => diagnostic.and_at(
                name.place,
                format!("job `{}` waits for `{}`", pipeline.jobs[*job].name.text, name.text),
            ),
        };
    }
    diagnostic
}
