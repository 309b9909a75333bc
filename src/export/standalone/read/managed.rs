//! Jobs without scripts, as scripts: what a manifest lists and a release counts goes on to later jobs in the file that holds
//! the key-values of the job; what a deployment sends is worked out here, but for its images.

use std::collections::HashSet;

use indexmap::IndexMap;
use serde_json::Value as Json;

use crate::contract::{self, suffix};
use crate::environment::Environment;
use crate::export::standalone::prepare::path;
use crate::export::standalone::text::{self, Text};
use crate::export::standalone::{Script, When, deploy, release};
use crate::managed::{self, Holding, Incoming, ManagedJob, ManagedOutput, Manifest, Part};
use crate::model::Managed;
use crate::resolve::{Dependency, Operation, Plan, Target};
use crate::versions::{Opened, Versions};

use super::Reader;

/// Prints the image that a job lists under a key.
const IMAGE: &str = "\
image() {
    sed -n \"s/^$2=//p\" \"IN/$1/version.env\" | tail -n 1 | grep . || { echo \"$1 lists no $2\" >&2; return 1; }
}
";

/// What a job without scripts becomes.
pub(super) struct Work {
    /// Its script.
    pub(super) script: Script,
    /// The image that has the programs of its script.
    pub(super) image: Option<&'static str>,
}

/// What later jobs find of a job that holds manifests.
pub(super) struct Held {
    manifests: Vec<Manifest>,
    has_version_name: bool,
}

/// An image that another job has listed, which is known where the pipeline runs.
struct Listed {
    variable: String,
    job: String,
    key: String,
}

impl Reader<'_> {
    /// The script of a job without one; `None` if there can be none, which is said. `is_made` has the names of resources that
    /// jobs which were turned put OUT before.
    pub(super) fn managed(
        &mut self,
        plan: &Plan,
        work: Managed,
        environment: &Environment,
        is_made: &HashSet<String>,
    ) -> Option<Work> {
        let name = &plan.job.name.text;
        let mut listed = Vec::new();
        let jobs = self.incoming(plan, &mut listed);
        let (versions, opened) = (Versions::default(), Opened::default());
        let given =
            ManagedJob { plan, environment, versions: &versions, opened: &opened, jobs, is_dry: true };
        let made = self.made(work, &given)?;
        self.made_by_scripts(plan, is_made);
        // The last one counts of the jobs that go in and whose versions have names.
        let named = plan.dependencies.iter().rev().find_map(|one| self.named(one)).map(str::to_owned);
        let lines = match work {
            Managed::Manifest => self.list(plan, &made.manifests(), is_made),
            Managed::Release => {
                let seed = made.bag.get(managed::SEED).and_then(|seed| seed.as_str()).unwrap_or_default();
                self.release(&given, seed, named.as_deref(), is_made)
            }
            Managed::Deploy => self.deploy(&given, named.as_deref())?,
            Managed::Provision => {
                deploy::services(&managed::provision::services(&given).unwrap_or_default(), &self.settings)
            }
            Managed::Sync => vec!["echo 'nothing to do: the pipeline is read anew each time'".to_owned()],
        };
        if plan.job.holds_manifests() {
            let has_version_name = work == Managed::Release || work == Managed::Deploy && named.is_some();
            self.held.insert(name.clone(), Held { manifests: made.manifests(), has_version_name });
        }
        let is_of_cluster = matches!(work, Managed::Deploy | Managed::Provision);
        let body = lines.join("\n");
        let script = Script {
            name: plan.job.kind.text.clone(),
            when: When::Success,
            variables: IndexMap::new(),
            text: self.required(plan) + &images(&listed, &body) + &body,
        };
        Some(Work { script, image: is_of_cluster.then(|| deploy::image(plan)) })
    }

    /// What a job makes, if it can be made without shipctl.
    fn made(&mut self, work: Managed, given: &ManagedJob) -> Option<ManagedOutput> {
        let job = given.plan.job;
        let name = &job.name.text;
        for dependency in &given.plan.dependencies {
            let is_used = job.uses_integration_of(dependency.target.kind());
            if is_used && dependency.integration.is_some_and(|one| one.kind.name == "azureKeys") {
                self.gap(name, "clusters of Azure have no counterpart", dependency.name.place);
                return None;
            }
        }
        let made = match managed::make(work, given) {
            Ok(made) => made,
            Err(problems) => {
                for problem in problems {
                    self.gap(name, problem.message, problem.place.unwrap_or(job.name.place));
                }
                return None;
            }
        };
        let is_secret = |value: &Json| {
            let text = Text::read(&value.to_string(), &self.settings);
            text.settings().any(|setting| !self.is_assumed(given.plan, setting))
        };
        if made.bag.values().any(is_secret) {
            self.gap(name, "it hands on fields of integrations, which are secret", job.name.place);
            return None;
        }
        for warning in &made.warnings {
            self.gap(name, warning.message.clone(), warning.place.unwrap_or(job.name.place));
        }
        Some(made)
    }

    /// The lines that list what is in a manifest.
    fn list(&self, plan: &Plan, manifests: &[Manifest], is_made: &HashSet<String>) -> Vec<String> {
        let mut words = Vec::new();
        for (manifest, part) in
            manifests.iter().flat_map(|one| one.parts().iter().map(move |part| (one, part)))
        {
            let dependency = plan.dependencies.iter().find(|one| one.name.text == part.name);
            let key = key(&manifest.name, &part.name);
            let version = dependency
                .filter(|_| is_made.contains(&part.name))
                .map(|one| format!("{}_{}", one.env, suffix::VERSIONNAME));
            let word = |text: &str| deploy::word(&format!("{key}={text}"), &self.settings);
            words.push(match version {
                Some(name) => format!("{}\"${{{name}:+:${name}}}\"", word(&part.source_name)),
                None => word(&part.shown()),
            });
        }
        vec![format!("printf '%s\\n' {} | tee -a {}", words.join(" "), state(&plan.job.name.text))]
    }

    /// The lines that give what goes in a version: the one after that of the job `named`, or else after a seed.
    fn release(
        &mut self,
        given: &ManagedJob,
        seed: &str,
        named: Option<&str>,
        is_made: &HashSet<String>,
    ) -> Vec<String> {
        let job = given.plan.job;
        let version = given.plan.dependencies.iter().rfind(|one| one.target.kind() == "version");
        let bump = job.option("bump").and_then(|node| node.text()).unwrap_or("minor");
        let counted = match (named, version.filter(|one| is_made.contains(&one.name.text))) {
            (Some(job), _) => {
                let file = path(&format!("IN/{job}/version.env"));
                release::after(&format!("$(sed -n 's/^versionName=//p' {file} | tail -n 1)"), bump)
            }
            (None, Some(version)) => {
                release::after(&format!("${}_{}", version.env, suffix::VERSIONNAME), bump)
            }
            (None, None) => release::of_seed(seed, bump),
        };
        if let Some(why) = counted.differs {
            self.gap(&job.name.text, why, job.kind.place);
        }
        let mut lines = pass_on(&given.jobs, &job.name.text);
        lines.push(format!("echo \"versionName={}\" | tee -a {}", counted.version, state(&job.name.text)));
        lines
    }

    /// The lines that deploy what goes in. Its version is called as that of the job `named`.
    fn deploy(&mut self, given: &ManagedJob, named: Option<&str>) -> Option<Vec<String>> {
        let job = given.plan.job;
        // What is wrong with it was said when its output was made.
        let deployment = managed::deploy::read(given).ok()?;
        let turned = deploy::deployment(given.plan, &deployment, &self.settings);
        for gap in turned.gaps {
            self.gap(&job.name.text, gap, job.kind.place);
        }
        let mut lines = turned.lines;
        lines.extend(pass_on(&given.jobs, &job.name.text));
        if let Some(named) = named {
            let file = path(&format!("IN/{named}/version.env"));
            lines.push(format!("grep '^versionName=' {file} >>{} || true", state(&job.name.text)));
        }
        Some(lines)
    }

    /// Whether a setting is there because a resource of the job is declared nowhere.
    fn is_assumed(&self, plan: &Plan, setting: &str) -> bool {
        self.assumed_settings(plan).any(|(name, _)| name == setting)
    }

    /// The settings of the resources of a job that are declared nowhere, each with what it is for.
    fn assumed_settings<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = &'a (String, String)> {
        let names = plan.dependencies.iter().map(|dependency| dependency.name.text.as_str());
        names.filter_map(|name| self.assumptions.of(name)).flat_map(|assumption| &assumption.settings)
    }

    /// The lines that fail where one of those settings is not set.
    fn required(&self, plan: &Plan) -> String {
        self.assumed_settings(plan).map(|(name, _)| format!(": \"${{{name}:?is not set}}\"\n")).collect()
    }

    /// The jobs that go in and hold manifests, with stand-ins for their images.
    fn incoming(&self, plan: &Plan, listed: &mut Vec<Listed>) -> Vec<Incoming> {
        let mut incoming = Vec::new();
        for dependency in &plan.dependencies {
            let (Operation::In(_), Target::Job(job)) = (dependency.operation, dependency.target) else {
                continue;
            };
            if !job.holds_manifests() {
                continue;
            }
            let version = self.held.get(&job.name.text).map(|held| Holding {
                // What it is called is known later; that it is called so is known.
                version_name: held.has_version_name.then(|| "0.0.0".to_owned()),
                manifests: held
                    .manifests
                    .iter()
                    .map(|manifest| stand_in(manifest, &job.name.text, listed))
                    .collect(),
            });
            incoming.push(Incoming { name: job.name.text.clone(), kind: job.kind.text.clone(), version });
        }
        incoming
    }

    /// The name of a job that goes in and whose version has a name.
    fn named<'a>(&self, dependency: &Dependency<'a>) -> Option<&'a str> {
        let is_in = matches!(dependency.operation, Operation::In(_));
        let held = self.held.get(&dependency.name.text).filter(|_| is_in)?;
        held.has_version_name.then_some(dependency.name.text.as_str())
    }

    /// Says of what goes in that scripts change it, and that it is taken as the YAML says it.
    fn made_by_scripts(&mut self, plan: &Plan, is_made: &HashSet<String>) {
        for dependency in &plan.dependencies {
            let (Operation::In(_), Some(resource)) = (dependency.operation, dependency.target.resource())
            else {
                continue;
            };
            let name = &dependency.name.text;
            let fixed = ["params", "dockerOptions", "replicas", "loadBalancer"]
                .contains(&resource.kind.text.as_str());
            if fixed && is_made.contains(name) {
                let what =
                    format!("what scripts make of {name} has no effect: it is taken as the YAML has it");
                self.gap(&plan.job.name.text, what, dependency.name.place);
            }
        }
    }
}

/// The file that holds the key-values of a job, as a word of a shell.
fn state(job: &str) -> String {
    path(&format!("state/{job}.env"))
}

/// What an image or a file of a manifest is called in that file.
fn key(manifest: &str, part: &str) -> String {
    let name = |name: &str| contract::env_name(name).unwrap_or_default();
    format!("{}.{}", name(manifest), name(part))
}

/// A manifest as a later job knows it, which has taken it from `job`.
fn stand_in(manifest: &Manifest, job: &str, listed: &mut Vec<Listed>) -> Manifest {
    let mut manifest = manifest.clone();
    let name = manifest.name.clone();
    for part in manifest.parts_mut() {
        let variable = format!("{}{}", text::IMAGE, listed.len() + 1);
        listed.push(Listed { variable: variable.clone(), job: job.to_owned(), key: key(&name, &part.name) });
        *part = Part { source_name: text::shell(&variable), version_name: String::new(), ..part.clone() };
    }
    manifest
}

/// The lines that hold the images in variables which other jobs have listed and a script uses.
fn images(listed: &[Listed], script: &str) -> String {
    let used = listed.iter().filter(|one| script.contains(&text::braced(&one.variable)));
    let lines: Vec<_> =
        used.map(|one| format!("{}=$(image {} {})\n", one.variable, path(&one.job), one.key)).collect();
    if lines.is_empty() { String::new() } else { IMAGE.to_owned() + &lines.concat() }
}

/// The lines that hand on what goes in; of what comes twice, the last one counts.
fn pass_on(jobs: &[Incoming], job: &str) -> Vec<String> {
    let files: Vec<_> = jobs.iter().map(|job| path(&format!("IN/{}/version.env", job.name))).collect();
    if files.is_empty() {
        return Vec::new();
    }
    vec![format!("sed -n '/^[A-Z0-9_]*[.]/p' {} | tee -a {}", files.join(" "), state(job))]
}
