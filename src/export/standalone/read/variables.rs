//! The variables of a job, as far as the YAML tells them.

use indexmap::IndexMap;

use super::Reader;
use crate::environment::{self, Environment};
use crate::export::standalone::stand_ins;
use crate::export::standalone::text::{Piece, Text};
use crate::resolve::Plan;

impl Reader<'_> {
    /// The variables of a run, with those that scripts name of what is declared nowhere.
    pub(super) fn variables(
        &mut self,
        plan: &Plan,
        environment: &Environment,
        scripts: &str,
    ) -> IndexMap<String, Text> {
        let mut variables = IndexMap::new();
        for (name, _) in environment.iter() {
            let text = match name {
                "BUILD_NUMBER" | "SHIPPABLE_BUILD_NUMBER" | "TRAVIS_BUILD_NUMBER" => {
                    Text(vec![Piece::Number])
                }
                "JOB_TRIGGERED_BY_NAME" | "JOB_TRIGGERED_BY_USER" => Text(vec![Piece::User]),
                _ => Text::read(environment.get(name).unwrap_or_default(), &self.settings),
            };
            if !is_of_service(name, plan) || scripts.contains(name) {
                variables.insert(name.to_owned(), text);
            }
        }
        let bound = plan.dependencies.iter().filter(|dependency| dependency.integration.is_none());
        let bound = bound.filter_map(|dependency| {
            let integration = dependency.target.resource()?.integration.as_ref()?;
            Some((integration, dependency.name.text.as_str(), dependency.env.clone()))
        });
        let listed = plan.job.integrations.iter();
        let listed = listed.filter(|one| !self.pipeline.integrations.contains_key(&one.text));
        let listed = listed.filter_map(|one| Some((one, one.text.as_str(), one.env()?)));
        for (integration, name, env) in bound.chain(listed).collect::<Vec<_>>() {
            for (variable, value) in
                stand_ins::undeclared(integration, name, &env, scripts, &mut self.settings)
            {
                variables.insert(variable, Text::read(&value, &self.settings));
            }
        }
        for (variable, name) in left_out(plan, scripts) {
            if !variables.contains_key(&variable) {
                let purpose = format!("what scripts read of {name}");
                let stand_in = stand_ins::need(variable.clone(), purpose, &mut self.settings);
                variables.insert(variable, Text::read(&stand_in, &self.settings));
            }
        }
        variables
    }
}

/// The variables that scripts read of what goes in and is declared nowhere, each with the name of that; without those of its
/// directories, which are not there.
fn left_out<'p>(plan: &Plan<'p>, scripts: &str) -> Vec<(String, &'p str)> {
    let inputs = plan.job.inputs().map(|input| &input.name);
    let missing = inputs.filter(|name| plan.dependencies.iter().all(|one| one.name.text != name.text));
    let variables = missing.filter_map(|name| {
        let env = name.env()?;
        let directories = ["PATH", "STATE", "META"].map(|part| format!("{env}_{part}"));
        let read = stand_ins::variables_of(&env, scripts).into_iter();
        Some(read.filter(move |one| !directories.contains(one)).map(|one| (one, name.text.as_str())))
    });
    variables.flatten().collect()
}

/// Whether a variable means nothing in another system: ids are the service's own, as are the files that it wrote.
fn is_of_service(name: &str, plan: &Plan) -> bool {
    const NAMES: &[&str] = &[
        "RESOURCE_ID",
        "BUILD_ID",
        "BUILD_JOB_ID",
        "BUILD_JOB_NUMBER",
        "SUBSCRIPTION_ID",
        "JOB_TRIGGERED_BY_ID",
        "SHIPPABLE_AMI_VERSION",
        "SHIPPABLE_WWW_URL",
        "BUILD_URL",
        "SHIPPABLE_INTEGRATION_ENVS_PATH",
        "PROJECT_ID",
        "JOB_ID",
        "SHIPPABLE_BUILD_ID",
        "TRAVIS_BUILD_ID",
        "TRAVIS_JOB_ID",
        "SHIPCTL_CACHE_DIR",
        environment::LINE_DIRECTORY,
    ];
    let of = |prefix: &str| {
        let part = name.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_'));
        part.is_some_and(|part| ["ID", "VERSIONID", "MESSAGE", "INTEGRATIONS"].contains(&part))
    };
    NAMES.contains(&name)
        || of("JOB")
        || of(&plan.env)
        || plan.dependencies.iter().any(|dependency| of(&dependency.env))
}
