//! Services of Kubernetes, which a `provision` job makes of the loadBalancer resources that go in.

use serde_json::{Map, Value as Json, json};

use super::inputs::Input;
use super::{ManagedJob, ManagedOutput, names};
use crate::contract::suffix;
use crate::diagnostic::Diagnostic;
use crate::model::work::KUBERNETES;

/// What of a resource is no field of a Service.
const OTHERS: &[&str] =
    &["sourceName", "method", "namespace", "clusterName", "groupName", "region", "bastionHost"];

/// The Services of a job, by the names of their resources.
///
/// # Errors
///
/// What is missing, or is for something else than Kubernetes.
pub fn services(given: &ManagedJob) -> Result<Vec<(String, Json)>, Vec<Diagnostic>> {
    let job = given.plan.job;
    let inputs: Vec<_> = given.resources().filter(|input| input.kind() == "loadBalancer").collect();
    let Some(first) = inputs.first() else {
        return Err(vec![
            Diagnostic::error(format!("job `{}` provisions nothing", job.name.text))
                .at(job.name.place)
                .hint("add `- IN: name` with the name of a loadBalancer resource"),
        ]);
    };
    let integration = |input: &Input| input.dependency.integration.map(|bound| bound.name.text.clone());
    let mut problems = Vec::new();
    for input in &inputs {
        let name = &input.dependency.name.text;
        let kind = input.dependency.integration.map(|bound| bound.kind.name);
        if !kind.is_some_and(|kind| KUBERNETES.contains(&kind)) {
            problems.push(
                Diagnostic::error(format!("load balancer `{name}` has no integration of Kubernetes"))
                    .at(input.resource.name.place)
                    .hint("those of AWS are made outside, and go into a deploy job"),
            );
        } else if integration(input) != integration(first) {
            problems.push(
                Diagnostic::error(format!("load balancer `{name}` is for another cluster than the first"))
                    .at(input.place())
                    .hint("write one provision job for each cluster"),
            );
        }
    }
    match problems.is_empty() {
        true => Ok(inputs
            .iter()
            .map(|input| (input.dependency.name.text.clone(), service(given, input)))
            .collect()),
        false => Err(problems),
    }
}

fn service(given: &ManagedJob, input: &Input) -> Json {
    // In the old syntax the pointer says where it is, and the version what it is.
    let mut fields = given.pointer(input);
    fields.extend(given.bag(input));
    let source = given.variable(input.dependency, suffix::SOURCENAME);
    let name = if source.is_empty() { &input.dependency.name.text } else { source };
    let mut metadata = json!({"name": names::in_kubernetes(name)});
    if let Some(namespace) = fields.get("namespace") {
        metadata["namespace"] = namespace.clone();
    }
    let mut spec = Map::new();
    if let Some(method) = fields.get("method") {
        spec.insert("type".to_owned(), method.clone());
    }
    spec.extend(fields.into_iter().filter(|(key, _)| !OTHERS.contains(&key.as_str())));
    json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
}

/// What the job makes: the Services as it applies them.
pub(super) fn make(given: &ManagedJob) -> Result<ManagedOutput, Vec<Diagnostic>> {
    let mut output = ManagedOutput::default();
    for (name, service) in services(given)? {
        output.lines.push(format!("Service of {name}:"));
        output.lines.extend(format!("{service:#}").lines().map(|line| format!("  {line}")));
        output.lines.push("  1. kubectl apply".to_owned());
        output.bag.insert(name, service);
    }
    Ok(output)
}
