//! Resources and triggers.

use super::job::RUN_CI;
use super::work::{CLUSTERS, Work, type_almost_right};
use super::{Name, is_path, kind, optional_text, required_name, warn_of_unknown_keys};
use crate::diagnostic::Diagnostic;
use crate::nearest::nearest;
use crate::yaml::{Node, Value};

/// A resource, or a trigger, which is one too.
pub struct Resource {
    /// Its name.
    pub name: Name,
    /// Its type; empty where there is none.
    pub kind: Name,
    /// The integration it is bound to.
    pub integration: Option<Name>,
    /// Whether it stands under `triggers:`.
    pub trigger: bool,
    /// All of it, as written.
    pub node: Node,
    /// The `source` of the original's first syntax, with the keys of a `versionTemplate`.
    pub source: Option<Node>,
}

/// The keys of a resource.
pub const KEYS: &[&str] = &[
    "name",
    "type",
    "integration",
    "flags",
    "versionTemplate",
    "pointer",
    "seed",
    "initialVersion",
    "version",
    "source",
    "configuration",
];

/// The types of resources that the original knew, but for those of [`CLUSTERS`].
const TYPES: &[&str] = &[
    "ciRepo",
    "cliConfig",
    "dockerOptions",
    "externalCI",
    "externalCIServer",
    "file",
    "gitRepo",
    "image",
    "integration",
    "loadBalancer",
    "notification",
    "params",
    "replicas",
    "state",
    "syncRepo",
    "time",
    "trigger",
    "version",
    "webhook",
];

/// What keys of a `source` are called in a `versionTemplate`; the others are called the same.
const SOURCE_KEYS: &[(&str, &str)] =
    &[("name", "sourceName"), ("tag", "versionName"), ("base", "versionName"), ("cpu-shares", "cpuShares")];

impl Resource {
    pub(super) fn read(node: Node, trigger: bool, diagnostics: &mut Vec<Diagnostic>) -> Option<Resource> {
        let name = required_name(&node, "resource", diagnostics)?;
        let map = node.map()?;
        let of = format!("resource `{}`", name.text);
        warn_of_unknown_keys(map, KEYS, &of, diagnostics);
        let kind = kind(map, &of, &name, "add `type: …`, for instance `type: params`", diagnostics);
        if !kind.text.is_empty() && !is_path(&kind.text) {
            diagnostics.push(
                Diagnostic::error(format!("the type of {of} cannot be `{}`", kind.text))
                    .at(kind.place)
                    .hint("it names a directory of the job's workspace, and must stay inside it"),
            );
        }
        if let Some(meant) = type_meant(&kind.text) {
            diagnostics.push(type_almost_right(&of, &kind, meant));
        }
        let integration = optional_text(map, "integration", diagnostics);
        for key in ["versionTemplate", "pointer", "seed", "initialVersion", "version", "source"] {
            let Some(entry) = map.get(key) else { continue };
            if !matches!(entry.node.value, Value::Map(_) | Value::Null) {
                diagnostics.push(
                    Diagnostic::warning(format!(
                        "`{key}` of {of} must be a map, and this is {}",
                        entry.node.what()
                    ))
                    .at(entry.node.place)
                    .hint("it has no effect"),
                );
            }
        }
        let source = node.get("source").and_then(as_template);
        Some(Resource { name, kind, integration, trigger, node, source })
    }

    /// What stands for the pointer and for the version: `versionTemplate` in the new syntax, `source` in the first one.
    pub fn template(&self) -> Option<&Node> {
        self.node.get("versionTemplate").or(self.source.as_ref())
    }

    /// Where it is: its template, or `pointer`.
    pub fn pointer(&self) -> Option<&Node> {
        let written = |key: &str| self.node.get(key);
        written("versionTemplate").or_else(|| written("pointer")).or(self.source.as_ref())
    }

    /// The seed, which old lines call `initialVersion`.
    pub fn seed(&self) -> Option<&Node> {
        self.node.get("seed").or_else(|| self.node.get("initialVersion"))
    }

    /// What its first version holds: `version`, or its template.
    pub fn version(&self) -> Option<&Node> {
        self.node.get("version").or_else(|| self.template())
    }

    /// The params of a params resource: of its version, in old lines of its pointer.
    pub fn params(&self) -> Option<&Node> {
        let of_version = self.version().and_then(|version| version.get("params"));
        of_version.or_else(|| self.pointer()?.get("params"))
    }

    /// The name of its first version: of the version, the template or the seed.
    pub fn version_name(&self) -> Option<&str> {
        [self.node.get("version"), self.template(), self.seed()]
            .into_iter()
            .flatten()
            .find_map(|node| node.get("versionName")?.text())
    }
}

/// A `source`, with the keys of a `versionTemplate`.
fn as_template(source: &Node) -> Option<Node> {
    let rename =
        |key: &str| SOURCE_KEYS.iter().find(|(old, _)| *old == key).map_or(key, |(_, new)| new).to_owned();
    let entries = source.map()?.iter().map(|(key, entry)| (rename(key), entry.clone()));
    Some(Node { place: source.place, value: Value::Map(entries.collect()) })
}

/// The type that this one was probably meant to be: `params` for `parms`. Any other is one of the user's own.
fn type_meant(kind: &str) -> Option<&'static str> {
    let known = || TYPES.iter().chain(CLUSTERS).copied();
    // Jobs of other lines are declared as resources too.
    let is_one = known().any(|one| one == kind) || kind == RUN_CI || Work::of(kind).is_some();
    if is_one { None } else { nearest(kind, known()) }
}
