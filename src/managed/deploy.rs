//! Deployments: which manifests go onto which cluster, and how.

mod balancers;
mod cluster;
mod options;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::entry::{self, Manifest};
use super::{ManagedJob, ManagedOutput, names};
use crate::diagnostic::Diagnostic;
use crate::yaml::{Node, is_true};

pub use cluster::{Cluster, Platform};

/// The key of a property bag that holds what was deployed.
const DEPLOYED: &str = "deployed";

/// How one version of a service takes the place of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// A new service beside the old one, which goes once the new one is stable.
    BlueGreen,
    /// The service is updated.
    Upgrade,
    /// The service is stopped, and then updated.
    Replace,
}

/// A deployment.
pub struct Deployment {
    /// Where to.
    pub cluster: Cluster,
    /// How.
    pub method: Method,
    /// Whether all services are deployed at once.
    pub parallel: bool,
    /// How long a service may take to become stable.
    pub max_wait: Duration,
    /// How long a new service has to stay stable.
    pub stability: Duration,
    /// What is deployed, in order.
    pub services: Vec<Service>,
    /// What looks like a mistake.
    pub warnings: Vec<Diagnostic>,
}

/// A service that is deployed.
#[derive(Clone, Debug)]
pub struct Service {
    /// What runs in it, with all that overrides it.
    pub manifest: Manifest,
    /// What it is called, without the number of a build.
    pub base: String,
    /// Its load balancers.
    pub load_balancers: Vec<LoadBalancer>,
    /// The one that the last deployment left.
    pub last: Option<Deployed>,
    /// What is different.
    pub change: ServiceChange,
}

/// What is different from the last deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceChange {
    /// Nothing.
    None,
    /// How many of it are to run.
    Replicas,
    /// More than that; or nothing, and it is to be deployed all the same.
    All,
}

/// A load balancer of a container.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadBalancer {
    /// The name of a classic one, the ARN of the target group of another.
    pub source: String,
    /// Whether it is a classic one.
    pub classic: bool,
    /// The role that ECS registers containers with, if it is named.
    pub role: Option<String>,
    /// The container.
    pub image: String,
    /// Its port.
    pub port: u64,
}

/// A service that was deployed, as a version holds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployed {
    /// The manifest.
    pub manifest: String,
    /// What the service is called.
    pub service: String,
    /// The cluster.
    pub cluster: String,
    /// Its region.
    pub region: String,
    /// Its task definition.
    #[serde(default)]
    pub task_definition: String,
    /// Its load balancers.
    #[serde(default)]
    pub load_balancers: Vec<LoadBalancer>,
}

impl Service {
    /// What the service is called in the build `number`.
    pub fn name(&self, method: Method, number: u32) -> String {
        match (method, &self.last) {
            (Method::BlueGreen, _) => format!("{}-{number}", self.base),
            // Its name is that of the first deployment.
            (_, Some(last)) => last.service.clone(),
            (_, None) => self.base.clone(),
        }
    }

    /// What a green service of an earlier build may be called that was not removed.
    pub fn earlier(&self, number: u32) -> Vec<String> {
        /// How many builds are looked back.
        const BACK: u32 = 30;
        let mut names: Vec<_> = self.last.iter().map(|last| last.service.clone()).collect();
        for number in (number.saturating_sub(BACK).max(1)..number).rev() {
            let name = format!("{}-{number}", self.base);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// How many of it are to run.
    pub fn count(&self) -> u64 {
        self.manifest.count().and_then(|count| count.trim().parse().ok()).unwrap_or(1)
    }

    /// What is deployed, and why: for people.
    pub(super) fn described(&self) -> Vec<String> {
        let manifest = &self.manifest;
        let version = match manifest.version_number {
            Some(number) => format!("version {number}"),
            None => "not made yet".to_owned(),
        };
        let change = match self.change {
            ServiceChange::None => "as it was deployed last",
            ServiceChange::Replicas => "the number of replicas is another",
            ServiceChange::All if self.last.is_some() => "it has changed",
            ServiceChange::All => "it was not deployed yet",
        };
        let mut lines = vec![format!("manifest {} ({version}): {change}", manifest.name)];
        lines.extend(manifest.lines(true).into_iter().map(|line| format!("  {line}")));
        lines
    }

    /// What is remembered of it.
    pub fn deployed(&self, cluster: &Cluster, service: String, task_definition: String) -> Deployed {
        Deployed {
            manifest: self.manifest.name.clone(),
            service,
            cluster: cluster.name.clone(),
            region: cluster.region.clone(),
            task_definition,
            load_balancers: self.load_balancers.clone(),
        }
    }
}

impl Deployment {
    /// What it is, in one line.
    pub fn described(&self) -> String {
        let method = match self.method {
            Method::BlueGreen => "blueGreen",
            Method::Upgrade => "upgrade",
            Method::Replace => "replace",
        };
        let workflow = if self.parallel { "parallel" } else { "serial" };
        let mut text = format!(
            "to {} · {method}, {workflow} · up to {} s for each service",
            self.cluster.described(),
            self.max_wait.as_secs()
        );
        if self.method == Method::BlueGreen && !self.stability.is_zero() {
            text += &format!(", stable for {} s", self.stability.as_secs());
        }
        text
    }

    /// The version of the job after it.
    pub fn output(&self, deployed: &[Deployed], version_name: Option<String>) -> ManagedOutput {
        let manifests: Vec<_> = self.services.iter().map(|service| service.manifest.clone()).collect();
        let mut bag = entry::bag(&manifests);
        bag.insert(DEPLOYED.to_owned(), json!(deployed));
        ManagedOutput { version_name, bag, ..ManagedOutput::default() }
    }
}

/// Why the number of replicas of a manifest stays the same, where it is to follow the load.
fn fixed(manifest: &Manifest, platform: Platform) -> Option<String> {
    let has = |key: &&str| manifest.replicas.contains_key(*key);
    let limits = ["minReplicas", "maxReplicas"];
    if !limits.iter().chain(&["autoScalingPolicies", "metricAlarms"]).any(has) {
        return None;
    }
    match (platform, limits.into_iter().find(|key| !has(key))) {
        (_, Some(key)) => Some(format!("its replicas have no `{key}`")),
        (Platform::Kubernetes, None) => Some("only services of Amazon ECS do".to_owned()),
        (Platform::Ecs, None) => None,
    }
}

/// Reads what is to be deployed.
///
/// # Errors
///
/// What is missing, or cannot be.
pub fn read(given: &ManagedJob) -> Result<Deployment, Vec<Diagnostic>> {
    let job = given.plan.job;
    let mut warnings = Vec::new();
    let (cluster, manifests) = (cluster::read(given, &mut warnings), collect(given));
    let (method, parallel) = (options::method(given), options::parallel(given));
    let (max_wait, stability) = (options::max_wait(given), options::stability(given));
    let (cluster, mut manifests, method, max_wait, stability) =
        all(cluster, manifests, method, max_wait, stability)?;
    let steps: Vec<_> = manifests.iter().map(|(_, step)| *step).collect();
    let mut effective: Vec<Manifest> = manifests.drain(..).map(|(manifest, _)| manifest).collect();
    given.apply(&mut effective, &mut warnings);
    for manifest in &effective {
        if let Some(why) = fixed(manifest, cluster.platform) {
            let message = format!("manifest `{}` does not follow its load: {why}", manifest.name);
            warnings.push(Diagnostic::warning(message).at(job.name.place));
        }
    }
    warnings.extend(options::unknown_workflow(given));
    let balancers = balancers::read(given, &effective, &mut warnings)?;
    let before = given.versions.previous.as_ref().map(|version| &version.bag);
    let (old, deployed) =
        (before.map(entry::manifests).unwrap_or_default(), before.map(deployed).unwrap_or_default());
    let services = effective.into_iter().zip(steps).map(|(manifest, step)| {
        let name = &manifest.name;
        let deploy_name = step.get("deployName").and_then(Node::text).filter(|name| !name.is_empty());
        let base = deploy_name.map_or_else(|| format!("{}-{name}", job.name.text), str::to_owned);
        let base = match cluster.platform {
            Platform::Ecs => names::in_ecs(&base),
            Platform::Kubernetes => names::in_kubernetes(&base),
        };
        let load_balancers: Vec<_> = balancers
            .iter()
            .filter(|(manifest, _)| manifest == name)
            .map(|(_, balancer)| balancer.clone())
            .collect();
        let last = deployed.iter().find(|last| {
            last.manifest == *name && (&last.cluster, &last.region) == (&cluster.name, &cluster.region)
        });
        let forced = step.get("force").and_then(Node::text).is_some_and(is_true);
        let old = old.iter().find(|old| old.name == *name);
        let change = match (last, old) {
            (Some(last), Some(old)) if !forced && last.load_balancers == load_balancers => {
                difference(old, &manifest)
            }
            _ => ServiceChange::All,
        };
        Service { base, load_balancers, last: last.cloned(), change, manifest }
    });
    let services: Vec<_> = services.collect();
    for left in deployed.iter().filter(|old| services.iter().all(|new| new.last.as_ref() != Some(*old))) {
        warnings.push(
            Diagnostic::warning(format!(
                "service {} of manifest `{}` stays in cluster {}: job `{}` does not deploy it any more",
                left.service, left.manifest, left.cluster, job.name.text
            ))
            .at(job.name.place)
            .hint("delete it there if it is not needed"),
        );
    }
    Ok(Deployment { cluster, method, parallel, max_wait, stability, services, warnings })
}

/// What a deployment is called: as the release that goes in, of several the last one.
pub fn version_name(given: &ManagedJob) -> Option<String> {
    given.jobs.iter().rev().find_map(|job| job.version.as_ref()?.version_name.clone())
}

/// All of the results, or all that is wrong with them.
fn all<A, B, C, D, E>(
    a: Result<A, Diagnostic>,
    b: Result<B, Diagnostic>,
    c: Result<C, Diagnostic>,
    d: Result<D, Diagnostic>,
    e: Result<E, Diagnostic>,
) -> Result<(A, B, C, D, E), Vec<Diagnostic>> {
    match (a, b, c, d, e) {
        (Ok(a), Ok(b), Ok(c), Ok(d), Ok(e)) => Ok((a, b, c, d, e)),
        (a, b, c, d, e) => Err([a.err(), b.err(), c.err(), d.err(), e.err()].into_iter().flatten().collect()),
    }
}

fn difference(old: &Manifest, new: &Manifest) -> ServiceChange {
    // The number of a version says nothing of what is in it.
    let plain = |manifest: &Manifest| {
        let mut manifest = Manifest { version_number: None, replicas: Map::new(), ..manifest.clone() };
        manifest.parts_mut().iter_mut().for_each(|part| part.version_number = 0);
        manifest
    };
    match (plain(old) == plain(new), old.replicas == new.replicas) {
        (false, _) => ServiceChange::All,
        (true, false) => ServiceChange::Replicas,
        (true, true) => ServiceChange::None,
    }
}

fn deployed(bag: &Map<String, Json>) -> Vec<Deployed> {
    bag.get(DEPLOYED).and_then(|deployed| Vec::deserialize(deployed).ok()).unwrap_or_default()
}

/// The manifests that go in, each with the step that brings it. Of one that comes twice the last one counts.
fn collect<'g>(given: &'g ManagedJob) -> Result<Vec<(Manifest, &'g Node)>, Diagnostic> {
    let job = given.plan.job;
    let mut manifests: Vec<(Manifest, &Node)> = Vec::new();
    let mut unmade = None;
    for incoming in &given.jobs {
        let step = given.plan.dependencies.iter().find(|dependency| dependency.name.text == incoming.name);
        let Some(step) = step.map(|dependency| dependency.step) else { continue };
        let Some(version) = &incoming.version else {
            unmade.get_or_insert(&incoming.name);
            continue;
        };
        for manifest in &version.manifests {
            match manifests.iter_mut().find(|(known, _)| known.name == manifest.name) {
                Some(known) => *known = (manifest.clone(), step),
                None => manifests.push((manifest.clone(), step)),
            }
        }
    }
    if let Some((manifest, _)) = manifests.iter().find(|(manifest, _)| !manifest.files.is_empty()) {
        return Err(Diagnostic::error(format!(
            "manifest `{}` lists files, and clusters run images",
            manifest.name
        ))
        .at(job.name.place)
        .hint("copy files from a runSh job"));
    }
    if !manifests.is_empty() {
        return Ok(manifests);
    }
    let error =
        Diagnostic::error(format!("job `{}` has nothing to deploy", job.name.text)).at(job.name.place);
    Err(error.hint(match unmade {
        Some(name) => format!("run `{name}` first, or add `--upstream`"),
        None => "add `- IN: name` with the name of a manifest, release or deploy job".to_owned(),
    }))
}

/// What the job makes if all goes well: what the next one deploys.
pub(super) fn make(given: &ManagedJob) -> Result<ManagedOutput, Vec<Diagnostic>> {
    let deployment = read(given)?;
    Ok(ManagedOutput { warnings: deployment.warnings.clone(), ..deployment.output(&[], version_name(given)) })
}
