//! The integrations that the CI section names: those whose fields it needs, and those that tell people of a run.

use super::Script;
use super::notification::Notification;
use crate::diagnostic::Diagnostic;
use crate::model::{Name, warn_of_unknown_keys};
use crate::yaml::{Node, Value};

const KEYS: &[&str] = &["key", "hub", "generic", "notifications", "deploy"];

/// Types that tell people of a run. In the first form of the section, one list held all.
const TELLING: &[&str] = &["slack", "email", "hipchat", "irc", "webhook", "notification"];

/// Reads a map of lists or, in its first form, one list.
pub(super) fn read(node: &Node, script: &mut Script, diagnostics: &mut Vec<Diagnostic>) {
    match &node.value {
        Value::Map(map) => {
            warn_of_unknown_keys(map, KEYS, "the CI section's `integrations`", diagnostics);
            for (key, entry) in map {
                match key.as_str() {
                    "key" | "hub" | "generic" => {
                        for (name, kind, _) in names(&entry.node, diagnostics) {
                            if key == "hub" {
                                script.hubs.push((name.clone(), kind.to_ascii_lowercase()));
                            }
                            script.take_integration(name, kind);
                        }
                    }
                    "notifications" => {
                        script.take_notifications(&entry.node, diagnostics);
                    }
                    _ => {}
                }
            }
        }
        Value::List(_) => {
            for (name, kind, item) in names(node, diagnostics) {
                if TELLING.iter().any(|telling| kind.eq_ignore_ascii_case(telling)) {
                    script.take_notification(name, kind, item, diagnostics);
                } else {
                    script.take_integration(name, kind);
                }
            }
        }
        Value::Null | Value::Scalar(_) => {}
    }
}

impl Script {
    fn take_notifications(&mut self, node: &Node, diagnostics: &mut Vec<Diagnostic>) {
        for (name, kind, item) in names(node, diagnostics) {
            self.take_notification(name, kind, item, diagnostics);
        }
    }

    fn take_notification(&mut self, name: Name, kind: &str, item: &Node, diagnostics: &mut Vec<Diagnostic>) {
        self.take_type(&name, kind);
        self.notifications.push(Notification::read(item, name, kind, diagnostics));
    }

    fn take_integration(&mut self, name: Name, kind: &str) {
        self.take_type(&name, kind);
        self.integrations.push(name);
    }

    /// Keeps the type of an integration, where it is written.
    fn take_type(&mut self, name: &Name, kind: &str) {
        if !kind.is_empty() {
            self.integration_types.push((name.text.clone(), kind.to_owned()));
        }
    }
}

/// The names of a list's integrations, each with its type and all that is said of it.
fn names<'a>(
    node: &'a Node,
    diagnostics: &mut Vec<Diagnostic>,
) -> impl Iterator<Item = (Name, &'a str, &'a Node)> + use<'a> {
    let items = match &node.value {
        Value::List(items) => items.as_slice(),
        Value::Null => &[],
        _ => std::slice::from_ref(node),
    };
    let mut found = Vec::new();
    for item in items {
        match item.get("integrationName").map(|name| (name, name.text())) {
            Some((name, Some(text))) if !text.is_empty() => {
                let kind = item.get("type").and_then(Node::text).unwrap_or_default();
                found.push((Name { text: text.to_owned(), place: name.place }, kind, item));
            }
            _ if item.text() == Some("") => {}
            _ => diagnostics.push(
                Diagnostic::warning("an integration of the CI section without a name")
                    .at(item.place)
                    .hint("write `- integrationName: name`"),
            ),
        }
    }
    found.into_iter()
}
