//! What a job of a type does: it has scripts, or it is of a type whose work the original service did itself.

use super::job::{RUN_CI, SCRIPT_TYPES};
use super::{Job, Name};
use crate::diagnostic::Diagnostic;
use crate::nearest::nearest;
use crate::yaml::{Map, Node, Value};

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// It runs scripts.
    Scripts,
    /// It has none: what it does follows from its type and from what goes in.
    Managed(Managed),
    /// It was the work of a service that no longer exists, or of another server.
    Gone(Gone),
}

/// What a job without scripts does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Managed {
    /// Lists the images or files that are deployed together.
    Manifest,
    /// Gives manifests a semantic version.
    Release,
    /// Puts manifests onto a cluster.
    Deploy,
    /// Makes Services for what was deployed.
    Provision,
    /// Nothing: the service kept its copy of the YAML up to date with it.
    Sync,
}

/// A type of jobs that can be run nowhere any more.
#[derive(Debug, PartialEq, Eq)]
pub struct GoneType {
    kind: &'static str,
    /// Why, as the end of a sentence that names the job and its type.
    pub why: &'static str,
    /// What to do instead.
    pub instead: &'static str,
}

/// One of those types.
pub type Gone = &'static GoneType;

const DEPLOY_INSTEAD: &str =
    "deploy to Amazon ECS or Kubernetes, or call the command line of the new place from a runSh job";

const GONE: &[GoneType] = &[
    GoneType { kind: "dclDeploy", why: "Docker Cloud no longer exists", instead: DEPLOY_INSTEAD },
    GoneType { kind: "ddcDeploy", why: "Docker Datacenter no longer exists", instead: DEPLOY_INSTEAD },
    GoneType { kind: "tripubDeploy", why: "Joyent Triton no longer exists", instead: DEPLOY_INSTEAD },
    GoneType { kind: "acsDeploy", why: "Azure DC/OS no longer exists", instead: DEPLOY_INSTEAD },
    GoneType {
        kind: "jenkinsJob",
        why: "a Jenkins server reported back to the service, which no longer exists",
        instead: "start the job of Jenkins from a runSh job, over its remote access API",
    },
    GoneType {
        kind: "externalCI",
        why: "a CI server reported back to the service, which no longer exists",
        instead: "start the build from a runSh job, over the API of that server",
    },
];

/// The types of jobs without scripts.
pub const MANAGED: &[(&str, Managed)] = &[
    ("manifest", Managed::Manifest),
    ("release", Managed::Release),
    ("deploy", Managed::Deploy),
    ("ecsDeploy", Managed::Deploy),
    ("gkeDeploy", Managed::Deploy),
    ("provision", Managed::Provision),
    ("rSync", Managed::Sync),
];

/// The types of jobs whose versions hold manifests.
pub fn holders() -> impl Iterator<Item = &'static str> {
    let holders = MANAGED.iter().filter(|(_, managed)| managed.holds_manifests());
    holders.map(|(kind, _)| *kind)
}

/// Types of clusters; each service had one of its own before there was `cluster`.
pub const CLUSTERS: &[&str] =
    &["cluster", "ecsCluster", "gkeCluster", "dclCluster", "ddcCluster", "tripubCluster"];

/// The kinds of integrations that lead to clusters of Kubernetes.
pub const KUBERNETES: &[&str] = &["kubernetesConfig", "gcloudKey", "azureKeys"];

/// Whether a TASK or a section has a script: `{script: …}`, or a list of such.
fn has_script(node: &Node) -> bool {
    match &node.value {
        Value::Map(map) => map.get("script").is_some_and(|script| !matches!(script.node.value, Value::Null)),
        Value::List(nodes) => nodes.iter().any(has_script),
        Value::Null | Value::Scalar(_) => false,
    }
}

impl Managed {
    /// Whether the versions of such a job hold manifests.
    pub fn holds_manifests(self) -> bool {
        match self {
            Managed::Manifest | Managed::Release | Managed::Deploy => true,
            Managed::Provision | Managed::Sync => false,
        }
    }
}

impl Work {
    /// What jobs of a type do, but for runCI jobs; `None` for a type that is not known.
    pub fn of(kind: &str) -> Option<Work> {
        if SCRIPT_TYPES.contains(&kind) {
            return Some(Work::Scripts);
        }
        if let Some((_, managed)) = MANAGED.iter().find(|(managed, _)| *managed == kind) {
            return Some(Work::Managed(*managed));
        }
        GONE.iter().find(|gone| gone.kind == kind).map(Work::Gone)
    }
}

/// A warning of a type that is almost a known one.
pub fn type_almost_right(of: &str, kind: &Name, meant: &str) -> Diagnostic {
    Diagnostic::warning(format!("{of} is of type `{}`, which is unknown", kind.text))
        .rule("unknown-type")
        .at(kind.place)
        .hint(format!("did you mean `{meant}`?"))
}

impl Job {
    /// What the job does, if its type is known.
    pub fn work(&self) -> Option<Work> {
        if self.has_scripts() { Some(Work::Scripts) } else { Work::of(&self.kind.text) }
    }

    /// The type that its type was probably meant to be: `runSh` for `runsh`.
    pub fn type_meant(&self) -> Option<&'static str> {
        let is_one = self.kind.text == RUN_CI || self.work().is_some();
        let known = SCRIPT_TYPES.iter().copied().chain([RUN_CI]).chain(MANAGED.iter().map(|(kind, _)| *kind));
        if is_one { None } else { nearest(&self.kind.text, known) }
    }

    /// What the job does if it has no scripts.
    pub fn managed(&self) -> Option<Managed> {
        match self.work() {
            Some(Work::Managed(managed)) => Some(managed),
            _ => None,
        }
    }

    /// Whether the versions of the job hold manifests.
    pub fn holds_manifests(&self) -> bool {
        holders().any(|kind| kind == self.kind.text)
    }

    /// Whether the job has a use for the integration of a resource of this type.
    pub fn uses_integration_of(&self, kind: &str) -> bool {
        self.has_scripts()
            || kind == "notification"
            || match self.managed() {
                Some(Managed::Deploy) => CLUSTERS.contains(&kind),
                Some(Managed::Provision) => kind == "loadBalancer",
                _ => false,
            }
    }

    /// Warnings of scripts in a job that has no shell for them, because the service did its work itself.
    pub fn idle_scripts(&self) -> Vec<Diagnostic> {
        if self.managed().is_none() {
            return Vec::new();
        }
        let kind = &self.kind.text;
        let idle = |place: &str, node: &Node, hint: String| {
            Diagnostic::warning(format!("the script in {place} of job `{}` does not run", self.name.text))
                .rule("incomplete-job")
                .at(node.place)
                .hint(hint)
        };
        let steps = match self.node.get("steps").map(|node| &node.value) {
            Some(Value::List(steps)) => steps.as_slice(),
            _ => &[],
        };
        let tasks = steps.iter().filter_map(|step| step.get("TASK")).filter(|task| has_script(task));
        let of_tasks = tasks.map(|task| {
            idle("a TASK", task, format!("jobs of type `{kind}` have none: put it into a runSh job"))
        });
        let sections =
            self.sections.scripts().into_iter().filter_map(|(name, _)| Some((name, self.node.get(name)?)));
        let of_sections = sections.filter(|(_, node)| has_script(node)).map(|(name, node)| {
            idle(&format!("`{name}`"), node, format!("sections of jobs of type `{kind}` can only NOTIFY"))
        });
        of_tasks.chain(of_sections).collect()
    }

    /// Whether the job can be run.
    pub fn can_run(&self) -> bool {
        self.has_scripts() || self.managed().is_some()
    }

    /// Why the job cannot be run, if it cannot be.
    pub fn why_not_run(&self) -> String {
        match (self.work(), self.kind.text.as_str()) {
            (Some(Work::Gone(gone)), _) => gone.why.to_owned(),
            (_, RUN_CI) => "the line has no CI section with a script for it".to_owned(),
            (_, "") => "it has no type".to_owned(),
            (_, kind) => format!("shipctl does not run jobs of type {kind}"),
        }
    }

    /// An option of a job without scripts: a key of the job, in older lines of its TASK, in the oldest of its `options`.
    pub fn option(&self, key: &str) -> Option<&Node> {
        let own = self.node.get(key).or_else(|| self.node.get("options")?.get(key));
        own.or_else(|| {
            let steps = self.node.get("steps")?;
            match &steps.value {
                Value::List(steps) => steps.iter().filter_map(Node::map).find_map(|step| of_task(step, key)),
                Value::Map(step) => of_task(step, key),
                Value::Null | Value::Scalar(_) => None,
            }
        })
    }
}

/// What a step says beside its TASK, or in it.
fn of_task<'a>(step: &'a Map, key: &str) -> Option<&'a Node> {
    let task = &step.get("TASK")?.node;
    step.get(key).map(|entry| &entry.node).or_else(|| task.get(key))
}
