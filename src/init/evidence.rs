//! What a line tells of the kinds of its integrations.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use indexmap::IndexMap;
use regex::Regex;

use super::Stub;
use crate::contract;
use crate::model::kind::{KINDS, Kind, Shape};
use crate::model::work::Managed;
use crate::model::{Pipeline, Resource, files::Line};

/// The fields that the scripts of a line ask for, and the types that its CI section writes.
pub(super) struct Evidence {
    /// By the first part of the variables, such as `AWS`: the fields, as the environment spells them.
    fields: IndexMap<String, BTreeSet<String>>,
    /// By the name of an integration: its `type:` in the CI section.
    written: IndexMap<String, &'static Kind>,
}

/// The kinds that a resource of a type can be bound to: the first is what most have.
#[rustfmt::skip]
const TYPES: &[(&str, &[&str])] = &[
    ("gitRepo", &["github", "gitlab", "bitbucket", "githubEnterprise", "bitbucketServer", "gerritBasic", "gitCredential"]),
    ("ciRepo", &["github", "gitlab", "bitbucket", "githubEnterprise", "bitbucketServer", "gerritBasic"]),
    ("syncRepo", &["github", "gitlab", "bitbucket", "githubEnterprise", "bitbucketServer", "gerritBasic"]),
    ("image", &["dockerRegistryLogin", "amazonKeys", "gcloudKey", "quayLogin", "azureKeys", "artifactoryKey"]),
    ("cliConfig", &["amazonKeys", "gcloudKey", "azureKeys", "kubernetesConfig", "dockerRegistryLogin", "quayLogin", "artifactoryKey"]),
    ("cluster", &["amazonKeys", "gcloudKey", "kubernetesConfig", "azureKeys", "dclKey", "ddcKey", "joyentTritonKey", "azureDcosKey", "nodeCluster"]),
    ("ecsCluster", &["amazonKeys"]),
    ("gkeCluster", &["gcloudKey"]),
    ("dclCluster", &["dclKey"]),
    ("ddcCluster", &["ddcKey"]),
    ("tripubCluster", &["joyentTritonKey"]),
    ("loadBalancer", &["amazonKeys", "gcloudKey"]),
    ("notification", &["slackKey", "webhookV2", "hipchatKey", "ircCreds", "jira", "airBrakeKey", "newRelicKey"]),
];

/// Parts of names and of where images lie, in the order in which they count, and the kind that they speak for.
#[rustfmt::skip]
const WORDS: &[(&str, &str)] = &[
    ("keyval", "keyValuePair"), ("quay", "quayLogin"), ("artifactory", "artifactoryKey"), ("jfrog", "artifactoryKey"), ("gcr", "gcloudKey"),
    ("amazonaws", "amazonKeys"), ("azurecr", "azureKeys"), ("slack", "slackKey"), ("hipchat", "hipchatKey"), ("irc", "ircCreds"),
    ("webhook", "webhookV2"), ("jira", "jira"), ("airbrake", "airBrakeKey"), ("newrelic", "newRelicKey"), ("mailgun", "mailgunCreds"),
    ("gmail", "gmailCreds"), ("smtp", "smtpCreds"), ("pem", "pemKey"), ("ssh", "sshKey"), ("kube", "kubernetesConfig"),
    ("k8s", "kubernetesConfig"), ("gke", "gcloudKey"), ("gcloud", "gcloudKey"), ("gcp", "gcloudKey"), ("google", "gcloudKey"),
    ("azure", "azureKeys"), ("gitlab", "gitlab"), ("bitbucket", "bitbucket"), ("github", "github"), ("docker", "dockerRegistryLogin"),
    ("hub", "dockerRegistryLogin"), ("digitalocean", "DOC"), ("aws", "amazonKeys"), ("amazon", "amazonKeys"), ("ecr", "amazonKeys"),
    ("ecs", "amazonKeys"),
];

/// The same for clusters alone: short words that stand in other names too.
#[rustfmt::skip]
const CLUSTER_WORDS: &[(&str, &str)] = &[
    ("tripub", "joyentTritonKey"), ("triton", "joyentTritonKey"), ("joyent", "joyentTritonKey"), ("dcos", "azureDcosKey"),
    ("ddc", "ddcKey"), ("datacenter", "ddcKey"), ("dcl", "dclKey"), ("dockercloud", "dclKey"), ("docker-cloud", "dclKey"),
    ("aks", "azureKeys"),
];

/// The kinds of the load balancers that provision jobs make.
const PROVISIONED: &[&str] = &["kubernetesConfig", "gcloudKey"];

/// How scripts ask for a field: by a variable, or by a lookup.
static ASKED: LazyLock<[Regex; 2]> = LazyLock::new(|| {
    [
        "(?-u)([A-Z][A-Z0-9_]*?)_INTEGRATION_([A-Z0-9_]+)",
        r#"(?-u)get_integration_(?:resource_)?field[ \t]+["']?([A-Za-z0-9_.-]+)["']?[ \t]+["']?([A-Za-z0-9_]+)"#,
    ]
    .map(|pattern| Regex::new(pattern).expect("the pattern is a constant"))
});

/// What is bound to nothing else holds keys and values.
const PAIRS: &str = "keyValuePair";

impl Evidence {
    /// Reads it off the files of a line.
    pub(super) fn gather(line: &Line) -> Evidence {
        let mut fields: IndexMap<String, BTreeSet<String>> = IndexMap::new();
        for pattern in &*ASKED {
            for id in line.sources.ids() {
                for found in pattern.captures_iter(line.sources.get(id).text()) {
                    let Some(name) = contract::env_name(&found[1]) else { continue };
                    let field = found[2].to_ascii_uppercase();
                    if field != "NAME" {
                        fields.entry(name).or_default().insert(field);
                    }
                }
            }
        }
        let written = line.pipeline.ci.iter().flat_map(|ci| &ci.integration_types);
        let written = written.filter_map(|(name, kind)| Some((name.clone(), Kind::find(kind)?)));
        Evidence { fields, written: written.collect() }
    }

    /// Whether scripts ask for fields of the integration of this resource.
    pub(super) fn has_fields(&self, resource: &str) -> bool {
        contract::env_name(resource).is_some_and(|name| self.fields.contains_key(&name))
    }

    /// The kind of an integration that the line does not declare, and the keys that its scripts ask for where it is a
    /// key-value pair.
    pub(super) fn kind_of<'s>(
        &self,
        name: &str,
        pipeline: &Pipeline,
        stubs: impl Iterator<Item = &'s Stub> + Clone,
    ) -> (&'static Kind, Vec<String>) {
        let bound = || {
            let is_bound =
                |resource: &&Resource| resource.integration.as_ref().is_some_and(|own| own.text == name);
            pipeline.resources.values().filter(is_bound)
        };
        let stub_names = stubs.clone().map(|stub| stub.name.as_str());
        let bound_names = bound().map(|resource| resource.name.text.as_str()).chain(stub_names);
        let asked = self.fields_of(bound_names.clone().chain([name]));
        let kinds = |names: &[&str]| names.iter().filter_map(|name| Kind::find(name)).collect::<Vec<_>>();
        if let Some(kind) = self.written.get(name) {
            return (kind, Vec::new());
        }
        let types: Vec<_> =
            bound().map(|resource| resource.kind.text.as_str()).chain(stubs.map(|stub| stub.kind)).collect();
        let possible: Vec<_> =
            types.iter().filter_map(|kind| TYPES.iter().find(|(name, _)| name == kind)).collect();
        let text = bound().fold(name.to_ascii_lowercase(), |text, resource| text + " " + &words_of(resource));
        let hinted =
            WORDS.iter().filter(|(word, _)| text.contains(word)).filter_map(|(_, kind)| Kind::find(kind));
        match possible.first() {
            Some((_, candidates)) => {
                let candidates = match types.first() {
                    Some(&"loadBalancer") if is_provisioned(pipeline, bound_names) => kinds(PROVISIONED),
                    _ => kinds(candidates),
                };
                let says = |key: &str| {
                    bound().any(|resource| resource.pointer().is_some_and(|node| node.get(key).is_some()))
                };
                let is_cluster = types.first() == Some(&"cluster");
                let of_clusters = CLUSTER_WORDS.iter().filter(|(word, _)| is_cluster && text.contains(word));
                let of_clusters = of_clusters.filter_map(|(_, kind)| Kind::find(kind));
                let hinted = of_clusters
                    .chain(hinted)
                    .find(|kind| candidates.iter().any(|other| other.name == kind.name));
                // Clusters of ECS and of Google have a region; of Azure a group; of Kubernetes nothing has to be said.
                let usual = match is_cluster && bound().next().is_some() {
                    true if says("region") => "amazonKeys",
                    true if says("groupName") => "azureKeys",
                    true => "kubernetesConfig",
                    false if says("region") => "amazonKeys",
                    false => "",
                };
                let regional = candidates.iter().copied().find(|kind| kind.name == usual);
                let asked_for =
                    candidates.iter().copied().find(|kind| !asked.is_empty() && has(kind, &asked));
                let kind = asked_for.or(hinted).or(regional).or(candidates.first().copied());
                (kind.unwrap_or_else(pairs), Vec::new())
            }
            None if asked.is_empty() => (hinted.into_iter().next().unwrap_or_else(pairs), Vec::new()),
            None => {
                let fitting = |kind: &&'static Kind| has(kind, &asked);
                let smallest = || KINDS.iter().filter(fitting).min_by_key(|kind| kind.fields.len());
                match hinted.into_iter().find(fitting).or_else(smallest) {
                    Some(kind) => (kind, Vec::new()),
                    None => (pairs(), asked.into_iter().collect()),
                }
            }
        }
    }

    fn fields_of<'n>(&self, names: impl Iterator<Item = &'n str>) -> BTreeSet<String> {
        let names = names.filter_map(contract::env_name);
        names.filter_map(|name| self.fields.get(&name)).flatten().cloned().collect()
    }
}

/// Whether a kind has all these fields, as the environment spells them.
fn has(kind: &Kind, asked: &BTreeSet<String>) -> bool {
    let own: Vec<_> = kind
        .fields
        .iter()
        .filter(|field| field.shape != Shape::Map)
        .map(|field| contract::sanitize(field.name).to_ascii_uppercase())
        .collect();
    asked.iter().all(|field| own.iter().any(|own| own == field))
}

fn pairs() -> &'static Kind {
    let pairs = KINDS.iter().find(|kind| kind.name == PAIRS);
    pairs.unwrap_or(&KINDS[0])
}

/// Whether a provision job makes one of these load balancers: only those of Kubernetes are made so.
fn is_provisioned<'n>(pipeline: &Pipeline, mut names: impl Iterator<Item = &'n str>) -> bool {
    let jobs = || pipeline.jobs.values().filter(|job| job.managed() == Some(Managed::Provision));
    names.any(|name| jobs().any(|job| job.inputs().any(|input| input.name.text == name)))
}

/// What the pointer of a resource says in words: where an image lies, how a notification is sent.
fn words_of(resource: &Resource) -> String {
    let pointer = resource.pointer().and_then(|node| node.map());
    let texts = pointer.into_iter().flat_map(|map| map.values()).filter_map(|entry| entry.node.text());
    texts.map(str::to_ascii_lowercase).collect::<Vec<_>>().join(" ")
}
