//! What `check` would warn of, as far as it is about one job; and what only its secrets show.

use std::iter;
use std::path::Path;

use super::Session;
use crate::credentials::{self, Credentials};
use crate::diagnostic::Diagnostic;
use crate::environment::LINE_DIRECTORY;
use crate::model::Pipeline;
use crate::resolve::Plan;
use crate::source::Span;
use crate::yaml::{Node, Value};

impl Session {
    /// Tells what the YAML of a job, or of what goes in and comes out of it, has that has no effect: a key that is
    /// misspelt there is not missed anywhere else.
    pub(crate) fn warn_of_job(&self, plan: &Plan) {
        let owners = self.owners.get_or_init(|| {
            self.line.diagnostics.iter().map(|diagnostic| owner(&self.line.pipeline, diagnostic)).collect()
        });
        let is_about = |owner: &str| {
            owner == CI && plan.ci.is_some()
                || owner == plan.job.name.text
                || plan.dependencies.iter().any(|dependency| dependency.name.text == owner)
        };
        let owned = self.line.diagnostics.iter().zip(owners);
        let about = owned.filter(|(diagnostic, owner)| match owner {
            Some(owner) => is_about(owner),
            None => {
                !diagnostic.is_error()
                    && diagnostic.place.is_some_and(|place| self.is_in(&plan.job.node, place))
            }
        });
        let warnings: Vec<_> = about.map(|(diagnostic, _)| diagnostic.clone()).collect();
        self.warn(&warnings);
        self.warn(no_task(plan).as_slice());
        self.warn(&plan.job.idle_scripts());
        let images = plan.tasks.iter().filter_map(|task| task.image.as_ref());
        let images = images.filter(|_| !self.runs_containers.uses_containers()).map(|image| {
            let message = format!("a TASK of job `{}` names the image {}", plan.job.name.text, image.name);
            Diagnostic::warning(message).at(image.place).hint(
                "it runs on this machine, which has to have what the image has: --containers never says so",
            )
        });
        self.warn(&images.collect::<Vec<_>>());
        if let Some(task) = plan.tasks.iter().find(|task| task.default_image) {
            self.warn(&[Diagnostic::warning(format!(
                "a TASK of job `{}` asks for a container and names no image: the original's own image is gone",
                plan.job.name.text
            ))
            .at(task.place)
            .hint("it runs on this machine; name an image with `imageName` under `options` of `runtime`")]);
        }
        self.warn_of_old_paths(plan);
        if self.runs_containers.uses_containers() {
            self.warn_of_unknown_services(plan);
        } else if let Some((first, more)) = plan.ci.and_then(|ci| ci.services.split_first()) {
            let names: Vec<_> = iter::once(first).chain(more).map(|name| name.text.as_str()).collect();
            self.warn(&[Diagnostic::warning(format!(
                "services of the CI section are not started here: {}",
                names.join(", ")
            ))
            .at(first.place)
            .hint("start them before, if the job needs them")]);
        }
    }

    /// Tells of a file that a script calls, that is not in its workspace, and that lies beside the YAML: where the original ran
    /// the script, it was not there either, unless a repository that went in had it.
    pub(crate) fn hint_at_line_files(&self, plan: &Plan, root: &Path) {
        let sections = &plan.job.sections;
        let entries = plan.tasks.iter().flat_map(|task| &task.entries);
        let words = entries.chain(&sections.on_start).flat_map(|entry| entry.split_whitespace());
        let is_beside = |word: &&str| {
            let is_name = word.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '/' | '_' | '-'));
            is_name
                && !word.starts_with('/')
                && self.line.directory.join(word).is_file()
                && !root.join(word).exists()
        };
        if let Some(found) = words.map(|word| word.strip_prefix("./").unwrap_or(word)).find(is_beside) {
            self.warn(&[Diagnostic::warning(format!(
                "`{found}` lies beside the YAML, and not in the workspace where the script ran"
            ))
            .hint(format!("call it as \"${LINE_DIRECTORY}/{found}\", or have the repository go IN"))]);
        }
    }

    /// Whether an anchor that belongs to no item brought what a warning is about into a job: a tag or a bracket, and behind
    /// it what the job has.
    fn is_in(&self, node: &Node, place: Span) -> bool {
        let begins = |node: &Node| {
            let text = self.line.sources.get(place.source).text();
            let between = text.get(place.start as usize..node.place.start as usize);
            node.place.source == place.source
                && between.is_some_and(|between| between.trim_matches(['!', '[', ' ', '\t']).is_empty())
        };
        match &node.value {
            Value::List(nodes) => nodes.iter().any(|node| self.is_in(node, place)),
            Value::Map(map) => map.values().any(|entry| self.is_in(&entry.node, place)),
            Value::Null | Value::Scalar(_) => begins(node),
        }
    }

    /// Tells which secrets cannot be masked, or are in every log.
    pub(crate) fn warn_of_weak_secrets(&self, credentials: &Credentials) {
        self.warn(&credentials::weak(credentials));
    }
}

/// What is to be said of a job without a TASK. `check` is silent: real lines have jobs that only join others. But who runs
/// one expects it to do something, and a misspelt `steps:` or a `task:` makes it a success as well.
fn no_task(plan: &Plan) -> Option<Diagnostic> {
    if !plan.tasks.is_empty() || plan.job.managed().is_some() {
        return None;
    }
    let is_empty = plan.job.sections.scripts().iter().all(|(_, entries)| entries.is_empty());
    let runs = if is_empty { "nothing" } else { "only sections" };
    let name = &plan.job.name;
    Some(
        Diagnostic::warning(format!("job `{}` has no TASK: it runs {runs}", name.text))
            .at(name.place)
            .hint("what it is to run stands under `steps:`, as `- TASK:` with a `script:`"),
    )
}

/// What stands for the CI section among the names of items: no item is called so.
pub(crate) const CI: &str = "";

/// Whom a warning is about; of an error it is not asked.
fn owner(pipeline: &Pipeline, diagnostic: &Diagnostic) -> Option<String> {
    let place = diagnostic.place.filter(|_| !diagnostic.is_error())?;
    item_at(pipeline, place).map(str::to_owned)
}

/// The name of the resource or job that a place lies in: the last one that begins before it.
pub(crate) fn item_at(pipeline: &Pipeline, place: Span) -> Option<&str> {
    let resources =
        pipeline.resources.values().map(|resource| (resource.node.place, resource.name.text.as_str()));
    let jobs = pipeline.jobs.values().map(|job| (job.node.place, job.name.text.as_str()));
    let ci = pipeline.ci.iter().flat_map(|ci| &ci.keys).map(|key| (*key, CI));
    resources
        .chain(jobs)
        .chain(ci)
        .filter(|(start, _)| start.source == place.source && start.start <= place.start)
        .max_by_key(|(start, _)| start.start)
        .map(|(_, name)| name)
}
