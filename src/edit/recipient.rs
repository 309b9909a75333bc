//! Giving a recipient another key.

use super::RECIPIENTS;
use crate::source::{SourceId, Span};
use crate::yaml::{Node, Value};

/// Puts `new` in the place of `old` in all lists of recipients. Where that was.
pub(super) fn apply(trees: &mut [(SourceId, Node)], old: &str, new: &str) -> Vec<Span> {
    let mut places = Vec::new();
    for (_, tree) in trees {
        let Value::Map(map) = &mut tree.value else { continue };
        let Some(entry) = map.get_mut(RECIPIENTS) else { continue };
        let Value::List(items) = &mut entry.node.value else { continue };
        for item in items {
            let key = match &mut item.value {
                Value::Map(map) => map.get_mut("key").map(|entry| &mut entry.node),
                _ => Some(item),
            };
            if let Some(Node { place, value: Value::Scalar(scalar) }) = key
                && scalar.text == old
            {
                scalar.text = new.to_owned();
                places.push(*place);
            }
        }
    }
    places
}
