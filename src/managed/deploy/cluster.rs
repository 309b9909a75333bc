//! The cluster that a job deploys to.

use super::super::ManagedJob;
use super::super::inputs::Input;
use crate::diagnostic::Diagnostic;
use crate::model::work::{CLUSTERS, KUBERNETES};

/// The cluster of an account that needs no name.
const DEFAULT: &str = "default";

/// What runs a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// Amazon ECS.
    Ecs,
    /// Kubernetes.
    Kubernetes,
}

/// A cluster.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// What runs it.
    pub platform: Platform,
    /// The name of the resource.
    pub resource: String,
    /// What AWS calls it, or the people who use it.
    pub name: String,
    /// Its region, in AWS.
    pub region: String,
    /// The namespace in it, if another is meant than that of the kubeconfig.
    pub namespace: Option<String>,
}

impl Cluster {
    /// What it is, in words.
    pub(super) fn described(&self) -> String {
        match (self.platform, &self.namespace) {
            (Platform::Ecs, _) => format!("cluster {} of Amazon ECS in {}", self.name, self.region),
            (Platform::Kubernetes, None) => format!("cluster {} of Kubernetes", self.name),
            (Platform::Kubernetes, Some(namespace)) => {
                format!("namespace {namespace} of cluster {} of Kubernetes", self.name)
            }
        }
    }
}

/// The cluster that goes in.
pub(super) fn read(given: &ManagedJob, warnings: &mut Vec<Diagnostic>) -> Result<Cluster, Diagnostic> {
    let job = given.plan.job;
    let clusters: Vec<_> = given.resources().filter(|input| CLUSTERS.contains(&input.kind())).collect();
    let [input] = clusters.as_slice() else {
        let what = if clusters.is_empty() { "no cluster" } else { "several clusters" };
        return Err(Diagnostic::error(format!("job `{}` deploys to {what}", job.name.text))
            .at(clusters.get(1).map_or(job.name.place, Input::place))
            .hint("it takes exactly one: `- IN: name` with the name of a cluster resource"));
    };
    let resource = &input.dependency.name.text;
    let at = |error: Diagnostic| error.at(input.resource.name.place);
    let kind = input.dependency.integration.map(|integration| integration.kind.name);
    if let Some((_, why)) = NOT_YET.iter().find(|(known, _)| Some(*known) == kind) {
        return Err(at(Diagnostic::error(format!(
            "job `{}` cannot deploy to `{resource}`: {why}",
            job.name.text
        )))
        .hint("deploy to Amazon ECS or Kubernetes, or call the command line of the other place from a runSh job"));
    }
    if kind.is_none() {
        return Err(at(Diagnostic::error(format!("cluster `{resource}` has no integration")))
            .hint("bind it to the keys or the kubeconfig that open it: `integration: name`"));
    }
    let text = |part: &str| given.variable(input.dependency, part).to_owned();
    if kind.is_some_and(|kind| KUBERNETES.contains(&kind)) {
        if !given.variable(input.dependency, "POINTER_BASTIONHOST_ADDRESS").is_empty() {
            let warning = Diagnostic::warning(format!("`bastionHost` of cluster `{resource}` has no effect"));
            warnings.push(at(warning).hint("kubectl reaches the cluster from this machine"));
        }
        let name = match text("SOURCENAME") {
            name if name.is_empty() => resource.clone(),
            name => name,
        };
        let namespace = Some(text("POINTER_NAMESPACE")).filter(|text| !text.is_empty());
        let (resource, region) = (resource.clone(), String::new());
        return Ok(Cluster { platform: Platform::Kubernetes, resource, name, region, namespace });
    }
    let (mut name, region) = (text("SOURCENAME"), text("POINTER_REGION"));
    if region.is_empty() {
        return Err(at(Diagnostic::error(format!("cluster `{resource}` has no `region`")))
            .hint("ECS clusters have a `sourceName` and a `region` in `versionTemplate` or `pointer`"));
    }
    if name.is_empty() {
        // As AWS does.
        let warning = Diagnostic::warning(format!("cluster `{resource}` has no `sourceName`"));
        warnings.push(at(warning).hint(format!("the cluster `{DEFAULT}` of the account is taken")));
        name.push_str(DEFAULT);
    }
    Ok(Cluster { platform: Platform::Ecs, resource: resource.clone(), name, region, namespace: None })
}

/// Kinds of integrations whose clusters nothing can be deployed to.
const NOT_YET: &[(&str, &str)] = &[
    ("dclKey", "Docker Cloud no longer exists"),
    ("ddcKey", "Docker Datacenter no longer exists"),
    ("joyentTritonKey", "Joyent Triton no longer exists"),
    ("azureDcosKey", "Azure DC/OS no longer exists"),
    ("nodeCluster", "files are not deployed to node clusters yet"),
];
