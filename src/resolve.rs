//! From a pipeline and the name of a job to a [`Plan`]: everything the job refers to, found, or all that is missing.
//!
//! Pure: no files, no clock, no processes. Behind it nothing is looked up by name any more.

pub mod keys;
mod sources;

use crate::diagnostic::{Diagnostic, Severity};
use crate::model::ci::{Ci, RUN_CI};
use crate::model::job::{Input, Output, Step};
use crate::model::task::Task;
use crate::model::{Integration, Job, Name, Pipeline, Resource, Work};
use crate::yaml::Node;

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

struct Resolver<'a> {
    pipeline: &'a Pipeline,
    job: &'a Job,
    /// First parts of variables, and the names they come from.
    taken: Vec<(String, &'a Name)>,
    /// Whether nothing is run, and all is to be known that the job could have to do with.
    survey: bool,
    problems: Vec<Diagnostic>,
}

impl<'a> Resolver<'a> {
    fn new(pipeline: &'a Pipeline, job: &'a Job) -> Self {
        Resolver { pipeline, job, taken: Vec::new(), survey: false, problems: Vec::new() }
    }

    fn check_type(&mut self) {
        let job = self.job;
        if job.can_run() {
            return;
        }
        let name = &job.name.text;
        if let Some(Work::Gone(gone)) = job.work() {
            let message =
                format!("job `{name}` is of type `{}`, which cannot be run: {}", job.kind.text, gone.why);
            self.problems.push(Diagnostic::error(message).at(job.kind.place).hint(gone.instead));
            return;
        }
        let (message, hint) = match job.kind.text.as_str() {
            "" => (format!("job `{name}` has no type"), "add `type: runSh`"),
            RUN_CI => (
                format!("job `{name}` runs the CI section of shippable.yml, which has no script"),
                "add `build:` with `ci:`, or a `language:` that has commands of its own",
            ),
            kind => (
                format!("job `{name}` is of type `{kind}`, and shipctl runs runSh jobs"),
                "jobs of this type have no script of their own: the service did their work",
            ),
        };
        let meant = job.type_meant().map(|meant| format!("did you mean `{meant}`?"));
        let hint = meant.unwrap_or_else(|| hint.to_owned());
        self.problems.push(Diagnostic::error(message).at(job.kind.place).hint(hint));
    }

    /// A TASK without a script is a mistake of writing more often than a wish to do nothing.
    fn check_scripts(&mut self) {
        let has_scripts = self.job.has_scripts();
        for step in &self.job.steps {
            if let Step::Task(task) = step
                && has_scripts
                && !task.has_script
            {
                self.problems.push(
                    Diagnostic::error(format!("a TASK of job `{}` has no script", self.job.name.text))
                        .at(task.place)
                        .hint("add `script: …`; `shipctl check` tells of unknown keys"),
                );
            }
        }
    }

    /// The first part of a name's variables; a complaint if nothing is left of it or another name of the job has
    /// the same.
    fn env_name(&mut self, name: &'a Name) -> Option<String> {
        let is_taken =
            |env: &String| self.taken.iter().find(|(taken, other)| taken == env && other.text != name.text);
        if self.survey || !self.job.has_scripts() {
            let env = name.env().filter(|env| is_taken(env).is_none());
            let env = env.unwrap_or_else(|| format!("_{}", self.taken.len()));
            self.taken.push((env.clone(), name));
            return Some(env);
        }
        let Some(env) = name.env() else {
            self.problems.push(
                Diagnostic::error(format!("nothing is left of the name `{}` for its variables", name.text))
                    .at(name.place)
                    .hint("variables keep ASCII letters, digits and `_`, without leading digits: rename it"),
            );
            return None;
        };
        match is_taken(&env) {
            Some((_, other)) => self.problems.push(
                Diagnostic::error(format!(
                    "`{}` and `{}` have the same variables: {env}_…",
                    other.text, name.text
                ))
                .at(name.place)
                .and_at(other.place, format!("`{}`", other.text))
                .hint("rename one of them"),
            ),
            None => self.taken.push((env.clone(), name)),
        }
        Some(env)
    }

    fn dependencies(&mut self) -> Vec<Dependency<'a>> {
        let mut dependencies = Vec::new();
        for step in &self.job.steps {
            let (operation, name, node) = match step {
                Step::In(input) => (Operation::In(input), &input.name, &input.node),
                Step::Out(output) => (Operation::Out(output), &output.name, &output.node),
                Step::Task(_) | Step::Notify(_) => continue,
            };
            let env = self.env_name(name);
            let Some(target) = self.target(operation, name) else { continue };
            let integration = target
                .resource()
                .filter(|resource| self.survey || self.job.uses_integration_of(&resource.kind.text))
                .and_then(|resource| resource.integration.as_ref())
                .and_then(|bound| self.integration(bound, &format!("resource `{}`", name.text)));
            let Some(env) = env else { continue };
            dependencies.push(Dependency { operation, name, env, target, integration, step: node });
        }
        dependencies
    }

    fn target(&mut self, operation: Operation<'_>, name: &'a Name) -> Option<Target<'a>> {
        let target = match (self.pipeline.resources.get(&name.text), self.pipeline.jobs.get(&name.text)) {
            (Some(resource), _) => Target::Resource(resource),
            (None, Some(job)) if std::ptr::eq(job, self.job) => {
                self.problems.push(
                    Diagnostic::error(format!("job `{}` takes itself {}", name.text, operation.word()))
                        .at(name.place)
                        .hint("its own last state is in $JOB_PREVIOUS_STATE: remove this step"),
                );
                return None;
            }
            (None, Some(job)) => Target::Job(job),
            (None, None) => {
                let known = self.pipeline.resources.keys().chain(self.pipeline.jobs.keys());
                self.problems.push(
                    Diagnostic::error(format!("`{}` is declared nowhere", name.text))
                        .at(name.place)
                        .hint("declare it under `resources:` or `jobs:`, or add the file that does with -f")
                        .did_you_mean(&name.text, known.map(String::as_str)),
                );
                return None;
            }
        };
        Some(target)
    }

    fn integration(&mut self, name: &Name, of: &str) -> Option<&'a Integration> {
        let found = self.pipeline.integrations.get(&name.text);
        if found.is_none() {
            self.problems.push(unknown_integration(self.pipeline, name, of));
        }
        found
    }

    fn integrations(&mut self) -> Vec<(String, &'a Integration)> {
        let mut integrations = Vec::new();
        // Only scripts have a use for them.
        let listed =
            if self.survey || self.job.has_scripts() { self.job.integrations.as_slice() } else { &[] };
        for name in listed {
            let env = self.env_name(name);
            let integration = self.integration(name, &format!("job `{}`", self.job.name.text));
            if let (Some(env), Some(integration)) = (env, integration) {
                integrations.push((env, integration));
            }
        }
        integrations
    }

    /// The integrations that those of the job get their own credentials with, and so on.
    fn sources(
        &mut self,
        dependencies: &[Dependency<'a>],
        integrations: &[(String, &'a Integration)],
    ) -> Vec<&'a Integration> {
        let bound = dependencies.iter().filter_map(|dependency| dependency.integration);
        let named: Vec<_> = bound.chain(integrations.iter().map(|(_, listed)| *listed)).collect();
        let sources = sources(self.pipeline, &named, &mut self.problems);
        for integration in named.iter().chain(&sources) {
            if let Some(name) = integration.source() {
                self.integration(name, &format!("integration `{}`", integration.name.text));
            }
        }
        sources
    }
}
