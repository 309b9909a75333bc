//! Changes to the YAML of a line that leave all the rest of its text as it is, to the byte: comments, order, quotes,
//! line ends, indentation, and a last line that does not end.
//!
//! A [`Draft`] notes two things of each change: which stretch of which text gives way to what (by `section` and
//! `list`, which know how lists are written), and what the tree of the file must be afterwards. In the end the new
//! texts are read as any others are, and only if they say what they should are they handed out. A text that this room
//! misjudges is refused, never damaged.

mod error;
mod line;
mod list;
mod lock;
mod recipient;
mod rename;
mod section;
mod secure;
pub(crate) mod target;
mod write;

use std::fmt::Display;
use std::ops::Range;
use std::path::PathBuf;

use crate::diagnostic::Diagnostic;
use crate::model::{files, is_of_ci};
use crate::source::{SourceId, Sources, Span};
use crate::yaml::{Entry, Map, Node, Scalar, ScalarKind, Value};

pub use error::WriteError;
pub(crate) use line::{commit, draft, lock, read_to_add};
pub use list::{as_block, is_plain};
pub use lock::EditLock;
pub use write::{Replacement, create, replace};

/// The file of integrations alone.
const OWN: &str = "shippable.integrations.yml";

/// Something that is to stand where something else stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextEdit {
    /// Which bytes of the text give way.
    pub range: Range<usize>,
    /// What takes their place.
    pub text: String,
}

/// Why a text cannot be changed, in words that go on "cannot edit FILE: ".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The file.
    pub file: PathBuf,
    /// What is in the way.
    pub why: String,
}

/// A file with its new text.
#[derive(Debug)]
pub struct Edited {
    /// Which of the sources it is.
    pub source: SourceId,
    /// What is to be in it.
    pub text: String,
}

/// Changes to the files of a line, before anything is written.
pub struct Draft<'a> {
    sources: &'a Sources,
    /// What each file must say in the end.
    trees: Vec<(SourceId, Node)>,
    changes: Vec<(SourceId, TextEdit)>,
}

impl<'a> Draft<'a> {
    /// Begins with the files as they are.
    ///
    /// # Errors
    ///
    /// What is wrong with one of them: only what can be read can be changed.
    pub fn new(sources: &'a Sources) -> Result<Draft<'a>, Vec<Diagnostic>> {
        Ok(Draft { sources, trees: read(sources)?, changes: Vec::new() })
    }

    /// Whether a file lists recipients.
    pub fn has_recipients(&self, file: SourceId) -> bool {
        self.tree(file).is_some_and(|tree| tree.get(RECIPIENTS).is_some())
    }

    /// Whether a file has a list of integrations, be it empty.
    pub fn has_list(&self, file: SourceId) -> bool {
        self.tree(file)
            .and_then(Node::map)
            .and_then(|map| map.get(KEY))
            .is_some_and(|entry| !is_of_ci(&entry.node))
    }

    /// Whether a file has the list of integrations of the CI section, which takes the key that another would need.
    pub fn has_list_of_ci(&self, file: SourceId) -> bool {
        self.tree(file)
            .and_then(Node::map)
            .and_then(|map| map.get(KEY))
            .is_some_and(|entry| is_of_ci(&entry.node))
    }

    /// Adds an integration at the end of a file's list. `item` is all of it, as a map.
    ///
    /// # Errors
    ///
    /// When the list is written in a way that leaves no place for it.
    pub fn add(&mut self, file: SourceId, item: Node) -> Result<(), Refusal> {
        self.add_to(KEY, file, item)
    }

    /// Adds a recipient at the end of a file's list, likewise.
    ///
    /// # Errors
    ///
    /// When the list is written in a way that leaves no place for it.
    pub fn add_recipient(&mut self, file: SourceId, item: Node) -> Result<(), Refusal> {
        self.add_to(RECIPIENTS, file, item)
    }

    fn add_to(&mut self, key: &str, file: SourceId, item: Node) -> Result<(), Refusal> {
        let text = self.sources.get(file).text();
        let refuse = |why: &dyn Display| self.refuse(file, why);
        let tree = self.tree(file).ok_or_else(|| refuse(&"it cannot be read"))?;
        if key == KEY && self.has_list_of_ci(file) {
            return Err(refuse(&"its `integrations:` are those of the CI section"));
        }
        let changes = list::add(text, tree, key, &item).map_err(|why| refuse(&why))?;
        self.changes.extend(changes.into_iter().map(|change| (file, change)));
        let Some(tree) = self.tree_mut(file) else { return Ok(()) };
        let place = Span { source: file, start: 0, len: 0 };
        if !matches!(tree.value, Value::Map(_)) {
            tree.value = Value::Map(Map::default());
        }
        let Value::Map(map) = &mut tree.value else { return Ok(()) };
        let empty = || Entry { key: place, node: Node { place, value: Value::List(Vec::new()) } };
        let entry = map.entry(key.to_owned()).or_insert_with(empty);
        match &mut entry.node.value {
            Value::List(items) => items.push(item),
            other => *other = Value::List(vec![item]),
        }
        Ok(())
    }

    /// Removes an integration by the place of its name, with the comment right above it.
    ///
    /// # Errors
    ///
    /// When the list is written in a way that does not show where the integration begins and ends.
    pub fn remove(&mut self, name: Span) -> Result<(), Refusal> {
        self.remove_from(KEY, "name", name)
    }

    /// Removes a recipient by the place of its key, likewise.
    ///
    /// # Errors
    ///
    /// As [`Draft::remove`].
    pub fn remove_recipient(&mut self, key: Span) -> Result<(), Refusal> {
        self.remove_from(RECIPIENTS, "key", key)
    }

    fn remove_from(&mut self, key: &str, within: &str, place: Span) -> Result<(), Refusal> {
        let file = place.source;
        let refuse = |why: &dyn Display| self.refuse(file, why);
        let found = self.tree(file).and_then(|tree| Some((tree, list::position(tree, key, within, place)?)));
        let (tree, index) =
            found.ok_or_else(|| refuse(&"what is to go stands behind an anchor or a merge key"))?;
        let changes =
            list::remove(self.sources.get(file).text(), tree, key, index).map_err(|why| refuse(&why))?;
        self.changes.extend(changes.into_iter().map(|change| (file, change)));
        if let Some(items) = self.tree_mut(file).and_then(|tree| list::items_mut(tree, key)) {
            items.remove(index);
        }
        Ok(())
    }

    /// Gives an integration another name wherever it is named: where it is declared, at resources and triggers, in the
    /// lists of jobs and in those of the CI section.
    ///
    /// # Errors
    ///
    /// When the name is written somewhere with escapes, or by an alias that stands for something else too.
    pub fn rename(&mut self, old: &str, new: &str) -> Result<(), Refusal> {
        let places = rename::apply(&mut self.trees, old, new);
        self.replace_at(&places, old, new)
    }

    /// Gives every encrypted value of the line, wherever `secure:` stands, the text that `encrypt` makes of its text. How
    /// many there are.
    ///
    /// # Errors
    ///
    /// When one is written in a way that does not show where it begins and ends.
    pub fn encrypt_anew(
        &mut self,
        encrypt: &mut dyn FnMut(&str, Span) -> Option<String>,
    ) -> Result<usize, Refusal> {
        let found = secure::apply(&mut self.trees, encrypt);
        for value in &found {
            let text = self.sources.get(value.key.source).text();
            let change = secure::change(text, value).map_err(|why| {
                self.refuse(value.key.source, format!("{why} at {}", self.sources.describe(value.key)))
            })?;
            self.changes.extend(change.map(|change| (value.key.source, change)));
        }
        Ok(found.len())
    }

    /// Puts another recipient in the place of one, wherever the line lists it.
    ///
    /// # Errors
    ///
    /// When it is written with escapes or behind an alias.
    pub fn replace_recipient(&mut self, old: &str, new: &str) -> Result<(), Refusal> {
        let places = recipient::apply(&mut self.trees, old, new);
        self.replace_at(&places, old, new)
    }

    /// Puts one text in the place of another wherever it was found.
    fn replace_at(&mut self, places: &[Span], old: &str, new: &str) -> Result<(), Refusal> {
        for &place in places {
            let text = self.sources.get(place.source).text();
            let change = rename::change(text, place, old, new).map_err(|why| {
                self.refuse(place.source, format!("{why} at {}", self.sources.describe(place)))
            })?;
            self.changes.push((place.source, change));
        }
        Ok(())
    }

    /// The new texts of the files that change, once they have been read again and say what they should.
    ///
    /// # Errors
    ///
    /// When they do not.
    pub fn finish(self) -> Result<Vec<Edited>, Refusal> {
        let mut sources = Sources::default();
        let mut edited = Vec::new();
        for id in self.sources.ids() {
            let source = self.sources.get(id);
            let changes: Vec<_> = self
                .changes
                .iter()
                .filter(|(file, _)| *file == id)
                .map(|(_, change)| change.clone())
                .collect();
            let text = apply(source.text(), changes);
            if text != source.text() {
                edited.push(Edited { source: id, text: text.clone() });
            }
            sources.add(source.path().to_owned(), text).map_err(|why| self.refuse(id, why))?;
        }
        let Some(first) = edited.first() else { return Ok(edited) };
        let again = read(&sources).map_err(|problems| {
            let place = problems.iter().find_map(|problem| problem.place);
            let file = place.map_or(first.source, |place| place.source);
            self.refuse(file, "what it would become is no YAML; nothing was written")
        })?;
        for ((id, expected), (_, found)) in self.trees.iter().zip(&again) {
            if !expected.says_the_same(found) {
                let ended = self.sources.get(*id).text().ends_with('\n');
                let hint = if ended { "" } else { " (end its last line with a line end, and try again)" };
                let why = format!("something else in it would change its meaning; nothing was written{hint}");
                return Err(self.refuse(*id, why));
            }
        }
        Ok(edited)
    }

    fn tree(&self, file: SourceId) -> Option<&Node> {
        self.trees.iter().find(|(id, _)| *id == file).map(|(_, tree)| tree)
    }

    /// The tree of a file that is known to have one.
    fn tree_mut(&mut self, file: SourceId) -> Option<&mut Node> {
        self.trees.iter_mut().find(|(id, _)| *id == file).map(|(_, tree)| tree)
    }

    fn refuse(&self, file: SourceId, why: impl Display) -> Refusal {
        Refusal { file: self.sources.get(file).path().to_owned(), why: why.to_string() }
    }
}

/// The key of a list of recipients.
const RECIPIENTS: &str = "recipients";

/// The key of a list of integrations.
const KEY: &str = "integrations";

/// A text with changes made to it. They do not overlap; one that comes twice is made once.
pub fn apply(text: &str, mut changes: Vec<TextEdit>) -> String {
    changes.sort_by_key(|change| (change.range.start, change.range.end));
    changes.dedup();
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for change in changes.into_iter() {
        if change.range.start < done {
            continue;
        }
        out.push_str(&text[done..change.range.start]);
        out.push_str(&change.text);
        done = change.range.end;
    }
    out.push_str(&text[done..]);
    out
}

fn read(sources: &Sources) -> Result<Vec<(SourceId, Node)>, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let trees = sources.ids().filter_map(|id| Some((id, files::tree(sources, id, &mut problems)?))).collect();
    problems.retain(Diagnostic::is_error);
    if problems.is_empty() { Ok(trees) } else { Err(problems) }
}

/// A text as a node of a file.
pub fn text_node(file: SourceId, text: impl Into<String>) -> Node {
    let scalar = Scalar { text: text.into(), kind: ScalarKind::Text };
    Node { place: Span { source: file, start: 0, len: 0 }, value: Value::Scalar(scalar) }
}

/// A map as a node of a file.
pub fn map_node(file: SourceId, entries: impl IntoIterator<Item = (String, Node)>) -> Node {
    let place = Span { source: file, start: 0, len: 0 };
    let entries = entries.into_iter().map(|(key, node)| (key, Entry { key: place, node }));
    Node { place, value: Value::Map(entries.collect()) }
}
