//! From a plan and its credentials to the environment of the job: ordered, every value with where it came from.
//!
//! Pure: no files, no clock, no processes. Later entries win; the order is that of the contract.

mod ci;
pub mod dotenv;
mod integrations;
mod params;
mod placeholders;
mod resources;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use indexmap::IndexMap;

use crate::contract::{self, path};
use crate::credentials::{Credentials, Value};
use crate::diagnostic::Diagnostic;
use crate::model::task::Task;
use crate::repository::{Repositories, Repository};
use crate::resolve::{self, Dependency, Operation, Plan};
use crate::secret::Secret;
use crate::source::Place;
use crate::versions::{Opened, Versions};

pub use ci::built;
pub use integrations::key_files;
pub use placeholders::substitute;

/// A variable that the caller gives.
pub struct Given {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Value,
    /// What gives it, in words: `-e`, `--env-file .env`.
    pub origin: Rc<str>,
}

/// What is true of this run and stands in no YAML.
#[derive(Default)]
pub struct Build {
    /// The workspace.
    pub root: PathBuf,
    /// The number of the run, from 1 for each job.
    pub number: u32,
    /// Who started it.
    pub user: String,
    /// `x86_64`, …
    pub architecture: String,
    /// `Debian_12`, …
    pub operating_system: String,
    /// The directory of the line.
    pub line: PathBuf,
    /// The variables that the caller gives, in order.
    pub given: Rc<[Given]>,
    /// The stored versions of what goes in and what comes out.
    pub versions: Rc<Versions>,
    /// The encrypted params that go in, opened.
    pub opened: Rc<Opened>,
    /// The repositories that go in, as far as they have been described.
    pub repositories: Repositories,
    /// Which entry of the matrix of a runCI job it is, from 0.
    pub entry: usize,
    /// What the job inherits of the caller's environment.
    pub inherited: Rc<[(OsString, OsString)]>,
    /// Whether TASKs run in the images they name.
    pub containers: bool,
    /// How many bytes the kernel takes of all variables together.
    pub max_environment: usize,
}

impl Build {
    /// What is known of a dependency that is a repository and goes in.
    pub fn repository(&self, dependency: &Dependency) -> Option<&Repository> {
        match dependency.operation {
            Operation::In(_) => self.repositories.get(&dependency.name.text).map(Rc::as_ref),
            Operation::Out(_) => None,
        }
    }
}

/// A variable of the job.
pub struct Variable {
    /// Its value.
    pub value: Value,
    /// Where it came from, in words; many have the same.
    pub origin: Rc<str>,
}

/// The variables of a job, in the order in which they were first set.
#[derive(Default)]
pub struct Environment {
    variables: IndexMap<String, Variable>,
    /// All secrets that the job was given, of whatever name.
    secrets: Vec<Secret>,
    /// What the job does not inherit.
    hidden: Vec<&'static str>,
}

/// An environment and what there is to say about it.
#[derive(Default)]
pub struct Built {
    /// The environment of the job, without the tasks' own variables.
    pub environment: Environment,
    /// What people should know: a variable that replaces another, a placeholder without a value.
    pub warnings: Vec<Diagnostic>,
}

impl Environment {
    /// All variables, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Variable)> + Clone {
        self.variables.iter().map(|(name, variable)| (name.as_str(), variable))
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(|variable| variable.value.expose())
    }

    /// All secret values: what is masked in everything that is printed.
    pub fn secrets(&self) -> &[Secret] {
        &self.secrets
    }

    /// Whether a variable of the caller is kept from the job.
    pub fn hides(&self, name: &str) -> bool {
        self.hidden.contains(&name)
    }

    /// Adds the variables that configure a tool, what is secret in its files, and what it must not inherit.
    pub fn configure(
        &mut self,
        variables: impl IntoIterator<Item = (&'static str, Value, Rc<str>)>,
        secrets: impl IntoIterator<Item = Secret>,
        hidden: impl IntoIterator<Item = &'static str>,
    ) {
        for (name, value, origin) in variables {
            if let Value::Secret(secret) = &value {
                self.secrets.push(secret.clone());
            }
            self.set(name, value, &origin);
        }
        self.secrets.extend(secrets);
        self.hidden.extend(hidden);
    }

    fn set(&mut self, name: impl Into<String>, value: Value, origin: &Rc<str>) {
        self.variables.insert(name.into(), Variable { value, origin: Rc::clone(origin) });
    }

    fn plain(&mut self, name: impl Into<String>, value: impl Into<String>, origin: &Rc<str>) {
        self.set(name, Value::Plain(value.into()), origin);
    }

    /// This environment with another on top, such as that of a TASK.
    #[must_use]
    pub fn with(mut self, on_top: Environment) -> Environment {
        self.variables.extend(on_top.variables);
        self
    }
}

/// Step 6: the variables that a TASK has on top of those of the job.
///
/// # Errors
///
/// Names and values that no variable can have.
pub fn of_task(task: &Task, index: usize, build: &Build) -> Result<Environment, Vec<Diagnostic>> {
    let mut environment = Environment::default();
    let mut problems = Vec::new();
    let origin: Rc<str> = format!("TASK {}", task_name(task, index)).into();
    for variable in &task.variables {
        let name = contract::sanitize(&variable.name);
        if variable.value.contains('\0') {
            problems.push(nul(&variable.name).at(variable.place));
        } else if is_variable_name(&name) {
            environment.plain(name, variable.value.clone(), &origin);
        } else {
            problems.push(
                Diagnostic::error(format!("no variable can be called `{}`", variable.name))
                    .at(variable.place)
                    .hint(
                        "variables are made of ASCII letters, digits and `_`, and do not begin with a digit",
                    ),
            );
        }
    }
    let origin: Rc<str> = "the task".into();
    let image = task.image.as_ref().filter(|_| build.containers);
    if let Some(image) = image {
        environment.plain(NAME_OF_CONTAINER, container_name(&index.to_string(), build), &origin);
        environment.plain(IMAGE_NAME, image.name.clone(), &origin);
        environment.plain(
            "TASK_CONTAINER_IMAGE_SHOULD_PULL",
            image.pull.unwrap_or(true).to_string(),
            &origin,
        );
        let options = image.options.as_ref().map(|options| options.text.clone()).unwrap_or_default();
        environment.plain("TASK_CONTAINER_OPTIONS", options, &origin);
    }
    for (name, value) in [
        ("TASK_NAME", task_name(task, index)),
        ("TASK_IN_CONTAINER", image.is_some().to_string()),
        ("IS_RESTRICTED_NODE", "false".to_owned()),
        ("SHIPPABLE_NODE_ARCHITECTURE", build.architecture.clone()),
        ("SHIPPABLE_NODE_OPERATING_SYSTEM", build.operating_system.clone()),
    ] {
        environment.plain(name, value, &origin);
    }
    if problems.is_empty() { Ok(environment) } else { Err(problems) }
}

/// The variables that say how the container of a TASK is called, and which image it is of.
pub const NAME_OF_CONTAINER: &str = "TASK_CONTAINER_NAME";
/// See [`NAME_OF_CONTAINER`].
pub const IMAGE_NAME: &str = "TASK_CONTAINER_IMAGE";

/// The name of a container of a run: that of a task, or of a service. No two runs have one workspace at the same time.
pub fn container_name(part: &str, build: &Build) -> String {
    let job = build.root.file_name().unwrap_or_default().to_string_lossy();
    let job: String =
        job.chars().filter(|c| c.is_ascii_alphanumeric() || "_.-".contains(*c)).take(40).collect();
    let id = stable_id("container", &build.root.to_string_lossy());
    format!("shipctl-{job}-{}-{part}-{}", build.number, &id[..8])
}

/// The name of a task: its own, or `Task 0`, `Task 1` ….
pub fn task_name(task: &Task, index: usize) -> String {
    task.name.clone().unwrap_or_else(|| format!("Task {index}"))
}

/// The error for a value that no variable can hold.
fn nul(name: &str) -> Diagnostic {
    Diagnostic::error(format!("the value of `{name}` holds a NUL byte"))
        .hint("no variable can hold one: encode the value, with base64 for instance")
}

/// Whether a shell takes it for the name of a variable.
pub fn is_variable_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The id of something that has a name: 24 hexadecimal digits, always the same, as the original's ids looked.
pub fn stable_id(kind: &str, name: &str) -> String {
    // FNV-1a of 128 bits: no secret is in it, and nothing depends on it but equality.
    let mut hash: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    for byte in kind.bytes().chain([0]).chain(name.bytes()) {
        hash = (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
    }
    format!("{:024x}", hash >> 32)
}

/// The directory of a dependency in the workspace.
pub fn dependency_directory(root: &Path, operation: &str, name: &str) -> PathBuf {
    root.join(operation).join(name)
}

/// Builds the environment of a job.
///
/// # Errors
///
/// Values that no variable can hold.
pub fn build(plan: &Plan, credentials: &Credentials, build: &Build) -> Result<Built, Vec<Diagnostic>> {
    let mut environment = Environment::default();
    // More than most jobs have; to make room again and again takes longer than to fill it.
    environment.variables.reserve(256);
    let for_scripts = plan.job.has_scripts();
    let mut builder = Builder { environment, for_scripts, warnings: Vec::new(), problems: Vec::new() };
    builder.params(plan, build);
    builder.job(plan, build);
    if let Some(ci) = plan.ci {
        builder.ci(ci, plan, build);
    }
    for Given { name, value, origin } in build.given.iter() {
        if OF_BASH.contains(&name.as_str()) {
            builder.warnings.push(changes_bash(&format!("{origin} {name}=…"), name));
        }
        if let Value::Secret(secret) = value {
            builder.environment.secrets.push(secret.clone());
        }
        builder.environment.set(name, value.clone(), origin);
    }
    for variable in plan.tasks.iter().flat_map(|task| &task.variables) {
        let name = contract::sanitize(&variable.name);
        if OF_BASH.contains(&name.as_str()) {
            let what = format!("`{}` of a TASK's `env`", variable.name);
            builder.warnings.push(changes_bash(&what, &name).at(variable.place));
        }
    }
    for dependency in &plan.dependencies {
        builder.dependency(dependency, credentials, build);
    }
    for (env, integration) in &plan.integrations {
        if let Some(credential) = credentials.get(&integration.name.text) {
            let directory = build.root.join(path::INTEGRATIONS).join(&credential.name);
            builder.integration(env, credential, &directory, integration.name.place);
        }
    }
    resolve::keys::shared(plan, &mut builder.warnings);
    for (name, variable) in &builder.environment.variables {
        if variable.value.expose().contains('\0') {
            builder.problems.push(nul(name));
        }
    }
    if for_scripts {
        builder.check_size(build.max_environment);
    }
    if builder.problems.is_empty() {
        Ok(Built { environment: builder.environment, warnings: builder.warnings })
    } else {
        Err(builder.problems)
    }
}

/// What the warnings about placeholders that nothing sets have in common.
pub const UNKNOWN: &str = "refers to $";

/// The directory that holds the YAML: the original had it in the repository that it cloned.
pub const LINE_DIRECTORY: &str = "SHIPCTL_LINE_DIR";

/// Variables that change how programs run, and that a value of the line replaces by accident at best.
const DANGEROUS: &[&str] = &["PATH", "IFS", "PS4", "PROMPT_COMMAND", "HOME", "SHELL", "CDPATH", "GLOBIGNORE"];

/// Variables that change how bash itself runs a script.
const OF_BASH: &[&str] =
    &["BASH_ENV", "ENV", "SHELLOPTS", "BASHOPTS", "BASH_XTRACEFD", "BASH_COMPAT", "POSIXLY_CORRECT"];

/// The longest that one `NAME=value` can be for the kernel, in bytes.
const MAX_STRING: usize = 128 << 10;

/// The warning for a variable that bash reads for itself, where it is set on purpose.
fn changes_bash(what: &str, name: &str) -> Diagnostic {
    Diagnostic::warning(format!("{what} sets ${name}, which changes how bash runs the scripts"))
        .rule("replaced-variable")
        .hint("say it in the script instead, with `set` or `shopt`, unless this is what you want")
}

struct Builder {
    environment: Environment,
    /// Whether any process gets it.
    for_scripts: bool,
    warnings: Vec<Diagnostic>,
    problems: Vec<Diagnostic>,
}

impl Builder {
    /// Sets a variable of the line's own choosing, with a warning where that replaces one that matters.
    fn set_alone(&mut self, key: &str, value: Value, origin: &Rc<str>, place: Place) {
        let name = contract::sanitize(key);
        if !self.for_scripts {
            self.environment.set(name, value, origin);
            return;
        }
        if !is_variable_name(&name) {
            self.warnings.push(
                Diagnostic::warning(format!(
                    "`{key}` of {origin} is no variable on its own: none can be called `{name}`"
                ))
                .rule("no-variables")
                .at(place)
                .hint("variables do not begin with a digit"),
            );
            return;
        }
        if is_of_the_job(&name) {
            self.warnings.push(
                Diagnostic::warning(format!("`{key}` of {origin} has the name of a variable of the job"))
                    .rule("replaced-variable")
                    .at(place)
                    .hint("rename it"),
            );
        } else if DANGEROUS.contains(&name.as_str())
            || OF_BASH.contains(&name.as_str())
            || name.starts_with("LD_")
            || name.starts_with("DYLD_")
        {
            self.warnings.push(
                Diagnostic::warning(format!(
                    "`{key}` of {origin} replaces ${name}, which changes how programs run"
                ))
                .rule("replaced-variable")
                .at(place)
                .hint("rename it, unless that is what you want"),
            );
        }
        self.environment.set(name, value, origin);
    }

    /// Step 2: the job.
    fn job(&mut self, plan: &Plan, build: &Build) {
        let name = &plan.job.name.text;
        let root = build.root.display().to_string();
        let below = |part: &str| format!("{root}/{part}");
        let id = stable_id("job", name);
        let build_id = stable_id("build", &format!("{name}/{}", build.number));
        let variables = [
            ("RESOURCE_ID", id),
            ("BUILD_JOB_ID", build_id.clone()),
            ("BUILD_ID", build_id),
            ("BUILD_NUMBER", build.number.to_string()),
            ("BUILD_JOB_NUMBER", "1".to_owned()),
            ("SUBSCRIPTION_ID", stable_id("subscription", &build.user)),
            ("JOB_TRIGGERED_BY_NAME", build.user.clone()),
            ("JOB_TRIGGERED_BY_ID", stable_id("user", &build.user)),
            ("JOB_TRIGGERED_BY_USER", build.user.clone()),
            ("SHARED_DIR", below(path::SHARED)),
            ("BUILD_DIR", root.clone()),
            ("BUILD_SECRETS_DIR", below(path::SECRETS)),
            (
                "SHIPPABLE_INTEGRATION_ENVS_PATH",
                format!("{}/{}", below(path::SCRIPTS), path::INTEGRATION_ENVS),
            ),
            // The last image of the original; scripts pick their own images by it.
            ("SHIPPABLE_AMI_VERSION", "v7.2.4".to_owned()),
            ("SHIPPABLE_WWW_URL", String::new()),
            ("BUILD_URL", String::new()),
        ];
        let origin: Rc<str> = "the job".into();
        for (name, value) in variables {
            self.environment.plain(name, value, &origin);
        }
        self.environment.plain(LINE_DIRECTORY, build.line.display().to_string(), &origin);
        for (part, value) in [
            ("NAME", name.clone()),
            ("TYPE", plan.job.kind.text.clone()),
            ("PATH", root.clone()),
            ("STATE", below(path::STATE)),
            ("PREVIOUS_STATE", below(path::PREVIOUS_STATE)),
            ("INTEGRATIONS", below(path::INTEGRATIONS)),
            ("MESSAGE", below(path::MESSAGE_JSON)),
        ] {
            self.environment.plain(format!("JOB_{part}"), value.clone(), &origin);
            self.environment.plain(format!("{}_{part}", plan.env), value, &origin);
        }
    }

    /// What the kernel would refuse is refused before anything runs.
    fn check_size(&mut self, limit: usize) {
        let size = |name: &str, variable: &Variable| name.len() + variable.value.expose().len() + 2;
        let sizes = self.environment.iter().map(|(name, variable)| (size(name, variable), name));
        let total: usize = sizes.clone().map(|(size, _)| size + size_of::<usize>()).sum();
        if total > limit || sizes.clone().any(|(size, _)| size > MAX_STRING) {
            let mut sizes: Vec<_> = sizes.collect();
            sizes.sort_unstable_by(|a, b| b.cmp(a));
            let largest: Vec<_> =
                sizes.iter().take(3).map(|(size, name)| format!("{name} ({} KiB)", size >> 10)).collect();
            self.problems.push(
                Diagnostic::error(format!(
                    "the environment is too large for the kernel; its largest variables are {}",
                    largest.join(", ")
                ))
                .hint("one variable holds at most 128 KiB: put large values into files"),
            );
        }
    }
}

/// Whether it is a variable of step 2, which tells scripts about the job.
fn is_of_the_job(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "RESOURCE_ID",
        "SUBSCRIPTION_ID",
        "SHARED_DIR",
        "SHIPPABLE_INTEGRATION_ENVS_PATH",
        "SHIPPABLE_AMI_VERSION",
        "SHIPPABLE_WWW_URL",
        LINE_DIRECTORY,
        "BUILD_ID",
        "BUILD_NUMBER",
        "BUILD_JOB_ID",
        "BUILD_JOB_NUMBER",
        "BUILD_DIR",
        "BUILD_SECRETS_DIR",
        "BUILD_URL",
        "JOB_NAME",
        "JOB_TYPE",
        "JOB_PATH",
        "JOB_STATE",
        "JOB_PREVIOUS_STATE",
        "JOB_INTEGRATIONS",
        "JOB_MESSAGE",
        "JOB_TRIGGERED_BY_NAME",
        "JOB_TRIGGERED_BY_ID",
        "JOB_TRIGGERED_BY_USER",
    ];
    NAMES.contains(&name)
}
