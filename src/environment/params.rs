//! Params: step 1, under their own names, and what of step 4 is about them.

use std::rc::Rc;

use super::RunContext;
use super::builder::Builder;
use crate::contract::{self, path, suffix};
use crate::credentials::Value;
use crate::diagnostic::Diagnostic;
use crate::model::Resource;
use crate::resolve::{Dependency, Plan};
use crate::source::Span;
use crate::state::Version;
use crate::versions::{self, Param};

impl Builder {
    /// Step 1: the params, under their own names.
    pub(super) fn params(&mut self, plan: &Plan, context: &RunContext) {
        for dependency in &plan.dependencies {
            if dependency.operation.word() != path::IN || dependency.target.kind() != "params" {
                continue;
            }
            let Some(resource) = dependency.target.resource() else { continue };
            let stored = context.versions.of(dependency);
            if let Some(params) =
                resource.params().filter(|params| stored.is_none() && params.map().is_none())
            {
                self.warnings.push(
                    Diagnostic::warning(format!(
                        "the params of `{}` must be a map, and this is {}",
                        dependency.name.text,
                        params.what()
                    ))
                    .at(params.place),
                );
            }
            let origin = origin_of_params(&dependency.name.text, stored);
            for param in versions::params(resource, stored) {
                if param.secure.is_some() {
                    self.encrypted_param(&dependency.name.text, &param, context);
                    continue;
                }
                self.set_alone(param.key, Value::Plain(param.text.into_owned()), &origin, param.place);
            }
        }
    }

    /// What was encrypted is a secret under its own name.
    fn encrypted_param(&mut self, resource: &str, param: &Param, context: &RunContext) {
        let Some(opened) = context.opened.get(resource, param.key) else {
            return self.warn_of_secure_param(resource, param.place);
        };
        let origin: Rc<str> = format!("params {resource}, encrypted").into();
        for (key, value) in opened {
            self.environment.secrets.push(value.clone());
            self.set_alone(key, Value::Secret(value.clone()), &origin, param.place);
        }
    }

    /// The service that encrypted it is gone, and its key with it: the job may run, without these variables.
    fn warn_of_secure_param(&mut self, resource: &str, place: Span) {
        self.warnings.push(
            Diagnostic::warning(format!(
                "the encrypted params of `{resource}` cannot be opened: their variables are not set"
            ))
            .rule("lost-secret").at(place)
            .hint("Shippable encrypted them, and its key is gone: write them anew and encrypt them with `shipctl encrypt`"),
        );
    }

    /// `<N>_PARAMS_<KEY>` for each.
    pub(super) fn params_of(&mut self, dependency: &Dependency, resource: &Resource, context: &RunContext) {
        let stored = context.versions.of(dependency);
        let origin = origin_of_params(&dependency.name.text, stored);
        let variable =
            |key: &str| format!("{}_{}_{}", dependency.env, suffix::PARAMS, contract::key_name(key));
        for param in versions::params(resource, stored) {
            if param.secure.is_none() {
                self.environment.set(variable(param.key), Value::Plain(param.text.into_owned()), &origin);
                continue;
            }
            let opened = context.opened.get(&dependency.name.text, param.key).unwrap_or_default();
            for (key, value) in opened {
                self.environment.set(variable(key), Value::Secret(value.clone()), &origin);
            }
        }
    }
}

/// Where params come from, in words.
fn origin_of_params(name: &str, stored: Option<&Version>) -> Rc<str> {
    match stored {
        Some(version) => format!("params {name}, version {}", version.number).into(),
        None => format!("params {name}").into(),
    }
}
