//! Resources and triggers.

use super::{Name, is_path, optional_text, required_name, warn_of_unknown_keys};
use crate::diagnostic::Diagnostic;
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
    "version",
    "configuration",
];

impl Resource {
    pub(super) fn read(node: Node, trigger: bool, diagnostics: &mut Vec<Diagnostic>) -> Option<Resource> {
        let name = required_name(&node, "resource", diagnostics)?;
        let map = node.map()?;
        let of = format!("resource `{}`", name.text);
        warn_of_unknown_keys(map, KEYS, &of, diagnostics);
        let kind = optional_text(map, "type", diagnostics).unwrap_or_else(|| {
            diagnostics.push(
                Diagnostic::warning(format!("{of} has no type"))
                    .rule("no-type")
                    .at(name.place)
                    .hint("add `type: …`, for instance `type: params`"),
            );
            Name { text: String::new(), place: name.place }
        });
        if !kind.text.is_empty() && !is_path(&kind.text) {
            diagnostics.push(
                Diagnostic::error(format!("the type of {of} cannot be `{}`", kind.text))
                    .at(kind.place)
                    .hint("it names a directory of the job's workspace, and must stay inside it"),
            );
        }
        let integration = optional_text(map, "integration", diagnostics);
        for key in ["versionTemplate", "pointer", "seed", "version"] {
            let Some(entry) = map.get(key) else { continue };
            if !matches!(entry.node.value, Value::Map(_) | Value::Null) {
                diagnostics.push(
                    Diagnostic::warning(format!(
                        "`{key}` of {of} is a map, and this is {}",
                        entry.node.what()
                    ))
                    .at(entry.node.place)
                    .hint("it has no effect"),
                );
            }
        }
        Some(Resource { name, kind, integration, trigger, node })
    }

    /// `versionTemplate`, which stands for the pointer in the new syntax, or `pointer`.
    pub fn pointer(&self) -> Option<&Node> {
        self.node.get("versionTemplate").or_else(|| self.node.get("pointer"))
    }

    /// The seed.
    pub fn seed(&self) -> Option<&Node> {
        self.node.get("seed")
    }

    /// What its first version holds: `version`, or `versionTemplate` in the new syntax.
    pub fn version(&self) -> Option<&Node> {
        self.node.get("version").or_else(|| self.node.get("versionTemplate"))
    }

    /// The params of a params resource.
    pub fn params(&self) -> Option<&Node> {
        self.version().and_then(|version| version.get("params"))
    }

    /// The name of its first version: of the version, the template or the seed.
    pub fn version_name(&self) -> Option<&str> {
        let version = self.node.get("version");
        let template = self.node.get("versionTemplate");
        [version, template, self.seed()]
            .into_iter()
            .flatten()
            .find_map(|node| node.get("versionName")?.text())
    }
}
