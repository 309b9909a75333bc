//! runCI jobs: the repository that they build without naming it, and their runs, one for each entry of the matrix.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::anyhow;

use super::execute::{self, Done};
use super::record::{Record, State};
use super::{Fetched, Ready, Session};
use crate::cli::{JobOptions, Run};
use crate::diagnostic::Diagnostic;
use crate::environment::{self, Environment, Variable};
use crate::mask::Patterns;
use crate::model::ci::{Entry, JOB_SUFFIX, REPOSITORY_SUFFIX};
use crate::model::files::Line;
use crate::model::job::{Input, Step};
use crate::model::{Job, Name, Pipeline, Resource, written};
use crate::output::Failure;
use crate::printable::Printable;
use crate::repository;
use crate::resolve::Plan;
use crate::run::console::Console;
use crate::run::{Event, Outcome, Signals};
use crate::tools;
use crate::workspace::Home;

/// Adds the repository that a runCI job builds, where the job names none: the original made a ciRepo for each such job.
/// Here it is the repository that holds the YAML. Says so if there is none.
pub(crate) fn add_repository(line: &mut Line, options: &JobOptions, job: &str) -> Option<Diagnostic> {
    let (pipeline, directory) = (&mut line.pipeline, &line.directory);
    let job = pipeline.jobs.get(job).filter(|job| job.is_ci() && job.has_scripts())?;
    let is_repository = |resource: &Resource| repository::is_repository(&resource.kind.text);
    if job.inputs().any(|input| pipeline.resources.get(&input.name.text).is_some_and(is_repository)) {
        return None;
    }
    let (name, is_input) = repository_of(pipeline, job);
    let given = options.repo.iter().any(|(given, _)| *given == name.text);
    if !given && let Some(why) = no_repository(directory) {
        return Some(
            Diagnostic::warning(format!("job `{}` builds no repository: {why}", job.name.text))
                .at(job.name.place)
                .hint(format!(
                    "give one with --repo {}=PATH; otherwise it starts in an empty directory",
                    name.text
                )),
        );
    }
    if !is_input {
        let node = written::map(name.place, &[("IN", &name.text)]);
        let input = Input { name: name.clone(), pin: None, switched_off: false, scopes: Vec::new(), node };
        let job = job.name.text.clone();
        pipeline.jobs.get_mut(&job)?.steps.insert(0, Step::In(input));
    }
    pipeline.resources.entry(name.text.clone()).or_insert_with(|| Resource::implied(name, "ciRepo"));
    None
}

/// Logs a runCI job in to the registries under `hub:` of its CI section, as a cliConfig of each would.
pub(crate) fn add_hubs(pipeline: &mut Pipeline, job: &str) {
    let is_ci = pipeline.jobs.get(job).is_some_and(|job| job.is_ci() && job.has_scripts());
    let hubs = pipeline.ci.as_ref().filter(|_| is_ci).map(|ci| ci.hubs.clone()).unwrap_or_default();
    for (integration, kind) in hubs {
        // What is missing is said where the job lists it.
        let known = pipeline.integrations.get(&integration.text);
        if !known.is_some_and(|known| tools::are_known(known.kind.name)) {
            continue;
        }
        let place = integration.place;
        let name = Name { text: format!("{}_hub", integration.text), place };
        let node = written::map(place, &[("IN", &name.text)]);
        let scopes = [kind].into_iter().filter(|kind| matches!(kind.as_str(), "ecr" | "gcr")).collect();
        let input = Input { name: name.clone(), pin: None, switched_off: false, scopes, node };
        let Some(job) = pipeline.jobs.get_mut(job) else { return };
        job.steps.insert(0, Step::In(input));
        let resource =
            Resource { integration: Some(integration), ..Resource::implied(name.clone(), "cliConfig") };
        pipeline.resources.entry(name.text).or_insert(resource);
    }
}

/// The name of the repository that a job builds, and whether it goes in already, although nobody declares it.
fn repository_of(pipeline: &Pipeline, job: &Job) -> (Name, bool) {
    let undeclared = job.inputs().map(|input| &input.name).find(|name| {
        name.text.ends_with(REPOSITORY_SUFFIX)
            && !pipeline.resources.contains_key(&name.text)
            && !pipeline.jobs.contains_key(&name.text)
    });
    match undeclared {
        Some(name) => (name.clone(), true),
        None => {
            let stem = job.name.text.strip_suffix(JOB_SUFFIX).unwrap_or(&job.name.text);
            (Name { text: format!("{stem}{REPOSITORY_SUFFIX}"), place: job.name.place }, false)
        }
    }
}

/// Why the YAML lies in no repository, if it lies in none.
fn no_repository(directory: &Path) -> Option<String> {
    match repository::holds(directory) {
        Ok(true) => None,
        Ok(false) => Some(format!("{} is in no git repository", directory.display())),
        Err(why) => Some(why),
    }
}

/// The entries of a plan's matrix; none if it is no runCI job's.
pub(crate) fn entries<'a>(plan: &Plan<'a>) -> &'a [Entry] {
    plan.ci.map_or(&[], |ci| ci.matrix.as_slice())
}

/// What a run is called: its job; of a matrix, with the number of the entry.
pub(crate) fn name_of_run(plan: &Plan, entry: usize) -> String {
    let name = &plan.job.name.text;
    if entries(plan).len() > 1 { format!("{name}.{}", entry + 1) } else { name.clone() }
}

impl Session {
    /// The entry of the matrix that `--matrix` picks, from 0.
    pub(crate) fn chosen_entry(&self, plan: &Plan) -> Result<usize, Failure> {
        let Some(number) = self.options.matrix else { return Ok(0) };
        let (entries, job) = (entries(plan), &plan.job.name.text);
        if entries.is_empty() {
            return Err(anyhow!("--matrix {number}: job `{job}` is no runCI job, and has no matrix").into());
        }
        if number.get() > entries.len() {
            let mut message = format!("--matrix {number}: the matrix of job `{job}` has");
            if let [_] = entries {
                message += " 1 entry";
            } else {
                let _ = write!(message, " {} entries", entries.len());
            }
            for (index, entry) in entries.iter().enumerate() {
                let _ = write!(message, "\n  {}", Printable(&described(index, entry)));
            }
            return Err(anyhow!(message).into());
        }
        Ok(number.get() - 1)
    }

    /// The environment that another entry of the matrix has.
    ///
    /// # Errors
    ///
    /// Values that no variable can hold.
    pub(crate) fn environment_of_entry(&self, ready: &Ready, entry: usize) -> Result<Environment, Failure> {
        let mut build =
            self.surroundings(ready.build.root.clone(), ready.build.number, &ready.build.versions)?;
        build.repositories = ready.build.repositories.clone();
        build.entry = entry;
        let built = environment::build(&ready.plan, &ready.credentials, &build);
        Ok(built.map_err(|problems| self.fail(&problems))?.environment)
    }

    /// Whether a job is run once for each entry of its matrix.
    pub(crate) fn runs_matrix(&self, plan: &Plan) -> bool {
        self.options.matrix.is_none() && entries(plan).len() > 1
    }
}

/// Runs a job once for each entry of its matrix, one after the other, each in a workspace of its own. All of them are
/// one build; what the last one leaves is what is stored of it.
///
/// # Errors
///
/// When an entry cannot be started, or what was made cannot be stored.
pub(crate) fn run(
    session: &Session,
    mut fetched: Fetched,
    (state, record): (State, Option<Record>),
    command: &Run,
    signals: &Signals,
    console: &mut Console,
) -> Result<Done, Failure> {
    let entries = entries(&fetched.plan);
    if command.keep && session.options.workspace.is_some() {
        return Err(anyhow!("--keep and --workspace: pick one entry of the matrix with --matrix").into());
    }
    let mut outcomes = Vec::new();
    loop {
        let index = outcomes.len();
        fetched.entry = index;
        let (ready, workspace) = session.open(fetched, Home::Disk, command.keep, true)?;
        let patterns = Patterns::new(ready.environment.secrets());
        let label = |index: usize, entry| {
            String::from_utf8_lossy(&patterns.mask(described(index, entry).as_bytes())).into_owned()
        };
        console.tell(&Event::MatrixStart { label: &label(index, &entries[index]) });
        let (outcome, masking) =
            execute::run_opened(session, &ready, &workspace, &state, command, signals, console)?;
        outcomes.push(outcome);
        if outcomes.len() < entries.len() && !matches!(outcomes[index], Outcome::Cancelled(_)) {
            drop(workspace);
            fetched = ready.again();
            continue;
        }
        let labels = entries.iter().enumerate().map(|(index, entry)| label(index, entry));
        let rows: Vec<_> =
            labels.enumerate().map(|(index, label)| (label, outcomes.get(index).copied())).collect();
        console.tell(&Event::MatrixEnd { entries: &rows });
        let outcome = overall(entries, &outcomes);
        let build = record.is_some().then_some(ready.build.number);
        if let Some(record) = record {
            record
                .finish(state, session, &ready, outcome, &masking, command.allow_secrets_in_state)
                .map_err(|failure| failure.masked(masking.patterns()))?;
        }
        return Ok(Done { outcome, build, workspace: None });
    }
}

impl<'a> Ready<'a> {
    /// What was fetched for it, for the next entry of the matrix.
    fn again(self) -> Fetched<'a> {
        Fetched {
            plan: self.plan,
            credentials: self.credentials,
            repositories: self.build.repositories,
            versions: self.build.versions,
            logins: self.logins,
            opened: self.build.opened,
            state: State::default(),
            number: self.build.number,
            entry: self.build.entry,
        }
    }
}

/// How a job ended: as the first of its entries that had to succeed and did not.
fn overall(entries: &[Entry], results: &[Outcome]) -> Outcome {
    let cancelled = results.iter().find(|outcome| matches!(outcome, Outcome::Cancelled(_)));
    let failed =
        entries.iter().zip(results).find(|(entry, outcome)| !entry.may_fail && **outcome != Outcome::Success);
    cancelled.copied().or(failed.map(|(_, outcome)| *outcome)).unwrap_or(Outcome::Success)
}

/// `2. python 3.4, DB=pg`
pub(crate) fn described(index: usize, entry: &Entry) -> String {
    let number = index + 1;
    let may_fail = if entry.may_fail { " · may fail" } else { "" };
    match entry.label() {
        label if label.is_empty() => format!("{number}.{may_fail}"),
        label => format!("{number}. {label}{may_fail}"),
    }
}

/// The variables of an entry that the first one has not, or has otherwise.
pub(crate) fn differing<'e>(
    first: &'e Environment,
    entry: &'e Environment,
) -> impl Iterator<Item = (&'e str, &'e Variable)> {
    entry.iter().filter(|(name, variable)| first.get(name) != Some(variable.value.expose()))
}
