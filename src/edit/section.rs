//! How a list at the top of a file is written: that of integrations, or that of recipients.

use std::ops::Range;

use super::error::Unclear;
use crate::yaml::Node;
use crate::yaml::extent::{self, Flow, LogicalLine};

/// The list, as it is written.
pub(super) enum Section {
    /// The file has none.
    Missing,
    /// The key has nothing under it, or `[]`, `~`, `null`.
    Empty(Empty),
    /// Items with dashes.
    Block(Block),
    /// Items between brackets.
    Flow(Flow),
}

/// A key without items.
pub(super) struct Empty {
    /// What stands for nothing, with the blanks before it; where there is not even that, no bytes behind the key.
    pub(super) value: Range<usize>,
    /// The column of the key.
    pub(super) indent: usize,
    /// The end of the line of the key.
    pub(super) end: usize,
}

/// Items with dashes.
pub(super) struct Block {
    /// Behind the colon of the key, and behind an anchor or a tag that follows it.
    pub(super) after_key: usize,
    /// The column of the dashes.
    pub(super) indent: usize,
    /// Each item with its lines. There is one at least.
    pub(super) items: Vec<Item>,
}

/// An item of a list with dashes.
#[derive(Clone)]
pub(super) struct Item {
    /// From the dash to its last byte that is not blank. Comments that are indented deeper than the dash and follow
    /// without a blank line are its own.
    pub(super) range: Range<usize>,
    /// Where the comment begins that stands right above it, in the column of the dash; or else its first line.
    pub(super) start: usize,
    /// The end of what stands before `start`: a line that is not blank, without its line end.
    pub(super) before: usize,
    /// The beginning of the first line behind the item that is not blank, if there is one.
    pub(super) next: Option<usize>,
}

/// Finds the list under the key `name` in a text. `root` is the tree of the text.
///
/// # Errors
///
/// When it is there and is written in a way that cannot be edited.
pub(super) fn find(text: &str, root: &Node, name: &str) -> Result<Section, Unclear> {
    let Some(entry) = root.map().and_then(|map| map.get(name)) else { return Ok(Section::Missing) };
    let key = entry.key.start as usize;
    let behind = text.get(key..).and_then(|rest| rest.strip_prefix(name)).ok_or(Unclear::List)?;
    let behind = behind.strip_prefix(['"', '\'']).unwrap_or(behind);
    let colon = text.len() - behind.trim_start_matches(BLANK).strip_prefix(':').ok_or(Unclear::List)?.len();
    let after_key = behind_properties(text, colon);
    let rest = text[after_key..].trim_start_matches(BLANK);
    let value = text.len() - rest.len();
    match rest.bytes().next() {
        Some(b'*') => Err(Unclear::Alias),
        Some(b'[') => {
            let flow = extent::flow(text, value).ok_or(Unclear::List)?;
            match begins_line(text, key) {
                Some(indent) if text[flow.range.start + 1..flow.range.end - 1].trim().is_empty() => {
                    let end = end_of_line(text, flow.range.end);
                    Ok(Section::Empty(Empty { value: after_key..flow.range.end, indent, end }))
                }
                _ => Ok(Section::Flow(flow)),
            }
        }
        None | Some(b'#' | b'\n' | b'\r') => {
            let indent = begins_line(text, key).ok_or(Unclear::List)?;
            let lines = extent::lines(text);
            let from = lines.partition_point(|line| line.range.start <= key);
            let first = lines[from..].iter().find(|line| !line.comment);
            match first.filter(|line| line.is_item(text) && line.indent >= indent) {
                Some(first) => Ok(Section::Block(block(text, &lines, from, first.indent, after_key))),
                None => {
                    let end = end_of_line(text, after_key);
                    Ok(Section::Empty(Empty { value: after_key..after_key, indent, end }))
                }
            }
        }
        Some(_) => {
            let word = rest.split([' ', '\t', '\r', '\n', ',', '}']).next().unwrap_or_default();
            let indent = begins_line(text, key).ok_or(Unclear::List)?;
            if !matches!(word, "~" | "null" | "Null" | "NULL") {
                return Err(Unclear::List);
            }
            let end = value + word.len();
            Ok(Section::Empty(Empty { value: after_key..end, indent, end: end_of_line(text, end) }))
        }
    }
}

const BLANK: [char; 2] = [' ', '\t'];

/// The items of the list whose key's line is the one before `lines[from]`.
fn block(text: &str, lines: &[LogicalLine], from: usize, indent: usize, after_key: usize) -> Block {
    let adjacent =
        |a: &LogicalLine, b: &LogicalLine| text[a.range.end..b.range.start].matches('\n').count() == 1;
    let end = lines[from..]
        .iter()
        .position(|line| {
            !line.comment && (line.indent < indent || (line.indent == indent && !line.is_item(text)))
        })
        .map_or(lines.len(), |index| from + index);
    let dashes: Vec<usize> =
        (from..end).filter(|index| lines[*index].indent == indent && lines[*index].is_item(text)).collect();
    let items = dashes.iter().enumerate().map(|(number, &dash)| {
        let limit = dashes.get(number + 1).copied().unwrap_or(end);
        let mut last = (dash..limit).rfind(|index| !lines[*index].comment).unwrap_or(dash);
        while lines
            .get(last + 1)
            .is_some_and(|next| last + 1 < limit && next.indent > indent && adjacent(&lines[last], next))
        {
            last += 1;
        }
        let mut first = dash;
        while first > from
            && lines[first - 1].comment
            && lines[first - 1].indent == indent
            && adjacent(&lines[first - 1], &lines[first])
        {
            first -= 1;
        }
        Item {
            range: lines[dash].range.start + indent..lines[last].range.end,
            start: lines[first].range.start,
            before: first.checked_sub(1).map_or(after_key, |before| lines[before].range.end),
            next: lines.get(last + 1).map(|line| line.range.start),
        }
    });
    Block { after_key, indent, items: items.collect() }
}

/// The column of a key that begins a line, or is the first of a line; `None` if it stands within one.
fn begins_line(text: &str, key: usize) -> Option<usize> {
    let line = &text[text[..key].rfind('\n').map_or(0, |i| i + 1)..key];
    let line = line.strip_suffix(['"', '\'']).unwrap_or(line);
    line.bytes().all(|byte| byte == b' ').then_some(line.len())
}

/// Behind anchors and tags.
fn behind_properties(text: &str, from: usize) -> usize {
    let mut at = from;
    loop {
        let rest = text[at..].trim_start_matches(BLANK);
        if !rest.starts_with(['&', '!']) {
            return at;
        }
        let length = rest.find([' ', '\t', '\r', '\n']).unwrap_or(rest.len());
        at = text.len() - rest.len() + length;
    }
}

/// The end of the line of an offset, before its line end.
pub(super) fn end_of_line(text: &str, at: usize) -> usize {
    let end = text[at..].find('\n').map_or(text.len(), |i| at + i);
    if text[at..end].ends_with('\r') { end - 1 } else { end }
}
