//! The repositories that go into a job: which ones it wants, and which the caller gives for them.

use std::cell::Cell;
use std::io;
use std::path::PathBuf;
use std::process::Command;
use std::rc::Rc;

use anyhow::Context as _;

use super::{Ready, Session};
use crate::contract::{path, suffix};
use crate::credentials::Credentials;
use crate::diagnostic::Diagnostic;
use crate::environment::{self, Environment, RunContext};
use crate::exit;
use crate::model::Resource;
use crate::model::job::Pin;
use crate::output::Failure;
use crate::repository::{self, Filters, Repositories, SearchOptions, WantedRepository};
use crate::resolve::{Dependency, Operation, Plan};
use crate::run::{self, Captured, Signals, Variables};

/// The type of the repository that a CI section builds.
const CI_REPOSITORY: &str = "ciRepo";

impl Session {
    /// Describes the repositories of a plan to `context`; those that only a server knows in full if `ask_servers`.
    ///
    /// A pointer may hold variables, of repositories that come before it too: so each is read from the environment
    /// that those before it make.
    pub(crate) fn describe_repositories(
        &self,
        plan: &Plan,
        credentials: &Credentials,
        context: &mut RunContext,
        ask_servers: bool,
    ) -> Result<(), Failure> {
        self.go_on(self.check_given_repositories())?;
        // Jobs without scripts are started by changes of a repository, and have no use for its files.
        if plan.job.managed().is_some() {
            return Ok(());
        }
        for dependency in &plan.dependencies {
            let (Operation::In(input), Some(resource)) = (dependency.operation, dependency.target.resource())
            else {
                continue;
            };
            let name = &dependency.name.text;
            let known = context.repositories.get(name).is_some_and(|known| known.is_known() || !ask_servers);
            if known || !repository::is_repository(&resource.kind.text) {
                continue;
            }
            let environment = self.go_on(environment::build(plan, credentials, context))?.environment;
            let pointer = |part: &str| pointer(&environment, dependency, part);
            let wanted = WantedRepository {
                resource: name,
                kind: &resource.kind.text,
                place: dependency.name.place,
                source_name: pointer("SOURCENAME").unwrap_or_default(),
                branch: pointer("BRANCH"),
                commit: input.pin.as_ref().and_then(|pin| match pin {
                    Pin::Name(name) => Some(name.text.as_str()),
                    Pin::Number(_) => None,
                }),
                depth: plan.ci.filter(|_| resource.kind.text == CI_REPOSITORY).and_then(|ci| ci.depth),
                credential: dependency.integration.and_then(|bound| credentials.get(&bound.name.text)),
            };
            let search = SearchOptions {
                given: self
                    .options
                    .repo
                    .iter()
                    .rev()
                    .find(|(given, _)| given == name)
                    .map(|(_, path)| path.as_path()),
                directories: &self.directories_of(resource)?,
                working_tree: self.options.working_tree,
                ask_servers,
            };
            match repository::describe(&wanted, &search) {
                Ok(described) => {
                    context.repositories.insert(name.clone(), Rc::new(described));
                }
                Err(problem) => self.complain(vec![problem])?,
            }
        }
        Ok(())
    }

    /// Tells where what is checked out is not what a job gets.
    pub(crate) fn warn_of_left_out(&self, repositories: &Repositories, filters: Filters) {
        for repository in repositories.values() {
            self.warn(repository.left_out(filters).as_slice());
        }
        if self.options.working_tree
            && !repositories.is_empty()
            && !repositories.values().any(|repository| repository.is_local())
        {
            self.warn(&[Diagnostic::warning(
                "--working-tree has no effect: all repositories of the job are on servers",
            )]);
        }
    }

    /// Tells why the original would not have built what a CI job gets. Here it runs all the same: it was asked for.
    pub(crate) fn warn_of_skipped(&self, plan: &Plan, repositories: &Repositories) {
        let Some(ci) = plan.ci else { return };
        for dependency in &plan.dependencies {
            let repository = repositories.get(&dependency.name.text);
            let known = repository.filter(|repository| repository.is_known());
            let Some((branch, message)) = known.map(|known| known.branch_and_message()) else { continue };
            if dependency.target.kind() == CI_REPOSITORY
                && let Some(skipped) = ci.branches.skip(branch, message)
            {
                let message = format!("the original would not have built this commit: {}", skipped.why);
                self.warn(&[Diagnostic::warning(message)
                    .at(skipped.place.unwrap_or(plan.job.name.place))
                    .hint("`shipctl run` runs it all the same")]);
            }
        }
    }

    /// Clones the repositories of a job into its workspace. A signal that ends the run ends git, and is its status.
    pub(crate) fn clone_repositories(&self, ready: &Ready, signals: &Signals) -> Result<(), Failure> {
        let stopped = Cell::new(None);
        let runner = |command: &mut Command| match stopped.get() {
            None => match run::capture(command, &Variables::inherited(command)?, signals)? {
                Captured::Ended(output) => Ok(output),
                Captured::Stopped(signal) => {
                    stopped.set(Some(signal));
                    Err(io::ErrorKind::Interrupted.into())
                }
            },
            Some(_) => Err(io::ErrorKind::Interrupted.into()),
        };
        for (name, repository) in &ready.context.repositories {
            let directory = environment::dependency_directory(&ready.context.root, path::IN, name);
            let made = repository.make_clone(&directory, &runner);
            // What is missing of a clone is but a warning, unless it is missing because git was ended.
            if let Some(signal) = stopped.get() {
                let message = format!("error: told to end while the repository `{name}` was being cloned\n");
                return Err(Failure { status: exit::of_signal(signal), message });
            }
            self.warn(&made.map_err(|problem| self.fail(&[problem]))?);
        }
        Ok(())
    }

    /// Where a resource's repository is looked for: where its own file lies, and where the line does.
    fn directories_of(&self, resource: &Resource) -> Result<Vec<PathBuf>, Failure> {
        let file = self.line.sources.get(resource.name.place.source).path();
        let file = std::path::absolute(file).context("the current directory is gone")?;
        let own = file.parent().map(PathBuf::from);
        let mut directories: Vec<_> = own.into_iter().chain([self.line.directory.clone()]).collect();
        directories.dedup();
        Ok(directories)
    }

    /// A name that is no repository's would have no effect, and the server be asked for what lies here.
    fn check_given_repositories(&self) -> Result<(), Vec<Diagnostic>> {
        let known = || {
            let resources = self.line.pipeline.resources.values();
            resources.filter(|r| repository::is_repository(&r.kind.text)).map(|r| r.name.text.as_str())
        };
        let problem = |name: &String| {
            let names = known().collect::<Vec<_>>();
            let hint = if names.is_empty() {
                "the line has no resource of type gitRepo, ciRepo or syncRepo".to_owned()
            } else {
                format!("there are {}", names.join(", "))
            };
            Diagnostic::error(format!(
                "--repo {name}=…: `{name}` is no resource that stands for a repository"
            ))
            .hint(hint)
            .did_you_mean(name, known())
        };
        let unknown =
            self.options.repo.iter().map(|(name, _)| name).filter(|name| known().all(|known| known != *name));
        let problems: Vec<_> = unknown.map(problem).collect();
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }
}

/// What a resource points at, placeholders replaced.
fn pointer<'e>(environment: &'e Environment, dependency: &Dependency, part: &str) -> Option<&'e str> {
    let variable = format!("{}_{}_{part}", dependency.env, suffix::POINTER);
    environment.get(&variable).filter(|value| !value.is_empty())
}
