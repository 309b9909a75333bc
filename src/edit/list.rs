//! Adding to a list of integrations, and removing from one.

use super::TextEdit;
use super::error::Unclear;
use super::section::{self, Block, Empty, Section, end_of_line};
use crate::source::Span;
use crate::yaml::extent::Flow;
use crate::yaml::{Node, Scalar, Value};

/// The changes that put an item at the end of the list of a file that stands under `key`.
pub(super) fn add(text: &str, root: &Node, key: &str, item: &Node) -> Result<Vec<TextEdit>, Unclear> {
    let end_of_lines = line_end(text);
    let change = |at: usize, text: String| TextEdit { range: at..at, text };
    Ok(match section::find(text, root, key)? {
        Section::Missing => {
            if text.trim_start().starts_with(['{', '[']) {
                return Err(Unclear::Braces);
            }
            let block = as_block(item, usual_indent(text), 2).join(end_of_lines);
            let section = format!("{key}:{end_of_lines}{block}");
            let written = text.trim_end().len();
            let lead = match (written, text.ends_with('\n')) {
                (0, _) => "",
                (_, true) => end_of_lines,
                (_, false) => &end_of_lines.repeat(2),
            };
            let tail = if text.ends_with('\n') || written == 0 { end_of_lines } else { "" };
            vec![change(text.len(), format!("{lead}{section}{tail}"))]
        }
        Section::Empty(Empty { value, indent, end }) => {
            let block = as_block(item, indent + usual_indent(text), 2).join(end_of_lines);
            vec![
                TextEdit { range: value, text: String::new() },
                change(end, format!("{end_of_lines}{block}")),
            ]
        }
        Section::Block(block) => {
            let at = block.items.last().ok_or(Unclear::NoItems)?.range.end;
            let between = if blank_between(text, &block) { 2 } else { 1 };
            let lines = as_block(item, block.indent, gap(text, &block)).join(end_of_lines);
            vec![change(at, end_of_lines.repeat(between) + &lines)]
        }
        Section::Flow(flow) => {
            let json = text.trim_start().starts_with('{');
            let item = if json { item.to_json().to_string() } else { as_flow(item) };
            match flow.items.last() {
                None => vec![TextEdit { range: flow.range, text: format!("[{item}]") }],
                Some(last) => vec![change(last.end, format!(",{}{item}", lead_of(text, &flow, last.start)))],
            }
        }
    })
}

/// The changes that take the item of this number out of the list of a file.
pub(super) fn remove(text: &str, root: &Node, key: &str, index: usize) -> Result<Vec<TextEdit>, Unclear> {
    let count = items(root, key).map_or(0, Vec::len);
    let cut = |range| TextEdit { range, text: String::new() };
    match section::find(text, root, key)? {
        Section::Block(block) if block.items.len() == count => {
            let item = &block.items[index];
            let mut changes = vec![match item.next {
                Some(next) if index + 1 < count => cut(item.start..next),
                _ => cut(item.before..item.range.end),
            }];
            if count == 1 {
                changes.push(TextEdit { range: block.after_key..block.after_key, text: " []".to_owned() });
            }
            Ok(changes)
        }
        Section::Flow(flow) if flow.items.len() == count => {
            let item = &flow.items[index];
            Ok(vec![match flow.items.get(index + 1) {
                Some(next) => cut(item.start..next.start),
                None if index > 0 => cut(flow.items[index - 1].end..item.end),
                None => TextEdit { range: flow.range, text: "[]".to_owned() },
            }])
        }
        _ => Err(Unclear::Item),
    }
}

/// The number of the item in the list of a file that stands at a place, or whose key `within` does.
pub(super) fn position(root: &Node, key: &str, within: &str, place: Span) -> Option<usize> {
    let is_there = |item: &Node| {
        item.place == place && item.map().is_none()
            || item.get(within).is_some_and(|node| node.place == place)
    };
    items(root, key)?.iter().position(is_there)
}

fn items<'n>(root: &'n Node, key: &str) -> Option<&'n Vec<Node>> {
    match &root.map()?.get(key)?.node.value {
        Value::List(items) => Some(items),
        _ => None,
    }
}

/// The items of the list of a file.
pub(super) fn items_mut<'n>(root: &'n mut Node, key: &str) -> Option<&'n mut Vec<Node>> {
    let Value::Map(map) = &mut root.value else { return None };
    match &mut map.get_mut(key)?.node.value {
        Value::List(items) => Some(items),
        _ => None,
    }
}

/// The line ends of a text.
fn line_end(text: &str) -> &'static str {
    let first = text.find('\n').unwrap_or(0);
    if text[..first].ends_with('\r') { "\r\n" } else { "\n" }
}

/// How deep the items of other lists at the top of a file are indented; 2 where there are none.
fn usual_indent(text: &str) -> usize {
    let mut lines =
        text.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    while let Some(line) = lines.next() {
        let key = !line.starts_with([' ', '-']) && line.trim_end().ends_with(':');
        let dash = lines.clone().next().filter(|next| key && next.trim_start_matches(' ').starts_with("- "));
        if let Some(item) = dash {
            return item.len() - item.trim_start_matches(' ').len();
        }
    }
    2
}

/// Whether the last two items of a list have a blank line between them.
fn blank_between(text: &str, block: &Block) -> bool {
    let [.., above, below] = block.items.as_slice() else { return false };
    text[above.range.end..below.start].matches('\n').count() > 1
}

/// How far the keys of the last item stand from its dash.
fn gap(text: &str, block: &Block) -> usize {
    let Some(item) = block.items.last() else { return 2 };
    let line = &text[item.range.start..end_of_line(text, item.range.start)];
    let rest = line[1..].trim_start_matches(' ');
    if rest.is_empty() || rest.starts_with(['#', '{', '\t']) { 2 } else { line.len() - rest.len() }
}

/// What stands between a comma and the item behind it: a blank, or a line end and the indentation of the last item.
fn lead_of<'t>(text: &'t str, flow: &Flow, last: usize) -> &'t str {
    let before = &text[flow.range.start + 1..last];
    match before.rfind('\n') {
        Some(line) if before[line..].trim().is_empty() => {
            let line = if before[..line].ends_with('\r') { line - 1 } else { line };
            &before[line..]
        }
        _ => " ",
    }
}

/// An integration as an item of a list whose dashes stand in column `indent` (from 0), its keys `gap` columns further.
pub fn as_block(item: &Node, indent: usize, gap: usize) -> Vec<String> {
    let mut lines = Vec::new();
    write_map(item, indent + gap, &mut lines);
    if let Some(first) = lines.first_mut() {
        first.replace_range(indent..=indent, "-");
    }
    lines
}

fn write_map(node: &Node, indent: usize, lines: &mut Vec<String>) {
    let pad = " ".repeat(indent);
    for (key, entry) in node.map().into_iter().flatten() {
        let key = quoted(key);
        match &entry.node.value {
            Value::Map(map) if key == "fields" || map.values().any(|value| stands_alone(&value.node)) => {
                lines.push(format!("{pad}{key}:"));
                write_map(&entry.node, indent + 2, lines);
            }
            Value::List(items) => {
                lines.push(format!("{pad}{key}:"));
                lines.extend(items.iter().map(|item| format!("{pad}  - {}", as_flow(item))));
            }
            Value::Scalar(Scalar { text, .. }) if is_literal(text) => {
                lines.push(format!("{pad}{key}: |"));
                lines.extend(text.lines().map(|line| format!("{pad}  {line}")));
            }
            _ => lines.push(format!("{pad}{key}: {}", as_flow(&entry.node))),
        }
    }
}

/// Whether a value needs lines of its own.
fn stands_alone(node: &Node) -> bool {
    match &node.value {
        Value::Map(_) => true,
        Value::Scalar(scalar) => is_literal(&scalar.text),
        Value::Null | Value::List(_) => false,
    }
}

/// Whether a text can stand as it is, line by line, behind `|`: several lines, none of them empty or indented, and all
/// ended.
fn is_literal(text: &str) -> bool {
    let plain = |line: &str| {
        !line.is_empty() && !line.starts_with(' ') && !line.contains(|c: char| !(' '..='~').contains(&c))
    };
    text.lines().count() > 1 && text.ends_with('\n') && text.lines().all(plain)
}

/// A node in one line.
fn as_flow(node: &Node) -> String {
    match &node.value {
        Value::Null => "~".to_owned(),
        Value::Scalar(Scalar { text, .. }) => quoted(text),
        Value::List(items) => format!("[{}]", items.iter().map(as_flow).collect::<Vec<_>>().join(", ")),
        Value::Map(map) => {
            let entries: Vec<_> =
                map.iter().map(|(key, entry)| format!("{}: {}", quoted(key), as_flow(&entry.node))).collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

/// A text as a scalar, in quotes if it needs them or could be taken for something else.
fn quoted(text: &str) -> String {
    // Line ends that YAML knows and JSON does not.
    let odd = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}');
    if is_plain(text) {
        text.to_owned()
    } else if text.contains(odd) {
        // What JSON escapes, YAML reads.
        let json = serde_json::Value::from(text).to_string();
        let escaped = |c: char| if odd(c) { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() };
        json.chars().map(escaped).collect()
    } else if text.contains(['"', '\\']) {
        format!("'{}'", text.replace('\'', "''"))
    } else {
        format!("\"{text}\"")
    }
}

/// Whether a text can stand without quotes anywhere, and is read as text, not as a number, a boolean or null.
pub fn is_plain(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '@' | '+' | ':');
    let reserved = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    text.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '/'))
        && !text.ends_with(':')
        && text.chars().all(word)
        && !reserved.iter().any(|reserved| text.eq_ignore_ascii_case(reserved))
}
