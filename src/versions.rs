//! The versions of what goes in and what comes out, as they were found: data for the environment and the workspace.
//!
//! What has no stored version is not among them; then the YAML speaks.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::model::Resource;
use crate::resolve::{Dependency, Operation};
use crate::secret::Secret;
use crate::source::Span;
use crate::state::{Seed, Version};
use crate::yaml::{Map as YamlMap, Node};

/// The stored versions that a run has to do with.
#[derive(Default, Serialize, Deserialize)]
pub struct Versions {
    inputs: HashMap<String, Version>,
    outputs: HashMap<String, Version>,
    /// The job's own last version.
    pub previous: Option<Version>,
}

impl Versions {
    /// The stored version of a dependency. Of what comes out, it is the one before that which the run may make.
    pub fn of(&self, dependency: &Dependency) -> Option<&Version> {
        match dependency.operation {
            Operation::In(_) => self.inputs.get(&dependency.name.text),
            Operation::Out(_) => self.outputs.get(&dependency.name.text),
        }
    }

    /// Adds the version of a dependency.
    pub fn insert(&mut self, dependency: &Dependency, version: Version) {
        let versions = match dependency.operation {
            Operation::In(_) => &mut self.inputs,
            Operation::Out(_) => &mut self.outputs,
        };
        versions.insert(dependency.name.text.clone(), version);
    }
}

/// The version that a resource's YAML gives it, placeholders as written.
pub fn seed_of(resource: &Resource) -> Seed {
    let bag = resource.version().and_then(Node::map).into_iter().flatten();
    Seed {
        version_name: resource.version_name().map(str::to_owned),
        bag: bag
            .filter(|(key, _)| *key != "versionName")
            .map(|(key, entry)| (key.clone(), entry.node.to_json()))
            .collect(),
    }
}

/// One of the params of a resource.
pub struct Param<'a> {
    /// Its key, as written.
    pub key: &'a str,
    /// Scalars as written, objects and lists as compact JSON.
    pub text: Cow<'a, str>,
    /// Where the YAML has it, or the resource.
    pub place: Span,
    /// The encrypted text, if it is an encrypted one.
    pub secure: Option<Cow<'a, str>>,
}

impl Param<'_> {
    /// Whether it stands for many: `secure: …` holds `KEY=value KEY2="v 2"`.
    pub fn is_bag(&self) -> bool {
        self.key == BAG
    }
}

/// The key of params that are encrypted together; and the key of one that is encrypted alone, below its own.
const BAG: &str = "secure";

/// The params that were encrypted, opened: by the name of their resource and the key that they were under, each with
/// its own key.
#[derive(Default)]
pub struct Opened(HashMap<(String, String), Vec<(String, Secret)>>);

impl Opened {
    /// Adds what was under a key.
    pub fn insert(&mut self, resource: &str, key: &str, params: Vec<(String, Secret)>) {
        self.0.insert((resource.to_owned(), key.to_owned()), params);
    }

    /// All of them: the resource, the key, and what was under it.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, &[(String, Secret)])> {
        self.0.iter().map(|((resource, key), params)| (resource.as_str(), key.as_str(), params.as_slice()))
    }

    /// What was under a key; `None` if it could not be opened.
    pub fn get(&self, resource: &str, key: &str) -> Option<&[(String, Secret)]> {
        self.0.get(&(resource.to_owned(), key.to_owned())).map(Vec::as_slice)
    }
}

/// The params of a resource in its version `stored`, or in its YAML; none where these are no map.
pub fn params<'a>(resource: &'a Resource, stored: Option<&'a Version>) -> Vec<Param<'a>> {
    let written = resource.params().and_then(Node::map);
    let Some(stored) = stored else {
        return written
            .into_iter()
            .flatten()
            .map(|(key, entry)| {
                let alone = entry.node.get(BAG).and_then(Node::text).map(Cow::Borrowed);
                let text = node_text(&entry.node);
                let secure = alone.or_else(|| (key == BAG).then(|| text.clone()));
                Param { key, text, place: entry.key, secure }
            })
            .collect();
    };
    let params = stored.bag.get("params").and_then(Json::as_object).into_iter().flatten();
    params
        .map(|(key, value)| {
            let entry = written.and_then(|written| written.get(key));
            // JSON has no `True` and no `0x1F`: what the YAML still says is taken from there.
            let same = entry.filter(|entry| entry.node.to_json() == *value);
            let text = same.map_or_else(|| json_text(value), |entry| node_text(&entry.node));
            let place = entry.map_or(resource.name.place, |entry| entry.key);
            let alone = value.get(BAG).filter(|value| !value.is_null()).map(json_text);
            let secure = alone.or_else(|| (key == BAG).then(|| text.clone()));
            Param { key, text, place, secure }
        })
        .collect()
}

/// What the YAML says of a key of a version's property bag, if the version still holds just that: then placeholders in
/// it are replaced, as nowhere else.
pub fn still_written<'a>(written: Option<&'a YamlMap>, key: &str, value: &Json) -> Option<&'a Node> {
    written?.get(key).map(|entry| &entry.node).filter(|node| node.to_json() == *value)
}

/// The property bag of a resource, stored or of its YAML, placeholders as written.
pub fn bag_of(resource: Option<&Resource>, stored: Option<&Version>) -> Map<String, Json> {
    match (stored, resource) {
        (Some(version), _) => version.bag.clone(),
        (None, Some(resource)) => seed_of(resource).bag,
        (None, None) => Map::new(),
    }
}

fn node_text(node: &Node) -> Cow<'_, str> {
    match node.text() {
        Some(text) => text.into(),
        None => node.to_json().to_string().into(),
    }
}

fn json_text(value: &Json) -> Cow<'_, str> {
    match value {
        Json::Null => "".into(),
        Json::String(text) => text.into(),
        _ => value.to_string().into(),
    }
}
