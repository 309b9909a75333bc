//! What is wrong with a text, in words for someone who writes YAML.

use super::{Reader, shell};
use crate::diagnostic::Diagnostic;

/// Why a text could not be read.
pub(super) enum Failure {
    /// The library's words, and where.
    Yaml { message: String, offset: Option<usize> },
    /// Aliases multiply the file.
    Expansion,
    /// It goes on after the first document, at this offset.
    SecondDocument(usize),
}

impl Failure {
    pub(super) fn is_unknown_anchor(&self) -> bool {
        matches!(self, Failure::Yaml { message, .. } if message.starts_with("unknown anchor"))
    }
}

impl Reader<'_> {
    pub(super) fn explain(&self, failure: Failure) -> Diagnostic {
        match failure {
            Failure::Expansion => Diagnostic::error("aliases multiply this file beyond measure")
                .rule("yaml")
                .at(self.place(0, 0))
                .hint("an alias to a list of aliases to lists … copies everything below it each time"),
            Failure::SecondDocument(offset) => Diagnostic::error("a second YAML document begins here")
                .rule("yaml")
                .at(self.place(offset, 3))
                .hint(
                    "a file holds one document: put what follows into a file of its own, or remove the `---`",
                ),
            Failure::Yaml { message, offset } => self.explain_syntax(&message, offset),
        }
    }

    /// The library's message reads "PROBLEM at line L column C, while CONTEXT at line L column C".
    fn explain_syntax(&self, message: &str, offset: Option<usize>) -> Diagnostic {
        let start = self.text.floor_char_boundary(offset.unwrap_or(0));
        let place = self.place(start, 1);
        let (problem, context) = message.split_once(", while ").unwrap_or((message, ""));
        let problem = problem.split(" at line ").next().unwrap_or(problem);
        if problem.starts_with("control characters")
            && let Some((at, character)) = self.text.char_indices().find(|(_, c)| !is_allowed(*c))
        {
            return control_character(character).at(self.place(at, character.len_utf8()));
        }
        if problem.starts_with("recursion limit") {
            return nested_too_deep().at(place);
        }
        let mut diagnostic = Diagnostic::error(format!("this is not YAML: {problem}")).rule("yaml").at(place);
        if let Some((what, position)) = context.split_once(" at line ")
            && let Some(offset) = self.offset_of(position)
        {
            diagnostic = diagnostic.and_at(self.place(offset, 1), format!("while {what} that begins here"));
        }
        if problem.starts_with("could not find expected ':'") {
            let end = self.end_of_text(start);
            diagnostic = diagnostic.and_at(self.place(end, 1), "the text without a key goes on to here");
        }
        match shell::hint_for(&self.text, start).or_else(|| hint_for(problem, &self.text, start)) {
            Some(hint) => diagnostic.hint(hint),
            None => diagnostic,
        }
    }

    /// The offset of `L column C`.
    fn offset_of(&self, position: &str) -> Option<usize> {
        let (line, column) = position.split_once(" column ")?;
        let (line, column): (usize, usize) = (line.parse().ok()?, column.parse().ok()?);
        let start = self.text.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum::<usize>();
        let line = self.text[start..].split('\n').next()?;
        Some(start + line.char_indices().nth(column.checked_sub(1)?).map_or(line.len(), |(i, _)| i))
    }

    /// The beginning of the last line, from that of `start` on, that is indented as much as it is.
    fn end_of_text(&self, start: usize) -> usize {
        let mut offset = self.text[..start].rfind('\n').map_or(0, |i| i + 1);
        let indent_of = |line: &str| line.len() - line.trim_start_matches(' ').len();
        let indent = indent_of(&self.text[offset..]);
        let mut last = start;
        for line in self.text[offset..].split_inclusive('\n') {
            if !line.trim().is_empty() {
                if indent_of(line) < indent {
                    break;
                }
                last = offset + indent_of(line);
            }
            offset += line.len();
        }
        last
    }
}

/// Whether YAML takes a character as it is.
fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}' | '\u{10000}'..)
}

/// The error for a character that YAML takes as an escape alone.
fn control_character(c: char) -> Diagnostic {
    const NAMES: [&str; 32] = [
        "NUL", "SOH", "STX", "ETX", "EOT", "ENQ", "ACK", "BEL", "BS", "TAB", "LF", "VT", "FF", "CR", "SO",
        "SI", "DLE", "DC1", "DC2", "DC3", "DC4", "NAK", "SYN", "ETB", "CAN", "EM", "SUB", "ESC", "FS", "GS",
        "RS", "US",
    ];
    let code = u32::from(c);
    let name = match c {
        '\u{7f}' => " (DEL)".to_owned(),
        '\u{feff}' => " (byte order mark)".to_owned(),
        _ => NAMES.get(code as usize).map_or_else(String::new, |name| format!(" ({name})")),
    };
    let escape = if code < 0x100 { format!("\\x{code:02x}") } else { format!("\\u{code:04x}") };
    Diagnostic::error(format!("the control character U+{code:04X}{name} cannot stand in YAML"))
        .rule("yaml")
        .hint(format!("remove it, or write `{escape}` in a text between double quotes"))
}

pub(super) fn nested_too_deep() -> Diagnostic {
    Diagnostic::error("nested too deep")
        .rule("yaml")
        .hint("128 levels of maps and lists are allowed; an assembly line needs about eight")
}

const NO_TABS: &str = "YAML is indented with blanks, not with tabs";

/// What the library's message, which is about the place `at` of `text`, means to someone who writes YAML.
fn hint_for(problem: &str, text: &str, at: usize) -> Option<&'static str> {
    let line_start = text[..at].rfind('\n').map_or(0, |i| i + 1);
    let tab = text[line_start..].trim_start_matches(' ').starts_with('\t');
    if problem.contains("tab character") {
        return Some(NO_TABS);
    }
    if problem.contains("cannot start any token") {
        return Some(if tab {
            NO_TABS
        } else {
            "put the value into quotes: it begins with a character that means something to YAML"
        });
    }
    if problem.starts_with("mapping values are not allowed") {
        return Some(
            "a `: ` inside a value makes it a map: put the value into quotes, or check the indentation",
        );
    }
    if problem.starts_with("unknown anchor") {
        return Some(
            "an anchor is known below the place that defines it; those of shippable.templates.yml are known everywhere",
        );
    }
    if problem.starts_with("could not find expected ':'") {
        return Some("the lines of a block (`|`) are indented deeper than its key");
    }
    let indentation = ["did not find expected key", "did not find expected '-'"];
    indentation
        .iter()
        .any(|start| problem.starts_with(start))
        .then_some("check the indentation of this line against the lines above it")
}
