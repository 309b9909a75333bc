//! The recipients of a line: whose keys its encrypted values are for.

use super::warn_of_unknown_keys;
use crate::diagnostic::Diagnostic;
use crate::secure::Listed;
use crate::source::Span;
use crate::yaml::{Node, Value};

/// A recipient and where it stands.
pub struct Recipient {
    /// The key, and whose it is.
    pub listed: Listed,
    /// Where the key stands.
    pub place: Span,
}

impl Recipient {
    /// Reads `age1…`, or a map of `name` and `key`.
    pub(super) fn read(node: &Node, diagnostics: &mut Vec<Diagnostic>) -> Option<Recipient> {
        let (name, key) = match &node.value {
            Value::Map(map) => {
                warn_of_unknown_keys(map, &["name", "key"], "a recipient", diagnostics);
                (node.get("name").and_then(Node::text), node.get("key"))
            }
            _ => (None, Some(node)),
        };
        let Some((key, text)) = key.and_then(|key| Some((key, key.text()?))) else {
            diagnostics.push(
                Diagnostic::error("a recipient without a key")
                    .at(node.place)
                    .hint("a recipient is `age1…`, or `{name: ann, key: age1…}`"),
            );
            return None;
        };
        match text.parse() {
            Ok(recipient) => Some(Recipient {
                listed: Listed { name: name.map(str::to_owned), recipient },
                place: key.place,
            }),
            Err(why) => {
                diagnostics.push(
                    Diagnostic::error(why.to_string())
                        .at(key.place)
                        .hint("`shipctl key show` prints the recipient of a key"),
                );
                None
            }
        }
    }
}
