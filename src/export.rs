//! A line as the pipeline of another system: a CI job for each job, which runs it with `shipctl` there.
//!
//! Pure: what is written follows from the line alone, so that the same line gives the same text, to the byte.

mod buildkite;
pub mod gather;
mod github;
mod gitlab;
mod place;
pub mod standalone;
mod yaml;

use crate::contract::shell_quoted;
use std::time::Duration;

pub use place::{directory_name, place_of_line};

/// A line, as far as another system has to know it.
pub struct ExportedLine {
    /// What the pipeline is called.
    pub name: String,
    /// The command that made it, to make it anew.
    pub command: String,
    /// What stands behind `shipctl` in each call: where the line is, if not in the directory that is checked out.
    pub options: String,
    /// Its jobs, each behind those that it needs.
    pub jobs: Vec<ExportedJob>,
    /// Where the state is kept.
    pub state: StateLocation,
    /// What is to be set before it can run.
    pub settings: Vec<Setting>,
    /// What does not carry over, of the line as a whole.
    pub notes: Vec<String>,
}

/// A job.
pub struct ExportedJob {
    /// Its name in the line.
    pub name: String,
    /// What it is called in the other system: letters, digits, `-` and `_`.
    pub id: String,
    /// What it needs.
    pub needs: Vec<Need>,
    /// For each entry of its matrix, whether it may fail; empty if it has none.
    pub entries: Vec<bool>,
    /// How long it may take.
    pub limit: Option<Duration>,
    /// The image that it runs in.
    pub image: Option<String>,
    /// The settings that it reads, by their names.
    pub settings: Vec<String>,
    /// Whether what goes in has to have a version.
    pub requires_inputs: bool,
    /// What does not carry over.
    pub notes: Vec<String>,
}

/// That a job comes after another.
pub struct Need {
    /// The other, by its place among the jobs.
    pub job: usize,
    /// Whether that has to succeed.
    pub starts: bool,
}

/// Where the versions of a line are kept between its jobs.
pub enum StateLocation {
    /// At this address, which all machines reach.
    Shared(String),
    /// With each job, as artefacts.
    Artefacts,
}

/// A variable that the user has to set.
pub struct Setting {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub purpose: String,
}

/// A system.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// GitHub Actions.
    Github,
    /// GitLab CI/CD.
    Gitlab,
    /// Buildkite.
    Buildkite,
}

/// The directory that holds the state, where it is an artefact.
const STATE: &str = "shipctl-state";

/// Where the releases of `shipctl` lie, for machines that have none.
pub const PROGRAM: &str = "SHIPCTL_RELEASES";

/// What a system adds to the time limit of a job, for shipctl to end it itself and say so.
const GRACE: Duration = Duration::from_secs(5 * 60);

impl System {
    /// The pipeline of a line.
    pub fn write(self, line: &ExportedLine) -> String {
        match self {
            System::Github => github::write(line),
            System::Gitlab => gitlab::write(line),
            System::Buildkite => buildkite::write(line),
        }
    }

    /// Where its pipeline is kept in a repository.
    pub fn file(self) -> &'static str {
        match self {
            System::Github => ".github/workflows/line.yml",
            System::Gitlab => ".gitlab-ci.yml",
            System::Buildkite => ".buildkite/pipeline.yml",
        }
    }

    /// What a setting is called there. No secret of GitHub can begin with its name.
    fn setting(self, name: &str) -> String {
        match self {
            System::Github if name.to_ascii_uppercase().starts_with("GITHUB_") => format!("LINE_{name}"),
            System::Github | System::Gitlab | System::Buildkite => name.to_owned(),
        }
    }

    /// Settings with what they are for, one a line.
    pub fn listed(self, settings: &[Setting]) -> Vec<String> {
        let names: Vec<_> = settings.iter().map(|setting| self.setting(&setting.name)).collect();
        let width = names.iter().map(String::len).max().unwrap_or_default();
        let lines = names.iter().zip(settings);
        lines.map(|(name, setting)| format!("  {name:width$}  {}", setting.purpose)).collect()
    }

    /// Where its settings are made.
    fn settings(self) -> &'static str {
        match self {
            System::Github => "as secrets of the repository",
            System::Gitlab => "as CI/CD variables of the project, masked",
            System::Buildkite => "as secrets of the cluster",
        }
    }

    /// What does not carry over to this system alone, of a job.
    pub fn notes(self, line: &ExportedLine, job: &ExportedJob) -> Vec<String> {
        let mut notes = Vec::new();
        let has_soft = job.needs.iter().any(|need| !need.starts);
        if has_soft && self == System::Gitlab {
            let names: Vec<_> =
                job.needs.iter().filter(|need| !need.starts).map(|need| &line.jobs[need.job].name).collect();
            let names: Vec<_> = names.into_iter().map(String::as_str).collect();
            notes.push(format!(
                "it comes after {}, and runs if that failed, too: here it does not wait for it",
                names.join(", ")
            ));
        }
        if let Some(image) = job.image.as_ref().filter(|_| self == System::Buildkite) {
            notes
                .push(format!("its TASKs run in the image {image}: it needs an agent with docker or podman"));
        }
        if job.entries.len() > 1 && matches!(line.state, StateLocation::Shared(_)) {
            notes.push(
                "each entry of its matrix is a run of its own here, and makes a version of its own"
                    .to_owned(),
            );
        }
        notes
    }
}

impl ExportedLine {
    /// The comment at the top: how it was made, what to set, and what does not carry over.
    fn header(&self, system: System) -> String {
        let mut lines = vec![format!("Made by `{}`: make it anew instead of changing it.", self.command)];
        lines.extend(to_be_set(system, &self.settings));
        if !self.notes.is_empty() {
            lines.push(String::new());
            lines.push("What does not carry over:".to_owned());
            lines.extend(self.notes.iter().map(|note| format!("  - {note}")));
        }
        yaml::comment("", lines.iter().map(String::as_str))
    }

    /// What runs a job, or one entry of its matrix, in a shell whose directory is that of the checkout.
    fn run(&self, job: &ExportedJob, entry: Option<&str>) -> String {
        let mut command = format!("shipctl{} run {}", self.options, shell_quoted(&job.name));
        if let Some(entry) = entry {
            command += &format!(" --matrix {entry}");
        }
        if job.requires_inputs {
            command += " --require-in";
        }
        match &self.state {
            StateLocation::Shared(place) => command += &format!(" --state {}", shell_quoted(place)),
            StateLocation::Artefacts => command += &format!(" --state \"$PWD/{STATE}\""),
        }
        command
    }

    /// Whether the state goes from job to job.
    fn has_artefacts(&self) -> bool {
        matches!(self.state, StateLocation::Artefacts)
    }
}

impl StateLocation {
    /// Whether it is kept in a bucket of S3.
    pub fn is_bucket(&self) -> bool {
        matches!(self, StateLocation::Shared(place) if place.starts_with("s3://"))
    }
}

impl ExportedJob {
    /// The entries of its matrix, from 1, each with whether it may fail; one alone if it has none.
    fn runs(&self) -> Vec<(Option<usize>, bool)> {
        match self.entries.as_slice() {
            [] | [_] => vec![(None, self.entries == [true])],
            entries => {
                entries.iter().enumerate().map(|(entry, may_fail)| (Some(entry + 1), *may_fail)).collect()
            }
        }
    }

    /// Whether an entry is the last one. The entries of a matrix are one build, and what the last one leaves is what is stored
    /// of it.
    fn is_last(&self, entry: Option<usize>) -> bool {
        entry.is_none_or(|entry| entry == self.entries.len())
    }

    /// The limit that the other system has, in minutes.
    fn minutes(&self) -> Option<u64> {
        self.limit.map(|limit| (limit + GRACE).as_secs().div_ceil(60))
    }

    /// The comment above it.
    fn comment(&self, system: System, line: &ExportedLine, indent: &str) -> String {
        let notes = system.notes(line, self);
        yaml::comment(indent, self.notes.iter().chain(&notes).map(String::as_str))
    }
}

/// Has `shipctl` be there: what stands in a script before anything else. `path` makes the directory of it known to
/// the commands that follow.
fn install(path: &str) -> Vec<String> {
    vec![
        "if ! command -v shipctl; then".to_owned(),
        format!("  curl -fsSL \"${{{PROGRAM}:?says where the releases of shipctl lie}}/install.sh\" | sh"),
        format!("  {path}"),
        "fi".to_owned(),
    ]
}

/// The part of a header that says what to set, and where.
fn to_be_set(system: System, settings: &[Setting]) -> Vec<String> {
    if settings.is_empty() {
        return Vec::new();
    }
    let title = format!("To be set, {}:", system.settings());
    [String::new(), title].into_iter().chain(system.listed(settings)).collect()
}
