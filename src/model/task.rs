//! TASKs and the scripts of sections.

use super::image::{Image, Runtime};
use super::notified::notified;
use super::{Name, flatten_texts, is_line, line_as_map, warn_of_unknown_keys};
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::yaml::{Node, Value};

/// A TASK: what one shell runs.
#[derive(Clone, Debug)]
pub struct Task {
    /// Its name, if it has one.
    pub name: Option<String>,
    /// The entries of its script, each as written.
    pub entries: Vec<String>,
    /// Whether it has a script at all, an empty one included.
    pub has_script: bool,
    /// Its own variables (`runtime.options.env`), in order.
    pub variables: Vec<TaskVariable>,
    /// The image that it runs in.
    pub image: Option<Image>,
    /// What it says itself of images.
    pub(super) runtime: Runtime,
    /// Whether it asks for a container and names no image: the original had one of its own for that.
    pub default_image: bool,
    /// Where it stands.
    pub place: Span,
}

/// A variable of a task.
#[derive(Clone, Debug)]
pub struct TaskVariable {
    /// As written.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Where it stands.
    pub place: Span,
}

const TASK_KEYS: &[&str] = &["name", "runtime", "script"];
/// Keys of an entry of a section.
const SECTION_KEYS: &[&str] = &["script", "NOTIFY"];

const RUNTIME_KEYS: &[&str] = &["container", "options", "nodePool", "timeoutMinutes"];

impl Task {
    /// Reads a TASK in any of its shapes: a map with a script, a list of `{script}` or of texts, a text. `None` for the
    /// word `managed`: the original's own jobs fill that in.
    pub(super) fn read(node: &Node, place: Span, diagnostics: &mut Vec<Diagnostic>) -> Option<Task> {
        let problems = diagnostics.len();
        let mut task = Task {
            name: None,
            entries: Vec::new(),
            has_script: false,
            variables: Vec::new(),
            image: None,
            default_image: false,
            runtime: Runtime::default(),
            place,
        };
        match &node.value {
            Value::Scalar(scalar) if scalar.text == "managed" => return None,
            Value::Map(map) => {
                warn_of_unknown_keys(map, TASK_KEYS, "a TASK", diagnostics);
                task.read_map(node, diagnostics);
            }
            Value::List(nodes) => task.read_list(nodes, diagnostics),
            Value::Scalar(_) | Value::Null => flatten_texts(node, "a TASK", &mut task.entries, diagnostics),
        }
        task.has_script |= !task.entries.is_empty();
        if task.entries.is_empty() && diagnostics[problems..].iter().all(|diagnostic| !diagnostic.is_error())
        {
            diagnostics.push(
                Diagnostic::warning("a TASK without a script")
                    .rule("no-script")
                    .at(place)
                    .hint("nothing runs: add `script: …`"),
            );
        }
        Some(task)
    }

    /// A list of whole tasks is one task too: names and variables of its parts add up. An anchor of a list makes a list in it.
    fn read_list(&mut self, nodes: &[Node], diagnostics: &mut Vec<Diagnostic>) {
        for node in nodes {
            match &node.value {
                Value::Map(map) if is_line(map, TASK_KEYS) => {
                    diagnostics.push(line_as_map(map, node.place, "an entry of a TASK"));
                }
                Value::Map(map) => {
                    warn_of_unknown_keys(map, TASK_KEYS, "a TASK", diagnostics);
                    self.read_map(node, diagnostics);
                }
                Value::List(nodes) => self.read_list(nodes, diagnostics),
                _ => flatten_texts(node, "a TASK", &mut self.entries, diagnostics),
            }
        }
    }

    fn read_map(&mut self, node: &Node, diagnostics: &mut Vec<Diagnostic>) {
        if let Some(name) = node.get("name").and_then(Node::text) {
            self.name = Some(name.to_owned());
        }
        if let Some(script) = node.map().and_then(|map| map.get("script")) {
            self.has_script = true;
            flatten_texts(&script.node, "a script", &mut self.entries, diagnostics);
        }
        let Some(runtime) = node.get("runtime") else { return };
        if let Some(map) = runtime.map() {
            warn_of_unknown_keys(map, RUNTIME_KEYS, "a TASK's runtime", diagnostics);
        }
        self.runtime = Runtime::read(runtime).or(&self.runtime);
        (self.image, self.default_image) = (self.runtime.image(), self.runtime.wants_default());
        if let Some(variables) = runtime.get("options").and_then(|options| options.get("env")) {
            self.read_variables(variables, diagnostics);
        }
    }

    /// Takes what `runtime` of its job says, where its own says nothing.
    pub(super) fn take_runtime(&mut self, runtime: &Node, diagnostics: &mut Vec<Diagnostic>) {
        let whole = self.runtime.clone().or(&Runtime::read(runtime));
        (self.image, self.default_image) = (whole.image(), whole.wants_default());
        if let Some(variables) = runtime.get("options").and_then(|options| options.get("env")) {
            let own = std::mem::take(&mut self.variables);
            self.read_variables(variables, diagnostics);
            self.variables.extend(own);
        }
    }

    /// A list of maps, a map, or a list of `KEY=VALUE` and `KEY:VALUE`.
    pub(super) fn read_variables(&mut self, node: &Node, diagnostics: &mut Vec<Diagnostic>) {
        match &node.value {
            Value::Null => {}
            Value::Map(map) => {
                for (name, entry) in map {
                    match entry.node.text() {
                        Some(value) => self.variables.push(TaskVariable {
                            name: name.clone(),
                            value: value.to_owned(),
                            place: entry.key,
                        }),
                        None => diagnostics.push(
                            Diagnostic::error(format!(
                                "variable `{name}` must be a text, and this is {}",
                                entry.node.what()
                            ))
                            .at(entry.node.place),
                        ),
                    }
                }
            }
            Value::List(nodes) => {
                for node in nodes {
                    self.read_variables(node, diagnostics);
                }
            }
            Value::Scalar(scalar) => match scalar.text.split_once(['=', ':']) {
                Some((name, value)) => self.variables.push(TaskVariable {
                    name: name.trim().to_owned(),
                    value: value.to_owned(),
                    place: node.place,
                }),
                None => diagnostics.push(
                    Diagnostic::error("a variable without a value")
                        .at(node.place)
                        .hint("write `KEY: value` or `KEY=value`"),
                ),
            },
        }
    }
}

/// The entries of a section's scripts; what it notifies goes to `notify`. A section is `{script, NOTIFY}`, a list of
/// them, or plain texts.
pub(super) fn read_section(
    node: &Node,
    name: &'static str,
    notify: &mut Vec<(&'static str, Name)>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<String> {
    let mut entries = Vec::new();
    let parts = match &node.value {
        Value::List(nodes) => nodes.as_slice(),
        _ => std::slice::from_ref(node),
    };
    for part in parts {
        match &part.value {
            // An anchor of a list makes a list in it.
            Value::List(_) => entries.extend(read_section(part, name, notify, diagnostics)),
            Value::Map(map) if is_line(map, SECTION_KEYS) => {
                diagnostics.push(line_as_map(map, part.place, &format!("an entry of `{name}`")));
            }
            Value::Map(map) => {
                warn_of_unknown_keys(map, SECTION_KEYS, &format!("section `{name}`"), diagnostics);
                if let Some(script) = part.get("script") {
                    flatten_texts(script, "a script", &mut entries, diagnostics);
                }
                if let Some(target) = part.get("NOTIFY") {
                    notify.extend(notified(target, diagnostics).into_iter().map(|target| (name, target)));
                }
            }
            _ => flatten_texts(part, name, &mut entries, diagnostics),
        }
    }
    entries
}
