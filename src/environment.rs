//! From a plan and its credentials to the environment of the job: ordered, every value with where it came from.
//!
//! Pure: no files, no clock, no processes. Later entries win; the order is that of the contract.

mod builder;
mod ci;
pub mod dotenv;
mod integrations;
mod params;
mod placeholders;
mod resources;
mod shown;
mod task;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use indexmap::IndexMap;

use crate::contract::{self, path};
use crate::credentials::{Credentials, Value};
use crate::diagnostic::Diagnostic;
use crate::repository::{Repositories, Repository};
use crate::resolve::{self, Dependency, Operation, Plan};
use crate::secret::Secret;
use crate::versions::{Opened, Versions};

use builder::{Builder, OF_BASH, changes_bash};

pub use ci::built;
pub use integrations::key_files;
pub use placeholders::substitute;
pub use shown::Shown;
pub use task::{IMAGE_NAME, NAME_OF_CONTAINER, container_name, of_task, task_name};

/// A variable that the caller gives.
pub struct GivenVariable {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Value,
    /// What gives it, in words: `-e`, `--env-file .env`.
    pub origin: Rc<str>,
}

/// What is true of this run and stands in no YAML.
#[derive(Default)]
pub struct RunContext {
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
    pub given: Rc<[GivenVariable]>,
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

impl RunContext {
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
pub fn build(plan: &Plan, credentials: &Credentials, context: &RunContext) -> Result<Built, Vec<Diagnostic>> {
    let mut environment = Environment::default();
    // More than most jobs have; to make room again and again takes longer than to fill it.
    environment.variables.reserve(256);
    let for_scripts = plan.job.has_scripts();
    let mut builder = Builder { environment, for_scripts, warnings: Vec::new(), problems: Vec::new() };
    builder.params(plan, context);
    builder.job(plan, context);
    if let Some(ci) = plan.ci {
        builder.ci(ci, plan, context);
    }
    for GivenVariable { name, value, origin } in context.given.iter() {
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
        builder.dependency(dependency, credentials, context);
    }
    for (env, integration) in &plan.integrations {
        if let Some(credential) = credentials.get(&integration.name.text) {
            let directory = context.root.join(path::INTEGRATIONS).join(&credential.name);
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
        builder.check_size(context.max_environment);
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
