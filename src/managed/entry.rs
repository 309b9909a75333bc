//! Manifests as versions hold them: lists of images or files, with the settings that apply to each.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

/// The key of a property bag that holds them.
const MANIFESTS: &str = "manifests";

/// What is deployed together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Manifest {
    /// The name of its job.
    pub name: String,
    /// The number of its version; `None` while that is being made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_number: Option<u32>,
    /// Its images; none if it has files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Part>,
    /// Its files; none if it has images.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<Part>,
    /// How many of it are to run, and how that number may change: the version of a replicas resource.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub replicas: Map<String, Json>,
}

/// An image or a file of a manifest.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Part {
    /// The name of its resource.
    pub name: String,
    /// Where it is: the name of an image without its tag, or an address.
    pub source_name: String,
    /// The tag of an image, the version of a file.
    pub version_name: String,
    /// The number of the resource's version.
    pub version_number: u32,
    /// The variables that it is started with.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub params: Map<String, Json>,
    /// The options of its container.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub docker_options: Map<String, Json>,
}

/// The value of a variable of a part.
#[derive(Clone, Debug, PartialEq)]
pub enum Setting<'a> {
    /// As it is.
    Plain(&'a str),
    /// Encrypted: the text, and the key that it has in there if there are several.
    Secure(&'a str, Option<&'a str>),
}

impl Part {
    /// Its variables, in order.
    pub fn settings(&self) -> impl Iterator<Item = (&str, Setting<'_>)> {
        self.params.iter().map(|(name, value)| {
            let setting = match value {
                Json::String(text) => Setting::Plain(text),
                other => Setting::Secure(other["secure"].as_str().unwrap_or_default(), other["key"].as_str()),
            };
            (name.as_str(), setting)
        })
    }

    /// What it is called in a log and by an engine: `nginx:1.25`, and with `@` if its version is a digest.
    pub fn shown(&self) -> String {
        match self.version_name.is_empty() {
            true => self.source_name.clone(),
            false if self.version_name.starts_with("sha256:") => {
                format!("{}@{}", self.source_name, self.version_name)
            }
            false => format!("{}:{}", self.source_name, self.version_name),
        }
    }
}

impl Manifest {
    /// Its images or its files.
    pub fn parts(&self) -> &[Part] {
        if self.images.is_empty() { &self.files } else { &self.images }
    }

    /// The same, to be changed.
    pub fn parts_mut(&mut self) -> &mut [Part] {
        if self.images.is_empty() { &mut self.files } else { &mut self.images }
    }

    /// How many of it are to run, as text.
    pub fn count(&self) -> Option<String> {
        match self.replicas.get("count")? {
            Json::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }

    /// What it is, line by line; with the values of its variables, which no log should keep, or their names alone.
    pub fn lines(&self, values: bool) -> Vec<String> {
        let mut lines = Vec::new();
        let kind = if self.images.is_empty() { "file" } else { "image" };
        for part in self.parts() {
            lines.push(format!("{kind} {}: {} (version {})", part.name, part.shown(), part.version_number));
            if !part.params.is_empty() {
                let shown = part.settings().map(|(name, setting)| match setting {
                    _ if !values => name.to_owned(),
                    Setting::Plain(value) => format!("{name}={value}"),
                    Setting::Secure(..) => format!("{name}={}", crate::mask::MASK),
                });
                lines.push(format!("  params: {}", shown.collect::<Vec<_>>().join(" ")));
            }
            if !part.docker_options.is_empty() {
                let shown = part.docker_options.iter().map(|(name, value)| match value {
                    Json::String(text) => format!("{name}={text}"),
                    other => format!("{name}={other}"),
                });
                lines.push(format!("  dockerOptions: {}", shown.collect::<Vec<_>>().join(" ")));
            }
        }
        if let Some(count) = self.count() {
            lines.push(format!("replicas: {count}"));
        }
        lines
    }
}

/// The manifests that a property bag holds; none if it holds something else under that key.
pub(super) fn manifests(bag: &Map<String, Json>) -> Vec<Manifest> {
    bag.get(MANIFESTS).and_then(|manifests| Vec::deserialize(manifests).ok()).unwrap_or_default()
}

/// A property bag with manifests.
pub(super) fn bag(manifests: &[Manifest]) -> Map<String, Json> {
    // Maps of texts and numbers always serialize.
    let manifests = serde_json::to_value(manifests).unwrap_or_default();
    Map::from_iter([(MANIFESTS.to_owned(), manifests)])
}
