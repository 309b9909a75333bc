//! Merge keys.

use crate::diagnostic::Diagnostic;
use crate::yaml::{Node, Value};

/// Applies `<<: *anchor` and `<<: [*a, *b]`: their keys are those of the map, unless it has them itself.
pub(super) fn merge_keys(node: &mut Node, diagnostics: &mut Vec<Diagnostic>) {
    let map = match &mut node.value {
        Value::List(nodes) => return nodes.iter_mut().for_each(|node| merge_keys(node, diagnostics)),
        Value::Map(map) => map,
        Value::Null | Value::Scalar(_) => return,
    };
    map.values_mut().for_each(|entry| merge_keys(&mut entry.node, diagnostics));
    let Some(merged) = map.shift_remove("<<") else {
        return;
    };
    let sources = match merged.node.value {
        Value::List(nodes) => nodes,
        _ => vec![merged.node],
    };
    for source in sources {
        match source.value {
            Value::Map(source) => {
                for (key, entry) in source {
                    map.entry(key).or_insert(entry);
                }
            }
            _ => diagnostics.push(
                Diagnostic::error("`<<` merges maps, and this is none")
                    .at(merged.key)
                    .hint("write `<<: *anchor`"),
            ),
        }
    }
}
