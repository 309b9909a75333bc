//! Resources that jobs take and no file of the line declares: another repository did.

use indexmap::IndexMap;

use super::evidence::Evidence;
use crate::edit::{map_node, text_node};
use crate::model::job::Step;
use crate::model::work::{CLUSTERS, Managed, holders};
use crate::model::{Job, Pipeline};
use crate::source::SourceId;
use crate::yaml::{Node, Value};

/// A stub for a resource that is declared elsewhere.
pub struct Stub {
    /// Its name.
    pub name: String,
    /// Its type, as far as the line tells it.
    pub kind: &'static str,
    /// What goes into a job: types and names.
    inputs: Vec<(&'static str, String)>,
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
    ("cli", "cliConfig"), ("integration", "integration"), ("creds", "integration"), ("keys", "integration"), ("pem", "integration"),
];

/// Parts of the names of what only jobs without scripts take, and the type that they speak for.
#[rustfmt::skip]
const MANAGED_NAMES: &[(&str, &str)] = &[
    ("opts", "dockerOptions"), ("options", "dockerOptions"), ("params", "params"), ("replicas", "replicas"),
    ("alb", "loadBalancer"), ("elb", "loadBalancer"), ("provision", "params"), ("labels", "dockerOptions"),
];

/// The types of stubs that are jobs.
const JOBS: &[&str] = &["manifest", "release", "runSh"];

/// Words that names of jobs end in, and the type that they speak for: a script that does nothing stands for what was done
/// elsewhere.
#[rustfmt::skip]
const JOB_NAMES: &[(&str, &str)] = &[
    ("manifest", "manifest"), ("release", "release"), ("runci", "runSh"), ("runsh", "runSh"), ("runcli", "runSh"),
    ("deploy", "runSh"), ("job", "runSh"),
];

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
            let stub = || Stub::new(&name.text, kind, Some(job), pipeline);
            let stub = stubs.entry(&name.text).or_insert_with(stub);
            stub.jobs.push((word, job.name.text.clone()));
        }
    }
    let mut stubs: Vec<_> = stubs.into_values().collect();
    // A job takes something in its turn.
    let mut next = 0;
    while let Some(job) = stubs.get(next) {
        let unknown = |name: &str| !declared(name) && stubs.iter().all(|stub| stub.name != name);
        let inputs = job.inputs.iter().filter(|(_, name)| unknown(name));
        let inputs: Vec<_> = inputs
            .map(|(kind, name)| {
                let mut stub = Stub::new(name, kind, None, pipeline);
                stub.jobs.push(("IN", job.name.clone()));
                stub
            })
            .collect();
        stubs.extend(inputs);
        next += 1;
    }
    for stub in &mut stubs {
        // What the service knew by the name of another repository's integration is not known here: it gets its own.
        if needs_integration(stub.kind) {
            stub.integration = Some(format!("{}_credentials", stub.name));
        }
    }
    stubs
}

/// What `applyTo` says at the steps of a job.
fn applied(job: &Job) -> impl Iterator<Item = &Node> {
    job.inputs().filter_map(|input| input.node.get("applyTo")).flat_map(|node| match &node.value {
        Value::List(entries) => entries.as_slice(),
        _ => std::slice::from_ref(node),
    })
}

/// The image that an `applyTo` names of a manifest.
fn image_of(pipeline: &Pipeline, manifest: &str) -> Option<String> {
    let text = |entry: &Node, key: &str| entry.get(key)?.text().map(str::to_owned);
    let of_manifest = |entry: &&Node| text(entry, "manifest").as_deref() == Some(manifest);
    pipeline.jobs.values().flat_map(applied).filter(of_manifest).find_map(|entry| text(entry, "image"))
}

/// The manifests that `applyTo` names in a job that does not take them itself.
fn manifests_within(job: &Job) -> Vec<String> {
    let mut names: Vec<String> =
        applied(job).filter_map(|entry| entry.get("manifest")?.text()).map(str::to_owned).collect();
    names.retain(|name| job.inputs().all(|input| input.name.text != *name));
    names.dedup();
    names
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
    let words = || name.split(|c: char| !c.is_ascii_alphanumeric()).map(letters);
    let word_of = |kinds: &[(&str, &'static str)], word: String| {
        kinds.iter().find(|(known, _)| *known == word).map(|(_, kind)| *kind)
    };
    let job = || words().next_back().and_then(|last| word_of(JOB_NAMES, last)).filter(|_| word == "IN");
    let of_job = || words().any(|word| word == "release").then_some("release").filter(|_| word == "IN");
    let within = || words().find_map(|word| word_of(NAMES, word));
    match (named(&lower).or_else(job).or_else(of_job).or_else(within).or_else(holds), word) {
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
            Managed::Release if !self.has_holder() => Some("manifest"),
            Managed::Deploy if !self.has_holder() && !lower.contains("env") => {
                let is_release = lower.contains("release") || !manifests_within(self.job).is_empty();
                Some(if is_release { "release" } else { "manifest" })
            }
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

    /// Whether a job goes in that holds manifests.
    fn has_holder(&self) -> bool {
        self.has(&holders().collect::<Vec<_>>())
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

    /// A stub for what a job takes.
    fn new(name: &str, kind: &'static str, job: Option<&Job>, pipeline: &Pipeline) -> Stub {
        let mut inputs = match kind {
            "manifest" => {
                let image = image_of(pipeline, name).unwrap_or_else(|| format!("{name}_image"));
                vec![("image", image)]
            }
            "release" => vec![("version", format!("{name}_version"))],
            _ => Vec::new(),
        };
        if let ("release", Some(job)) = (kind, job.filter(|job| job.managed() == Some(Managed::Deploy))) {
            let mut manifests = manifests_within(job);
            if manifests.is_empty() {
                manifests.push(format!("{name}_manifest"));
            }
            inputs.extend(manifests.into_iter().map(|manifest| ("manifest", manifest)));
        }
        Stub { name: name.to_owned(), kind, inputs, integration: None, jobs: Vec::new() }
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
            _ if self.is_job() => {
                let script = (self.kind == "runSh").then(|| map_node(file, [text("TASK", "true")]));
                let inputs = self.inputs.iter().map(|(_, name)| map_node(file, [text("IN", name)]));
                let steps: Vec<_> = inputs.chain(script).collect();
                let list = text_node(file, "");
                entries.push(("steps".to_owned(), Node { value: Value::List(steps), ..list }));
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
