//! Which parts of a text may be secrets, so that no excerpt of it and no message about it shows them.
//!
//! It goes by lines and words, because it must hold for a text that is no YAML, or other YAML than was meant: conflict
//! markers, a block without indentation, a quote that is not closed. What cannot be told apart counts as secret. Below
//! `integrations:`, `fields:`, `params:` and the like, only keys that are known words are shown.

use std::collections::HashSet;
use std::iter;
use std::ops::Range;

use memchr::memchr3;

use super::words::{
    CI, CI_INTEGRATIONS, ELSEWHERE, NAMES, OPEN, OPENERS, PLAIN, SCRIPTS, SECRETS, SECTIONS, is_known_word,
};

/// A part of a text that is not shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hidden {
    pub(super) range: Range<usize>,
    pub(super) what: What,
}

/// What a part is that is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// It may be a secret.
    Value,
    /// A key, a name or where a value is to be had: the message about it may name it.
    Nameable,
    /// The comment behind a value.
    Comment,
}

/// What is hidden in a text, in its order. A `damaged` text is no YAML.
pub(super) fn hidden(text: &str, damaged: bool) -> Vec<Hidden> {
    let mut scan = Scan { damaged, ..Scan::default() };
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        scan.line(line.trim_end_matches(['\n', '\r']), start);
        start += line.len();
    }
    scan.hidden
}

/// The words of a text that stand in hidden values and nowhere else: what no message may quote.
pub(super) fn hidden_words(text: &str, hidden: &[Hidden]) -> HashSet<String> {
    let (nameable, secret): (Vec<_>, Vec<_>) = hidden.iter().partition(|part| part.what == What::Nameable);
    let within = |part: &Hidden| words(&text[part.range.clone()]);
    let mut secret: HashSet<&str> = secret.into_iter().flat_map(within).collect();
    for word in nameable.into_iter().flat_map(within).chain(visible_words(text, hidden)) {
        secret.remove(word);
    }
    secret.into_iter().filter(|word| !is_known_word(word)).map(str::to_owned).collect()
}

/// The words of a text outside of what is hidden.
pub(super) fn shown_words(text: &str, hidden: &[Hidden]) -> HashSet<String> {
    let shown: HashSet<&str> = visible_words(text, hidden).collect();
    shown.into_iter().map(str::to_owned).collect()
}

/// The words of a text outside of what is hidden, as often as they stand there.
fn visible_words<'t>(text: &'t str, hidden: &[Hidden]) -> impl Iterator<Item = &'t str> {
    let starts = iter::once(0).chain(hidden.iter().map(|part| part.range.end));
    let ends = hidden.iter().map(|part| part.range.start).chain(iter::once(text.len()));
    starts.zip(ends).flat_map(|(start, end)| words(&text[start..end]))
}

/// The words of a text that are long enough to be masked.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    let ends = |c: char| {
        c.is_whitespace() || matches!(c, ':' | ',' | '[' | ']' | '{' | '}' | '"' | '\'' | '=' | '`')
    };
    text.split(ends).filter(|word| word.len() >= SHORTEST)
}

const SHORTEST: usize = 3;

/// Which part of a line the text is in.
#[derive(Clone, Copy, Default, PartialEq)]
enum Section {
    /// Before anything that is known.
    #[default]
    Unknown,
    Integrations,
    Other,
}

/// Goes through the lines of a text.
#[derive(Default)]
struct Scan {
    damaged: bool,
    section: Section,
    /// Whether the integrations stand in a flow collection.
    flow: bool,
    /// Whether all that comes is secret, until the next item.
    secret: bool,
    /// The column of the key whose value alone is secret.
    value_of: Option<usize>,
    /// The column of the items of the section.
    item: Option<usize>,
    /// The column of the keys of the item.
    item_keys: usize,
    /// The column of the key whose script this is.
    script: Option<usize>,
    hidden: Vec<Hidden>,
}

impl Scan {
    fn line(&mut self, line: &str, offset: usize) {
        let indent = line.len() - line.trim_start_matches(' ').len();
        let content = line[indent..].trim_start_matches(['-', ' ', '\t', '\u{feff}']);
        if content.is_empty() || line == "---" || line == "..." {
            return;
        }
        let start = line.len() - content.len();
        if content.starts_with('#') {
            if self.hides_plain() {
                self.hide(line, start + 1..line.len(), offset, What::Value);
            }
            return;
        }
        let keys = keys(line, start);
        let leading = keys.first().filter(|key| key.range.start == start);
        self.begin(line, indent, start, leading);
        let mut at = start;
        for (index, key) in keys.iter().enumerate() {
            if at < key.range.start && self.hides_plain() {
                self.hide(line, at..key.range.start, offset, What::Value);
            }
            let before = index.checked_sub(1).map(|before| &keys[before]);
            let between = before.map_or("", |before| line[before.end..key.range.start].trim());
            if self.flow && NAMES.contains(&key.name) && (between.ends_with(", {") || between.ends_with("[{"))
            {
                self.secret = false;
            }
            let end = keys.get(index + 1).map_or(line.len(), |next| next.range.start);
            let value = &line[key.end..end];
            let was_secret = self.secret;
            self.enter(key, key.range.start, value);
            if self.hides_key(key) {
                self.hide(line, key.range.clone(), offset, What::Nameable);
            }
            let mut value_end = key.end + value.find(" #").map_or(value.len(), |at| at + 1);
            if key.name == "secure"
                && !was_secret
                && !self.damaged
                && let Some(end) = value.find([',', ']', '}'])
            {
                value_end = key.end + end;
            }
            let around = before.filter(|_| between == "{");
            if self.hides_value(key, &line[key.end..value_end], around) {
                let nameable = self.is_nameable(key, &line[key.end..value_end]);
                let what = if nameable { What::Nameable } else { What::Value };
                self.hide(line, key.end..value_end, offset, what);
            }
            if line[value_end..].starts_with([',', ']', '}']) {
                (self.secret, self.value_of) = (false, None);
            }
            if self.hides_plain() {
                let comment = line[value_end..].starts_with('#');
                self.hide(line, value_end..end, offset, if comment { What::Comment } else { What::Value });
            }
            at = end;
        }
        if keys.is_empty() && self.hides_plain() {
            self.hide(line, start..line.len(), offset, What::Value);
        }
    }

    /// Notes which section, item and script a line begins or ends.
    fn begin(&mut self, line: &str, indent: usize, start: usize, leading: Option<&Key>) {
        if self.value_of.is_some_and(|column| indent <= column) && !self.damaged {
            (self.secret, self.value_of) = (false, None);
        }
        // The items of a list may stand in the column of its key.
        let indent_of_key = if line[indent..].starts_with("- ") { indent + 1 } else { indent };
        if self.script.is_some_and(|column| indent_of_key <= column) {
            self.script = None;
        }
        let Some(key) = leading else { return };
        // What is not in the column of the item's other keys is none of it.
        if self.section == Section::Integrations
            && self.item.is_some()
            && start != self.item_keys
            && start == indent
        {
            self.secret |= !CI_INTEGRATIONS.contains(&key.name);
        }
        let value = line[key.end..].trim();
        let holds = value.is_empty() || value.starts_with(['#', '[', '{', '&', '|', '>']);
        let at_top = indent == 0 && !line.starts_with('-');
        let is_section = SECTIONS.contains(&key.name) && (at_top || key.quoted) && holds;
        if is_section || at_top && CI.contains(&key.name) {
            *self = Scan {
                damaged: self.damaged,
                section: Section::Other,
                // A value that was moved here from below `integrations` would stand like this.
                secret: !holds && self.section == Section::Integrations,
                hidden: std::mem::take(&mut self.hidden),
                ..Scan::default()
            };
        } else if start > indent
            && is_known_word(key.name)
            && (self.section != Section::Integrations || NAMES.contains(&key.name))
            && self.item.is_none_or(|column| indent <= column)
        {
            (self.item, self.item_keys) = (Some(indent), start);
            (self.secret, self.value_of) = (false, None);
        }
    }

    /// Notes what a key begins.
    fn enter(&mut self, key: &Key, column: usize, value: &str) {
        let value = value.trim();
        if key.name == "integrations" && (column == 0 || self.section != Section::Other) {
            self.section = Section::Integrations;
            self.secret = false;
            self.flow = !(value.is_empty() || value.starts_with(['#', '&']));
            (self.item, self.value_of, self.script) = (None, None, None);
        } else if OPENERS.contains(&key.name) {
            if key.name == "secure" && !self.secret {
                self.value_of = Some(column);
            }
            self.secret = true;
        } else if self.section == Section::Integrations
            && !NAMES.contains(&key.name)
            && !CI_INTEGRATIONS.contains(&key.name)
        {
            self.secret = true;
        } else if SCRIPTS.contains(&key.name) && !self.secret && self.script.is_none() {
            self.script = Some(column);
        }
    }

    fn hides_key(&self, key: &Key) -> bool {
        let open = self.section == Section::Other && !self.secret
            || self.section == Section::Unknown && !self.damaged;
        !is_known_word(key.name) && !open
    }

    /// Whether the value of a key is hidden, which may be the first key of the map that is the value of the one `around`.
    fn hides_value(&self, key: &Key, value: &str, around: Option<&Key>) -> bool {
        let value = value.trim_matches(PUNCTUATION);
        if value.is_empty() {
            return false;
        }
        if SECRETS.contains(&key.name) || self.secret || OPENERS.contains(&key.name) {
            // What only says where the real value is may be seen: `{env: TOKEN}`.
            let elsewhere = around.is_some_and(|around| !OPENERS.contains(&around.name));
            return self.damaged || !(elsewhere && ELSEWHERE.contains(&key.name));
        }
        match self.section {
            Section::Integrations => self.flow || !(NAMES.contains(&key.name) && self.is_simple(value)),
            Section::Unknown => self.damaged,
            Section::Other => {
                let plain = PLAIN.contains(&key.name) && self.is_simple(value);
                self.damaged && !plain && !SCRIPTS.contains(&key.name)
            }
        }
    }

    /// Whether a message may name a value that is hidden: a command, the name of an integration, or a field that is open.
    fn is_nameable(&self, key: &Key, value: &str) -> bool {
        let is_name = !self.secret && NAMES.contains(&key.name);
        let is_open = OPEN.contains(&key.name) || key.name.eq_ignore_ascii_case("region");
        (is_name || is_open || key.name == "command")
            && !self.damaged
            && (!is_name || self.is_simple(value.trim_matches(PUNCTUATION)))
    }

    /// Whether a text that is no key and no value of one is hidden here.
    fn hides_plain(&self) -> bool {
        match self.section {
            _ if self.secret => true,
            Section::Integrations => true,
            Section::Unknown => self.damaged,
            Section::Other => self.damaged && self.script.is_none(),
        }
    }

    /// Whether a value could be a name.
    fn is_simple(&self, value: &str) -> bool {
        value.trim_matches(['"', '\'']).chars().all(|c| {
            c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '@' | '+') || c == ' ' && !self.damaged
        })
    }

    /// Hides a part of a line, but for blanks and punctuation around it.
    fn hide(&mut self, line: &str, range: Range<usize>, offset: usize, what: What) {
        let part = &line[range.clone()];
        let start = range.start + part.len() - part.trim_start_matches(PUNCTUATION).len();
        let end = range.start + part.trim_end_matches(PUNCTUATION).len();
        if start < end {
            self.hidden.push(Hidden { range: offset + start..offset + end, what });
        }
    }
}

/// What is no part of a value at its ends.
const PUNCTUATION: [char; 8] = [' ', '\t', '-', '[', ']', '{', '}', ','];

/// A key in a line.
struct Key<'t> {
    name: &'t str,
    /// Quotes included.
    range: Range<usize>,
    /// Behind its colon.
    end: usize,
    quoted: bool,
}

/// The keys of a line, from `start` on: at its beginning, and behind brackets and commas.
fn keys(line: &str, start: usize) -> Vec<Key<'_>> {
    let mut keys = Vec::new();
    let mut at = start;
    while at < line.len() {
        if let Some(key) = key(line, at) {
            at = key.end;
            keys.push(key);
        }
        let Some(next) = memchr3(b'{', b'[', b',', &line.as_bytes()[at..]) else { break };
        at += next + 1;
        at += line[at..].len() - line[at..].trim_start().len();
    }
    keys
}

/// The key that begins at an offset of a line.
fn key(line: &str, mut at: usize) -> Option<Key<'_>> {
    // An anchor or a tag before it.
    while line[at..].starts_with(['&', '!']) {
        let end = line[at..].find(' ')?;
        at += end + (line[at + end..].len() - line[at + end..].trim_start().len());
    }
    let quote = line[at..].chars().next().filter(|c| matches!(c, '"' | '\''));
    let from = at + usize::from(quote.is_some());
    let rest = &line[from..];
    let len = rest
        .find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '$')))
        .unwrap_or(rest.len());
    let mut end = from + len;
    if let Some(quote) = quote {
        end += line[end..].strip_prefix(quote).map(|_| 1)?;
    }
    let blanks = line[end..].len() - line[end..].trim_start_matches(' ').len();
    let name = &line[from..from + len];
    let Some(behind) = line[end + blanks..].strip_prefix(':') else {
        // Its colon is missing.
        let lost = blanks > 0 && OPENERS.contains(&name);
        return lost.then(|| Key { name, range: at..end, end, quoted: quote.is_some() });
    };
    let is_key = len > 0 && (behind.is_empty() || behind.starts_with([' ', '\t']) || quote.is_some());
    is_key.then(|| Key { name, range: at..end, end: end + blanks + 1, quoted: quote.is_some() })
}
