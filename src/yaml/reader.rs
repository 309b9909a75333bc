//! From text to the tree: two visitors over `serde_yaml`.

mod breaks;
mod explain;
mod merge;
mod retrieve;
mod shell;

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IgnoredAny, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};

use breaks::Breaks;
use explain::{Failure, nested_too_deep};
use merge::merge_keys;
use retrieve::Retrieve;

use super::{Entry, Map, Node, Scalar, ScalarKind, Value, extent, guard};
use crate::diagnostic::Diagnostic;
use crate::printable::Printable;
use crate::source::{SourceId, Sources, Span};

/// What aliases may expand to, beside the file itself, in bytes.
const MAX_EXPANSION: usize = 16 << 20;

/// What a node is reckoned to take beside its text, in bytes.
const NODE_COST: usize = 16;

pub(super) fn parse(
    sources: &Sources,
    file: SourceId,
    templates: Option<SourceId>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Node> {
    let text = sources.get(file).text();
    if let Some(offset) = guard::too_deep(text) {
        sources.get(file).mark_damaged();
        let place = Span { source: file, start: offset as u32, len: 1 };
        diagnostics.push(nested_too_deep().at(place));
        return None;
    }
    let alone = Reader::new(Cow::Borrowed(text), file, None);
    match (alone.read(), templates) {
        (Err(error), Some(templates)) if error.is_unknown_anchor() => {
            let prefix = sources.get(templates).text();
            let joined = Cow::Owned(format!("{prefix}\n{text}"));
            let node =
                Reader::new(joined, file, Some((templates, prefix.len() + 1))).finish(None, diagnostics);
            if node.is_none() {
                sources.get(templates).mark_damaged();
                sources.get(file).mark_damaged();
            }
            node
        }
        (result, _) => {
            if result.is_err() {
                sources.get(file).mark_damaged();
            }
            alone.finish(Some(result), diagnostics)
        }
    }
}

/// Reads one text; what stands before `prefix` bytes belongs to another file. How far it has come is in cells: serde has its
/// visitors read one inside the other, and all of them go on from there.
struct Reader<'a> {
    text: Cow<'a, str>,
    /// What of the text is not what the library was given.
    breaks: Breaks,
    file: SourceId,
    prefix: Option<(SourceId, usize)>,
    /// Behind the last scalar whose place is known.
    cursor: Cell<usize>,
    /// How far into the text the places have come; a cursor before it is inside what an alias stands for.
    front: Cell<usize>,
    /// Bytes that the tree takes.
    cost: Cell<usize>,
    /// A number was read whose text is not known.
    lost_text: Cell<bool>,
    duplicates: RefCell<Vec<Diagnostic>>,
    /// Warnings of what a shell would read otherwise.
    misread: RefCell<Vec<Diagnostic>>,
}

impl<'a> Reader<'a> {
    fn new(text: Cow<'a, str>, file: SourceId, prefix: Option<(SourceId, usize)>) -> Self {
        let (text, breaks) = Breaks::hidden(text);
        Reader {
            text,
            breaks,
            file,
            prefix,
            cursor: Cell::new(0),
            front: Cell::new(0),
            cost: Cell::new(0),
            lost_text: Cell::new(false),
            duplicates: RefCell::new(Vec::new()),
            misread: RefCell::new(Vec::new()),
        }
    }

    /// Reads the text, or takes what reading it gave, and reports what was wrong.
    fn finish(
        &self,
        result: Option<Result<Node, Failure>>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Node> {
        match result.unwrap_or_else(|| self.read()) {
            Ok(mut node) => {
                diagnostics.append(&mut self.duplicates.borrow_mut());
                diagnostics.append(&mut self.misread.borrow_mut());
                if let (Some((templates, _)), Value::Map(map)) = (self.prefix, &mut node.value) {
                    map.retain(|_, entry| entry.key.source != templates);
                }
                Some(node)
            }
            Err(failure) => {
                diagnostics.push(self.explain(failure));
                None
            }
        }
    }

    /// The tree of the text, merge keys applied, every scalar with its text.
    fn read(&self) -> Result<Node, Failure> {
        let mut documents = serde_yaml::Deserializer::from_str(&self.text);
        let nothing = || Node { place: self.place(0, 0), value: Value::Null };
        let Some(document) = documents.next() else {
            return Ok(nothing());
        };
        let mut node = Seed { reader: self, parent: self.place(0, 0) }
            .deserialize(document)
            .map_err(|error| self.failure(&error))?;
        if self.lost_text.get() && self.duplicates.borrow().is_empty() {
            // The same text has just given the same tree.
            if let Some(document) = serde_yaml::Deserializer::from_str(&self.text).next() {
                Retrieve(&mut node).deserialize(document).map_err(|error| self.failure(&error))?;
            }
        }
        if let Some(second) = documents.next() {
            // An error in the second document is the first thing to say about it.
            Seed { reader: self, parent: self.place(0, 0) }
                .deserialize(second)
                .map_err(|error| self.failure(&error))?;
            let offset = self.text.rfind("\n---").map_or(0, |i| i + 1);
            return Err(Failure::SecondDocument(offset));
        }
        merge_keys(&mut node, &mut self.duplicates.borrow_mut());
        Ok(node)
    }

    fn failure(&self, error: &serde_yaml::Error) -> Failure {
        if self.is_too_large() {
            return Failure::Expansion;
        }
        let message = error.to_string();
        if message.starts_with("repetition limit") {
            return Failure::Expansion;
        }
        Failure::Yaml { message, offset: error.location().map(|location| location.index()) }
    }

    fn place(&self, offset: usize, len: usize) -> Span {
        let (source, start) = match self.prefix {
            Some((templates, end)) if offset < end => (templates, offset),
            Some((_, end)) => (self.file, offset - end),
            None => (self.file, offset),
        };
        Span { source, start: start as u32, len: len as u32 }
    }

    fn is_too_large(&self) -> bool {
        self.cost.get() > MAX_EXPANSION + self.text.len() * (NODE_COST + 1)
    }

    /// Accounts for a node.
    fn spend<E: serde::de::Error>(&self, text: usize) -> Result<(), E> {
        self.cost.set(self.cost.get() + NODE_COST + text);
        if self.is_too_large() { Err(E::custom("expansion")) } else { Ok(()) }
    }

    /// The place of a slice of the text; it is the last one known from now on.
    fn locate(&self, slice: &str) -> Option<Span> {
        let start = (slice.as_ptr() as usize).checked_sub(self.text.as_ptr() as usize)?;
        let end = start + slice.len();
        if end > self.text.len() {
            return None;
        }
        self.look_for_negation(start);
        self.cursor.set(end);
        self.front.set(self.front.get().max(end));
        Some(self.place(start, slice.len()))
    }

    /// The text of a scalar that the library gave as something else: the next token of the text, if `reads_as` it.
    fn retrieve(&self, reads_as: impl Fn(&str) -> bool) -> Option<(&str, Span)> {
        if self.cursor.get() < self.front.get() {
            return None;
        }
        let token = next_token(&self.text[self.cursor.get()..])?;
        if !reads_as(token) {
            return None;
        }
        let place = self.locate(token)?;
        Some((token, place))
    }

    /// Whether the text behind the last known place goes over several lines: it does not end in its line, or is a block.
    fn goes_over_lines(&self) -> bool {
        // Behind the quote of the key, its colon, or what stands before an item of a list.
        let mut text = self.text[self.cursor.get()..].trim_start_matches(['"', '\'']);
        loop {
            text = text.trim_start_matches([' ', '\t', '\r', '\n', ',', ':', '[', '{']);
            let Some(item) = text.strip_prefix("- ") else { break };
            text = item;
        }
        match text.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                let end = extent::end_of_quoted(text.as_bytes(), 0);
                text[..end].contains('\n') || !text[..end].ends_with(quote)
            }
            // An alias stands for what was read before, and a tag or an anchor is not looked behind.
            Some('*' | '&' | '!' | '#') | None => false,
            _ => true,
        }
    }

    fn scalar(
        &self,
        parent: Span,
        kind: ScalarKind,
        canonical: impl fmt::Display,
        reads_as: impl Fn(&str) -> bool,
    ) -> Node {
        let (text, place) = match self.retrieve(reads_as) {
            Some((text, place)) => (text.to_owned(), place),
            None => {
                self.lost_text.set(true);
                (canonical.to_string(), parent)
            }
        };
        Node { place, value: Value::Scalar(Scalar { text, kind }) }
    }
}

/// The plain scalar that comes next: behind indicators, comments, tags and anchors. `None` before a quote, an alias
/// or a block.
fn next_token(mut text: &str) -> Option<&str> {
    loop {
        text = text.trim_start_matches([' ', '\t', '\r', '\n', ',', ']', '}', '[', '{', ':', '?']);
        if text.starts_with('#') {
            text = &text[text.find('\n')?..];
        } else if text.starts_with(['!', '&']) {
            text = &text[text.find(char::is_whitespace)?..];
        } else if text.starts_with("- ") || text.starts_with("-\n") || text.starts_with("-\r") {
            text = &text[1..];
        } else {
            break;
        }
    }
    let end = text.find([' ', '\t', '\r', '\n', ',', ']', '}', ':']).unwrap_or(text.len());
    (end > 0).then(|| &text[..end])
}

/// Reads a node whose parent's place is known.
#[derive(Clone, Copy)]
struct Seed<'r, 'a> {
    reader: &'r Reader<'a>,
    parent: Span,
}

impl<'de> DeserializeSeed<'de> for Seed<'_, '_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_, '_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML node")
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, text: &'de str) -> Result<Node, E> {
        self.reader.spend(text.len())?;
        let place = self.reader.locate(text).unwrap_or(self.parent);
        let text = self.reader.breaks.restore(text);
        Ok(Node { place, value: Value::Scalar(Scalar { text, kind: ScalarKind::Text }) })
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Node, E> {
        self.reader.spend(text.len())?;
        let kind = if self.reader.goes_over_lines() { ScalarKind::Lines } else { ScalarKind::Text };
        let text = self.reader.breaks.restore(text);
        let value = Value::Scalar(Scalar { text, kind });
        Ok(Node { place: self.parent, value })
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Node, E> {
        self.visit_u128(number.into())
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Node, E> {
        self.visit_i128(number.into())
    }

    fn visit_u128<E: serde::de::Error>(self, number: u128) -> Result<Node, E> {
        self.reader.spend(0)?;
        Ok(self.reader.scalar(self.parent, ScalarKind::Number, number, |token| {
            token.parse() == Ok(number)
                || serde_yaml::from_str::<u128>(token).is_ok_and(|read| read == number)
        }))
    }

    fn visit_i128<E: serde::de::Error>(self, number: i128) -> Result<Node, E> {
        self.reader.spend(0)?;
        Ok(self.reader.scalar(self.parent, ScalarKind::Number, number, |token| {
            token.parse() == Ok(number)
                || serde_yaml::from_str::<i128>(token).is_ok_and(|read| read == number)
        }))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Node, E> {
        self.reader.spend(0)?;
        Ok(self.reader.scalar(self.parent, ScalarKind::Number, number, |token| {
            let read = token.parse().or_else(|_| serde_yaml::from_str::<f64>(token));
            read.is_ok_and(|read| read.to_bits() == number.to_bits())
        }))
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Node, E> {
        self.reader.spend(0)?;
        let spelled = value.to_string();
        Ok(self
            .reader
            .scalar(self.parent, ScalarKind::Bool, value, |token| token.eq_ignore_ascii_case(&spelled)))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Node, E> {
        self.reader.spend(0)?;
        // Nothing at all is null too; then the next token is another one.
        let spelled = self.reader.retrieve(|token| matches!(token, "~" | "null" | "Null" | "NULL"));
        Ok(Node { place: spelled.map_or(self.parent, |(_, place)| place), value: Value::Null })
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<Node, E> {
        self.visit_unit()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        self.reader.spend(0)?;
        let mut nodes = Vec::new();
        while let Some(node) = access.next_element_seed(self)? {
            nodes.push(node);
        }
        self.reader.look_for_test(&nodes);
        let place = nodes.first().map_or(self.parent, |node| node.place);
        Ok(Node { place, value: Value::List(nodes) })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        self.reader.spend(0)?;
        let mut map = Map::default();
        while let Some(key) = access.next_key_seed(self)? {
            let Some(text) = key.text().map(str::to_owned) else {
                return Err(A::Error::custom("a key must be a plain text, not a map or a list"));
            };
            let node = access.next_value_seed(Seed { parent: key.place, ..self })?;
            if let Some(first) = map.get(&text) {
                // Each file of a joined text has keys of its own.
                let first: &Entry = first;
                if first.key.source == key.place.source {
                    self.reader.duplicates.borrow_mut().push(
                        Diagnostic::error(format!("the key `{}` stands here twice", Printable(&text)))
                            .rule("yaml")
                            .at(key.place)
                            .and_at(first.key, "the first")
                            .hint("YAML has one value for a key: rename or remove one"),
                    );
                    continue;
                }
            }
            map.insert(text, Entry { key: key.place, node });
        }
        let place = map.first().map_or(self.parent, |(_, entry)| entry.key);
        Ok(Node { place, value: Value::Map(map) })
    }

    /// A tag of the file's own, such as `!reference`: it means nothing here, what it stands before does.
    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Node, A::Error> {
        let (IgnoredAny, value) = access.variant()?;
        value.newtype_variant_seed(self)
    }
}
