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
}

/// A map as if it were written at a place.
pub fn map(place: Span, entries: &[(&str, &str)]) -> Node {
    let entry =
        |(key, value): &(&str, &str)| ((*key).to_owned(), Entry { key: place, node: text(place, value) });
    Node { place, value: Value::Map(Map::from_iter(entries.iter().map(entry))) }
}

/// A text as if it were written at a place.
pub fn text(place: Span, text: &str) -> Node {
    Node { place, value: Value::Scalar(Scalar { text: text.to_owned(), kind: ScalarKind::Text }) }
}
