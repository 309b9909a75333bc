//! From a pipeline and the name of a job to a [`Plan`]: everything the job refers to, found, or all that is missing.
//!
//! Pure: no files, no clock, no processes. Behind it nothing is looked up by name any more.

pub mod keys;
mod resolver;
mod sources;

use crate::diagnostic::{Diagnostic, Severity};
use crate::model::ci::Ci;
use crate::model::job::{Input, Output, Step};
use crate::model::task::Task;
use crate::model::{Integration, Job, Name, Pipeline, Resource};
use crate::yaml::Node;

use resolver::Resolver;
pub use sources::{AWS_KINDS, sources};

/// A job with everything it refers to.
pub struct Plan<'a> {
    /// The job.
    pub job: &'a Job,
    /// The first part of its variables.
    pub env: String,
    /// What goes in and what comes out, in step order.
    pub dependencies: Vec<Dependency<'a>>,
    /// The integrations that it lists, in order, each with the first part of its variables.
    pub integrations: Vec<(String, &'a Integration)>,
    /// The integrations that others of the job get their own credentials with, and nothing else names.
    pub sources: Vec<&'a Integration>,
    /// Its TASKs, in order.
    pub tasks: Vec<&'a Task>,
    /// The CI section, if that is what it runs.
    pub ci: Option<&'a Ci>,
}

impl<'a> Plan<'a> {
    /// All integrations that the job has to do with. One that is named twice comes twice.
    pub fn all_integrations(&self) -> impl Iterator<Item = &'a Integration> {
        let bound = self.dependencies.iter().filter_map(|dependency| dependency.integration);
        let listed = self.integrations.iter().map(|(_, integration)| *integration);
        bound.chain(listed).chain(self.sources.iter().copied())
    }
}

/// An IN or OUT of a job.
pub struct Dependency<'a> {
    /// Which way it goes, and how.
    pub operation: Operation<'a>,
    /// Its name.
    pub name: &'a Name,
    /// The first part of its variables.
    pub env: String,
    /// What it is.
    pub target: Target<'a>,
    /// The integration it is bound to.
    pub integration: Option<&'a Integration>,
    /// The step, as written.
    pub step: &'a Node,
}

/// Which way a dependency goes.
#[derive(Clone, Copy)]
pub enum Operation<'a> {
    /// In.
    In(&'a Input),
    /// Out.
    Out(&'a Output),
}

/// What a step names.
#[derive(Clone, Copy)]
pub enum Target<'a> {
    /// A resource or trigger.
    Resource(&'a Resource),
    /// Another job.
    Job(&'a Job),
}

impl Operation<'_> {
    /// `IN` or `OUT`: the word of the YAML, the value of `<NAME>_OPERATION` and the directory of the workspace.
    pub fn word(&self) -> &'static str {
        match self {
            Operation::In(_) => "IN",
            Operation::Out(_) => "OUT",
        }
    }
}

impl<'a> Target<'a> {
    /// Its type, as written.
    pub fn kind(&self) -> &'a str {
        match self {
            Target::Resource(resource) => &resource.kind.text,
            Target::Job(job) => &job.kind.text,
        }
    }

    /// All of it, as written.
    pub fn node(&self) -> &'a Node {
        match self {
            Target::Resource(resource) => &resource.node,
            Target::Job(job) => &job.node,
        }
    }

    /// The resource, if it is one.
    pub fn resource(&self) -> Option<&'a Resource> {
        match self {
            Target::Resource(resource) => Some(resource),
            Target::Job(_) => None,
        }
    }
}

/// Finds everything that a job refers to.
///
/// # Errors
///
/// All that is missing or cannot be, at once.
pub fn resolve<'a>(pipeline: &'a Pipeline, name: &str) -> Result<Plan<'a>, Vec<Diagnostic>> {
    let (plan, problems) = resolve_in_part(pipeline, name)?;
    if problems.is_empty() { Ok(plan) } else { Err(problems) }
}

/// The same for a dry run: the plan without what is missing or cannot be, and all that is wrong.
///
/// # Errors
///
/// When there is no such job.
pub fn resolve_in_part<'a>(
    pipeline: &'a Pipeline,
    name: &str,
) -> Result<(Plan<'a>, Vec<Diagnostic>), Vec<Diagnostic>> {
    let Some(job) = pipeline.jobs.get(name) else {
        return Err(vec![unknown_job(pipeline, name)]);
    };
    let mut resolver = Resolver::new(pipeline, job);
    resolver.check_type();
    let env = resolver.env_name(&job.name).unwrap_or_default();
    // The job's own variables and those of a resource of its name differ in all that matters.
    resolver.taken.clear();
    let dependencies = resolver.dependencies();
    let integrations = resolver.integrations();
    let sources = resolver.sources(&dependencies, &integrations);
    resolver.check_scripts();
    if let Some(place) = pipeline.ci.as_ref().filter(|_| job.is_ci()).and_then(Ci::command_of_a_row) {
        resolver.problems.push(
            Diagnostic::error("a command in a row of `env`, of which each is a run of its own, is not run")
                .at(place)
                .hint("put the variable under `global:` of `env`, or set it in `ci` with `export`"),
        );
    }
    for dependency in &dependencies {
        if let Some(resource) = dependency.target.resource() {
            keys::of_resource(resource, &mut resolver.problems);
        }
    }
    let mut seen: Vec<&str> = Vec::new();
    let bound = dependencies.iter().filter_map(|dependency| dependency.integration);
    for integration in bound.chain(integrations.iter().map(|(_, listed)| *listed)) {
        if !seen.contains(&integration.name.text.as_str()) {
            seen.push(&integration.name.text);
            keys::of_integration(integration, &mut resolver.problems);
        }
    }
    let tasks: Vec<_> = job
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::Task(task) if job.has_scripts() => Some(task),
            _ => None,
        })
        .collect();
    let ci = pipeline.ci.as_ref().filter(|_| job.is_ci());
    let plan = Plan { job, env, dependencies, integrations, sources, tasks, ci };
    Ok((plan, resolver.problems))
}

/// What jobs use that are not run here, as the service did their work: a plan of the first, with what goes into the others
/// besides. What is missing is told, and is no reason to know nothing.
///
/// # Errors
///
/// When there is no such job, and what no plan could be made of.
pub fn survey<'a>(
    pipeline: &'a Pipeline,
    names: &[&str],
) -> Result<(Plan<'a>, Vec<Diagnostic>), Vec<Diagnostic>> {
    let Some(job) = names.first().and_then(|name| pipeline.jobs.get(*name)) else {
        return Err(vec![unknown_job(pipeline, names.first().unwrap_or(&""))]);
    };
    let mut resolver = Resolver { survey: true, ..Resolver::new(pipeline, job) };
    let integrations = resolver.integrations();
    let mut dependencies = resolver.dependencies();
    for name in &names[1..] {
        let Some(job) = pipeline.jobs.get(*name) else { continue };
        resolver.job = job;
        for dependency in resolver.dependencies() {
            if dependencies.iter().all(|known| known.name.text != dependency.name.text) {
                dependencies.push(dependency);
            }
        }
    }
    let mut missing = std::mem::take(&mut resolver.problems);
    for problem in &mut missing {
        problem.severity = Severity::Warning;
    }
    let sources = resolver.sources(&dependencies, &integrations);
    let plan = Plan {
        job,
        env: job.name.env().unwrap_or_default(),
        dependencies,
        integrations,
        sources,
        tasks: Vec::new(),
        ci: None,
    };
    if resolver.problems.is_empty() { Ok((plan, missing)) } else { Err(resolver.problems) }
}

/// The error for a job that is not declared.
pub fn unknown_job(pipeline: &Pipeline, name: &str) -> Diagnostic {
    let error = Diagnostic::error(format!("there is no job `{name}`")).hint(known_jobs(pipeline));
    error.did_you_mean(name, pipeline.jobs.keys().map(String::as_str))
}

/// A hint that lists the jobs.
pub fn known_jobs(pipeline: &Pipeline) -> String {
    if pipeline.jobs.is_empty() {
        return "the files declare no jobs".to_owned();
    }
    let mut names: Vec<_> = pipeline.jobs.keys().map(String::as_str).take(20).collect();
    if pipeline.jobs.len() > names.len() {
        names.push("…");
    }
    format!("the jobs are: {}", names.join(", "))
}

/// The error for an integration that is not declared.
pub fn unknown_integration(pipeline: &Pipeline, name: &Name, of: &str) -> Diagnostic {
    let variable = name.env().map_or_else(String::new, |env| {
        format!(
            ", or set SHIPCTL_INTEGRATION_{env}_TYPE and one SHIPCTL_INTEGRATION_{env}_<FIELD> for each field"
        )
    });
    Diagnostic::error(format!("{of} needs the integration `{}`, which is declared nowhere", name.text))
        .rule("undeclared-integration")
        .at(name.place)
        .hint(format!(
            "declare it under `integrations:` in shippable.integrations.yml or a file given with -i{variable}"
        ))
        .did_you_mean(&name.text, pipeline.integrations.keys().map(String::as_str))
}
