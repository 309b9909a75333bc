//! The JSON documents of a workspace: the job, its dependencies, its integrations.

use std::path::Path;

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::{Map as JsonMap, Value as Json};

use crate::credentials::{Content, Credential};
use crate::environment::{Environment, RunContext, dependency_directory, stable_id, substitute};
use crate::repository::Repository;
use crate::resolve::{Dependency, Plan, Target};
use crate::versions;
use crate::yaml::{Map, Node, Value};

/// `message.json`: the job and what it depends on.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Message<'a> {
    name: &'a str,
    resource_id: String,
    subscription_id: Option<&'a str>,
    #[serde(rename = "type")]
    kind: &'a str,
    path: &'a Path,
    build_number: u32,
    steps: Option<&'a Node>,
    property_bag: AsWritten<'a>,
    dependencies: Vec<MessageDependency<'a>>,
}

/// A dependency in `message.json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MessageDependency<'a> {
    operation: &'static str,
    #[serde(flatten)]
    identity: Identity<'a>,
    path: std::path::PathBuf,
    source_name: Option<&'a str>,
    version: Version<'a>,
}

/// `version.json`: a dependency and its version.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VersionDocument<'a> {
    #[serde(flatten)]
    identity: Identity<'a>,
    operation: &'static str,
    is_job: bool,
    step: &'a Node,
    version: Version<'a>,
}

/// What both documents say of a dependency.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Identity<'a> {
    name: &'a str,
    resource_id: String,
    #[serde(rename = "type")]
    kind: &'a str,
    property_bag: AsWritten<'a>,
}

/// The YAML of a job or resource, and where the repository is that a resource stands for.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AsWritten<'a> {
    yml: &'a Node,
    #[serde(skip_serializing_if = "Option::is_none")]
    normalized_repo: Option<Json>,
}

/// The version of a dependency: a resource's first one comes from its YAML.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Version<'a> {
    version_id: Option<&'a str>,
    version_number: Option<u64>,
    version_name: Option<&'a str>,
    property_bag: PropertyBag<'a>,
}

/// What a version holds: what is stored, or the YAML's `version`, with placeholders replaced in what is as the YAML has
/// it; the `sourceName` of the pointer; and what git says of a repository.
struct PropertyBag<'a> {
    stored: Option<&'a JsonMap<String, Json>>,
    /// The YAML's `version`.
    written: Option<&'a Map>,
    source_name: Option<&'a str>,
    sha_data: Option<Json>,
    environment: &'a Environment,
}

/// A node with its placeholders replaced.
struct Substituted<'a>(&'a Node, &'a Environment);

/// `integration.json`: the fields, those of objects beside the others.
pub(super) struct IntegrationDocument<'a>(pub &'a Credential);

impl<'a> Message<'a> {
    pub(super) fn new(plan: &'a Plan, environment: &'a Environment, context: &'a RunContext) -> Self {
        let job = plan.job;
        let root = &context.root;
        Message {
            name: &job.name.text,
            resource_id: stable_id("job", &job.name.text),
            subscription_id: environment.get("SUBSCRIPTION_ID"),
            kind: &job.kind.text,
            path: root,
            build_number: context.number,
            steps: job.node.get("steps"),
            property_bag: AsWritten { yml: &job.node, normalized_repo: None },
            dependencies: plan
                .dependencies
                .iter()
                .map(|dependency| MessageDependency {
                    operation: dependency.operation.word(),
                    identity: Identity::new(dependency, context),
                    path: dependency_directory(root, dependency.operation.word(), &dependency.name.text),
                    source_name: variable(dependency, environment, "SOURCENAME"),
                    version: Version::new(dependency, environment, context),
                })
                .collect(),
        }
    }
}

impl<'a> VersionDocument<'a> {
    pub(super) fn new(
        dependency: &'a Dependency,
        environment: &'a Environment,
        context: &'a RunContext,
    ) -> Self {
        VersionDocument {
            identity: Identity::new(dependency, context),
            operation: dependency.operation.word(),
            is_job: matches!(dependency.target, Target::Job(_)),
            step: dependency.step,
            version: Version::new(dependency, environment, context),
        }
    }
}

impl<'a> Identity<'a> {
    fn new(dependency: &'a Dependency, context: &RunContext) -> Self {
        Identity {
            name: &dependency.name.text,
            resource_id: stable_id("resource", &dependency.name.text),
            kind: dependency.target.kind(),
            property_bag: AsWritten {
                yml: dependency.target.node(),
                normalized_repo: context.repository(dependency).map(Repository::normalized),
            },
        }
    }
}

impl<'a> Version<'a> {
    fn new(dependency: &'a Dependency, environment: &'a Environment, context: &'a RunContext) -> Self {
        Version {
            version_id: variable(dependency, environment, "VERSIONID"),
            version_number: variable(dependency, environment, "VERSIONNUMBER")
                .and_then(|text| text.parse().ok()),
            version_name: variable(dependency, environment, "VERSIONNAME"),
            property_bag: PropertyBag {
                stored: context.versions.of(dependency).map(|version| &version.bag),
                written: dependency
                    .target
                    .resource()
                    .and_then(|resource| resource.version())
                    .and_then(Node::map),
                source_name: variable(dependency, environment, "SOURCENAME"),
                sha_data: context.repository(dependency).map(Repository::sha_data),
                environment,
            },
        }
    }
}

/// A variable of a dependency, if it is not empty.
fn variable<'e>(dependency: &Dependency, environment: &'e Environment, part: &str) -> Option<&'e str> {
    environment.get(&format!("{}_{part}", dependency.env)).filter(|value| !value.is_empty())
}

impl Serialize for PropertyBag<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let is_live = |key: &str| key == "shaData" && self.sha_data.is_some();
        let mut has_source_name = false;
        let mut entry = |key: &str, node: Option<&Node>, value: Option<&Json>| {
            has_source_name |= key == "sourceName";
            match (node, value) {
                _ if is_live(key) => Ok(()),
                // Placeholders in params stay.
                (Some(node), _) if key != "params" => {
                    map.serialize_entry(key, &Substituted(node, self.environment))
                }
                (_, Some(value)) => map.serialize_entry(key, value),
                (node, None) => map.serialize_entry(key, &node),
            }
        };
        match self.stored {
            Some(bag) => {
                for (key, value) in bag {
                    let written = self.written.filter(|_| key != "params");
                    entry(key, versions::still_written(written, key, value), Some(value))?;
                }
            }
            None => {
                for (key, written) in self.written.into_iter().flatten() {
                    if key != "versionName" {
                        entry(key, Some(&written.node), None)?;
                    }
                }
            }
        }
        if let Some(name) = self.source_name.filter(|_| !has_source_name) {
            map.serialize_entry("sourceName", name)?;
        }
        // A repository goes in as it is now, whatever was once replicated to it.
        if let Some(sha_data) = &self.sha_data {
            map.serialize_entry("shaData", sha_data)?;
        }
        map.end()
    }
}

impl Serialize for Substituted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Substituted(node, environment) = *self;
        match &node.value {
            Value::List(nodes) => {
                serializer.collect_seq(nodes.iter().map(|node| Substituted(node, environment)))
            }
            Value::Map(map) => serializer
                .collect_map(map.iter().map(|(key, entry)| (key, Substituted(&entry.node, environment)))),
            Value::Scalar(scalar) if scalar.text.contains('$') => {
                serializer.serialize_str(&substitute(&scalar.text, |name| environment.get(name), |_| {}))
            }
            Value::Null | Value::Scalar(_) => node.serialize(serializer),
        }
    }
}

impl Serialize for IntegrationDocument<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let credential = self.0;
        let mut map = serializer.serialize_map(None)?;
        let id = stable_id("integration", &credential.name);
        for (key, value) in
            [("id", id.as_str()), ("masterName", credential.kind.name), ("name", &credential.name)]
        {
            if !has_key(credential, key) {
                map.serialize_entry(key, value)?;
            }
        }
        for field in &credential.fields {
            match &field.content {
                Content::One(fetched) => map.serialize_entry(field.name, fetched.value.expose())?,
                Content::List(items) => {
                    let values: Vec<_> = items.iter().map(|item| item.value.expose()).collect();
                    map.serialize_entry(field.name, &values)?;
                }
                Content::Map(entries) => {
                    for (key, fetched) in entries {
                        map.serialize_entry(key, fetched.value.expose())?;
                    }
                }
            }
        }
        map.end()
    }
}

/// Whether a key-value pair takes the place of what stands in every such document.
fn has_key(credential: &Credential, key: &str) -> bool {
    credential.fields.iter().any(|field| match &field.content {
        Content::Map(entries) => entries.iter().any(|(name, _)| name == key),
        Content::One(_) | Content::List(_) => false,
    })
}
