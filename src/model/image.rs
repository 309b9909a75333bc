//! The image that a TASK runs in: `runtime` of the TASK or of its job, and `pre_ci_boot` of a CI section.

use super::Name;
use crate::source::Span;
use crate::yaml::{Node, is_true};

/// The image of a TASK, and how its container is started.
#[derive(Clone, Debug)]
pub struct Image {
    /// `name:tag`, or whatever else an engine takes.
    pub name: String,
    /// Whether a newer one is to be looked for (`true`), or what is here will do (`false`).
    pub pull: Option<bool>,
    /// More options for the engine, in its own words.
    pub options: Option<Name>,
    /// Where it is named.
    pub place: Span,
}

/// What `runtime` says of images.
#[derive(Clone, Debug, Default)]
pub(super) struct Runtime {
    container: Option<bool>,
    name: Option<Name>,
    tag: Option<String>,
    pull: Option<bool>,
    options: Option<Name>,
}

impl Runtime {
    /// Reads `runtime`.
    pub(super) fn read(runtime: &Node) -> Runtime {
        let container = runtime.get("container").and_then(Node::text).map(is_true);
        let options = runtime.get("options");
        let read =
            |keys| options.map_or_else(Runtime::default, |options| Runtime::read_options(options, keys));
        Runtime { container, ..read(["imageName", "imageTag"]) }
    }

    /// Reads a map that has these keys for the name and the tag.
    pub(super) fn read_options(node: &Node, [name, tag]: [&str; 2]) -> Runtime {
        let named = |key: &str| {
            let node = node.get(key)?;
            let text = node.text().filter(|text| !text.is_empty())?;
            Some(Name { text: text.to_owned(), place: node.place })
        };
        Runtime {
            container: None,
            name: named(name),
            tag: named(tag).map(|tag| tag.text),
            pull: named("pull").map(|pull| is_true(&pull.text)),
            options: named("options"),
        }
    }

    /// This, and what it does not say as another does.
    pub(super) fn or(self, other: &Runtime) -> Runtime {
        // A tag belongs to the name that it stands beside.
        let (name, tag) = match self.name {
            Some(name) => (Some(name), self.tag),
            None => (other.name.clone(), self.tag.or_else(|| other.tag.clone())),
        };
        Runtime {
            container: self.container.or(other.container),
            name,
            tag,
            pull: self.pull.or(other.pull),
            options: self.options.or_else(|| other.options.clone()),
        }
    }

    /// Whether a container is wanted and no image is named.
    pub(super) fn wants_default(&self) -> bool {
        self.container == Some(true) && self.name.is_none()
    }

    /// The image, if there is one.
    pub(super) fn image(&self) -> Option<Image> {
        let name = self.name.as_ref().filter(|_| self.container != Some(false))?;
        Some(Image {
            name: whole_name(&name.text, self.tag.as_deref()),
            pull: self.pull,
            options: self.options.clone(),
            place: name.place,
        })
    }
}

/// The name of an image with its tag, which may stand in the name already.
fn whole_name(name: &str, tag: Option<&str>) -> String {
    // What stands before a `/` may be a host with a port.
    let last = name.rsplit('/').next().unwrap_or(name);
    let has_tag = last.contains([':', '@']);
    match tag {
        Some(tag) => format!("{name}:{tag}"),
        None if has_tag => name.to_owned(),
        None => format!("{name}:latest"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_stands_beside_the_name_or_in_it() {
        for (name, tag, whole) in [
            ("node", None, "node:latest"),
            ("node", Some("010"), "node:010"),
            ("node:8", None, "node:8"),
            ("host:5000/node", None, "host:5000/node:latest"),
            ("node@sha256:00", None, "node@sha256:00"),
        ] {
            assert_eq!(whole_name(name, tag), whole);
        }
    }
}
