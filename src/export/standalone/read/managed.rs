//! Jobs without scripts, as scripts: what a manifest lists and a release counts goes on to later jobs in the file that holds
//! the key-values of the job; what a deployment sends is worked out here, but for its images.

use std::collections::HashSet;
use std::fmt::Write as _;

use indexmap::IndexMap;

use crate::contract::{self, suffix};
use crate::environment::Environment;
use crate::export::standalone::{Script, When, deploy, release, stand_ins, text};
use crate::managed::{self, Holding, Incoming, ManagedJob, Manifest, Part};
use crate::model::integration::{FieldValue, Values};
use crate::model::kind::Kind;
use crate::model::work::CLUSTERS;
use crate::model::{Integration, Managed, Resource};
use crate::resolve::{Dependency, Operation, Plan, Target};
use crate::value_source::ValueSource;
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
        let takes_names: Vec<&str> = plan.dependencies.iter().filter_map(|one| self.named(one)).collect();
        let (versions, opened) = (Versions::default(), Opened::default());
        let given =
            ManagedJob { plan, environment, versions: &versions, opened: &opened, jobs, is_dry: true };
        for dependency in &plan.dependencies {
            let is_used = plan.job.uses_integration_of(dependency.target.kind());
            if is_used && dependency.integration.is_some_and(|one| one.kind.name == "azureKeys") {
                self.gap(name, "clusters of Azure have no counterpart", dependency.name.place);
                return None;
            }
        }
        let made = match managed::make(work, &given) {
            Ok(made) => made,
            Err(problems) => {
                for problem in problems {
                    self.gap(name, problem.message, problem.place.unwrap_or(plan.job.name.place));
                }
                return None;
            }
        };
        if made.bag.values().any(|value| text::has_setting(&value.to_string())) {
            self.gap(name, "it hands on fields of integrations, which are secret", plan.job.name.place);
            return None;
        }
        for warning in &made.warnings {
            self.gap(name, warning.message.clone(), warning.place.unwrap_or(plan.job.name.place));
        }
        self.made_by_scripts(plan, is_made);
        let mut lines = Vec::new();
        let mut image = None;
        let mut has_version_name = false;
        match work {
            Managed::Manifest => lines = list(plan, &made.manifests(), is_made),
            Managed::Release => {
                let seed = made.bag.get(managed::SEED).and_then(|seed| seed.as_str()).unwrap_or_default();
                let version = plan.dependencies.iter().rfind(|one| one.target.kind() == "version");
                lines = pass_on(&given.jobs, name);
                let bump = plan.job.option("bump").and_then(|node| node.text()).unwrap_or("minor");
                let counted = match takes_names.last() {
                    Some(job) => {
                        let file = deploy::word(&format!("IN/{job}/version.env"));
                        release::after(&format!("$(sed -n 's/^versionName=//p' {file} | tail -n 1)"), bump)
                    }
                    None => match version.filter(|one| is_made.contains(&one.name.text)) {
                        Some(version) => {
                            release::after(&format!("${}_{}", version.env, suffix::VERSIONNAME), bump)
                        }
                        None => release::of_seed(seed, bump),
                    },
                };
                if let Some(why) = counted.differs {
                    self.gap(name, why, plan.job.kind.place);
                }
                lines.push(format!("echo \"versionName={}\" | tee -a {}", counted.version, state(name)));
                has_version_name = true;
            }
            Managed::Deploy => {
                let turned = match managed::deploy::read(&given) {
                    Ok(deployment) => deploy::deployment(plan, &deployment),
                    // It was read before.
                    Err(_) => return None,
                };
                for gap in turned.gaps {
                    self.gap(name, gap, plan.job.kind.place);
                }
                lines = turned.lines;
                lines.extend(pass_on(&given.jobs, name));
                if let Some(job) = takes_names.last() {
                    lines.push(format!(
                        "grep '^versionName=' {} >>{} || true",
                        deploy::word(&format!("IN/{job}/version.env")),
                        state(name)
                    ));
                    has_version_name = true;
                }
                image = Some(deploy::image(plan));
            }
            Managed::Provision => {
                let services = managed::provision::services(&given).unwrap_or_default();
                lines = deploy::services(&services);
                image = Some(deploy::image(plan));
            }
            Managed::Sync => {
                lines.push("echo 'nothing to do: the pipeline is read anew each time'".to_owned())
            }
        }
        let mut script = lines.join("\n");
        let used: Vec<_> =
            listed.iter().filter(|one| script.contains(&format!("${{{}}}", one.variable))).collect();
        if !used.is_empty() {
            let mut first = IMAGE.to_owned();
            for one in used {
                // A string takes all that is written to it.
                let _ = writeln!(first, "{}=$(image {} {})", one.variable, deploy::word(&one.job), one.key);
            }
            script.insert_str(0, &first);
        }
        if plan.job.holds_manifests() {
            let manifests = made.manifests();
            self.held.insert(name.clone(), Held { manifests, has_version_name });
        }
        let script = Script {
            name: plan.job.kind.text.clone(),
            when: When::Success,
            variables: IndexMap::new(),
            text: script,
        };
        Some(Work { script, image })
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

    /// For the clusters whose integration is declared nowhere, one of the kind that they seem to have, by the places of the
    /// dependencies.
    pub(super) fn assumed(&mut self, plan: &Plan) -> Vec<(usize, Integration)> {
        let mut assumed = Vec::new();
        for (index, dependency) in plan.dependencies.iter().enumerate() {
            let Some(resource) = dependency.target.resource() else { continue };
            let is_cluster = CLUSTERS.contains(&resource.kind.text.as_str());
            let Some(name) =
                resource.integration.as_ref().filter(|_| is_cluster && dependency.integration.is_none())
            else {
                continue;
            };
            let Some((kind, platform)) =
                platform(resource).and_then(|(kind, on)| Some((Kind::find(kind)?, on)))
            else {
                continue;
            };
            let what = format!(
                "integration {} is declared nowhere: cluster {} is taken to be one of {platform}",
                name.text, dependency.name.text
            );
            self.gap(&plan.job.name.text, what, dependency.name.place);
            let fields = kind.fields.iter().filter(|field| field.required);
            let value = |field| ValueSource::of_variable(stand_ins::name_of(name, field), name.place);
            let fields = fields.map(|field| FieldValue { field, values: Values::One(value(field.name)) });
            assumed.push((index, Integration { name: name.clone(), kind, fields: fields.collect() }));
        }
        assumed
    }
}

/// The kind of integration that a cluster has to have, as far as the line tells it, and what that is.
fn platform(cluster: &Resource) -> Option<(&'static str, &'static str)> {
    const OTHERS: &[&str] = &[
        "triton", "ddc", "dcl", "dcos", "azure", "acs", "aks", "gke", "gce", "gcp", "gcloud", "google",
        "kube", "k8s",
    ];
    const AMAZON: (&str, &str) = ("amazonKeys", "Amazon ECS");
    const GOOGLE: (&str, &str) = ("gcloudKey", "Google Kubernetes Engine");
    let region = cluster.pointer().and_then(|pointer| pointer.get("region")?.text()).unwrap_or_default();
    // us-east-1, and not us-east1-b.
    let is_of_aws = region.rsplit_once('-').is_some_and(|(area, number)| {
        number.len() == 1
            && number.starts_with(|c: char| c.is_ascii_digit())
            && area.contains('-')
            && !area.contains(|c: char| c.is_ascii_digit())
    });
    let names = cluster.name.text.to_ascii_lowercase()
        + &cluster.integration.as_ref().map(|name| name.text.to_ascii_lowercase()).unwrap_or_default();
    let is_other = OTHERS.iter().any(|word| names.contains(word));
    match cluster.kind.text.as_str() {
        "ecsCluster" => Some(AMAZON),
        "gkeCluster" => Some(GOOGLE),
        "cluster" if is_of_aws && !is_other => Some(AMAZON),
        "cluster" if !region.is_empty() && !is_of_aws && names.contains("gke") => Some(GOOGLE),
        _ => None,
    }
}

/// The file that holds the key-values of a job, as a word of a shell.
fn state(job: &str) -> String {
    deploy::word(&format!("state/{job}.env"))
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

/// The lines that list what is in a manifest.
fn list(plan: &Plan, manifests: &[Manifest], is_made: &HashSet<String>) -> Vec<String> {
    let mut words = Vec::new();
    for (manifest, part) in manifests.iter().flat_map(|one| one.parts().iter().map(move |part| (one, part))) {
        let dependency = plan.dependencies.iter().find(|one| one.name.text == part.name);
        let key = key(&manifest.name, &part.name);
        let version = dependency
            .filter(|_| is_made.contains(&part.name))
            .map(|one| format!("{}_{}", one.env, suffix::VERSIONNAME));
        words.push(match version {
            Some(name) => {
                format!("{}\"${{{name}:+:${name}}}\"", deploy::word(&format!("{key}={}", part.source_name)))
            }
            None => deploy::word(&format!("{key}={}", part.shown())),
        });
    }
    vec![format!("printf '%s\\n' {} | tee -a {}", words.join(" "), state(&plan.job.name.text))]
}

/// The lines that hand on what goes in; of what comes twice, the last one counts.
fn pass_on(jobs: &[Incoming], job: &str) -> Vec<String> {
    let files: Vec<_> =
        jobs.iter().map(|job| deploy::word(&format!("IN/{}/version.env", job.name))).collect();
    if files.is_empty() {
        return Vec::new();
    }
    vec![format!("sed -n '/^[A-Z0-9_]*[.]/p' {} | tee -a {}", files.join(" "), state(job))]
}
