//! What of a line can be turned, job by job.

mod inputs;
mod managed;
mod undeclared;
mod variables;

use std::collections::HashMap;
use std::rc::Rc;

use indexmap::{IndexMap, IndexSet};

use super::stand_ins::{self, Settings};
use super::text;
use super::{Gap, Job, Run, Script, Standalone, functions};
use super::{Need, Setting, Span, When};
use crate::environment::{self, Environment, RunContext};
use crate::export::gather::{self, ExportOptions};
use crate::model::Pipeline;
use crate::order::{Order, Wait};
use crate::repository;
use crate::resolve::{self, Plan};
use crate::yaml::Node;
pub use undeclared::{Assumptions, Undeclared, complete};

/// Turns the jobs of `order`. `assumptions` are those that its pipeline was completed by.
pub fn read(
    pipeline: &Pipeline,
    order: &Order,
    assumptions: &Assumptions,
    context: ExportOptions,
) -> Standalone {
    let ExportOptions { name, command, .. } = context;
    let mut reader = Reader {
        pipeline,
        assumptions,
        settings: Settings::new(),
        gaps: Vec::new(),
        made: HashMap::new(),
        held: HashMap::new(),
    };
    let mut line = Standalone {
        name,
        command,
        jobs: Vec::new(),
        settings: Vec::new(),
        gaps: Vec::new(),
        all: pipeline.jobs.len(),
    };
    // For each job, those of the jobs that were turned which come before it.
    let mut waits: Vec<Vec<Wait>> = Vec::new();
    let ids = gather::ids(order.members.iter().map(|member| member.job.name.text.as_str()));
    for (member, id) in order.members.iter().zip(ids) {
        let mut before: Vec<Wait> = Vec::new();
        for wait in &member.after {
            for far in &waits[wait.member] {
                add(&mut before, Wait { member: far.member, starts: far.starts && wait.starts });
            }
        }
        let job = reader.job(&member.job.name.text, id, &before, &line.jobs);
        waits.push(match job {
            Some(job) => {
                line.jobs.push(job);
                vec![Wait { member: line.jobs.len() - 1, starts: true }]
            }
            None => before,
        });
    }
    for job in &order.left_out {
        reader.gap(&job.name.text, job.why_not_run(), job.kind.place);
    }
    for (resource, what) in gather::of_triggers(pipeline) {
        reader.gaps.push(Gap { job: None, what, place: resource.name.place });
    }
    reader.settings.sort_keys();
    line.settings = reader.settings.into_iter().map(|(name, purpose)| Setting { name, purpose }).collect();
    line.gaps = reader.gaps;
    line
}

fn add(waits: &mut Vec<Wait>, new: Wait) {
    match waits.iter_mut().find(|wait| wait.member == new.member) {
        Some(known) => known.starts |= new.starts,
        None => waits.push(new),
    }
}

struct Reader<'p> {
    pipeline: &'p Pipeline,
    assumptions: &'p Assumptions,
    settings: Settings,
    gaps: Vec<Gap>,
    /// By the names of resources, the jobs that put them OUT, by their places.
    made: HashMap<String, Vec<usize>>,
    /// By the names of jobs that were turned, the manifests that they hold.
    held: HashMap<String, managed::Held>,
}

impl<'p> Reader<'p> {
    fn gap(&mut self, job: &str, what: impl Into<String>, place: Span) {
        self.gaps.push(Gap { job: Some(job.to_owned()), what: what.into(), place });
    }

    /// A job, if it can be turned. `before` are those that it comes after, of `jobs`.
    fn job(&mut self, name: &str, id: String, before: &[Wait], jobs: &[Job]) -> Option<Job> {
        let (plan, problems) = resolve::resolve_in_part(self.pipeline, name).ok()?;
        let first_gap = self.gaps.len();
        let managed = plan.job.managed();
        if managed.is_none() && !plan.job.has_scripts() {
            let what = format!("what a job of type {} does, the service did itself", plan.job.kind.text);
            self.gap(name, what, plan.job.kind.place);
            return None;
        }
        let assumed = if managed.is_some() { self.assumed_integrations(&plan) } else { Vec::new() };
        let mut said = self.say_assumptions(&plan);
        said.extend(assumed.iter().map(|(_, integration)| integration.name.place));
        for problem in problems {
            let place = problem.place.unwrap_or(plan.job.name.place);
            if !said.contains(&place) {
                self.gap(name, problem.message, place);
            }
        }
        let mut plan = plan;
        for (index, integration) in &assumed {
            plan.dependencies[*index].integration = Some(integration);
        }
        let entries = plan.ci.map_or(1, |ci| ci.matrix.len().max(1));
        let mut told: IndexSet<String> = IndexSet::new();
        let environments: Vec<Environment> =
            (0..entries).map(|entry| self.environment(&plan, entry, &mut told)).collect::<Option<_>>()?;
        let work = match managed {
            Some(managed) => {
                let names = plan.dependencies.iter().map(|dependency| &dependency.name.text);
                let made =
                    names.filter(|name| !self.makers(name, before, jobs).is_empty()).cloned().collect();
                Some(self.managed(&plan, managed, &environments[0], &made)?)
            }
            None => None,
        };
        let (scripts, image) = match work {
            Some(work) => (vec![work.script], work.image.map(str::to_owned)),
            None => (scripts_of(&plan), self.image(&plan)),
        };
        let all: String = scripts.iter().map(|script| script.text.as_str()).collect::<Vec<_>>().join("\n");
        let mut runs = Vec::new();
        for (entry, environment) in environments.iter().enumerate() {
            let variables = self.variables(&plan, environment, &all);
            let of_matrix = plan.ci.and_then(|ci| ci.matrix.get(entry));
            runs.push(Run {
                label: of_matrix.map(|entry| entry.label()).unwrap_or_default(),
                may_fail: of_matrix.is_some_and(|entry| entry.may_fail),
                variables,
            });
        }
        let mut job = Job {
            name: name.to_owned(),
            id,
            needs: before.iter().map(|wait| Need { job: wait.member, starts: wait.starts }).collect(),
            minutes: plan.job.time_limit.map(|limit| limit.as_secs().div_ceil(60).max(1)),
            image,
            is_managed: managed.is_some(),
            runs,
            own_repository: None,
            clones: Vec::new(),
            inputs: Vec::new(),
            directories: Vec::new(),
            more: Vec::new(),
            has_functions: all.contains("shipctl") || all.contains("shippable_"),
            scripts,
            directory: String::new(),
            gaps: Vec::new(),
        };
        for dependency in &plan.dependencies {
            self.dependency(&plan, dependency, jobs, before, &mut job);
        }
        if let Some(built) = environment::built(&plan) {
            job.directory = format!("IN/{}/{}", built.name.text, repository::CLONE);
        }
        job.has_functions |= !job.clones.is_empty() || job.own_repository.is_some();
        self.what_stays_behind(&plan, &all);
        job.gaps = self.gaps[first_gap..].iter().map(|gap| gap.what.clone()).collect();
        for output in plan.job.outputs() {
            self.made.entry(output.name.text.clone()).or_default().push(jobs.len());
        }
        Some(job)
    }

    /// Says what is assumed of a job and of what it takes and makes, and returns where.
    fn say_assumptions(&mut self, plan: &Plan) -> Vec<Span> {
        let job = plan.job;
        let inputs = job.inputs().map(|input| &input.name);
        let names = inputs.chain(job.outputs().map(|output| &output.name)).chain([&job.name]);
        let (mut places, mut told) = (Vec::new(), IndexSet::new());
        for name in names {
            let Some(assumption) = self.assumptions.of(&name.text) else { continue };
            places.push(name.place);
            if told.insert(&name.text) {
                self.gap(&job.name.text, assumption.what.clone(), name.place);
                self.settings.extend(assumption.settings.iter().cloned());
            }
        }
        places
    }

    /// The environment of a run. What was `told` is not said again.
    fn environment(&mut self, plan: &Plan, entry: usize, told: &mut IndexSet<String>) -> Option<Environment> {
        let name = &plan.job.name.text;
        let credentials = stand_ins::credentials(plan, &mut self.settings);
        let context = RunContext {
            root: text::root().into(),
            number: 1,
            user: text::shell("USER"),
            entry,
            inherited: Rc::new(["HOME", "PATH"].map(|name| (name.into(), text::shell(name).into()))),
            max_environment: usize::MAX,
            ..RunContext::default()
        };
        let built = match environment::build(plan, &credentials, &context) {
            Ok(built) => built,
            Err(problems) => {
                for problem in problems {
                    let place = problem.place.unwrap_or(plan.job.name.place);
                    self.gap(name, problem.message, place);
                }
                return None;
            }
        };
        for warning in built.warnings.into_iter().filter(|warning| warning.rule == "lost-secret") {
            if told.insert(warning.message.clone()) {
                self.gap(name, warning.message, warning.place.unwrap_or(plan.job.name.place));
            }
        }
        Some(built.environment)
    }

    /// The image of a job: that of all its TASKs.
    fn image(&mut self, plan: &Plan) -> Option<String> {
        let images: IndexSet<&str> = plan
            .tasks
            .iter()
            .filter_map(|task| task.image.as_ref())
            .map(|image| image.name.as_str())
            .collect();
        match images.iter().collect::<Vec<_>>().as_slice() {
            [image] if plan.tasks.iter().all(|task| task.image.is_some()) => Some((**image).to_owned()),
            _ => {
                for task in &plan.tasks {
                    if let Some(image) = &task.image {
                        let what = format!(
                            "a TASK runs in the image {}, and others do not: here it does not",
                            image.name
                        );
                        self.gap(&plan.job.name.text, what, image.place);
                    }
                }
                None
            }
        }
    }

    /// What a job has, or its scripts ask for, that there is no counterpart of.
    fn what_stays_behind(&mut self, plan: &Plan, scripts: &str) {
        let job = &plan.job.name.text;
        let place = plan.tasks.first().map_or(plan.job.name.place, |task| task.place);
        for function in functions::lacking(scripts) {
            self.gap(
                job,
                format!("its scripts call {function}, which cannot be done without shipctl"),
                place,
            );
        }
        for file in
            ["version.json", "integration.json", "integration.env", "message.json", "integration_envs.env"]
        {
            if scripts.contains(file) {
                self.gap(job, format!("its scripts read {file}, which is not there"), place);
            }
        }
        for variable in
            [environment::LINE_DIRECTORY, "SHIPPABLE_NODE_ARCHITECTURE", "SHIPPABLE_NODE_OPERATING_SYSTEM"]
        {
            if scripts.contains(variable) {
                self.gap(job, format!("its scripts read ${variable}, which is not set"), place);
            }
        }
        if scripts.contains("/build/") {
            self.gap(job, "its scripts name the directory /build, which is not there", place);
        }
        if let Some(notified) = plan.job.notified().next() {
            self.gap(job, "its notifications are not sent", notified.place);
        }
        let runtime = plan.job.node.get("runtime").and_then(|runtime| runtime.get("nodePool"));
        if let Some(pool) = runtime.and_then(Node::text) {
            self.gap(job, format!("it ran on the node pool {pool}: choose the machine"), plan.job.name.place);
        }
        if let Some(ci) = plan.ci {
            for service in &ci.services {
                self.gap(job, format!("service {} is not started", service.text), service.place);
            }
            let has_versions = ci.matrix.iter().any(|entry| !entry.versions.is_empty());
            if has_versions || !ci.language.is_empty() && ci.language != "none" {
                let place = ci.keys.first().copied().unwrap_or(place);
                self.gap(
                    job,
                    format!(
                        "what {} needs is not installed: its image or its machine has to have it",
                        ci.language
                    ),
                    place,
                );
            }
        }
    }
}

/// The scripts of a job, in the order in which they run.
fn scripts_of(plan: &Plan) -> Vec<Script> {
    let mut scripts = Vec::new();
    let section = |name: &'static str, entries: &[String], when| Script {
        name: name.to_owned(),
        when,
        variables: IndexMap::new(),
        text: entries.join("\n"),
    };
    let sections = &plan.job.sections;
    scripts.push(section("on_start", &sections.on_start, When::Success));
    for (index, task) in plan.tasks.iter().enumerate() {
        let name = environment::task_name(task, index);
        let mut variables = IndexMap::from([
            ("TASK_NAME".to_owned(), name.clone()),
            ("TASK_IN_CONTAINER".to_owned(), task.image.is_some().to_string()),
        ]);
        let own = task.variables.iter().map(|one| (crate::contract::sanitize(&one.name), one.value.clone()));
        variables.extend(own.filter(|(name, _)| environment::is_variable_name(name)));
        scripts.push(Script { name, when: When::Success, variables, text: task.entries.join("\n") });
    }
    scripts.push(section("on_success", &sections.on_success, When::Success));
    scripts.push(section("on_failure", &sections.on_failure, When::Failure));
    scripts.push(section("on_cancel", &sections.on_cancel, When::Cancelled));
    scripts.push(section("always", &sections.always, When::Always));
    scripts.retain(|script| !script.text.trim().is_empty());
    scripts
}
