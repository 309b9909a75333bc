//! What a run of a job would warn of, as far as the YAML alone tells.

use std::rc::Rc;

use crate::credentials::Credentials;
use crate::diagnostic::Diagnostic;
use crate::environment::{self, RunContext, UNKNOWN};
use crate::model::files::Line;
use crate::repository;
use crate::resolve::{self, Plan};
use crate::secure::is_of_shippable;
use crate::versions::{self, Opened};

/// The warnings of all jobs that can run, each once.
pub(super) fn warn(line: &Line) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = Vec::new();
    for job in line.pipeline.jobs.values().filter(|job| job.has_scripts()) {
        let Ok(plan) = resolve::resolve(&line.pipeline, &job.name.text) else { continue };
        let context = RunContext {
            opened: Rc::new(encrypted_here(&plan)),
            max_environment: usize::MAX,
            ..RunContext::default()
        };
        let Ok(built) = environment::build(&plan, &Credentials::default(), &context) else { continue };
        let all_is_known = tells_all_variables(&plan);
        let warnings =
            built.warnings.into_iter().filter(|one| all_is_known || !one.message.contains(UNKNOWN));
        for warning in warnings {
            if !found.contains(&warning) && !line.diagnostics.contains(&warning) {
                found.push(warning);
            }
        }
    }
    found
}

/// The params that shipctl encrypted, without what is in them: whether they open is not asked here.
fn encrypted_here(plan: &Plan) -> Opened {
    let mut opened = Opened::default();
    for dependency in &plan.dependencies {
        let Some(resource) = dependency.target.resource() else { continue };
        for param in versions::params(resource, None) {
            if param.secure.as_deref().is_some_and(|text| !is_of_shippable(text)) {
                opened.insert(&dependency.name.text, param.key, Vec::new());
            }
        }
    }
    opened
}

/// Whether the YAML tells the name of every variable of a job: none comes from an integration, a repository or the user who
/// starts it.
fn tells_all_variables(plan: &Plan) -> bool {
    let is_repository = |kind: &str| repository::is_repository(kind);
    let encrypted = |resource| versions::params(resource, None).iter().any(|param| param.secure.is_some());
    plan.ci.is_none()
        && plan.all_integrations().next().is_none()
        && !plan.dependencies.iter().any(|dependency| {
            is_repository(dependency.target.kind()) || dependency.target.resource().is_some_and(encrypted)
        })
}
