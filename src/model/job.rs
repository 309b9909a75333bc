//! Jobs and their steps.

use std::time::Duration;

use super::notified::notified;
use super::task::{Task, read_section};
use super::{Name, kind, names, optional_text, over_lines, required_name, warn_of_unknown_keys};
use crate::diagnostic::Diagnostic;
use crate::yaml::{Map, Node, Value, is_false, is_true};

/// A job.
pub struct Job {
    /// Its name.
    pub name: Name,
    /// Its type; empty where there is none.
    pub kind: Name,
    /// What it takes, does and changes, in order.
    pub steps: Vec<Step>,
    /// The integrations it asks for by name.
    pub integrations: Vec<Name>,
    /// The scripts of its sections.
    pub sections: Sections,
    /// How long it may run.
    pub time_limit: Option<Duration>,
    /// All of it, as written.
    pub node: Node,
}

/// A step of a job.
pub enum Step {
    /// `IN: name`
    In(Input),
    /// `OUT: name`
    Out(Output),
    /// `TASK: …`
    Task(Task),
    /// `NOTIFY: name`
    Notify(Name),
}

/// A resource, trigger or job that goes in.
pub struct Input {
    /// Its name.
    pub name: Name,
    /// `versionNumber:` or `versionName:`, which pick a version.
    pub pin: Option<Pin>,
    /// `switch: off`: a change does not start the job.
    pub switched_off: bool,
    /// What a cliConfig is to configure beside the command line itself.
    pub scopes: Vec<String>,
    /// The whole step, as written.
    pub node: Node,
}

impl Input {
    /// The names that `applyTo` lists: texts, or maps with `manifest` and `image`. `None` if it applies to all.
    pub fn apply_to(&self) -> Option<Vec<Name>> {
        let mut names = Vec::new();
        add_applied(self.node.get("applyTo")?, &mut names);
        Some(names)
    }

    /// A warning if `applyTo` lists nothing.
    pub fn applies_to_nothing(&self) -> Option<Diagnostic> {
        let list =
            self.node.get("applyTo").filter(|_| self.apply_to().is_some_and(|names| names.is_empty()))?;
        let warning =
            Diagnostic::warning(format!("`{}` applies to nothing", self.name.text)).rule("no-effect");
        Some(
            warning
                .at(list.place)
                .hint("list manifests, images or files in `applyTo`; without it, it applies to all"),
        )
    }
}

fn add_applied(node: &Node, names: &mut Vec<Name>) {
    match &node.value {
        Value::Null => {}
        Value::Scalar(scalar) => names.push(Name { text: scalar.text.clone(), place: node.place }),
        Value::List(nodes) => nodes.iter().for_each(|node| add_applied(node, names)),
        Value::Map(_) => {
            let parts = ["manifest", "image"].into_iter().filter_map(|key| node.get(key));
            parts.for_each(|part| add_applied(part, names));
        }
    }
}

/// Which version of an input is taken.
pub enum Pin {
    /// By its number, as written.
    Number(Name),
    /// By its name.
    Name(Name),
}

/// A resource that comes out.
pub struct Output {
    /// Its name.
    pub name: Name,
    /// The input that it is made a copy of.
    pub replicate: Option<Name>,
    /// A new version starts from nothing.
    pub overwrite: bool,
    /// A failed job makes a new version too.
    pub on_failure: bool,
    /// The whole step, as written.
    pub node: Node,
}

/// The scripts of a job's sections, entry by entry.
#[derive(Clone, Debug, Default)]
pub struct Sections {
    /// Before the first TASK.
    pub on_start: Vec<String>,
    /// After the last TASK, if all went well.
    pub on_success: Vec<String>,
    /// After a TASK that failed.
    pub on_failure: Vec<String>,
    /// After a run that was cancelled.
    pub on_cancel: Vec<String>,
    /// At the end, whatever happened.
    pub always: Vec<String>,
    /// The notifications that sections send, each with the name of the section.
    pub notify: Vec<(&'static str, Name)>,
}

impl Sections {
    /// The scripts of all sections, each with its name, in the order in which they run.
    pub fn scripts(&self) -> [(&'static str, &[String]); 5] {
        [
            ("on_start", &self.on_start),
            ("on_success", &self.on_success),
            ("on_failure", &self.on_failure),
            ("on_cancel", &self.on_cancel),
            ("always", &self.always),
        ]
    }
}

/// The type of the jobs that run the CI section.
pub const RUN_CI: &str = "runCI";

/// Types of jobs that have scripts of their own.
pub(super) const SCRIPT_TYPES: &[&str] = &["runSh", "runCLI"];

/// The keys of a job.
#[rustfmt::skip]
pub const KEYS: &[&str] = &[
    "name", "type", "steps", "integrations", "runtime", "on_start", "on_success", "on_failure", "on_cancel", "always",
    "triggerMode", "dependencyMode", "priority", "flags", "allowPublicAccess", "stabilityDuration", "serial", "method",
    "bump", "options", "maxWaitTime", "workflow",
];

/// The keys of a step.
#[rustfmt::skip]
pub const STEP_KEYS: &[&str] = &[
    "IN", "OUT", "TASK", "NOTIFY", "switch", "versionName", "versionNumber", "scopes", "applyTo", "force",
    "showBuildStatus", "vote", "dependencyMode", "replicate", "replicateOnPullRequest", "overwrite", "on_failure",
    "GET", "PUT", "pull", "bump", "deployMethod", "deploymentMethod", "agentOnly", "trigger", "deployName", "deployOptions",
];

impl Job {
    pub(super) fn read(node: Node, diagnostics: &mut Vec<Diagnostic>) -> Option<Job> {
        let name = required_name(&node, "job", diagnostics)?;
        let map = node.map()?;
        let of = format!("job `{}`", name.text);
        warn_of_unknown_keys(map, KEYS, &of, diagnostics);
        let kind = kind(map, &of, &name, "add `type: runSh`", diagnostics);
        let mut steps = read_steps(map, &kind, diagnostics);
        let integrations = match map.get("integrations") {
            Some(entry) => names(&entry.node, "an integration's name", diagnostics),
            None => Vec::new(),
        };
        let sections = read_sections(map, diagnostics);
        let time_limit = read_time_limit(&node, diagnostics);
        if let Some(runtime) = node.get("runtime") {
            for step in &mut steps {
                if let Step::Task(task) = step {
                    task.take_runtime(runtime, diagnostics);
                }
            }
        }
        Some(Job { name, kind, steps, integrations, sections, time_limit, node })
    }

    /// Whether the job's TASKs are scripts that can be run.
    pub fn has_scripts(&self) -> bool {
        SCRIPT_TYPES.contains(&self.kind.text.as_str())
            || self.is_ci() && self.steps.iter().any(|step| matches!(step, Step::Task(_)))
    }

    /// Its TASKs, in order.
    pub fn tasks(&self) -> impl Iterator<Item = &Task> {
        self.steps.iter().filter_map(|step| match step {
            Step::Task(task) => Some(task),
            _ => None,
        })
    }

    /// What goes in, in order.
    pub fn inputs(&self) -> impl Iterator<Item = &Input> {
        self.steps.iter().filter_map(|step| match step {
            Step::In(input) => Some(input),
            _ => None,
        })
    }

    /// What comes out, in order.
    pub fn outputs(&self) -> impl Iterator<Item = &Output> {
        self.steps.iter().filter_map(|step| match step {
            Step::Out(output) => Some(output),
            _ => None,
        })
    }
}

fn read_steps(job: &Map, kind: &Name, diagnostics: &mut Vec<Diagnostic>) -> Vec<Step> {
    let mut steps = Vec::new();
    let Some(entry) = job.get("steps") else { return steps };
    match &entry.node.value {
        Value::Null => {}
        Value::List(nodes) => {
            for node in nodes {
                read_step(node, kind, &mut steps, diagnostics);
            }
        }
        // Some wrote all steps into one map; it means the same.
        Value::Map(_) => read_step(&entry.node, kind, &mut steps, diagnostics),
        Value::Scalar(_) => diagnostics.push(
            Diagnostic::error("`steps` must be a list, and this is a text")
                .at(entry.node.place)
                .hint("begin each step with `- IN:`, `- TASK:` or `- OUT:`"),
        ),
    }
    steps
}

/// A step is a map with one of IN, TASK, OUT and NOTIFY; where it has several, each is a step.
fn read_step(node: &Node, kind: &Name, steps: &mut Vec<Step>, diagnostics: &mut Vec<Diagnostic>) {
    let Some(map) = node.map() else {
        diagnostics.push(
            Diagnostic::warning(format!("a step must be a map, and this is {}", node.what()))
                .at(node.place)
                .hint("write `- IN: name`, `- TASK: …` or `- OUT: name`"),
        );
        return;
    };
    let before = (diagnostics.len(), steps.len());
    if SCRIPT_TYPES.contains(&kind.text.as_str()) {
        warn_of_unknown_keys(map, STEP_KEYS, "a step", diagnostics);
    }
    // One warning is enough for a step that is none because its key is misspelt.
    let is_warned_of = diagnostics.len() > before.0;
    for (key, entry) in map {
        match key.as_str() {
            // GET and PUT are the old words.
            "IN" | "GET" => steps.extend(name_of(&entry.node, key, diagnostics).map(|name| {
                let text = |key| node.get(key).and_then(Node::text).filter(|text| !text.is_empty());
                let place = |key: &str| map.get(key).map_or(name.place, |entry| entry.node.place);
                let pin = |key| text(key).map(|text| Name { text: text.to_owned(), place: place(key) });
                Step::In(Input {
                    pin: pin("versionNumber").map(Pin::Number).or_else(|| pin("versionName").map(Pin::Name)),
                    switched_off: text("switch").is_some_and(is_false),
                    scopes: map
                        .get("scopes")
                        .map_or_else(Vec::new, |entry| names(&entry.node, "a scope", diagnostics))
                        .into_iter()
                        .map(|name| name.text)
                        .collect(),
                    node: node.clone(),
                    name,
                })
            })),
            "OUT" | "PUT" => steps.extend(name_of(&entry.node, key, diagnostics).map(|name| {
                let yes = |key| node.get(key).and_then(Node::text).is_some_and(is_true);
                Step::Out(Output {
                    replicate: optional_text(map, "replicate", diagnostics),
                    overwrite: yes("overwrite"),
                    on_failure: yes("on_failure"),
                    node: node.clone(),
                    name,
                })
            })),
            "TASK" => steps.extend(Task::read(&entry.node, entry.key, diagnostics).map(Step::Task)),
            "NOTIFY" => {
                steps.extend(notified(&entry.node, diagnostics).into_iter().map(Step::Notify));
            }
            _ => {}
        }
    }
    if steps.len() == before.1
        && !is_warned_of
        && !map.contains_key("TASK")
        && !map.keys().any(|key| STEP_KEYS[..4].contains(&key.as_str()))
    {
        diagnostics.push(
            Diagnostic::warning("a step without IN, TASK, OUT or NOTIFY")
                .at(node.place)
                .hint("it has no effect; perhaps it is indented too little"),
        );
    }
}

fn name_of(node: &Node, key: &str, diagnostics: &mut Vec<Diagnostic>) -> Option<Name> {
    match node.text() {
        _ if node.goes_over_lines() => diagnostics.push(over_lines(key, node.place)),
        Some("") => diagnostics.push(
            Diagnostic::warning(format!("`{key}` names nothing"))
                .at(node.place)
                .hint(format!("write `{key}: name`")),
        ),
        Some(text) => return Some(Name { text: text.to_owned(), place: node.place }),
        None => diagnostics.push(
            Diagnostic::error(format!("`{key}` names one resource or job, and this is {}", node.what()))
                .at(node.place)
                .hint(format!("write one step `- {key}: name` for each")),
        ),
    }
    None
}

pub(super) fn read_sections(job: &Map, diagnostics: &mut Vec<Diagnostic>) -> Sections {
    let mut sections = Sections::default();
    for (name, entries) in [
        ("on_start", &mut sections.on_start),
        ("on_success", &mut sections.on_success),
        ("on_failure", &mut sections.on_failure),
        ("on_cancel", &mut sections.on_cancel),
        ("always", &mut sections.always),
    ] {
        if let Some(entry) = job.get(name) {
            *entries = read_section(&entry.node, name, &mut sections.notify, diagnostics);
        }
    }
    sections
}

fn read_time_limit(job: &Node, diagnostics: &mut Vec<Diagnostic>) -> Option<Duration> {
    let node = job.get("runtime")?.get("timeoutMinutes")?;
    let minutes = node.text().and_then(|text| text.parse::<f64>().ok()).filter(|minutes| *minutes > 0.0);
    let limit = minutes.and_then(|minutes| Duration::try_from_secs_f64(minutes * 60.0).ok());
    if limit.is_none() {
        diagnostics.push(
            Diagnostic::error("`timeoutMinutes` is a number of minutes above 0")
                .at(node.place)
                .hint("write `timeoutMinutes: 60`"),
        );
    }
    limit
}
