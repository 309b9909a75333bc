//! Whom a NOTIFY names.

use super::{Name, names, warn_of_unknown_keys};
use crate::diagnostic::Diagnostic;
use crate::yaml::{Node, Value, is_true};

/// Whom a NOTIFY names: a name, a map with a `name`, or a list of these.
pub(super) fn notified(node: &Node, diagnostics: &mut Vec<Diagnostic>) -> Vec<Name> {
    match &node.value {
        Value::List(nodes) => nodes.iter().flat_map(|node| notified(node, diagnostics)).collect(),
        Value::Map(map) => match map.get("name") {
            Some(name) => {
                warn_of_unknown_keys(map, &["name", SNIPPET], "NOTIFY", diagnostics);
                if let Some(snippet) = map.get(SNIPPET).filter(|entry| entry.node.text().is_some_and(is_true))
                {
                    diagnostics.push(
                        Diagnostic::warning(format!("`{SNIPPET}` has no effect: no log is sent along"))
                            .at(snippet.key),
                    );
                }
                names(&name.node, "NOTIFY", diagnostics)
            }
            None => names(node, "NOTIFY", diagnostics),
        },
        Value::Null | Value::Scalar(_) => names(node, "NOTIFY", diagnostics),
    }
}

const SNIPPET: &str = "sendFailingSnippet";
