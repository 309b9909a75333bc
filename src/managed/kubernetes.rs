//! Kubernetes: the Deployment of a service, and what kubectl is called for in which order.

mod pod;

use serde_json::{Map, Value as Json, json};

use super::deploy::{Deployment, Method, Service, ServiceChange};
use super::entry::{Part, Setting};

/// The labels that the documentation promises for selecting pods.
const MANIFEST: &str = "shippable.manifestName";
const JOB: &str = "shippable.jobName";
/// The label that tells a blue pod from a green one.
pub const NAME: &str = "shippable.deploymentName";

/// A value of a label, in the letters that are allowed there.
fn label(text: &str) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' };
    let text: String = text.chars().map(allowed).take(63).collect();
    text.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned()
}

/// What selects all that a job has deployed of a service.
pub fn selector(job: &str, service: &Service) -> String {
    format!("{MANIFEST}={},{JOB}={}", label(&service.manifest.name), label(job))
}

/// A call of kubectl.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// Asks whether the Deployment is there.
    Get(String),
    /// Creates or updates it.
    Apply(String),
    /// Waits until it is rolled out.
    Rollout(String),
    /// Changes how many run.
    Scale(String, u64),
    /// Deletes those that are there, and waits until they are gone.
    Delete(Vec<String>),
}

impl Call {
    /// The arguments of kubectl. `file` holds the Deployment, and `wait` says how long to wait, in seconds.
    pub fn arguments(&self, namespace: Option<&str>, file: &str, wait: u64) -> Vec<String> {
        let mut arguments: Vec<String> =
            namespace.into_iter().map(|name| format!("--namespace={name}")).collect();
        let of = |name: &str| format!("deployment/{name}");
        match self {
            Call::Get(name) => arguments.extend([
                "get".into(),
                of(name),
                "--ignore-not-found".into(),
                "--output=name".into(),
            ]),
            Call::Apply(_) => arguments.extend(["apply".into(), format!("--filename={file}")]),
            Call::Rollout(name) => {
                arguments.extend(["rollout".into(), "status".into(), of(name), format!("--timeout={wait}s")]);
            }
            Call::Scale(name, count) => {
                arguments.extend(["scale".into(), of(name), format!("--replicas={count}")])
            }
            Call::Delete(names) => {
                arguments.push("delete".into());
                arguments.extend(names.iter().map(|name| of(name)));
                arguments.extend(["--ignore-not-found".into(), format!("--timeout={wait}s")]);
            }
        }
        arguments
    }

    /// What it does, in words.
    fn describe(&self) -> String {
        match self {
            Call::Get(name) => format!("look for Deployment {name}"),
            Call::Apply(name) => format!("apply Deployment {name}"),
            Call::Rollout(name) => format!("wait until Deployment {name} is rolled out"),
            Call::Scale(name, count) => format!("have {count} of Deployment {name} run"),
            Call::Delete(names) => match names.as_slice() {
                [name, others @ ..] if !others.is_empty() => {
                    format!(
                        "delete Deployment {name} and {} of earlier builds if they are there",
                        others.len()
                    )
                }
                names => format!("delete Deployment {} if it is there", names.concat()),
            },
        }
    }
}

/// What is called for a service in the build `number`, in order.
pub fn calls(deployment: &Deployment, service: &Service, number: u32) -> Vec<Call> {
    if let (ServiceChange::None | ServiceChange::Replicas, Some(last)) = (service.change, &service.last) {
        let name = || last.service.clone();
        let mut calls = vec![Call::Get(name())];
        if service.change == ServiceChange::Replicas {
            calls.extend([Call::Scale(name(), service.count()), Call::Rollout(name())]);
        }
        return calls;
    }
    let name = || service.name(deployment.method, number);
    let rolled_out = [Call::Apply(name()), Call::Rollout(name())];
    match deployment.method {
        Method::Upgrade => rolled_out.to_vec(),
        Method::Replace => [Call::Delete(vec![name()])].into_iter().chain(rolled_out).collect(),
        Method::BlueGreen => {
            let earlier = Some(service.earlier(number)).filter(|earlier| !earlier.is_empty());
            rolled_out.into_iter().chain(earlier.map(Call::Delete)).collect()
        }
    }
}

/// The Deployment of a service, and the options that Kubernetes has nothing for.
pub fn object(
    job: &str,
    deployment: &Deployment,
    service: &Service,
    number: u32,
    value: &mut dyn FnMut(&Part, &str, Setting) -> String,
) -> (Json, Vec<String>) {
    let name = service.name(deployment.method, number);
    let selected = json!({MANIFEST: label(&service.manifest.name), JOB: label(job), NAME: label(&name)});
    let mut labels = selected.as_object().cloned().unwrap_or_default();
    let mut idle = Vec::new();
    let pod = pod::spec(service, value, &mut labels, &mut idle);
    let mut spec = Map::from_iter([
        ("replicas".to_owned(), json!(service.count())),
        ("selector".to_owned(), json!({ "matchLabels": selected })),
        ("template".to_owned(), json!({"metadata": {"labels": labels}, "spec": pod})),
    ]);
    let mut own_labels = selected;
    for image in &service.manifest.images {
        let Some(Json::Object(given)) = image.docker_options.get("deployment") else { continue };
        for (key, given) in given {
            match (key.as_str(), given) {
                ("labels", Json::Object(given)) => {
                    for (key, value) in given {
                        own_labels[key] = value.clone();
                    }
                }
                // The pods are those of the manifest.
                ("template" | "selector", _) => idle.push(format!("deployment.{key}")),
                _ => _ = spec.insert(key.clone(), given.clone()),
            }
        }
    }
    let mut metadata = json!({"name": name, "labels": own_labels});
    if let Some(namespace) = &deployment.cluster.namespace {
        metadata["namespace"] = json!(namespace);
    }
    let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec});
    (object, idle)
}

/// What a deployment in the build `number` would apply, and in which order: secrets masked.
pub fn described(job: &str, deployment: &Deployment, number: u32) -> Vec<String> {
    let mut lines = vec![deployment.described()];
    for service in &deployment.services {
        let mut value = |_: &Part, _: &str, setting: Setting| match setting {
            Setting::Plain(text) => text.to_owned(),
            Setting::Secure(..) => crate::mask::MASK.to_owned(),
        };
        lines.extend(service.described());
        let (object, idle) = object(job, deployment, service, number, &mut value);
        if service.change == ServiceChange::All {
            lines.push("  Deployment:".to_owned());
            lines.extend(format!("{object:#}").lines().map(|line| format!("    {line}")));
        }
        for option in idle {
            lines.push(format!("  dockerOptions: `{option}` has no effect in Kubernetes"));
        }
        for (index, call) in calls(deployment, service, number).iter().enumerate() {
            lines.push(format!("  {}. {}", index + 1, call.describe()));
        }
    }
    lines
}
