//! The command-line tools of a job: each `cliConfig` that goes IN configures the tool of its integration for this job
//! alone, by files among its secrets and variables that point there. What the user has at home is neither read nor
//! written.
//!
//! Pure: [`configure`] says what is in the files, the workspace writes them. What only the tool itself can do, such as
//! asking for the address of a cluster, is a [`Finish`].

mod artifactory;
mod aws;
mod azure;
mod docker;
mod gcloud;
mod kubernetes;

use std::path::{Path, PathBuf};
use std::rc::Rc;

use indexmap::IndexMap;
use zeroize::Zeroizing;

use crate::aws::ecr::Login;
use crate::contract::{path, suffix};
use crate::credentials::{Credential, Credentials, Value};
use crate::diagnostic::Diagnostic;
use crate::environment::Environment;
use crate::model::work::{CLUSTERS, KUBERNETES};
use crate::model::{Integration, Managed};
use crate::resolve::{AWS_KINDS, Dependency, Operation, Plan};
use crate::secret::Secret;
use crate::source::Span;

/// The scopes with which kubectl is configured, for clusters of Google and of Azure.
const GKE: &str = "gke";
const AKS: &str = "aks";

/// What the name of a cluster is called in the pointer of a `cliConfig`.
const CLUSTER_NAME: &str = "clusterName";

/// The type of the resources that configure tools.
const CLI_CONFIG: &str = "cliConfig";

/// What the tools of a job find.
#[derive(Default)]
pub struct Tools {
    /// Files, with paths relative to the workspace. All of them are secret.
    pub files: IndexMap<PathBuf, Zeroizing<Vec<u8>>>,
    /// Variables, with where they come from.
    pub variables: Vec<(&'static str, Value, Rc<str>)>,
    /// Variables that are not inherited: they would lead a tool elsewhere.
    pub hidden: Vec<&'static str>,
    /// What is secret in the files.
    pub secrets: Vec<Secret>,
    /// What is left to the tools, in order.
    pub finish: Vec<Finish>,
    /// What people should know.
    pub warnings: Vec<Diagnostic>,
}

/// A command that a tool needs to be given before the job begins.
pub struct Finish {
    /// The program and its arguments. No secret is among them.
    pub command: Vec<String>,
    /// What it is for: `scope gke of cliConfig my_cluster`.
    pub purpose: String,
    /// Whether the job can begin without it.
    pub optional: bool,
    /// Where it is asked for.
    pub place: Span,
}

/// A `cliConfig` that goes IN, or a cluster of Kubernetes that a job deploys to.
struct CliConfig<'a> {
    name: &'a str,
    /// Whether it is a cluster, or names one that Services are made in: kubectl is configured whatever the scopes are.
    is_cluster: bool,
    place: Span,
    integration: &'a Credential,
    scopes: &'a [String],
    /// First part of its variables, which have its pointer with placeholders replaced.
    env: &'a str,
    environment: &'a Environment,
}

/// Where the files of a job's tools are.
struct Paths<'a> {
    root: &'a Path,
    /// This program, which tools ask.
    program: &'a Path,
}

/// A registry of AWS that a job is to be logged in to.
pub struct Registry<'a> {
    /// The `cliConfig`.
    pub resource: &'a str,
    /// The integration whose keys open it.
    pub integration: &'a Integration,
    /// Its region, if the `cliConfig` has one.
    pub region: Option<String>,
}

/// The registries that a plan asks for with `scopes: [ecr]`.
pub fn registries<'a>(plan: &Plan<'a>, environment: &Environment) -> Vec<Registry<'a>> {
    let wanted = cli_configs(plan).filter(|(_, scopes)| has(scopes, "ecr"));
    wanted
        .filter_map(|(dependency, _)| {
            let integration = dependency.integration?;
            AWS_KINDS.contains(&integration.kind.name).then(|| Registry {
                resource: &dependency.name.text,
                integration,
                region: pointer(environment, &dependency.env, "REGION").map(str::to_owned),
            })
        })
        .collect()
}

/// Whether there is a tool for integrations of a kind.
pub fn are_known(kind: &str) -> bool {
    AWS_KINDS.contains(&kind) || ALONE.contains(&kind) || ["gcloudKey", "azureKeys"].contains(&kind)
}

/// The kinds beside those of AWS whose tools have no scopes.
const ALONE: &[&str] = &["kubernetesConfig", "artifactoryKey", "dockerRegistryLogin", "quayLogin"];

/// The integration whose keys the tools of AWS use in a job where nothing else is said: that of the last `cliConfig`.
pub fn default_of_aws<'c>(plan: &Plan, credentials: &'c Credentials) -> Option<&'c Credential> {
    let bound = cli_configs(plan).filter_map(|(dependency, _)| dependency.integration);
    let of_aws = bound.filter(|integration| AWS_KINDS.contains(&integration.kind.name)).last()?;
    credentials.get(&of_aws.name.text)
}

/// Whether a plan has tools to configure.
pub fn are_needed(plan: &Plan) -> bool {
    cli_configs(plan).next().is_some()
}

/// Says what the tools of a job find in the workspace `root`. `program` is this program; `logins` are those to the registries of AWS, by resource.
///
/// # Errors
///
/// What a tool cannot be configured without.
pub fn configure(
    plan: &Plan,
    credentials: &Credentials,
    environment: &Environment,
    logins: &[(String, Login)],
    root: &Path,
    program: &Path,
) -> Result<Tools, Vec<Diagnostic>> {
    let mut tools = Tools::default();
    let mut problems = Vec::new();
    let paths = Paths { root, program };
    let mut configs = Vec::new();
    for (dependency, scopes) in cli_configs(plan) {
        let (name, place) = (dependency.name.text.as_str(), dependency.name.place);
        match dependency.integration.and_then(|bound| credentials.get(&bound.name.text)) {
            Some(integration) => {
                let env = &dependency.env;
                let is_cluster = dependency.target.kind() != CLI_CONFIG;
                configs.push(CliConfig { name, is_cluster, place, integration, scopes, env, environment });
            }
            None => tools.warnings.push(
                Diagnostic::warning(format!("cliConfig `{name}` has no integration, and configures nothing"))
                    .at(place)
                    .hint("add `integration: …` to it"),
            ),
        }
    }
    for config in &configs {
        let known = match config.integration.kind.name {
            "amazonKeys" | "amazonIamRole" => Ok(&["ecr"][..]),
            "gcloudKey" => gcloud::configure(config, &paths, &mut tools).map(|()| &["gcr", "gke"][..]),
            "azureKeys" => azure::configure(config, &paths, &mut tools).map(|()| &["aks"][..]),
            kind if ALONE.contains(&kind) => Ok(&[][..]),
            _ => {
                tools.warnings.push(config.nothing_to_configure());
                continue;
            }
        };
        match known {
            Ok(known) => tools.warnings.extend(config.unknown_scopes(known)),
            Err(problem) => problems.push(problem),
        }
    }
    problems.extend(aws::configure(&configs, &paths, &mut tools).err());
    docker::configure(&configs, logins, &paths, &mut tools);
    kubernetes::configure(&configs, &paths, &mut tools);
    artifactory::configure(&configs, &paths, &mut tools);
    if problems.is_empty() { Ok(tools) } else { Err(problems) }
}

/// The `cliConfig`s that go IN, with their scopes.
fn cli_configs<'p, 'a>(
    plan: &'p Plan<'a>,
) -> impl Iterator<Item = (&'p Dependency<'a>, &'a [String])> + use<'p, 'a> {
    // What a deployment calls is configured likewise.
    let clusters = match plan.job.managed() {
        Some(Managed::Deploy) => CLUSTERS,
        Some(Managed::Provision) => &["loadBalancer"],
        _ => &[],
    };
    let is_config = move |dependency: &&Dependency| {
        let kind = dependency.integration.map_or("", |integration| integration.kind.name);
        let target = dependency.target.kind();
        target == CLI_CONFIG || clusters.contains(&target) && KUBERNETES.contains(&kind)
    };
    plan.dependencies.iter().filter(is_config).filter_map(|dependency| match dependency.operation {
        Operation::In(input) => Some((dependency, input.scopes.as_slice())),
        Operation::Out(_) => None,
    })
}

fn pointer<'e>(environment: &'e Environment, env: &str, key: &str) -> Option<&'e str> {
    environment.get(&format!("{env}_{}_{key}", suffix::POINTER)).filter(|value| !value.is_empty())
}

fn has(scopes: &[String], scope: &str) -> bool {
    scopes.iter().any(|known| known.eq_ignore_ascii_case(scope))
}

impl<'a> CliConfig<'a> {
    fn is_of(&self, kinds: &[&str]) -> bool {
        kinds.contains(&self.integration.kind.name)
    }

    fn has_scope(&self, scope: &str) -> bool {
        has(self.scopes, scope) || self.is_cluster && [GKE, AKS].contains(&scope)
    }

    /// A part of its pointer, by the key as variables have it.
    fn pointer(&self, key: &str) -> Option<&'a str> {
        pointer(self.environment, self.env, key)
    }

    fn field(&self, name: &str) -> &'a str {
        self.integration.text(name).unwrap_or_default()
    }

    /// The name of the cluster that kubectl is configured for.
    fn cluster_name(&self) -> Option<&'a str> {
        let source = || self.environment.get(&format!("{}_{}", self.env, suffix::SOURCENAME));
        let source_name = || source().filter(|name| self.is_cluster && !name.is_empty());
        self.pointer("CLUSTERNAME").or_else(source_name)
    }

    fn origin(&self) -> Rc<str> {
        format!("{} {}", self.word(), self.name).into()
    }

    fn error(&self, message: &str) -> Diagnostic {
        Diagnostic::error(format!("{} `{}`: {message}", self.word(), self.name)).at(self.place)
    }

    fn word(&self) -> &'static str {
        if self.is_cluster { "cluster" } else { CLI_CONFIG }
    }

    /// What the tool is asked for the cluster for.
    fn purpose(&self, scope: &str) -> String {
        match self.is_cluster {
            true => format!("cluster `{}`", self.name),
            false => format!("scope {scope} of cliConfig `{}`", self.name),
        }
    }

    /// The error for a part of the pointer that a scope cannot do without.
    fn needs(&self, scope: &str, key: &str) -> Diagnostic {
        if self.is_cluster {
            // The name of a cluster is that of what it stands for.
            let key = if key == CLUSTER_NAME { "sourceName" } else { key };
            return self
                .error(&format!("it has no {key}"))
                .hint(format!("add `versionTemplate: {{{key}: …}}` to it"));
        }
        self.error(&format!("the scope `{scope}` needs a {key}"))
            .hint(format!("add `pointer: {{{key}: …}}` to it"))
    }

    fn nothing_to_configure(&self) -> Diagnostic {
        let kind = self.integration.kind.display;
        Diagnostic::warning(format!("cliConfig `{}`: shipctl knows no tool for {kind}", self.name))
            .at(self.place)
            .hint("its fields are in the environment all the same")
    }

    fn unknown_scopes(&self, known: &[&str]) -> Vec<Diagnostic> {
        let unknown = |scope: &&String| !known.iter().any(|known| known.eq_ignore_ascii_case(scope));
        let kind = self.integration.kind.display;
        self.scopes
            .iter()
            .filter(unknown)
            .map(|scope| {
                let hint = match known {
                    [] => format!("{kind} has no scopes"),
                    known => format!("those of {kind} are: {}", known.join(", ")),
                };
                let message = format!("cliConfig `{}` has no scope `{scope}`", self.name);
                Diagnostic::warning(message).at(self.place).hint(hint)
            })
            .collect()
    }
}

impl Paths<'_> {
    /// A file below the job's secrets, relative to the workspace.
    fn relative(&self, file: &str) -> PathBuf {
        Path::new(path::SECRETS).join(file)
    }

    /// The same, as tools need it.
    fn absolute(&self, file: &str) -> String {
        self.root.join(self.relative(file)).display().to_string()
    }
}

impl Tools {
    fn file(&mut self, paths: &Paths, name: &str, content: impl Into<Vec<u8>>) {
        self.files.insert(paths.relative(name), Zeroizing::new(content.into()));
    }

    /// Has a tool called once for all that need it.
    fn finish(&mut self, finish: Finish) {
        if self.finish.iter().all(|known| known.command != finish.command) {
            self.finish.push(finish);
        }
    }

    fn set(&mut self, name: &'static str, value: impl Into<String>, config: &CliConfig) {
        self.variables.push((name, Value::Plain(value.into()), config.origin()));
    }

    fn set_secret(&mut self, name: &'static str, value: &str, config: &CliConfig) {
        self.variables.push((name, Value::Secret(Secret::new(value.to_owned())), config.origin()));
    }
}
