//! How far things reach in a text: what editing needs to know and the tree does not tell.
//!
//! The library that reads YAML says where things begin. This goes by lines and brackets, with the little grammar that
//! is needed to tell them from those inside of scalars. It can be misled by an unusual text, so what
//! edits by it reads the outcome again.

use std::ops::Range;

use super::guard::Scanner;

/// A line that is not blank, with all that begins in it and goes on in further lines: a quoted scalar, a block scalar,
/// a flow collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogicalLine {
    /// From its first byte, indentation included, to its last one that is not blank.
    pub range: Range<usize>,
    /// How many blanks it begins with.
    pub indent: usize,
    /// Whether there is nothing but a comment in it.
    pub comment: bool,
}

impl LogicalLine {
    /// Whether it begins with the dash of a list's item.
    pub fn is_item(&self, text: &str) -> bool {
        let rest = &text[self.range.start + self.indent..self.range.end];
        !self.comment
            && rest
                .strip_prefix('-')
                .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
    }
}

/// The lines of a text, without blank ones.
pub fn lines(text: &str) -> Vec<LogicalLine> {
    let mut lines = Vec::new();
    let mut scanner = Scanner::new(text);
    while scanner.at < text.len() {
        let start = scanner.at;
        loop {
            if scanner.line().is_some() {
                // Too deep for the reader, so it is never edited.
                return lines;
            }
            if scanner.depth == 0 || scanner.at >= text.len() {
                break;
            }
        }
        let written = text[start..scanner.at].trim_end_matches(BLANK);
        let indent = written.len() - written.trim_start_matches(' ').len();
        if !written.is_empty() {
            let comment = written.trim_start_matches(BLANK).starts_with('#');
            lines.push(LogicalLine { range: start..start + written.len(), indent, comment });
        }
    }
    lines
}

const BLANK: [char; 4] = [' ', '\t', '\r', '\n'];

/// A flow collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// From its opening bracket to behind its closing one.
    pub range: Range<usize>,
    /// Its items, without the blanks and comments around them.
    pub items: Vec<Range<usize>>,
}

/// The flow collection whose opening bracket stands at an offset; `None` if it does not end.
pub fn flow(text: &str, open: usize) -> Option<Flow> {
    let bytes = text.as_bytes();
    let mut items = Vec::new();
    let mut item: Option<Range<usize>> = None;
    let (mut at, mut depth, mut token_start) = (open, 0, true);
    while let Some(&byte) = bytes.get(at) {
        let start = at;
        at += 1;
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => continue,
            b'#' if start > 0 && bytes[start - 1].is_ascii_whitespace() => {
                at = memchr::memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |i| start + i);
                continue;
            }
            b'[' | b'{' => {
                depth += 1;
                token_start = true;
            }
            b']' | b'}' => {
                depth -= 1;
                token_start = false;
            }
            b'"' | b'\'' if token_start => {
                at = end_of_quoted(bytes, start);
                token_start = false;
            }
            b',' => token_start = true,
            b':' => token_start = true,
            _ => token_start = false,
        }
        if depth == 0 {
            items.extend(item);
            return Some(Flow { range: open..at, items });
        }
        if byte == b',' && depth == 1 {
            items.extend(item.take());
        } else if start > open {
            item.get_or_insert(start..at).end = at;
        }
    }
    None
}

/// Behind the quote that closes the one at `open`, or the end.
pub(super) fn end_of_quoted(bytes: &[u8], open: usize) -> usize {
    let quote = bytes[open];
    let mut at = open + 1;
    while let Some(&byte) = bytes.get(at) {
        if byte == b'\\' && quote == b'"' {
            at += 1;
        } else if byte == quote {
            if quote == b'"' || bytes.get(at + 1) != Some(&quote) {
                return at + 1;
            }
            at += 1;
        }
        at += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<&str> {
        lines(text).into_iter().map(|line| &text[line.range]).collect()
    }

    #[test]
    fn a_line_holds_what_begins_in_it() {
        let text = "a: \"x\n  # y\n\"\n\nb: |\n  1\n  # 2\n\n# c\n- d: [1,\n2]\t\r\n";
        assert_eq!(shown(text), ["a: \"x\n  # y\n\"", "b: |\n  1\n  # 2", "# c", "- d: [1,\n2]"]);
        assert!(lines(text)[2].comment && lines(text)[3].is_item(text));
    }

    #[test]
    fn items_of_a_flow_collection() {
        let text = "x: [ {a: 'it''s, ]'}, \"b]\\\",\" , # c, d\n e: [1, 2],]";
        let flow = flow(text, 3).unwrap();
        let items: Vec<_> = flow.items.iter().map(|item| &text[item.clone()]).collect();
        assert_eq!(items, ["{a: 'it''s, ]'}", "\"b]\\\",\"", "e: [1, 2]"]);
        assert_eq!(flow.range.end, text.len());
        assert_eq!(super::flow("[1, {2]", 0), None);
    }
}
