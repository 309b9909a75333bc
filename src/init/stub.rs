//! Resources that jobs take and no file of the line declares: another repository did.

use indexmap::IndexMap;

use super::evidence::Evidence;
use crate::edit::{map_node, text_node};
use crate::model::job::Step;
use crate::model::work::{CLUSTERS, HOLDERS, Managed};
use crate::model::{Job, Pipeline};
use crate::source::SourceId;
use crate::yaml::{Node, Value};

/// A stub for a resource that is declared elsewhere.
pub struct Stub {
    /// Its name.
    pub name: String,
    /// Its type, as far as the line tells it.
    pub kind: &'static str,
    /// The image of a manifest, where a step names it.
    image: Option<String>,
    /// The integration that it is bound to, where its type has to have one.
    pub integration: Option<String>,
    /// The jobs that take it, with the word of the step.
    jobs: Vec<(&'static str, String)>,
}

/// What names of resources end in or hold, in the order in which it counts, and the type that says so. People name
/// resources after their types; the original's documentation does, too.
#[rustfmt::skip]
const NAMES: &[(&str, &str)] = &[
    ("repo", "gitRepo"), ("git", "gitRepo"), ("trigger", "trigger"), ("trig", "trigger"), ("dockeroptions", "dockerOptions"),
    ("replicas", "replicas"), ("replica", "replicas"), ("loadbalancer", "loadBalancer"), ("lb", "loadBalancer"), ("params", "params"),
    ("param", "params"), ("image", "image"), ("img", "image"), ("cluster", "cluster"), ("state", "state"),
    ("version", "version"), ("semver", "version"), ("notif", "notification"), ("slack", "notification"),
    ("cli", "cliConfig"), ("integration", "integration"), ("creds", "integration"), ("keys", "integration"),
];

/// Parts of the names of what only jobs without scripts take, and the type that they speak for.
#[rustfmt::skip]
const MANAGED_NAMES: &[(&str, &str)] = &[
    ("opts", "dockerOptions"), ("options", "dockerOptions"), ("params", "params"), ("replicas", "replicas"),
    ("alb", "loadBalancer"), ("elb", "loadBalancer"), ("provision", "params"), ("labels", "dockerOptions"),
];

/// The types of stubs that are jobs.
const JOBS: &[&str] = &["manifest", "release"];

/// The resources and jobs that steps name and no file declares.
pub(super) fn missing(pipeline: &Pipeline, evidence: &Evidence) -> Vec<Stub> {
    let declared = |name: &str| pipeline.resources.contains_key(name) || pipeline.jobs.contains_key(name);
    let mut stubs: IndexMap<&str, Stub> = IndexMap::new();
    for job in pipeline.jobs.values() {
        for step in &job.steps {
            let (word, name, scopes) = match step {
                Step::In(input) => ("IN", &input.name, !input.scopes.is_empty()),
                Step::Out(output) => ("OUT", &output.name, false),
                Step::Task(_) | Step::Notify(_) => continue,
            };
            if declared(&name.text) {
                continue;
            }
            let kind = match scopes {
                true => "cliConfig",
                false => kind_of(&name.text, word, &Needs { job, pipeline, stubs: &stubs }, evidence),
            };
            let stub = || {
                let image = (kind == "manifest").then(|| image_of(pipeline, &name.text)).flatten();
                Stub { name: name.text.clone(), kind, image, integration: None, jobs: Vec::new() }
            };
            let stub = stubs.entry(&name.text).or_insert_with(stub);
            stub.jobs.push((word, job.name.text.clone()));
        }
    }
    // A job takes something in its turn.
    let inputs: Vec<_> =
        stubs.values().filter_map(Stub::input).filter(|input| !declared(&input.name)).collect();
    let mut stubs: Vec<_> = stubs.into_values().chain(inputs).collect();
    for stub in &mut stubs {
        // What the service knew by the name of another repository's integration is not known here: it gets its own.
        if needs_integration(stub.kind) {
            stub.integration = Some(format!("{}_credentials", stub.name));
        }
    }
    stubs
}

/// The image that an `applyTo` names of a manifest.
fn image_of(pipeline: &Pipeline, manifest: &str) -> Option<String> {
    let inputs = pipeline.jobs.values().flat_map(Job::inputs);
    let entries = inputs.filter_map(|input| input.node.get("applyTo")).flat_map(|node| match &node.value {
        Value::List(entries) => entries.as_slice(),
        _ => std::slice::from_ref(node),
    });
    let text = |entry: &Node, key: &str| entry.get(key)?.text().map(str::to_owned);
    let of_manifest = |entry: &&Node| text(entry, "manifest").as_deref() == Some(manifest);
    entries.filter(of_manifest).find_map(|entry| text(entry, "image"))
}

fn kind_of(name: &str, word: &str, needs: &Needs, evidence: &Evidence) -> &'static str {
    if evidence.has_fields(name) {
        return "integration";
    }
    let lower = letters(name);
    if let (Some(kind), "IN") = (needs.lacking(&lower), word) {
        return kind;
    }
    let holds =
        || NAMES.iter().find(|(part, _)| part.len() > 3 && lower.contains(part)).map(|(_, kind)| *kind);
    match (named(&lower).or_else(holds), word) {
        (Some(kind), _) => kind,
        (None, "OUT") => "state",
        (None, _) => match needs.job.kind.text.as_str() {
            "runCI" => "gitRepo",
            _ => "params",
        },
    }
}

/// The letters and digits of a name, in lower case.
fn letters(name: &str) -> String {
    name.to_ascii_lowercase().chars().filter(char::is_ascii_alphanumeric).collect()
}

/// The type that the start or the end of a name speaks for.
fn named(lower: &str) -> Option<&'static str> {
    let (_, kind) = NAMES.iter().find(|(part, _)| lower.ends_with(part) || lower.starts_with(part))?;
    Some(kind)
}

/// The type that a name speaks for where a job without scripts takes it.
fn managed_name(lower: &str) -> Option<&'static str> {
    let part = || MANAGED_NAMES.iter().find(|(part, _)| lower.contains(part)).map(|(_, kind)| *kind);
    let is_manifest = || ["manifest", "servicedef"].iter().any(|part| lower.contains(part));
    part().or_else(|| named(lower)).or_else(|| is_manifest().then_some("manifest"))
}

/// What a job needs to be run, and what is there.
struct Needs<'n> {
    job: &'n Job,
    pipeline: &'n Pipeline,
    /// What has been found missing so far, by name.
    stubs: &'n IndexMap<&'n str, Stub>,
}

impl Needs<'_> {
    /// What a job without scripts takes by this name: what the name says, or else what the job lacks to be run.
    fn lacking(&self, lower: &str) -> Option<&'static str> {
        let managed = self.job.managed()?;
        if let Some(kind) = managed_name(lower) {
            return Some(kind);
        }
        match managed {
            Managed::Manifest if lower.ends_with("env") || lower.ends_with("environment") => Some("params"),
            Managed::Manifest if lower.ends_with("file") => Some("file"),
            Managed::Manifest if !self.declares(&["image", "file"]) => Some("image"),
            Managed::Release if !self.has(&["version", "release"]) => {
                Some(if lower.contains("ver") { "version" } else { "release" })
            }
            Managed::Release if !self.has(HOLDERS) => Some("manifest"),
            Managed::Deploy if !self.has(HOLDERS) && !lower.contains("env") => Some("manifest"),
            Managed::Deploy if !self.has(CLUSTERS) => Some("cluster"),
            Managed::Provision if !self.has(&["loadBalancer"]) => Some("loadBalancer"),
            _ => None,
        }
    }

    /// Whether one of these types goes in that the line declares.
    fn declares(&self, kinds: &[&str]) -> bool {
        self.job.inputs().any(|input| {
            let resource = self.pipeline.resources.get(&input.name.text).map(|resource| &resource.kind);
            let kind = resource.or_else(|| self.pipeline.jobs.get(&input.name.text).map(|job| &job.kind));
            kind.is_some_and(|kind| kinds.contains(&kind.text.as_str()))
        })
    }

    /// Whether one of these types goes in, declared or taken for one, or named like one in a later step.
    fn has(&self, kinds: &[&str]) -> bool {
        let is_one = |name: &str| match self.stubs.get(name) {
            Some(stub) => kinds.contains(&stub.kind),
            None if self.pipeline.resources.contains_key(name) || self.pipeline.jobs.contains_key(name) => {
                false
            }
            None => managed_name(&letters(name)).is_some_and(|kind| kinds.contains(&kind)),
        };
        self.declares(kinds) || self.job.inputs().any(|input| is_one(&input.name.text))
    }
}

fn needs_integration(kind: &str) -> bool {
    matches!(kind, "gitRepo" | "cliConfig" | "cluster" | "integration" | "notification" | "loadBalancer")
}

impl Stub {
    /// Whether it is a job, and no resource.
    pub(super) fn is_job(&self) -> bool {
        JOBS.contains(&self.kind)
    }

    /// What a job takes.
    fn input(&self) -> Option<Stub> {
        let kind = match self.kind {
            "manifest" => "image",
            "release" => "version",
            _ => return None,
        };
        let name = self.image.clone().unwrap_or_else(|| format!("{}_{kind}", self.name));
        Some(Stub { name, kind, image: None, integration: None, jobs: vec![("IN", self.name.clone())] })
    }

    /// What a comment says of it.
    pub(super) fn comment(&self) -> String {
        let jobs: Vec<_> = self.jobs.iter().take(4).map(|(word, job)| format!("{word} of {job}")).collect();
        let more = if self.jobs.len() > jobs.len() { ", …" } else { "" };
        format!("declared in another repository, so this is a guess: {}{more}", jobs.join(", "))
    }

    /// All of it, as an item of `resources:`, or of `jobs:`.
    pub(super) fn node(&self, file: SourceId) -> Node {
        let text = |key: &str, text: &str| (key.to_owned(), text_node(file, text));
        let map = |key: &str, node: (String, Node)| (key.to_owned(), map_node(file, [node]));
        let mut entries = vec![text("name", &self.name), text("type", self.kind)];
        entries.extend(self.integration.as_ref().map(|name| text("integration", name)));
        match self.kind {
            _ if let Some(input) = self.input() => {
                let step = map_node(file, [text("IN", &input.name)]);
                entries
                    .push(("steps".to_owned(), Node { place: step.place, value: Value::List(vec![step]) }));
            }
            "gitRepo" => entries.push(map("versionTemplate", text("sourceName", "OWNER/REPOSITORY"))),
            "image" => entries.extend([
                map("pointer", text("sourceName", "OWNER/IMAGE")),
                map("seed", text("versionName", "latest")),
            ]),
            "file" => entries.push(map("pointer", text("sourceName", "URL"))),
            "params" => entries.push(map("version", ("params".to_owned(), map_node(file, [])))),
            "version" => entries.push(map("seed", text("versionName", "0.0.0"))),
            // Services of Kubernetes have names of letters and digits alone.
            "loadBalancer" => entries.push(map("pointer", text("sourceName", &letters(&self.name)))),
            "replicas" => entries.push(map("version", text("count", "1"))),
            "cluster" => {
                let pointer = [text("sourceName", "CLUSTER"), text("region", "us-east-1")];
                entries.push(("pointer".to_owned(), map_node(file, pointer)));
            }
            _ => {}
        }
        map_node(file, entries)
    }
}
