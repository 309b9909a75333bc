//! Renaming an integration: in the trees of the files of a line, and the stretches of text that go with it.

use std::collections::BTreeMap;

use super::error::Unclear;
use super::list::is_plain;
use super::{KEY, TextEdit};
use crate::model::is_of_ci;
use crate::source::{SourceId, Span};
use crate::yaml::{Node, Value};

/// Gives an integration its new name in all trees. The places of the old name, each once.
pub(super) fn apply(trees: &mut [(SourceId, Node)], old: &str, new: &str) -> Vec<Span> {
    let mut renamer = Renamer { old, new, places: BTreeMap::new() };
    for (_, tree) in trees.iter_mut() {
        renamer.file(tree);
    }
    // What a merge key or an alias takes from elsewhere has its place there, and is changed there too.
    for (_, tree) in trees {
        renamer.anchors(tree);
    }
    renamer.places.into_values().collect()
}

struct Renamer<'n> {
    old: &'n str,
    new: &'n str,
    places: BTreeMap<(SourceId, u32), Span>,
}

impl Renamer<'_> {
    fn file(&mut self, root: &mut Node) {
        self.each(root, KEY, |this, node| {
            if is_of_ci(node) {
                this.of_ci(node)
            } else {
                this.items(node, |this, item| {
                    this.at(item, "name");
                    this.each(item, "fields", |this, fields| this.at(fields, "sourceIntegration"));
                })
            }
        });
        for key in ["resources", "triggers"] {
            self.each(root, key, |this, node| this.items(node, |this, item| this.at(item, "integration")));
        }
        self.each(root, "jobs", |this, node| {
            this.items(node, |this, item| this.each(item, KEY, Self::names));
        });
    }

    /// Renames what stands under a key.
    fn at(&mut self, node: &mut Node, key: &str) {
        self.each(node, key, Self::name);
    }

    fn each(&mut self, node: &mut Node, key: &str, mut visit: impl FnMut(&mut Self, &mut Node)) {
        if let Value::Map(map) = &mut node.value
            && let Some(entry) = map.get_mut(key)
        {
            visit(self, &mut entry.node);
        }
    }

    fn items(&mut self, node: &mut Node, mut visit: impl FnMut(&mut Self, &mut Node)) {
        if let Value::List(items) = &mut node.value {
            items.iter_mut().for_each(|item| visit(self, item));
        }
    }

    fn name(&mut self, node: &mut Node) {
        if let Value::Scalar(scalar) = &mut node.value
            && scalar.text == self.old
        {
            self.places.insert((node.place.source, node.place.start), node.place);
            scalar.text = self.new.to_owned();
        }
    }

    /// A name, a list of names, or lists of lists of them.
    fn names(&mut self, node: &mut Node) {
        match &mut node.value {
            Value::List(nodes) => nodes.iter_mut().for_each(|node| self.names(node)),
            _ => self.name(node),
        }
    }

    /// The lists of the CI section name theirs with `integrationName`, at any depth.
    fn of_ci(&mut self, node: &mut Node) {
        self.at(node, "integrationName");
        match &mut node.value {
            Value::List(nodes) => nodes.iter_mut().for_each(|node| self.of_ci(node)),
            Value::Map(map) => map.values_mut().for_each(|entry| self.of_ci(&mut entry.node)),
            Value::Null | Value::Scalar(_) => {}
        }
    }

    /// Renames what stands at places that change, below keys that are there to hold anchors. A place that is used for
    /// something else too is left alone there: reading the file again brings it to light.
    fn anchors(&mut self, root: &mut Node) {
        let Value::Map(map) = &mut root.value else { return };
        for (key, entry) in map {
            if !["resources", "triggers", "jobs", KEY].contains(&key.as_str()) {
                self.anchored(&mut entry.node);
            }
        }
    }

    fn anchored(&mut self, node: &mut Node) {
        match &mut node.value {
            Value::Scalar(scalar) => {
                if self.places.contains_key(&(node.place.source, node.place.start)) && scalar.text == self.old
                {
                    scalar.text = self.new.to_owned();
                }
            }
            Value::List(nodes) => nodes.iter_mut().for_each(|node| self.anchored(node)),
            Value::Map(map) => map.values_mut().for_each(|entry| self.anchored(&mut entry.node)),
            Value::Null => {}
        }
    }
}

/// The change of one name; quotes around it stay.
pub(super) fn change(text: &str, place: Span, old: &str, new: &str) -> Result<TextEdit, Unclear> {
    let range = place.start as usize..place.start as usize + place.len as usize;
    if text.get(range.clone()) != Some(old) {
        return Err(Unclear::Name);
    }
    let quoted = text[..range.start].ends_with(['"', '\'']) && text[range.end..].starts_with(['"', '\'']);
    let fits =
        is_plain(new) || (quoted && !new.contains(['"', '\'', '\\']) && !new.contains(char::is_control));
    Ok(TextEdit { range, text: if fits { new.to_owned() } else { format!("\"{new}\"") } })
}
