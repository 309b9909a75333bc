//! Integrations without a job: `--integration NAME` stands for a job that they go into and that does nothing else.

use std::io;

use serde_json::json;

use super::Session;
use crate::cli::{JobOptions, LineOptions};
use crate::contract;
use crate::credentials::Ambient;
use crate::diagnostic::Diagnostic;
use crate::load::read_good;
use crate::model::files;
use crate::output::{Failure, failure, paint};
use crate::tools;

/// What the job is called.
pub(crate) const JOB: &str = "exec";

impl Session {
    /// The session of a job that these integrations go into. Where shipctl knows the tools of one, they are configured.
    ///
    /// # Errors
    ///
    /// What is wrong with the line, and integrations that are declared nowhere.
    pub(crate) fn of_integrations(
        options: &LineOptions,
        job_options: &JobOptions,
        names: &[String],
    ) -> Result<Session, Failure> {
        let mut line = read_good(options)?;
        let paint = paint(options.color, &io::stderr());
        let pipeline = &mut line.pipeline;
        (pipeline.resources, pipeline.jobs, pipeline.ci) = Default::default();
        let mut problems = Vec::new();
        let ambient = Ambient::new(std::env::vars_os());
        let mut resources = Vec::new();
        for name in names {
            let declared = pipeline.integrations.get(name).map(|integration| integration.kind.name);
            let Some(of) = declared.or_else(|| ambient.kind(name)) else {
                problems.push(unknown(name, pipeline.integrations.keys().map(String::as_str)));
                continue;
            };
            let kind = if tools::are_known(of) { "cliConfig" } else { "integration" };
            resources.push(json!({"name": name, "type": kind, "integration": name}));
        }
        if !problems.is_empty() {
            return Err(failure(&problems, &line.sources, paint));
        }
        let steps: Vec<_> = names.iter().map(|name| json!({"IN": name})).collect();
        let job = json!({"name": JOB, "type": "runSh", "steps": steps});
        let text = json!({"resources": resources, "jobs": [job]}).to_string();
        files::add_text(&mut line, "--integration", text);
        Session::of(line, &[JOB], paint, job_options)
    }
}

fn unknown<'n>(name: &str, known: impl Iterator<Item = &'n str> + Clone) -> Diagnostic {
    let error = Diagnostic::error(format!("there is no integration `{name}`"));
    let names: Vec<_> = known.clone().take(20).collect();
    let variable = contract::env_name(name).map_or_else(String::new, |env| {
        format!(
            "; or set SHIPCTL_INTEGRATION_{env}_TYPE and one SHIPCTL_INTEGRATION_{env}_<FIELD> for each field"
        )
    });
    let hint = match names.is_empty() {
        true => format!("declare it under `integrations:` in shippable.integrations.yml{variable}"),
        false => format!("the integrations are: {}{variable}", names.join(", ")),
    };
    error.hint(hint).did_you_mean(name, known)
}
