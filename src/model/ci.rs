//! The CI section of `shippable.yml`: what the runCI jobs of a line run.
//!
//! It fills the top of the file, beside `jobs:` and `resources:`. Its scripts become TASKs and sections of every runCI
//! job, so that everything behind the model treats such a job like any other; what is left of it in [`Ci`] are the
//! variables and the matrix, which say how often the job runs and with what.

mod axis;
mod branches;
mod cache;
mod defaults;
mod integrations;
mod matrix;
mod notification;
mod script;
mod settings;

use std::num::NonZeroU32;
use std::path::Path;

use super::job::{Sections, Step};
use super::task::Task;
use super::{Job, Name, Pipeline, flatten_texts, is_path, names, warn_of_unknown_keys};
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::yaml::{Map, Node, Value, is_true};

pub use super::job::RUN_CI;
pub use axis::Axis;
pub use branches::Branches;
pub use matrix::MatrixEntry;
pub use notification::{Before, Notification};
pub use settings::{Part, Setting, Variable};

/// What ends the name of such a job and of its repository, as the original gave them.
pub const JOB_SUFFIX: &str = "_runCI";

/// What ends the name of the repository that the original gave to such a job.
pub const REPOSITORY_SUFFIX: &str = "_ciRepo";

/// Its keys, at the top of the file.
pub use crate::source::CI_KEYS as KEYS;

/// What the CI section says beside its scripts.
pub struct Ci {
    /// The language, empty where none is named.
    pub language: String,
    /// The variables of every run.
    pub global: Vec<Setting>,
    /// One entry for each run; at least one.
    pub matrix: Vec<MatrixEntry>,
    /// Whether the original kept the directory of the build for the next one.
    pub cache: bool,
    /// Whether submodules are wanted.
    pub submodules: bool,
    /// How many commits of its history the clone of the repository has, where not all are wanted.
    pub depth: Option<NonZeroU32>,
    /// The branches that the original built.
    pub branches: Branches,
    /// Who is told of a run.
    pub notifications: Vec<Notification>,
    /// The types that the section writes beside the names of its integrations.
    pub integration_types: Vec<(String, String)>,
    /// The services that the original started beside the build.
    pub services: Vec<Name>,
    /// `bundler_args`, as written.
    pub bundler_args: String,
    /// The registries of images that jobs are logged in to, by their integrations, each with its type in small letters.
    pub hubs: Vec<(Name, String)>,
    /// Where its keys stand.
    pub keys: Vec<Span>,
}

/// What a runCI job takes from the CI section.
#[derive(Default)]
struct Script {
    tasks: Vec<Task>,
    sections: Sections,
    integrations: Vec<Name>,
    integration_types: Vec<(String, String)>,
    notifications: Vec<Notification>,
    hubs: Vec<(Name, String)>,
}

impl Ci {
    /// What of `env` the shells of every run set themselves: there are commands in it. A row that is one of several is
    /// none of it.
    fn commands(&self) -> Vec<String> {
        let row = match self.matrix.as_slice() {
            [entry] => entry.settings.as_slice(),
            _ => &[],
        };
        let settings = self.global.iter().chain(row);
        settings
            .filter_map(|setting| match setting {
                Setting::Command(text) => Some(format!("export {}", text.text)),
                Setting::Variable(_) | Setting::Secure(_) => None,
            })
            .collect()
    }

    /// Where the first command stands in a row of `env` that is one of several, which no shell runs.
    pub fn command_of_a_row(&self) -> Option<Span> {
        let mut settings =
            self.matrix.iter().flat_map(|entry| &entry.settings).filter(|_| self.matrix.len() > 1);
        settings.find_map(|setting| match setting {
            Setting::Command(text) => Some(text.place),
            Setting::Variable(_) | Setting::Secure(_) => None,
        })
    }
}

/// The directories that are kept from run to run; none for that of the build.
fn cached(written: &Map, diagnostics: &mut Vec<Diagnostic>) -> Vec<String> {
    let mut directories = Vec::new();
    if let Some(list) = written.get("build").and_then(|build| build.node.get("cache_dir_list")) {
        flatten_texts(list, "a directory of `cache_dir_list`", &mut directories, diagnostics);
    }
    directories
}

impl Script {
    /// Has the TASK of the `ci` phase begin with what the run before has kept, and keep it in the end.
    fn add_cache(&mut self, directories: &[String]) {
        if let Some(task) = self.tasks.iter_mut().find(|task| task.name.as_deref() != Some("pre_ci")) {
            task.entries.insert(0, cache::restore(directories));
            task.entries.push(cache::keep(directories));
        }
    }

    /// Has every TASK begin with these lines.
    fn add_settings(&mut self, lines: Vec<String>) {
        for task in self.tasks.iter_mut().filter(|_| !lines.is_empty()) {
            task.entries.insert(0, lines.join("\n"));
        }
    }
}

impl Job {
    /// Whether it runs the CI section.
    pub fn is_ci(&self) -> bool {
        self.kind.text == RUN_CI
    }

    /// Adds what the CI section has it do to what it says itself.
    fn take(&mut self, script: &Script, diagnostics: &mut Vec<Diagnostic>) {
        self.steps.retain(|step| match step {
            Step::Task(task) => {
                diagnostics.push(
                    Diagnostic::warning(format!(
                        "a TASK of the runCI job `{}` has no effect",
                        self.name.text
                    ))
                    .rule("left-out")
                    .at(task.place)
                    .hint("what such a job runs stands under `build:`"),
                );
                false
            }
            _ => true,
        });
        let first_output = self.steps.iter().position(|step| matches!(step, Step::Out(_)));
        let at = first_output.unwrap_or(self.steps.len());
        self.steps.splice(at..at, script.tasks.iter().cloned().map(Step::Task));
        for name in &script.integrations {
            if self.integrations.iter().all(|listed| listed.text != name.text) {
                self.integrations.push(name.clone());
            }
        }
        let Sections { on_start, on_success, on_failure, on_cancel, always, notify } =
            script.sections.clone();
        let own = &mut self.sections;
        for (own, more) in [
            (&mut own.on_start, on_start),
            (&mut own.on_success, on_success),
            (&mut own.on_failure, on_failure),
            (&mut own.on_cancel, on_cancel),
            (&mut own.always, always),
        ] {
            own.splice(0..0, more);
        }
        own.notify.extend(notify);
    }
}

/// What the job of a CI section is called that no file declares.
pub(super) fn name_of_job(directory: &Path) -> String {
    format!("{}{JOB_SUFFIX}", directory.file_name().unwrap_or_default().to_string_lossy())
}

impl Pipeline {
    /// Gives the runCI jobs what the CI section has them do, once all files were read. The original made such a job for
    /// every repository; where the line declares none, the job that takes it says its name, or `directory`.
    pub(super) fn read_ci(&mut self, directory: &Path, diagnostics: &mut Vec<Diagnostic>) {
        let written = std::mem::take(&mut self.written_ci);
        let Some(first) = written.values().next() else { return };
        let place = written.get("build").unwrap_or(first).key;
        let mut script = script::read(&written, diagnostics);
        let ci = read(&written, diagnostics);
        if ci.cache {
            script.add_cache(&cached(&written, diagnostics));
        }
        script.add_settings(ci.commands());
        script.notifications.extend(notification::of_first_form(&written, diagnostics));
        let (notifications, integration_types) =
            (script.notifications.clone(), script.integration_types.clone());
        if let Some(entry) = written.get("build_image").filter(|entry| entry.node.text() != Some("")) {
            diagnostics.push(
                Diagnostic::warning("`build_image` has no effect: the scripts run on this machine")
                    .rule("left-out")
                    .at(entry.key)
                    .hint("install what they need here, or name the image under `pre_ci_boot` of `build`"),
            );
        }
        let hubs = std::mem::take(&mut script.hubs);
        self.ci = Some(Ci { notifications, integration_types, hubs, ..ci });
        if !script.tasks.is_empty()
            && !self.jobs.values().any(Job::is_ci)
            && let Some(job) = unwritten_job(&self.name_of_unwritten_job(directory), place)
            && !self.resources.contains_key(&job.name.text)
            && !self.jobs.contains_key(&job.name.text)
        {
            self.jobs.insert(job.name.text.clone(), job);
        }
        for job in self.jobs.values_mut().filter(|job| job.is_ci()) {
            job.take(&script, diagnostics);
        }
    }

    /// What another job takes that is declared nowhere and called as such jobs are; or `<directory>_runCI`.
    fn name_of_unwritten_job(&self, directory: &Path) -> String {
        let inputs = self.jobs.values().flat_map(Job::inputs).map(|input| &input.name.text);
        let taken = inputs
            .filter(|name| name.ends_with(JOB_SUFFIX))
            .find(|name| !self.jobs.contains_key(*name) && !self.resources.contains_key(*name));
        taken.cloned().unwrap_or_else(|| name_of_job(directory))
    }
}

/// The job that a repository has without saying so.
fn unwritten_job(name: &str, place: Span) -> Option<Job> {
    let name = Name { text: name.to_owned(), place };
    (is_path(&name.text) && name.env().is_some()).then(|| Job {
        name,
        kind: Name { text: RUN_CI.to_owned(), place },
        steps: Vec::new(),
        integrations: Vec::new(),
        sections: Sections::default(),
        time_limit: None,
        node: Node { place, value: Value::Map(Map::default()) },
    })
}

/// `depth`, under `git` or, as it was first documented, at the top.
fn depth(written: &Map, diagnostics: &mut Vec<Diagnostic>) -> Option<NonZeroU32> {
    let of_git = written.get("git").and_then(|entry| entry.node.get("depth"));
    let node = of_git.or_else(|| written.get("depth").map(|entry| &entry.node))?;
    let text = node.text().filter(|text| !text.is_empty())?;
    let depth = text.parse().ok();
    if depth.is_none() && text != "false" {
        diagnostics.push(
            Diagnostic::warning("`depth` is a number of commits, from 1")
                .at(node.place)
                .hint("the clone has the whole history"),
        );
    }
    depth
}

fn read(written: &Map, diagnostics: &mut Vec<Diagnostic>) -> Ci {
    let text =
        |key: &str| written.get(key).and_then(|entry| entry.node.text()).unwrap_or_default().to_owned();
    let (global, rows) = settings::read(written, diagnostics);
    let within = |key: &str, part: &str| {
        let node = written.get(key).and_then(|entry| entry.node.get(part));
        node.and_then(Node::text).map(is_true)
    };
    if let Some(map) = written.get("git").and_then(|entry| entry.node.map()) {
        warn_of_unknown_keys(map, &["submodules", "depth"], "`git`", diagnostics);
    }
    let branches = written.get("branches").map(|entry| Branches::read(&entry.node, diagnostics));
    Ci {
        depth: depth(written, diagnostics),
        branches: branches.unwrap_or_default(),
        language: text("language"),
        global,
        matrix: matrix::read(written, &rows, diagnostics),
        cache: within("build", "cache").unwrap_or_else(|| is_true(&text("cache"))),
        submodules: within("git", "submodules").unwrap_or(true),
        services: written
            .get("services")
            .map_or_else(Vec::new, |entry| names(&entry.node, "a service", diagnostics)),
        notifications: Vec::new(),
        integration_types: Vec::new(),
        hubs: Vec::new(),
        bundler_args: text("bundler_args"),
        keys: written.values().map(|entry| entry.key).collect(),
    }
}
