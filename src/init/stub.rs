//! Resources that jobs take and no file of the line declares: another repository did.

use indexmap::IndexMap;

use super::evidence::Evidence;
use crate::edit::{map_node, text_node};
use crate::model::job::Step;
use crate::model::{Job, Pipeline};
use crate::source::SourceId;
use crate::yaml::Node;

/// A stub for a resource that is declared elsewhere.
pub struct Stub {
    /// Its name.
    pub name: String,
    /// Its type, as far as the line tells it.
    pub kind: &'static str,
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
    ("replicas", "replicas"), ("replica", "replicas"), ("loadbalancer", "loadBalancer"), ("params", "params"),
    ("param", "params"), ("image", "image"), ("img", "image"), ("cluster", "cluster"), ("state", "state"),
    ("version", "version"), ("semver", "version"), ("notif", "notification"), ("slack", "notification"),
    ("cli", "cliConfig"), ("integration", "integration"), ("creds", "integration"), ("keys", "integration"),
];

/// The resources that steps name and no file declares.
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
            let stub = stubs.entry(&name.text).or_insert_with(|| {
                let kind = if scopes { "cliConfig" } else { kind_of(&name.text, word, job, evidence) };
                Stub { name: name.text.clone(), kind, integration: None, jobs: Vec::new() }
            });
            stub.jobs.push((word, job.name.text.clone()));
        }
    }
    let mut stubs: Vec<_> = stubs.into_values().collect();
    for stub in &mut stubs {
        // What the service knew by the name of another repository's integration is not known here: it gets its own.
        if needs_integration(stub.kind) {
            stub.integration = Some(format!("{}_credentials", stub.name));
        }
    }
    stubs
}

fn kind_of(name: &str, word: &str, job: &Job, evidence: &Evidence) -> &'static str {
    if evidence.has_fields(name) {
        return "integration";
    }
    let lower: String = name.to_ascii_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    let named = NAMES.iter().find(|(part, _)| lower.ends_with(part) || lower.starts_with(part));
    match (named.or_else(|| NAMES.iter().find(|(part, _)| part.len() > 3 && lower.contains(part))), word) {
        (Some((_, kind)), _) => kind,
        (None, "OUT") => "state",
        (None, _) => match job.kind.text.as_str() {
            "manifest" => "image",
            "runCI" => "gitRepo",
            _ => "params",
        },
    }
}

fn needs_integration(kind: &str) -> bool {
    matches!(kind, "gitRepo" | "cliConfig" | "cluster" | "integration" | "notification" | "loadBalancer")
}

impl Stub {
    /// What a comment says of it.
    pub(super) fn comment(&self) -> String {
        let jobs: Vec<_> = self.jobs.iter().take(4).map(|(word, job)| format!("{word} of {job}")).collect();
        let more = if self.jobs.len() > jobs.len() { ", …" } else { "" };
        format!("declared in another repository, so this is a guess: {}{more}", jobs.join(", "))
    }

    /// All of it, as an item of `resources:`.
    pub(super) fn node(&self, file: SourceId) -> Node {
        let text = |key: &str, text: &str| (key.to_owned(), text_node(file, text));
        let map = |key: &str, node: (String, Node)| (key.to_owned(), map_node(file, [node]));
        let mut entries = vec![text("name", &self.name), text("type", self.kind)];
        entries.extend(self.integration.as_ref().map(|name| text("integration", name)));
        match self.kind {
            "gitRepo" => entries.push(map("versionTemplate", text("sourceName", "OWNER/REPOSITORY"))),
            "image" => entries.extend([
                map("pointer", text("sourceName", "OWNER/IMAGE")),
                map("seed", text("versionName", "latest")),
            ]),
            "params" => entries.push(map("version", ("params".to_owned(), map_node(file, [])))),
            "version" => entries.push(map("seed", text("versionName", "0.0.0"))),
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
