//! Which versions a job takes.

use super::Session;
use super::record::PriorState;
use crate::contract::path;
use crate::diagnostic::Diagnostic;
use crate::model::ci::RUN_CI;
use crate::model::job::{Input, Pin};
use crate::output::Failure;
use crate::repository;
use crate::resolve::{Dependency, Operation, Plan, Target};
use crate::state::{StateErrorKind, Store, Version};
use crate::versions::{Versions, seed_of};

/// How many versions a message names.
const NAMED: u32 = 8;

impl Session {
    /// Finds the version of everything that goes in and comes out: the one that its step picks, or the last one.
    ///
    /// A resource's first version comes from its YAML. What the YAML changes later is taken into the next version, see
    /// [`Store::adopt`]; a run that is recorded stores that one here, because what it uses has to have a number.
    pub(crate) fn choose_versions(&self, state: &mut PriorState, plan: &Plan) -> Result<Versions, Failure> {
        let mut versions = Versions::default();
        let mut problems = Vec::new();
        for dependency in &plan.dependencies {
            self.warn_of_replicate(dependency, plan);
            let pinned = pin_of(dependency);
            let found = match (pinned, state.store()) {
                (Some((input, pin)), (store, _)) => match picked(store.as_deref(), dependency, input, pin)? {
                    Ok(found) => found,
                    Err(problem) => {
                        problems.push(problem);
                        continue;
                    }
                },
                (None, (Some(store), recording)) => last(store, dependency, recording)?,
                (None, (None, _)) => None,
            };
            if let Some(version) = found {
                versions.insert(dependency, version);
            }
        }
        self.complain(problems)?;
        if let (Some(store), _) = state.store() {
            versions.previous = store.latest(&plan.job.name.text)?;
        }
        Ok(versions)
    }

    /// Says which jobs go in that have no version yet: nothing of them is there.
    ///
    /// # Errors
    ///
    /// When there is one, and `required` says that there must not be.
    pub(crate) fn check_inputs(
        &self,
        plan: &Plan,
        versions: &Versions,
        required: bool,
    ) -> Result<(), Failure> {
        let unmade = plan.dependencies.iter().filter(|dependency| {
            let is_job = match dependency.target {
                Target::Job(_) => true,
                // The CI job of another repository.
                Target::Resource(resource) => resource.kind.text == RUN_CI,
            };
            is_job && dependency.operation.word() == path::IN && versions.of(dependency).is_none()
        });
        let problems: Vec<_> = unmade
            .map(|dependency| {
                let message = format!("job `{}` goes in and has no version yet", dependency.name.text);
                let problem =
                    if required { Diagnostic::error(message) } else { Diagnostic::warning(message) };
                let hint = match dependency.target {
                    Target::Job(job) if job.can_run() => {
                        format!("run it first, or run `{}` with --upstream", plan.job.name.text)
                    }
                    _ => "its values are empty; set those that are needed with -e".to_owned(),
                };
                problem.at(dependency.name.place).hint(hint)
            })
            .collect();
        if required {
            return self.complain(problems);
        }
        self.warn(&problems);
        Ok(())
    }

    fn warn_of_replicate(&self, dependency: &Dependency, plan: &Plan) {
        let Operation::Out(output) = dependency.operation else { return };
        let Some(from) = &output.replicate else { return };
        let inputs = || {
            let inputs = plan.dependencies.iter().filter(|other| matches!(other.operation, Operation::In(_)));
            inputs.map(|input| input.name.text.as_str())
        };
        if !inputs().any(|input| input == from.text) {
            let of = &dependency.name.text;
            self.warn(&[Diagnostic::warning(format!("`{of}` cannot be made a copy of `{}`", from.text))
                .at(from.place)
                .hint(format!("it does not go in: add `- IN: {}`", from.text))
                .did_you_mean(&from.text, inputs())]);
        }
    }
}

/// The version that a step picks. That of a repository is a commit, and git knows those.
fn pin_of<'a>(dependency: &Dependency<'a>) -> Option<(&'a Input, &'a Pin)> {
    let Operation::In(input) = dependency.operation else { return None };
    if repository::is_repository(dependency.target.kind()) {
        return None;
    }
    input.pin.as_ref().map(|pin| (input, pin))
}

/// The last version of a resource or job, if one is stored.
fn last(store: &mut Store, dependency: &Dependency, recording: bool) -> Result<Option<Version>, Failure> {
    let name = &dependency.name.text;
    let Target::Resource(resource) = dependency.target else { return Ok(store.latest(name)?) };
    let seed = seed_of(resource);
    let Some(current) = store.current(name, &seed)? else { return Ok(None) };
    if !current.changed || !recording {
        return Ok(Some(current.version));
    }
    match store.adopt(name, &seed) {
        // The beginning of the record meets the same, and says so.
        Err(error) if error.kind() == StateErrorKind::Denied => Ok(Some(current.version)),
        adopted => Ok(adopted?),
    }
}

/// The version that a pin names; `Ok(None)` if it is the one that the YAML gives.
fn picked(
    store: Option<&Store>,
    dependency: &Dependency,
    input: &Input,
    pin: &Pin,
) -> Result<Result<Option<Version>, Diagnostic>, Failure> {
    let name = &dependency.name.text;
    let found = match (store, pin) {
        (Some(store), Pin::Number(number)) => match number.text.parse() {
            Ok(number) => store.by_number(name, number)?,
            Err(_) => None,
        },
        (Some(store), Pin::Name(version)) => store.by_name(name, &version.text)?,
        (None, _) => None,
    };
    if found.is_some() {
        return Ok(Ok(found));
    }
    let known = store.map_or_else(|| Ok(Vec::new()), |store| store.versions(name, NAMED + 1))?;
    let written = dependency.target.resource().filter(|_| known.is_empty());
    let is_written = written.is_some_and(|resource| match pin {
        Pin::Number(number) => number.text.parse() == Ok(1),
        Pin::Name(version) => resource.version_name() == Some(&version.text),
    });
    if is_written {
        return Ok(Ok(None));
    }
    let (what, place) = match pin {
        Pin::Number(number) => (format!("no version number {}", number.text), number.place),
        Pin::Name(version) => (format!("no version called `{}`", version.text), version.place),
    };
    let hint = match (known.is_empty(), dependency.target) {
        (true, Target::Job(_)) => "it has none at all: run that job first".to_owned(),
        (true, Target::Resource(resource)) => {
            let called =
                resource.version_name().map_or_else(String::new, |name| format!(", called `{name}`"));
            format!("it has number 1 alone, that of the YAML{called}")
        }
        (false, _) => format!("it has {}", listed(&known)),
    };
    Ok(Err(Diagnostic::error(format!("`{}` has {what}", input.name.text)).at(place).hint(hint)))
}

/// Numbers and names of versions, the last one first.
fn listed(versions: &[Version]) -> String {
    let shown = versions.iter().take(NAMED as usize).map(|version| match &version.version_name {
        Some(name) => format!("{} (`{name}`)", version.number),
        None => version.number.to_string(),
    });
    let mut shown: Vec<_> = shown.collect();
    if versions.len() > NAMED as usize {
        shown.push("…".to_owned());
    }
    shown.join(", ")
}
