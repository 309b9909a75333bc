//! `init`: a small line to begin with, and what an old line lacks before it can run here.
//!
//! The service kept integrations in its own database and let one repository use what another declared, so the YAML of
//! an old line names things that it does not declare. [`survey`] finds them and says what each is, as far as the line
//! tells; [`render`] writes them as a file of the line. Nothing is read or written here.

mod evidence;
mod starter;
mod stub;

use std::fmt::Write as _;

use indexmap::{IndexMap, IndexSet};

use crate::contract;
use crate::edit::{as_block, map_node, text_node};
use crate::model::ci::Notification;
use crate::model::kind::{Field, Kind, Shape};
use crate::model::usage;
use crate::model::{Pipeline, files::Line};
use crate::printable::Printable;
use crate::source::SourceId;
use crate::yaml::{Node, Value};
use evidence::Evidence;

pub use starter::{INTEGRATIONS, LINE, starter};
pub use stub::Stub;

/// What a line names and declares nowhere.
pub struct Survey {
    /// Its integrations, in the order in which the line names them.
    pub integrations: Vec<Missing>,
    /// Its resources, and the jobs of other repositories, in the order in which jobs take them.
    pub resources: Vec<Stub>,
}

impl Survey {
    /// What was written, in words.
    pub fn summary(&self) -> String {
        let count = |count: usize, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
        let mut text = format!(
            "wrote {INTEGRATIONS}: {}, {}\n",
            count(self.integrations.len(), "integration"),
            count(self.resources.len(), "stub"),
        );
        let width = self.integrations.iter().map(|missing| missing.name.chars().count()).max().unwrap_or(0);
        for missing in &self.integrations {
            let from = missing.values.iter().filter_map(|(_, origin)| match origin {
                Origin::Elsewhere(_, text) => Some(text.as_str()),
                Origin::Text(_) => None,
            });
            let name = Printable(&missing.name).to_string();
            text += &format!(
                "  {name:width$}  {}: {}\n",
                missing.kind.display,
                from.collect::<Vec<_>>().join(", ")
            );
        }
        text
    }
}

/// An integration that is named and declared nowhere.
pub struct Missing {
    /// Its name.
    pub name: String,
    /// Its kind, as far as the line tells it.
    pub kind: &'static Kind,
    /// The resources and jobs that name it, for a comment.
    pub used_by: Vec<String>,
    /// Its required fields and, in a key-value pair, its keys, each with where the value is.
    pub values: Vec<(Key, Origin)>,
}

/// A field, with a key if it is that of a key-value pair.
#[derive(Clone, Debug)]
pub struct Key {
    /// What the kind says of it.
    pub field: &'static Field,
    /// The key in a key-value pair.
    pub key: Option<String>,
}

/// Where a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It is this text, which is no secret.
    Text(String),
    /// The YAML says where it is: `env`, `file` or `command`, and the text behind that.
    Elsewhere(&'static str, String),
}

impl Missing {
    /// The integration of this name with placeholders for its values: variables that begin with its name.
    pub fn new(name: String, kind: &'static Kind, keys: &[String], used_by: Vec<String>) -> Missing {
        let prefix = contract::env_name(&name).unwrap_or_else(|| "INTEGRATION".to_owned());
        let variable = |key: &str| {
            Origin::Elsewhere("env", format!("{prefix}_{}", contract::sanitize(key).to_ascii_uppercase()))
        };
        let mut values = Vec::new();
        for field in kind.fields.iter().filter(|field| field.required) {
            if field.shape == Shape::Map {
                let own = |key: &String| (Key { field, key: Some(key.clone()) }, variable(key));
                values.extend(keys.iter().map(own));
                if keys.is_empty() {
                    values.push((Key { field, key: Some(EXAMPLE_KEY.to_owned()) }, variable(EXAMPLE_KEY)));
                }
                continue;
            }
            let origin = match default_of(kind, field) {
                Some(text) => Origin::Text(text.to_owned()),
                None => variable(field.name),
            };
            values.push((Key { field, key: None }, origin));
        }
        Missing { name, kind, used_by, values }
    }
}

/// The key of a key-value pair whose keys the line does not tell.
const EXAMPLE_KEY: &str = "KEY";

/// The usual value of a field that is no secret.
pub fn default_of(kind: &Kind, field: &Field) -> Option<&'static str> {
    match (kind.name, field.name) {
        ("github", "url") => Some("https://api.github.com"),
        ("gitlab", "url") => Some("https://gitlab.com/api/v4"),
        ("bitbucket", "url") => Some("https://api.bitbucket.org"),
        ("newRelicKey", "url") => Some("https://api.newrelic.com/v2"),
        ("smtpCreds", "port") => Some("587"),
        _ => None,
    }
}

/// The kind that an integration most likely is of, by what the line tells of its name.
pub fn likely_kind(line: &Line, name: &str) -> &'static Kind {
    match survey(line).integrations.into_iter().find(|missing| missing.name == name) {
        Some(missing) => missing.kind,
        None => Evidence::gather(line).kind_of(name, &line.pipeline, std::iter::empty()).0,
    }
}

/// Finds what a line names and declares nowhere.
pub fn survey(line: &Line) -> Survey {
    let pipeline = &line.pipeline;
    let evidence = Evidence::gather(line);
    let resources = stub::missing(pipeline, &evidence);
    let mut named: IndexSet<&str> = IndexSet::new();
    for resource in pipeline.resources.values() {
        if let Some(name) = &resource.integration {
            named.insert(&name.text);
        }
    }
    for name in pipeline.jobs.values().flat_map(|job| &job.integrations) {
        named.insert(&name.text);
    }
    for name in pipeline.ci.iter().flat_map(|ci| &ci.notifications).filter_map(Notification::integration) {
        named.insert(&name.text);
    }
    for name in resources.iter().filter_map(|stub| stub.integration.as_deref()) {
        named.insert(name);
    }
    named.retain(|name| !pipeline.integrations.contains_key(*name));
    let integrations = named.into_iter().map(|name| {
        let stubs = resources.iter().filter(|stub| stub.integration.as_deref() == Some(name));
        let (kind, keys) = evidence.kind_of(name, pipeline, stubs.clone());
        let stubs = stubs.map(|stub| format!("resource {}", stub.name));
        Missing::new(name.to_owned(), kind, &keys, users(pipeline, name).into_iter().chain(stubs).collect())
    });
    Survey { integrations: integrations.collect(), resources }
}

/// Who names an integration: `resource aws`, `job deploy`.
fn users(pipeline: &Pipeline, integration: &str) -> Vec<String> {
    let usage = usage::of(pipeline, integration);
    let by_ci = pipeline
        .ci
        .iter()
        .flat_map(|ci| &ci.notifications)
        .filter_map(Notification::integration)
        .any(|name| name.text == integration);
    let ci = by_ci.then(|| "the notifications of the CI section".to_owned());
    let resources = usage.resources.iter().map(|bound| format!("resource {}", bound.resource.name.text));
    let jobs = usage.jobs.iter().map(|(job, _)| format!("job {}", job.name.text));
    resources.chain(jobs).chain(ci).collect()
}

/// A file of the line that declares all of it. `file` is any file of the line: nodes have to be of one.
pub fn render(survey: &Survey, file: SourceId) -> String {
    let mut text = String::from(
        "# Credentials of this line, and stubs for what it uses and does not declare. Written by `shipctl init`: check it,\n\
         # and change what it could not know. A value is a text, or says where it is: {env: VARIABLE}, {file: path},\n\
         # {command: [program, argument]}, or {secure: …} as `shipctl encrypt` prints it.\n",
    );
    if !survey.integrations.is_empty() {
        text.push_str("\nintegrations:\n");
        for (index, missing) in survey.integrations.iter().enumerate() {
            let gap = if index == 0 { "" } else { "\n" };
            let _ = writeln!(text, "{gap}  # {}: {}", missing.kind.display, listed(&missing.used_by));
            push_item(&mut text, &missing.node(file));
        }
    }
    for (key, is_job) in [("resources", false), ("jobs", true)] {
        let stubs: Vec<_> = survey.resources.iter().filter(|stub| stub.is_job() == is_job).collect();
        if !stubs.is_empty() {
            let _ = writeln!(text, "\n{key}:");
        }
        for (index, stub) in stubs.into_iter().enumerate() {
            let gap = if index == 0 { "" } else { "\n" };
            let _ = writeln!(text, "{gap}  # {}", Printable(&stub.comment()));
            push_item(&mut text, &stub.node(file));
        }
    }
    text
}

fn push_item(text: &mut String, item: &Node) {
    for line in as_block(item, 2, 2) {
        text.push_str(&line);
        text.push('\n');
    }
}

/// The first few of a list, for a comment.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 4;
    let shown =
        names.iter().take(SHOWN).map(|name| Printable(name).to_string()).collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(SHOWN) {
        None | Some(0) => format!("used by {shown}"),
        Some(more) => format!("used by {shown} and {more} more"),
    }
}

impl Missing {
    /// All of it, as an item of `integrations:`.
    fn node(&self, file: SourceId) -> Node {
        let value = |origin: &Origin| match origin {
            Origin::Text(text) => text_node(file, text),
            Origin::Elsewhere(key, text) => map_node(file, [((*key).to_owned(), text_node(file, text))]),
        };
        let mut fields: IndexMap<&str, Node> = IndexMap::new();
        for (key, origin) in &self.values {
            let node = value(origin);
            match (&key.key, key.field.shape) {
                (Some(name), _) => {
                    let map = fields.entry(key.field.name).or_insert_with(|| map_node(file, []));
                    let more = map_node(file, [(name.clone(), node)]);
                    if let (Value::Map(map), Value::Map(more)) = (&mut map.value, more.value) {
                        map.extend(more);
                    }
                }
                (None, Shape::List) => {
                    let place = node.place;
                    fields.insert(key.field.name, Node { place, value: Value::List(vec![node]) });
                }
                (None, _) => _ = fields.insert(key.field.name, node),
            }
        }
        let fields = fields.into_iter().map(|(name, node)| (name.to_owned(), node));
        map_node(
            file,
            [
                ("name".to_owned(), text_node(file, &self.name)),
                ("type".to_owned(), text_node(file, self.kind.name)),
                ("fields".to_owned(), map_node(file, fields)),
            ],
        )
    }
}
