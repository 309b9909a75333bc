//! What a runCI job has beside the variables of every job: those that tell of the build, as the original's manual lists
//! them, and those of the CI section.
//!
//! Not given is what would be untrue on this machine, or change it: locales, PATH, paths of services that nothing
//! started.

use std::rc::Rc;

use super::builder::Builder;
use super::{RunContext, UNKNOWN, stable_id, substitute};
use crate::contract::{self, path};
use crate::credentials::Value;
use crate::diagnostic::Diagnostic;
use crate::model::Name;
use crate::model::ci::{Ci, MatrixEntry, Part, Setting, Variable};
use crate::repository::{self, Repository};
use crate::resolve::{Dependency, Operation, Plan};
use crate::state;

/// The repository that a runCI job builds: the ciRepo that goes in, or the first repository.
pub fn built<'p, 'a>(plan: &'p Plan<'a>) -> Option<&'p Dependency<'a>> {
    plan.ci?;
    let inputs = || plan.dependencies.iter().filter(|one| matches!(one.operation, Operation::In(_)));
    inputs()
        .find(|input| input.target.kind() == "ciRepo")
        .or_else(|| inputs().find(|input| repository::is_repository(input.target.kind())))
}

/// What the manual promises whatever is built.
const ALWAYS: &[(&str, &str)] = &[
    ("CI", "true"),
    ("CONTINUOUS_INTEGRATION", "true"),
    ("SHIPPABLE", "true"),
    ("SHIPPABLE_ARCHIVE", "true"),
    ("SHIPPABLE_OS_NAME", "linux"),
    ("TRAVIS", "true"),
    ("TRAVIS_OS_NAME", "linux"),
    ("DEBIAN_FRONTEND", "noninteractive"),
    ("RAILS_ENV", "test"),
    ("RACK_ENV", "test"),
    ("MERB_ENV", "test"),
    ("CACHE_CONTAINER", "false"),
    ("SERVICE_SKIP", "false"),
];

/// What is said of a repository, where none is built. All of it is text to scripts under `set -u` as well.
#[rustfmt::skip]
const NO_REPOSITORY: &[(&str, &str)] = &[
    ("BRANCH", ""), ("BASE_BRANCH", ""), ("HEAD_BRANCH", ""), ("PULL_REQUEST", "false"), ("COMMIT", ""),
    ("COMMITTER", ""), ("COMMIT_MESSAGE", ""), ("IS_GIT_TAG", "false"), ("GIT_TAG_NAME", ""), ("IS_RELEASE", "false"),
    ("RELEASE_NAME", ""), ("RELEASED_AT", ""), ("IS_PULL_REQUEST", "false"), ("PULL_REQUEST_REPO_FULL_NAME", ""),
    ("IS_FORK", "false"), ("REPO_FULL_NAME", ""),
];

impl Builder {
    /// Everything that is so because the job is a runCI job.
    pub(super) fn ci(&mut self, ci: &Ci, plan: &Plan, context: &RunContext) {
        let entry = ci.matrix.get(context.entry);
        self.of_build(ci, plan, context);
        self.of_repository(plan, context);
        let origin: Rc<str> = "the matrix of the CI section".into();
        for (axis, version) in entry.into_iter().flat_map(|entry| &entry.versions) {
            for variable in axis.variables {
                self.environment.plain(*variable, version, &origin);
            }
        }
        let rows: [(&[Setting], &str); 2] = [
            (&ci.global, "env of the CI section"),
            (
                entry.map_or(&[], |entry: &MatrixEntry| entry.settings.as_slice()),
                "the matrix of the CI section",
            ),
        ];
        for (settings, origin) in rows {
            let origin = origin.into();
            for setting in settings {
                match setting {
                    Setting::Variable(variable) => self.of_ci(variable, &origin, context),
                    Setting::Secure(text) => self.secure_of_ci(text),
                    // The shells of the job set it.
                    Setting::Command(_) => {}
                }
            }
        }
    }

    /// What tells of this build.
    fn of_build(&mut self, ci: &Ci, plan: &Plan, context: &RunContext) {
        let origin: Rc<str> = "the CI build".into();
        for (name, value) in ALWAYS {
            self.environment.plain(*name, *value, &origin);
        }
        let (number, job_number) = (context.number.to_string(), (context.entry + 1).to_string());
        let name = &plan.job.name.text;
        let build_id = stable_id("build", &format!("{name}/{}", context.number));
        let job_id = stable_id("build", &format!("{name}/{}/{job_number}", context.number));
        let directory = context.directory(plan).display().to_string();
        let last = context.versions.previous.as_ref().and_then(|version| {
            version
                .created
                .duration_since(std::time::UNIX_EPOCH)
                .ok()
                .map(|since| since.as_secs().to_string())
        });
        let cache = context.line.join(state::DIRECTORY).join("cache").join(contract::sanitize(name));
        let cache = std::path::absolute(&cache).unwrap_or(cache).display().to_string();
        let flag = |yes: bool| if yes { "true" } else { "false" }.to_owned();
        for (names, value) in [
            (["SHIPPABLE_BUILD_NUMBER", "TRAVIS_BUILD_NUMBER"].as_slice(), number),
            (&["SHIPPABLE_BUILD_ID", "TRAVIS_BUILD_ID"], build_id),
            (&["JOB_ID", "BUILD_JOB_ID", "TRAVIS_JOB_ID"], job_id),
            (
                &[
                    "JOB_NUMBER",
                    "BUILD_JOB_NUMBER",
                    "SHIPPABLE_JOB_NUMBER",
                    "SHIPPABLE_JOB_ID",
                    "TRAVIS_JOB_NUMBER",
                ],
                job_number,
            ),
            // `split_tests` splits by it.
            (&["SHIPPABLE_JOB_COUNT"], ci.matrix.len().max(1).to_string()),
            (&["SHIPPABLE_BUILD_DIR", "SHIPPABLE_REPO_DIR", "TRAVIS_BUILD_DIR"], directory),
            (&["LAST_SUCCESSFUL_BUILD_TIMESTAMP"], last.unwrap_or_else(|| "false".to_owned())),
            (&["LANGUAGE"], ci.language.clone()),
            (&["CACHE_DIR"], flag(ci.cache)),
            (&["SHIPCTL_CACHE_DIR"], cache),
            (&["SHIPPABLE_SUBMODULE_ENABLED"], flag(ci.submodules)),
            (&["SHIPPABLE_BUNDLER_ARGS"], ci.bundler_args.clone()),
        ] {
            for name in names {
                self.environment.plain(*name, &value, &origin);
            }
        }
    }

    /// What git tells of the repository that is built.
    fn of_repository(&mut self, plan: &Plan, context: &RunContext) {
        let repository = built(plan).and_then(|dependency| context.repository(dependency));
        let origin: Rc<str> = repository.map_or_else(|| "no repository".into(), |one| one.origin().into());
        let facts = repository.map_or_else(|| NO_REPOSITORY.to_vec(), Repository::variables);
        let fact = |name: &str| facts.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value);
        for (name, value) in facts.iter().filter(|(name, _)| !name.ends_with("_URL")) {
            self.environment.plain(*name, *value, &origin);
        }
        let full_name = fact("REPO_FULL_NAME");
        let (owner, name) = full_name.rsplit_once('/').unwrap_or(("", full_name));
        let range = repository.map(Repository::commit_range).unwrap_or_default();
        let url = fact("HTTPS_URL");
        for (names, value) in [
            (["SHIPPABLE_REPO_SLUG", "TRAVIS_REPO_SLUG"].as_slice(), full_name),
            (&["ORG_NAME"], owner),
            (&["REPO_NAME", "REPOSITORY_NAME"], name),
            (&["REPOSITORY_URL"], url),
            (&["COMMIT_RANGE", "SHIPPABLE_COMMIT_RANGE", "TRAVIS_COMMIT_RANGE"], &range),
            (&["COMPARE_URL"], &compare_url(url, &range)),
            (&["TRAVIS_BRANCH"], fact("BRANCH")),
            (&["TRAVIS_COMMIT"], fact("COMMIT")),
            (&["TRAVIS_PULL_REQUEST"], fact("PULL_REQUEST")),
            (&["LAST_AUTHOR"], repository.map_or("", Repository::author)),
            (&["PROJECT_ID"], &stable_id("project", full_name)),
            (&["PULL_REQUEST_BASE_BRANCH"], ""),
            (&["IS_PRERELEASE"], "false"),
        ] {
            for name in names {
                self.environment.plain(*name, value, &origin);
            }
        }
    }

    /// A variable of `env`. A shell read them in the original: what they refer to may be the caller's too.
    fn of_ci(&mut self, variable: &Variable, origin: &Rc<str>, context: &RunContext) {
        let (environment, warnings) = (&self.environment, &mut self.warnings);
        let known = |name: &str| environment.get(name).or_else(|| context.inherited(name));
        let mut unknown = |name: &str| {
            warnings.push(
                Diagnostic::warning(format!(
                    "`{}` of {origin} {UNKNOWN}{name}, which is not set: it becomes empty",
                    variable.name
                ))
                .rule("unset-variable")
                .at(variable.place)
                .hint("set it before, or with -e"),
            );
        };
        let mut value = String::new();
        for part in &variable.value {
            match part {
                Part::Literal(text) => value += text,
                Part::Expanded(text) => value += &substitute(text, known, &mut unknown),
                Part::Home => value += known("HOME").unwrap_or("~"),
            }
        }
        self.set_alone(&variable.name, Value::Plain(value), origin, variable.place);
    }

    /// Variables that the original encrypted. Its key is gone with it: the job may run, without them.
    fn secure_of_ci(&mut self, text: &Name) {
        self.warnings.push(
            Diagnostic::warning(
                "encrypted variables of the CI section cannot be opened: they are not set".to_owned(),
            )
            .rule("lost-secret").at(text.place)
            .hint("put them into a keyValuePair integration, and name that under `generic:` of the CI section's `integrations:`"),
        );
    }
}

/// Where the repository's provider shows what the build has that the one before it had not.
fn compare_url(url: &str, range: &str) -> String {
    let Some((before, commit)) = range.split_once("...") else { return String::new() };
    let url = url.strip_suffix(".git").unwrap_or(url);
    if url.is_empty() {
        String::new()
    } else if url.contains("bitbucket") {
        format!("{url}/branches/compare/{commit}..{before}")
    } else {
        format!("{url}/compare/{before}...{commit}")
    }
}

impl RunContext {
    /// Where the TASKs of a job begin: in the clone of the repository that a runCI job builds, or in the workspace.
    pub fn directory(&self, plan: &Plan) -> std::path::PathBuf {
        match built(plan) {
            Some(dependency) => super::dependency_directory(&self.root, path::IN, &dependency.name.text)
                .join(repository::CLONE),
            None => self.root.clone(),
        }
    }

    /// A variable of the caller, if the job gets it.
    fn inherited(&self, name: &str) -> Option<&str> {
        self.inherited.iter().find(|(known, _)| known == name)?.1.to_str()
    }
}
