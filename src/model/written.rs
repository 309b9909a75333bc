//! What no file says, as if one did.

use super::{Name, Resource};
use crate::source::Span;
use crate::yaml::{Entry, Map, Node, Scalar, ScalarKind, Value};

impl Resource {
    /// A resource that no file declares, at the place that names it.
    pub fn implied(name: Name, kind: &str) -> Resource {
        let place = name.place;
        Resource {
            node: map(place, &[("name", &name.text), ("type", kind)]),
            kind: Name { text: kind.to_owned(), place },
            integration: None,
            trigger: false,
            source: None,
            name,
        }
    }

    /// The same resource with a key, as if it were written where its value is.
    pub fn with(mut self, key: &str, node: Node) -> Resource {
        if let Value::Map(map) = &mut self.node.value {
            map.insert(key.to_owned(), Entry { key: node.place, node });
        }
        self
    }
}

/// A map of texts as if it were written at a place.
pub fn map(place: Span, entries: &[(&str, &str)]) -> Node {
    map_of(place, entries.iter().map(|(key, value)| (*key, text(place, value))))
}

/// The same of values of any kind.
pub fn map_of<'a>(place: Span, entries: impl IntoIterator<Item = (&'a str, Node)>) -> Node {
    let entries = entries.into_iter().map(|(key, node)| (key.to_owned(), Entry { key: place, node }));
    Node { place, value: Value::Map(Map::from_iter(entries)) }
}

/// A text as if it were written at a place.
pub fn text(place: Span, text: &str) -> Node {
    Node { place, value: Value::Scalar(Scalar { text: text.to_owned(), kind: ScalarKind::Text }) }
}
