//! A line as a pipeline of another system that needs no shipctl: each job with scripts becomes a job of that system, with
//! its environment, the order, the matrix, secrets by their names, and the state as artefacts. What a line takes and another
//! repository declared is left out, or is to be set. What cannot be turned, or is different, is a [`Gap`], with its place.
//!
//! Pure, as [`super`] is.

mod deploy;
mod functions;
mod github;
mod gitlab;
mod prepare;
mod read;
mod release;
mod stand_ins;
mod text;

use indexmap::{IndexMap, IndexSet};

use super::{Need, Setting, System, to_be_set, yaml};
use crate::source::Span;
pub use read::{Undeclared, complete, read};
use text::Text;

/// A system that a line can be turned into the pipeline of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// GitHub Actions.
    Github,
    /// GitLab CI/CD.
    Gitlab,
}

/// A line, turned.
pub struct Standalone {
    /// What the pipeline is called.
    pub name: String,
    /// The command that made it.
    pub command: String,
    /// The jobs that were turned, each behind those that it needs.
    jobs: Vec<Job>,
    /// The variables that the user has to set.
    pub settings: Vec<Setting>,
    /// What was not turned or is different, in the order of the jobs.
    pub gaps: Vec<Gap>,
    /// How many jobs the line has.
    pub all: usize,
}

/// Something that was not turned, or is different.
pub struct Gap {
    /// The job, if it is of one.
    pub job: Option<String>,
    /// What, and why.
    pub what: String,
    /// Where the line says it.
    pub place: Span,
}

/// A job.
struct Job {
    name: String,
    id: String,
    needs: Vec<Need>,
    minutes: Option<u64>,
    image: Option<String>,
    /// Whether it has no scripts of its own, but what its type does as one.
    is_managed: bool,
    /// One for each entry of its matrix, and one otherwise.
    runs: Vec<Run>,
    /// The resource that the repository of the pipeline is taken for, which a runCI job builds.
    own_repository: Option<String>,
    clones: Vec<Clone>,
    inputs: Vec<Input>,
    /// The directories of the workspace that it has beside those of every job.
    directories: Vec<String>,
    /// More lines that come before its scripts.
    more: Vec<String>,
    /// Whether its scripts may call utility functions.
    has_functions: bool,
    scripts: Vec<Script>,
    /// Where its scripts begin, below the workspace.
    directory: String,
    gaps: Vec<String>,
}

/// A run of a job.
struct Run {
    label: String,
    may_fail: bool,
    variables: IndexMap<String, Text>,
}

/// A repository that goes in.
struct Clone {
    resource: String,
    url: String,
    branch: Option<String>,
    /// The name that goes with a token.
    user: &'static str,
    /// The setting that holds the token.
    token: String,
}

/// What another job has left that goes in.
struct Input {
    /// The name of the step.
    name: String,
    /// The first part of its variables.
    env: String,
    /// Its type, which its files lie below.
    kind: String,
    /// The job that left it, by its place among the jobs; what an earlier one left of a resource is added to.
    from: Vec<usize>,
    /// What is known of its version from the YAML.
    known: Vec<(String, String)>,
    /// Whether it is that of the job itself, or a resource that it put OUT.
    is_job: bool,
    /// Whether its keys are variables under their own names.
    is_params: bool,
}

/// When a script runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    /// If all went well until then.
    Success,
    Failure,
    Cancelled,
    Always,
}

/// A TASK or a section.
struct Script {
    name: String,
    when: When,
    variables: IndexMap<String, String>,
    text: String,
}

impl Standalone {
    /// The pipeline as YAML of a system.
    pub fn write(&self, target: Target) -> String {
        match target {
            Target::Github => github::write(self),
            Target::Gitlab => gitlab::write(self),
        }
    }

    /// How much of the line was turned: `38 of 45 jobs, 30 of them whole`.
    pub fn share(&self) -> String {
        let whole = self.jobs.iter().filter(|job| job.gaps.is_empty()).count();
        format!("{} of {} jobs, {whole} of them whole", self.jobs.len(), self.all)
    }

    /// Whether any job was turned.
    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    fn header(&self, system: System) -> String {
        let mut lines = vec![format!("Made by `{}`: {}.", self.command, self.share())];
        lines.extend(to_be_set(system, &self.settings));
        let of_none = |gap: &&Gap| self.jobs.iter().all(|job| gap.job.as_ref() != Some(&job.name));
        let mut gaps = self.gaps.iter().filter(of_none).peekable();
        if gaps.peek().is_some() {
            lines.push(String::new());
            lines.push("What was not turned:".to_owned());
            lines.extend(gaps.map(|gap| match &gap.job {
                Some(job) => format!("  - job {job}: {}", gap.what),
                None => format!("  - {}", gap.what),
            }));
        }
        yaml::comment("", lines.iter().map(String::as_str))
    }
}

impl Job {
    /// The jobs whose state it takes, by their places, each once.
    fn takes(&self) -> IndexSet<usize> {
        self.inputs.iter().flat_map(|input| input.from.iter().copied()).collect()
    }

    /// The variables that are the same in all runs.
    fn shared(&self) -> impl Iterator<Item = (&String, &Text)> {
        let (first, others) =
            self.runs.split_first().map_or((None, &[][..]), |(one, rest)| (Some(one), rest));
        let first = first.into_iter().flat_map(|run| &run.variables);
        first.filter(move |(name, text)| others.iter().all(|run| run.variables.get(*name) == Some(*text)))
    }

    /// The names of those that are not.
    fn differing(&self) -> IndexSet<&String> {
        let shared: IndexSet<&String> = self.shared().map(|(name, _)| name).collect();
        let all = self.runs.iter().flat_map(|run| run.variables.keys());
        all.filter(|name| !shared.contains(name)).collect()
    }

    fn has_matrix(&self) -> bool {
        self.runs.len() > 1
    }
}
