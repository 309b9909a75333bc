//! What the keys of a deployment's job say of how it goes.

use std::time::Duration;

use super::Method;
use crate::diagnostic::Diagnostic;
use crate::managed::ManagedJob;
use crate::yaml::{Node, Value};

/// The longest and the usual time for a service to become stable.
const MAX_WAIT: u64 = 3600;
const USUAL_WAIT: u64 = 600;
/// The longest time that it has to stay so.
const MAX_STABILITY: u64 = 300;

/// The method; older lines have it in the TASK.
pub(super) fn method(given: &ManagedJob) -> Result<Method, Diagnostic> {
    let job = given.plan.job;
    let Some(node) = ["method", "deployMethod", "deploymentMethod"].iter().find_map(|key| job.option(key))
    else {
        return Ok(Method::BlueGreen);
    };
    let text = node.text().unwrap_or_default();
    match text.replace('-', "").to_ascii_lowercase().as_str() {
        "bluegreen" => Ok(Method::BlueGreen),
        "upgrade" => Ok(Method::Upgrade),
        "replace" => Ok(Method::Replace),
        _ => Err(Diagnostic::error(format!("job `{}` cannot deploy by `{text}`", job.name.text))
            .at(node.place)
            .hint("the methods are blueGreen, upgrade and replace")),
    }
}

/// Whether all services are deployed at once.
pub(super) fn parallel(given: &ManagedJob) -> bool {
    let says = |node: &Node| match &node.value {
        Value::List(nodes) => nodes.iter().any(|node| node.text() == Some("parallel")),
        _ => node.text() == Some("parallel"),
    };
    ["workflow", "deployOptions"].iter().any(|key| given.plan.job.option(key).is_some_and(says))
}

/// The warning for a workflow that there is not.
pub(super) fn unknown_workflow(given: &ManagedJob) -> Option<Diagnostic> {
    let node = given.plan.job.option("workflow")?;
    let word = node.text().filter(|word| !matches!(*word, "" | "serial" | "parallel"))?;
    let message = format!(
        "job `{}` has no workflow `{word}`: it deploys one after the other",
        given.plan.job.name.text
    );
    Some(Diagnostic::warning(message).at(node.place).hint("the workflows are serial and parallel"))
}

/// How long a service may take to become stable.
pub(super) fn max_wait(given: &ManagedJob) -> Result<Duration, Diagnostic> {
    seconds(given, "maxWaitTime", USUAL_WAIT, MAX_WAIT)
}

/// How long a new service has to stay stable.
pub(super) fn stability(given: &ManagedJob) -> Result<Duration, Diagnostic> {
    seconds(given, "stabilityDuration", 0, MAX_STABILITY)
}

fn seconds(given: &ManagedJob, key: &str, usual: u64, most: u64) -> Result<Duration, Diagnostic> {
    let Some(node) = given.plan.job.option(key) else { return Ok(Duration::from_secs(usual)) };
    let seconds = node.text().and_then(|text| text.trim().parse().ok()).filter(|seconds| *seconds <= most);
    seconds.map(Duration::from_secs).ok_or_else(|| {
        Diagnostic::error(format!(
            "`{key}` of job `{}` is a number of seconds up to {most}",
            given.plan.job.name.text
        ))
        .at(node.place)
        .hint(format!("write `{key}: {usual}`"))
    })
}
