//! Lines of a shell that are something else to YAML.

use super::Reader;
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::yaml::{Node, Scalar, Value};

/// How many such lines of a file are told: who sees that many knows.
const MAX_TOLD: usize = 100;

const QUOTE: &str =
    "put the entry into quotes, or write it as a block: `- |`, and the command on the line below";

impl Reader<'_> {
    /// Tells of `- ! grep -q x file`: a lone `!` is a tag, which says nothing, so that the opposite is run.
    pub(super) fn look_for_negation(&self, start: usize) {
        let before = self.text[..start].trim_end_matches([' ', '\t']);
        if before.len() < start
            && let Some(before) = before.strip_suffix('!')
            && is_entry(before)
        {
            let what =
                "this `!` is a tag to YAML, and is lost: a command behind it is run as if it were not there";
            self.tell(
                Diagnostic::warning(what).rule("misread-shell").at(self.place(before.len(), 1)).hint(QUOTE),
            );
        }
    }

    /// Tells of `- [ -f x ]`: a list of one text, `-f x`, which is run as it is.
    pub(super) fn look_for_test(&self, nodes: &[Node]) {
        let [node] = nodes else { return };
        let Value::Scalar(Scalar { text, .. }) = &node.value else { return };
        if node.place.source != self.file || !is_test(text) {
            return;
        }
        let start = node.place.start as usize + self.prefix.map_or(0, |(_, end)| end);
        let Some(before) = self.text.get(..start) else { return };
        let opened = before.trim_end_matches([' ', '\t', '[']);
        let negated = opened.strip_suffix('!').unwrap_or(opened);
        let Some(bracket) = before[opened.len()..].find('[') else { return };
        if is_entry(negated) {
            let what =
                "these brackets make a list to YAML: of a test, what is inside is left, and run as a command";
            self.tell(
                Diagnostic::warning(what)
                    .rule("misread-shell")
                    .at(self.place(opened.len() + bracket, 1))
                    .hint(QUOTE),
            );
        }
    }

    fn tell(&self, warning: Diagnostic) {
        let mut told = self.misread.borrow_mut();
        let here = |place: Option<Span>| place.is_some_and(|place| place.source == self.file);
        // What an alias stands for is read once more for each.
        if told.len() < MAX_TOLD && here(warning.place) && !told.contains(&warning) {
            told.push(warning);
        }
    }
}

/// Whether what follows this text is an entry of a list, or a script.
fn is_entry(before: &str) -> bool {
    let before = before.trim_end_matches([' ', '\t']);
    let line = before.rsplit('\n').next().unwrap_or(before);
    ["-", "script:", "TASK:"].iter().any(|word| {
        line.strip_suffix(word).is_some_and(|rest| rest.is_empty() || rest.ends_with([' ', '\t', '{']))
    })
}

/// Whether a text is what a shell's test has between its brackets.
fn is_test(text: &str) -> bool {
    let mut words = text.split_ascii_whitespace();
    let is_letter = |word: &str| matches!(word.as_bytes(), [b'-', letter] if letter.is_ascii_alphabetic());
    let operators =
        ["=", "==", "!=", "=~", "<", ">", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef"];
    let first = words.next().unwrap_or_default();
    (is_letter(first) || first == "!") && words.next().is_some()
        || text.split_ascii_whitespace().nth(1).is_some_and(|word| operators.contains(&word))
}

/// What to do about the line at an offset that is no YAML, if it holds an entry of a script that a shell would read.
pub(super) fn hint_for(text: &str, at: usize) -> Option<&'static str> {
    let start = text[..at].rfind('\n').map_or(0, |i| i + 1);
    let line = text[start..].lines().next()?.trim();
    let mut entry = line;
    while let Some(rest) = entry.strip_prefix("- ").or_else(|| entry.strip_prefix("script: ")) {
        entry = rest.trim_start();
    }
    let more = |rest: &str| !rest.trim_start().is_empty() && !rest.trim_start().starts_with(['#', ',', ':']);
    let is_command = match entry.as_bytes().first()? {
        b'!' => entry.starts_with("! "),
        b'[' => {
            (entry.starts_with("[ ") || entry.starts_with("[[ "))
                && entry.contains(" ]")
                && !entry.contains(',')
        }
        b'&' => entry.starts_with("&&") || entry.starts_with("& "),
        b'|' | b'>' => more(entry.trim_start_matches(['|', '>', '-', '+'])),
        b'{' => entry.starts_with("{ ") && entry.contains(';'),
        quote @ (b'"' | b'\'') => {
            let closing = entry[1..].find(char::from(*quote))?;
            more(&entry[closing + 2..])
        }
        _ => false,
    };
    (is_command && entry.len() < line.len()).then_some(QUOTE)
}
