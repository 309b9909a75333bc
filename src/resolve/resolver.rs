//! What the steps and the lists of one job refer to, looked up by name.

use super::{Dependency, Operation, Target, sources, unknown_integration};
use crate::diagnostic::Diagnostic;
use crate::model::ci::RUN_CI;
use crate::model::job::Step;
use crate::model::{Integration, Job, Name, Pipeline, Work};

/// Looks up what a job refers to, and gathers what is wrong.
pub(super) struct Resolver<'a> {
    pub(super) pipeline: &'a Pipeline,
    pub(super) job: &'a Job,
    /// First parts of variables, and the names they come from.
    pub(super) taken: Vec<(String, &'a Name)>,
    /// Whether nothing is run, and all is to be known that the job could have to do with.
    pub(super) survey: bool,
    pub(super) problems: Vec<Diagnostic>,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(pipeline: &'a Pipeline, job: &'a Job) -> Self {
        Resolver { pipeline, job, taken: Vec::new(), survey: false, problems: Vec::new() }
    }

    pub(super) fn check_type(&mut self) {
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

    /// Complains about TASKs without a script, which are rarely meant.
    pub(super) fn check_scripts(&mut self) {
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
    pub(super) fn env_name(&mut self, name: &'a Name) -> Option<String> {
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

    pub(super) fn dependencies(&mut self) -> Vec<Dependency<'a>> {
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

    pub(super) fn integrations(&mut self) -> Vec<(String, &'a Integration)> {
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
    pub(super) fn sources(
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
