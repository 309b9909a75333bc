//! What a line names and declares nowhere, because another repository did: left out, or taken for what the line tells of it.
//! Each job that it changes says so.

use std::collections::HashMap;

use super::Reader;
use crate::export::standalone::{stand_ins, text};
use crate::model::integration::{FieldValue, Values};
use crate::model::kind::Kind;
use crate::model::work::{CLUSTERS, Work};
use crate::model::{Integration, Job, Name, Pipeline, Resource, written};
use crate::resolve::Plan;
use crate::source::Span;
use crate::value_source::ValueSource;

/// A resource or a job that a line takes and declares nowhere.
pub struct Undeclared {
    /// Its name.
    pub name: String,
    /// The type that it most likely is of.
    pub kind: &'static str,
}

/// What is assumed of a line, by the names of resources and jobs.
#[derive(Default)]
pub struct Assumptions(HashMap<String, Assumption>);

/// What is assumed of a resource or a job.
pub(super) struct Assumption {
    /// It in words, for each job that has to do with it.
    pub(super) what: String,
    /// The variables that the user has to set for it, with what they are for.
    pub(super) settings: Vec<(String, String)>,
    /// What it leads to, if it is a cluster.
    platform: Option<Platform>,
}

/// The version that a release is counted from whose version resource is declared nowhere.
const FIRST_VERSION: &str = "0.0.0";

/// Has a pipeline declare what its jobs without scripts need and the line tells enough of. The rest is left out.
pub fn complete(pipeline: &mut Pipeline, undeclared: Vec<Undeclared>) -> Assumptions {
    let mut assumptions = Assumptions::default();
    for Undeclared { name, kind } in undeclared {
        let assumption = match stand_in(pipeline, &name, kind) {
            Some((resource, assumption)) => {
                pipeline.resources.insert(name.clone(), resource);
                assumption
            }
            None => {
                let of = if Work::of(kind).is_some() { "a job of type" } else { "of type" };
                Assumption::of(format!("`{name}`, probably {of} {kind}, is declared nowhere: it is left out"))
            }
        };
        assumptions.0.insert(name, assumption);
    }
    assumptions
}

impl Assumptions {
    /// Of what a line declares twice, the first counts, which stands at one of these places.
    pub fn first_counts(&mut self, pipeline: &Pipeline, firsts: &[Span]) {
        let names = pipeline.resources.values().map(|resource| &resource.name);
        let names = names.chain(pipeline.jobs.values().map(|job| &job.name));
        for name in names.filter(|name| firsts.contains(&name.place)) {
            let what = format!("`{}` is declared twice: the first one counts", name.text);
            self.0.insert(name.text.clone(), Assumption::of(what));
        }
    }

    /// What is assumed of a resource or a job.
    pub(super) fn of(&self, name: &str) -> Option<&Assumption> {
        self.0.get(name)
    }
}

impl Assumption {
    fn of(what: String) -> Assumption {
        Assumption { what, settings: Vec::new(), platform: None }
    }
}

/// A resource in place of one that is declared nowhere, if a job without scripts needs it and the line tells what it is.
fn stand_in(pipeline: &Pipeline, name: &str, kind: &str) -> Option<(Resource, Assumption)> {
    let managed = pipeline.jobs.values().filter(|job| job.managed().is_some());
    let (job, place) = managed.into_iter().find_map(|job| {
        let input = job.inputs().find(|input| input.name.text == name)?;
        Some((job, input.name.place))
    })?;
    let named = |text: &str| Name { text: text.to_owned(), place };
    let env = named(name).env()?;
    let mut assumption = Assumption::of(String::new());
    let mut pointer = Vec::new();
    let mut set = |key: &'static str, part: &str, purpose: String| {
        let setting = format!("{env}_{part}");
        pointer.push((key, written::text(place, &text::setting(&setting))));
        assumption.settings.push((setting.clone(), purpose));
        setting
    };
    let (what, version) = match kind {
        "image" | "file" => {
            let is_made =
                pipeline.jobs.values().any(|job| job.outputs().any(|output| output.name.text == name));
            let version = if is_made { "" } else { ", with its version" };
            let setting = set("sourceName", "SOURCENAME", format!("where {kind} {name} is{version}"));
            let article = if kind == "image" { "an" } else { "a" };
            (format!("{article} {kind}, which {setting} names"), None)
        }
        "version" => (format!("version {FIRST_VERSION}, which releases count from"), Some(FIRST_VERSION)),
        "cluster" => {
            let platform = Platform::of_job(job)?;
            let mut what = format!("a cluster of {}", platform.words());
            if platform != Platform::Kubernetes {
                let source = set("sourceName", "SOURCENAME", format!("the name of cluster {name}"));
                let region = set("region", "POINTER_REGION", format!("the region of cluster {name}"));
                what += &format!(", which {source} and {region} name");
            }
            assumption.platform = Some(platform);
            (what, None)
        }
        _ => return None,
    };
    assumption.what = format!("`{name}` is declared nowhere: it is taken for {what}");
    let seed = written::map_of(place, version.map(|version| ("versionName", written::text(place, version))));
    let mut resource = Resource::implied(named(name), kind)
        .with("pointer", written::map_of(place, pointer))
        .with("seed", seed);
    resource.integration = (kind == "cluster").then(|| named(&format!("{name}_credentials")));
    Some((resource, assumption))
}

/// What runs a cluster.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Platform {
    /// Amazon ECS.
    Ecs,
    /// Google Kubernetes Engine.
    Gke,
    /// Kubernetes, wherever it runs.
    Kubernetes,
}

/// What says in a name that a cluster is one of these.
const GOOGLE: &[&str] = &["gke", "gce", "gcp", "gcloud", "google"];
const KUBERNETES: &[&str] = &["kube", "k8s"];

/// What says in a name that a cluster is one that nothing is deployed to.
const OTHERS: &[&str] = &["triton", "ddc", "dcl", "dcos", "dc/os", "azure", "acs", "aks"];

/// Whether one of these stands in a text.
fn hold(names: &str, parts: &[&str]) -> bool {
    parts.iter().any(|part| names.contains(part))
}

impl Platform {
    fn words(self) -> &'static str {
        match self {
            Platform::Ecs => "Amazon ECS",
            Platform::Gke => "Google Kubernetes Engine",
            Platform::Kubernetes => "Kubernetes",
        }
    }

    /// The kind of integration that opens it.
    fn integration(self) -> &'static str {
        match self {
            Platform::Ecs => "amazonKeys",
            Platform::Gke => "gcloudKey",
            Platform::Kubernetes => "kubernetesConfig",
        }
    }

    /// That of the cluster that a job deploys to, which the line says nothing of: as the type of the job and the names of
    /// all that goes in tell it.
    fn of_job(job: &Job) -> Option<Platform> {
        match job.kind.text.as_str() {
            "ecsDeploy" => return Some(Platform::Ecs),
            "gkeDeploy" => return Some(Platform::Gke),
            _ => {}
        }
        let names = job.inputs().map(|input| input.name.text.as_str()).chain([job.name.text.as_str()]);
        let names = names.collect::<Vec<_>>().join(" ").to_ascii_lowercase();
        let mut words = names.split(|c: char| !c.is_ascii_alphanumeric());
        let is_ecs = words.any(|word| ["ecs", "elb", "alb"].contains(&word));
        let holds = |parts| hold(&names, parts);
        match (is_ecs, holds(GOOGLE), holds(KUBERNETES)) {
            _ if holds(OTHERS) => None,
            (true, false, false) => Some(Platform::Ecs),
            (false, true, _) => Some(Platform::Gke),
            (false, false, true) => Some(Platform::Kubernetes),
            _ => None,
        }
    }

    /// That of a cluster whose integration is declared nowhere: as its type, its region and its names tell it.
    fn of_cluster(cluster: &Resource) -> Option<Platform> {
        let region = cluster.pointer().and_then(|pointer| pointer.get("region")?.text()).unwrap_or_default();
        // us-east-1, and not us-east1-b.
        let is_of_aws = region.rsplit_once('-').is_some_and(|(area, number)| {
            number.len() == 1
                && number.starts_with(|c: char| c.is_ascii_digit())
                && area.contains('-')
                && !area.contains(|c: char| c.is_ascii_digit())
        });
        let integration = cluster.integration.as_ref().map(|name| name.text.as_str()).unwrap_or_default();
        let names = format!("{} {integration}", cluster.name.text).to_ascii_lowercase();
        let holds = |parts| hold(&names, parts);
        match cluster.kind.text.as_str() {
            "ecsCluster" => Some(Platform::Ecs),
            "gkeCluster" => Some(Platform::Gke),
            "cluster" if holds(OTHERS) => None,
            "cluster" if holds(&["gke"]) && !region.is_empty() && !is_of_aws => Some(Platform::Gke),
            "cluster" if holds(KUBERNETES) => Some(Platform::Kubernetes),
            "cluster" if is_of_aws && !holds(GOOGLE) => Some(Platform::Ecs),
            _ => None,
        }
    }
}

impl Reader<'_> {
    /// For the clusters whose integration is declared nowhere, one of the kind that they seem to have, by the places of the
    /// dependencies.
    pub(super) fn assumed_integrations(&mut self, plan: &Plan) -> Vec<(usize, Integration)> {
        let mut assumed = Vec::new();
        for (index, dependency) in plan.dependencies.iter().enumerate() {
            let Some(cluster) = dependency.target.resource() else { continue };
            let is_cluster = CLUSTERS.contains(&cluster.kind.text.as_str());
            let Some(name) =
                cluster.integration.as_ref().filter(|_| is_cluster && dependency.integration.is_none())
            else {
                continue;
            };
            let assumption = self.assumptions.of(&cluster.name.text);
            let known = assumption.and_then(|assumption| assumption.platform);
            let Some(platform) = known.or_else(|| Platform::of_cluster(cluster)) else { continue };
            let Some(kind) = Kind::find(platform.integration()) else { continue };
            if known.is_none() {
                let what = format!(
                    "integration {} is declared nowhere: cluster {} is taken to be one of {}",
                    name.text,
                    dependency.name.text,
                    platform.words()
                );
                self.gap(&plan.job.name.text, what, dependency.name.place);
            }
            let fields = kind.fields.iter().filter(|field| field.required);
            let value = |field| ValueSource::of_variable(stand_ins::name_of(name, field), name.place);
            let fields = fields.map(|field| FieldValue { field, values: Values::One(value(field.name)) });
            assumed.push((index, Integration { name: name.clone(), kind, fields: fields.collect() }));
        }
        assumed
    }
}
