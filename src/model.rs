//! What the YAML says: resources, jobs with their steps, and integrations.
//!
//! Reading is tolerant as the original was: what it accepted is accepted, in all its shapes, and what is unknown
//! is a warning. Nothing refers to anything yet; that is `resolve`'s part.

pub mod ci;
pub mod files;
pub mod image;
pub mod implied;
pub mod integration;
pub mod job;
pub mod kind;
mod notified;
mod notify;
pub mod recipient;
pub mod resource;
pub mod task;
pub mod usage;
pub mod work;
pub mod written;

use indexmap::IndexMap;

use crate::contract;
use crate::diagnostic::{DECLARED_TWICE, Diagnostic};
use crate::nearest::nearest;
use crate::source::{Sources, Span};
use crate::yaml::{Map, Node, Value};

pub use ci::Ci;
pub use integration::Integration;
pub use job::Job;
pub use recipient::Recipient;
pub use resource::Resource;
pub use work::{Managed, Work};

/// A name and where it stands.
#[derive(Clone, Debug)]
pub struct Name {
    /// As written.
    pub text: String,
    /// Where.
    pub place: Span,
}

impl Name {
    /// The first part of its variables; `None` if nothing is left of it.
    pub fn env(&self) -> Option<String> {
        contract::env_name(&self.text)
    }
}

/// All that the files of an assembly line say.
#[derive(Default)]
pub struct Pipeline {
    /// Resources and triggers, by name.
    pub resources: IndexMap<String, Resource>,
    /// Jobs, by name.
    pub jobs: IndexMap<String, Job>,
    /// Integrations, by name.
    pub integrations: IndexMap<String, Integration>,
    /// Whose keys its encrypted values are for.
    pub recipients: Vec<Recipient>,
    /// The CI section, if the files have one.
    pub ci: Option<Ci>,
    /// The keys of the CI section, as written.
    written_ci: Map,
}

/// Keys of a file that hold parts of an assembly line.
const SECTIONS: &[&str] = &["resources", "jobs", "triggers", "integrations", "recipients"];

impl Pipeline {
    /// Takes what one file says. `root` is the file's tree.
    pub fn read(&mut self, root: Node, sources: &Sources, diagnostics: &mut Vec<Diagnostic>) {
        let place = root.place;
        let map = match root.value {
            Value::Map(map) => map,
            Value::Null => return,
            _ => {
                diagnostics.push(
                    Diagnostic::error(format!(
                        "a file of an assembly line must be a map, and this is {}",
                        root.what()
                    ))
                    .at(place)
                    .hint("it begins with a key such as `resources:` or `jobs:`"),
                );
                return;
            }
        };
        for (key, entry) in map {
            match key.as_str() {
                "resources" | "triggers" => {
                    for node in items(entry.node, &key, diagnostics) {
                        if let Some(resource) = Resource::read(node, key == "triggers", diagnostics) {
                            let name = resource.name.clone();
                            insert(&mut self.resources, name, resource, |r| &r.name, "resource", diagnostics);
                        }
                    }
                }
                "jobs" => {
                    for node in items(entry.node, &key, diagnostics) {
                        if let Some(job) = Job::read(node, diagnostics) {
                            let name = job.name.clone();
                            insert(&mut self.jobs, name, job, |j| &j.name, "job", diagnostics);
                        }
                    }
                }
                "recipients" => {
                    let items = items(entry.node, &key, diagnostics);
                    self.recipients
                        .extend(items.iter().filter_map(|node| Recipient::read(node, diagnostics)));
                }
                "integrations" if !is_of_ci(&entry.node) => {
                    for node in items(entry.node, &key, diagnostics) {
                        if let Some(integration) = Integration::read(&node, diagnostics) {
                            let name = integration.name.clone();
                            insert(
                                &mut self.integrations,
                                name,
                                integration,
                                |i| &i.name,
                                "integration",
                                diagnostics,
                            );
                        }
                    }
                }
                "externalReferences" => diagnostics.push(
                    Diagnostic::warning("the templates of `externalReferences` are not fetched")
                        .rule("left-out")
                        .at(entry.key)
                        .hint("copy the anchors that are used into shippable.templates.yml"),
                ),
                // The first file that says it counts.
                _ if key == "integrations" || ci::KEYS.contains(&key.as_str()) => {
                    self.written_ci.entry(key).or_insert(entry);
                }
                _ if holds_an_anchor(sources, entry.key) => {}
                _ => diagnostics.push(
                    Diagnostic::warning(format!("unknown key `{key}`"))
                        .rule("unknown-key")
                        .at(entry.key)
                        .hint("it has no effect")
                        .did_you_mean(&key, SECTIONS.iter().chain(ci::KEYS).copied()),
                ),
            }
        }
    }

    /// Reports what is declared twice across resources and jobs, which share their names.
    pub fn check_names(&self, diagnostics: &mut Vec<Diagnostic>) {
        for (name, job) in &self.jobs {
            if let Some(resource) = self.resources.get(name) {
                diagnostics.push(declared_twice("name", &job.name, &resource.name));
            }
        }
    }
}

/// Whether `integrations` are those of the CI section: a map, or in its first form a list of `integrationName`s.
pub fn is_of_ci(node: &Node) -> bool {
    match &node.value {
        Value::Map(_) => true,
        Value::List(nodes) => nodes.iter().any(|node| node.get("integrationName").is_some()),
        Value::Null | Value::Scalar(_) => false,
    }
}

/// Where the value of a top-level key begins with an anchor, the key is there to hold it.
fn holds_an_anchor(sources: &Sources, key: Span) -> bool {
    let text = sources.get(key.source).text().get((key.start + key.len) as usize..).unwrap_or_default();
    let line = text.lines().next().unwrap_or_default();
    line.split_once(':').is_some_and(|(_, value)| value.trim_start().starts_with('&'))
}

fn insert<T>(
    map: &mut IndexMap<String, T>,
    name: Name,
    item: T,
    name_of: impl Fn(&T) -> &Name,
    what: &str,
    diagnostics: &mut Vec<Diagnostic>,
) {
    match map.get(&name.text) {
        Some(first) => diagnostics.push(declared_twice(what, &name, name_of(first))),
        None => {
            map.insert(name.text, item);
        }
    }
}

fn declared_twice(what: &str, second: &Name, first: &Name) -> Diagnostic {
    Diagnostic::error(format!("{what} `{}` is declared twice", second.text))
        .rule(DECLARED_TWICE)
        .at(second.place)
        .and_at(first.place, "the first")
        .hint("rename or remove one of them")
}

/// The items of a list; an error if it is something else.
fn items(node: Node, key: &str, diagnostics: &mut Vec<Diagnostic>) -> Vec<Node> {
    match node.value {
        Value::List(nodes) => nodes,
        Value::Null => Vec::new(),
        _ => {
            diagnostics.push(
                Diagnostic::error(format!("`{key}` must be a list, and this is {}", node.what()))
                    .at(node.place)
                    .hint("begin each item with `- name: …`"),
            );
            Vec::new()
        }
    }
}

/// The `name` of a map that must have one.
fn required_name(node: &Node, what: &str, diagnostics: &mut Vec<Diagnostic>) -> Option<Name> {
    let Some(map) = node.map() else {
        diagnostics.push(
            Diagnostic::error(format!("{} must be a map, and this is {}", with_article(what), node.what()))
                .at(node.place)
                .hint("it begins with `- name: …`"),
        );
        return None;
    };
    let missing = |place| {
        Diagnostic::error(format!("{} without a name", with_article(what))).at(place).hint("add `name: …`")
    };
    match map.get("name") {
        None => diagnostics.push(missing(node.place)),
        Some(entry) if entry.node.goes_over_lines() => diagnostics.push(over_lines("name", entry.node.place)),
        Some(entry) => match entry.node.text() {
            Some("") => diagnostics.push(missing(entry.key)),
            Some(text) if !is_path(text) => diagnostics.push(
                Diagnostic::error(format!("the name of {} cannot be `{text}`", with_article(what)))
                    .at(entry.node.place)
                    .hint("it names a directory of the job's workspace, and must stay inside it"),
            ),
            Some(text) if text.len() > MAX_NAME => diagnostics.push(
                Diagnostic::error(format!(
                    "the name of {} is longer than {MAX_NAME} bytes",
                    with_article(what)
                ))
                .at(entry.node.place)
                .hint("it names a directory of the job's workspace"),
            ),
            Some(text) => return Some(Name { text: text.to_owned(), place: entry.node.place }),
            None => diagnostics.push(
                Diagnostic::error(format!(
                    "the name of {} must be a text, and this is {}",
                    with_article(what),
                    entry.node.what()
                ))
                .at(entry.node.place),
            ),
        },
    }
    None
}

/// The error for a name that goes over several lines. It is not quoted: what it took in may be a secret.
fn over_lines(key: &str, place: Span) -> Diagnostic {
    Diagnostic::error(format!("the text of `{key}` goes on in the line below"))
        .at(place)
        .hint("close its quote, or check the indentation of the lines below it")
}

/// `a job`, `an integration`.
fn with_article(what: &str) -> String {
    let article = if what.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {what}")
}

/// Whether a name can be that of a directory below another: without `..`, not absolute, without NUL.
fn is_path(name: &str) -> bool {
    !name.contains('\0') && name.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// The longest name of a resource, job or integration, in bytes. File names end at 255, and `<name>_key.pem` is one.
const MAX_NAME: usize = 200;

/// The type of a resource or job, which is called `of`; an empty one at its name, with a complaint, if it has none.
fn kind(map: &Map, of: &str, name: &Name, hint: &str, diagnostics: &mut Vec<Diagnostic>) -> Name {
    optional_text(map, "type", diagnostics).unwrap_or_else(|| {
        let warning = Diagnostic::warning(format!("{of} has no type")).rule("no-type");
        diagnostics.push(warning.at(name.place).hint(hint));
        Name { text: String::new(), place: name.place }
    })
}

/// A text that a key holds, with a complaint where it is none.
fn optional_text(map: &Map, key: &str, diagnostics: &mut Vec<Diagnostic>) -> Option<Name> {
    let entry = map.get(key)?;
    match entry.node.text() {
        _ if entry.node.goes_over_lines() => {
            diagnostics.push(over_lines(key, entry.node.place));
            None
        }
        Some("") => None,
        Some(text) => Some(Name { text: text.to_owned(), place: entry.node.place }),
        None => {
            diagnostics.push(
                Diagnostic::error(format!("`{key}` must be a text, and this is {}", entry.node.what()))
                    .at(entry.node.place),
            );
            None
        }
    }
}

/// Warns of unknown keys.
fn warn_of_unknown_keys(map: &Map, known: &[&str], of: &str, diagnostics: &mut Vec<Diagnostic>) {
    for (key, entry) in map {
        if !known.contains(&key.as_str()) {
            diagnostics.push(
                Diagnostic::warning(format!("unknown key `{key}` of {of}"))
                    .rule("unknown-key")
                    .at(entry.key)
                    .hint(match key.as_str() {
                        "timeoutMinutes" | "container" | "nodePool" => {
                            "it belongs under `runtime:` of the job"
                        }
                        "on_start" | "on_success" | "on_failure" | "on_cancel" | "always" => {
                            "it belongs to the job: it stands in the column of `steps:`"
                        }
                        _ => "it has no effect",
                    })
                    .did_you_mean(key, known.iter().copied()),
            );
        }
    }
}

/// A list of names, or one.
fn names(node: &Node, what: &str, diagnostics: &mut Vec<Diagnostic>) -> Vec<Name> {
    match &node.value {
        Value::Null => Vec::new(),
        Value::Scalar(_) if node.goes_over_lines() => {
            diagnostics.push(over_lines("name", node.place));
            Vec::new()
        }
        Value::Scalar(scalar) => vec![Name { text: scalar.text.clone(), place: node.place }],
        Value::List(nodes) => nodes.iter().flat_map(|node| names(node, what, diagnostics)).collect(),
        Value::Map(_) => {
            diagnostics.push(
                Diagnostic::error(format!("{what} must be a text, and this is a map"))
                    .at(node.place)
                    .hint("write `- name`"),
            );
            Vec::new()
        }
    }
}

/// The texts of a node that is a text, a list of texts, or lists of lists of them, as anchors make them.
fn flatten_texts(node: &Node, what: &str, out: &mut Vec<String>, diagnostics: &mut Vec<Diagnostic>) {
    match &node.value {
        Value::Null => {}
        Value::Scalar(scalar) => out.push(scalar.text.clone()),
        Value::List(nodes) => {
            for node in nodes {
                flatten_texts(node, what, out, diagnostics);
            }
        }
        Value::Map(map) => diagnostics.push(line_as_map(map, node.place, what)),
    }
}

/// The error for a line of a script that is a map to YAML.
fn line_as_map(map: &Map, place: Span, what: &str) -> Diagnostic {
    let keys_alone = map.values().all(|entry| matches!(entry.node.value, Value::Null));
    Diagnostic::error(format!("{what} is a text or a list of texts, and this is a map")).at(place).hint(if keys_alone {
        "braces around a line make it a map to YAML, as a `:` at its end does: put it into quotes, or write it as a block (`- |`)"
    } else {
        "a line with `: ` in it is a map to YAML: put it into quotes, or write it as a block (`- |`)"
    })
}

/// Whether a map that should have some of these keys has none of them, and none that is like one: it is a line of a
/// script that became a map by its `: `, or by a `:` at its end.
fn is_line(map: &Map, known: &[&str]) -> bool {
    !map.is_empty()
        && map.iter().all(|(key, entry)| {
            let is_text = match entry.node.value {
                Value::Scalar(_) => true,
                Value::Null => key.contains(char::is_whitespace),
                Value::List(_) | Value::Map(_) => false,
            };
            is_text && !known.contains(&key.as_str()) && nearest(key, known.iter().copied()).is_none()
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::is_known_word;
    use crate::value_source::SOURCES;

    #[test]
    fn every_key_is_a_word_that_excerpts_may_show() {
        let fields = kind::KINDS.iter().flat_map(|kind| kind.fields).map(|field| field.name);
        let sources = SOURCES.iter().map(|source| source.key());
        for word in fields.chain(sources).chain(SECTIONS.iter().copied()).chain(ci::KEYS.iter().copied()) {
            assert!(is_known_word(word), "{word}");
        }
    }
}
