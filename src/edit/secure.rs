//! Encrypted values: giving each another text, in the form that the old one had.

use std::collections::{BTreeMap, HashMap};

use super::TextEdit;
use super::error::Unclear;
use crate::source::{SourceId, Span};
use crate::yaml::{Node, Value};

const KEY: &str = "secure";

/// The last line of an armoured text.
const END: &str = "-----END AGE ENCRYPTED FILE-----";

/// An encrypted value and what takes its place.
pub(super) struct ReencryptedValue {
    /// Where its key stands.
    pub(super) key: Span,
    /// The new text.
    new: String,
}

/// Gives the values in the trees their new texts. A value that stands behind several aliases is one.
pub(super) fn apply(
    trees: &mut [(SourceId, Node)],
    encrypt: &mut dyn FnMut(&str, Span) -> Option<String>,
) -> Vec<ReencryptedValue> {
    let mut known = HashMap::new();
    let mut found = BTreeMap::new();
    for (_, tree) in trees {
        walk(tree, &mut |text, key| {
            let new = known.entry(text.clone()).or_insert_with(|| encrypt(text, key));
            if let Some(new) = new {
                text.clone_from(new);
                found.insert((key.source, key.start), ReencryptedValue { key, new: new.clone() });
            }
        });
    }
    found.into_values().collect()
}

/// Calls `visit` with each text under a key `secure`, and the place of the key.
fn walk(node: &mut Node, visit: &mut dyn FnMut(&mut String, Span)) {
    match &mut node.value {
        Value::List(nodes) => nodes.iter_mut().for_each(|node| walk(node, visit)),
        Value::Map(map) => {
            for (key, entry) in map {
                match &mut entry.node.value {
                    Value::Scalar(scalar) if key == KEY => visit(&mut scalar.text, entry.key),
                    _ => walk(&mut entry.node, visit),
                }
            }
        }
        Value::Null | Value::Scalar(_) => {}
    }
}

/// The change of one value; `None` where an alias stands, whose text is elsewhere.
pub(super) fn change(text: &str, value: &ReencryptedValue) -> Result<Option<TextEdit>, Unclear> {
    let start = value.key.start as usize;
    let rest = text.get(start..).and_then(|rest| rest.strip_prefix(KEY)).ok_or(Unclear::Encrypted)?;
    let rest = rest.strip_prefix(['"', '\'']).unwrap_or(rest).trim_start_matches([' ', '\t']);
    let mut rest = rest.strip_prefix(':').ok_or(Unclear::Encrypted)?.trim_start();
    // An anchor or a tag.
    while rest.starts_with(['&', '!']) {
        rest = rest[rest.find(char::is_whitespace).ok_or(Unclear::Encrypted)?..].trim_start();
    }
    let from = text.len() - rest.len();
    let scalar = |new: String, len: usize| Ok(Some(TextEdit { range: from..from + len, text: new }));
    match rest.as_bytes().first() {
        Some(b'*') => Ok(None),
        Some(b'|') => block(text, from, &value.new).map(Some).ok_or(Unclear::Encrypted),
        Some(quote @ (b'"' | b'\'')) => {
            let quote = char::from(*quote);
            // Neither base64 nor armour has a quote in it.
            let len = rest[1..].find(quote).ok_or(Unclear::Encrypted)? + 2;
            if value.new.contains('\n') {
                scalar(serde_json::Value::from(value.new.as_str()).to_string(), len)
            } else {
                scalar(format!("{quote}{}{quote}", value.new), len)
            }
        }
        Some(_) if !value.new.contains('\n') => {
            let len =
                rest.find(|c: char| c.is_whitespace() || matches!(c, ',' | '}' | ']')).unwrap_or(rest.len());
            scalar(value.new.clone(), len)
        }
        _ => Err(Unclear::Encrypted),
    }
}

/// The change of a block whose `|` stands at `from`: its lines, with their indentation and line ends.
fn block(text: &str, from: usize, new: &str) -> Option<TextEdit> {
    let header = from + text[from..].find('\n')?;
    let body = &text[header..];
    let start = header + body.len() - body.trim_start().len();
    let line = text[..start].rfind('\n')? + 1;
    let indent = &text[line..start];
    let break_of_line = if text[..header].ends_with('\r') { "\r\n" } else { "\n" };
    let end = start
        + if body.trim_start().starts_with('-') {
            text[start..].find(END)? + END.len()
        } else {
            text[start..].find(char::is_whitespace).unwrap_or(text.len() - start)
        };
    let lines: Vec<_> = new.lines().collect();
    Some(TextEdit { range: start..end, text: lines.join(&format!("{break_of_line}{indent}")) })
}
