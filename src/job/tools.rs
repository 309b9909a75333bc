//! The command-line tools of a job: configured before it begins, by files, and by the tools themselves.

use std::path::Path;
use std::process::Command;

use super::{Ready, Session};
use crate::aws::ecr::Login;
use crate::credentials::{AwsProvider, Credential, Credentials};
use crate::diagnostic::Diagnostic;
use crate::environment::{self, Built, Environment, RunContext};
use crate::exit;
use crate::mask::Patterns;
use crate::output::Failure;
use crate::resolve::Plan;
use crate::run::{self, Captured, Signals};
use crate::tools::{self, Finish, Tools};

impl Session {
    /// The logins to the registries of AWS that a job asks for.
    pub(crate) fn log_in(
        &self,
        plan: &Plan,
        credentials: &Credentials,
        context: &RunContext,
    ) -> Result<Vec<(String, Login)>, Vec<Diagnostic>> {
        if !tools::are_needed(plan) {
            return Ok(Vec::new());
        }
        let environment = environment::build(plan, credentials, context)?.environment;
        let registries = tools::registries(plan, &environment);
        if registries.is_empty() {
            return Ok(Vec::new());
        }
        let provider = AwsProvider::new(self.options.mfa_code.as_deref());
        let mut logins = Vec::new();
        let mut problems = Vec::new();
        for registry in registries {
            match provider.registry(credentials, registry.integration, registry.region.as_deref()) {
                Ok(login) => logins.push((registry.resource.to_owned(), login)),
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Ok(logins) } else { Err(problems) }
    }

    /// Adds to an environment what configures the tools of the job, and gives their files.
    pub(crate) fn configure_tools(
        &self,
        plan: &Plan,
        credentials: &Credentials,
        built: &mut Built,
        logins: &[(String, Login)],
        root: &Path,
    ) -> Result<Tools, Failure> {
        if !tools::are_needed(plan) {
            return Ok(Tools::default());
        }
        let program = std::env::current_exe().unwrap_or_else(|_| "shipctl".into());
        let tools = tools::configure(plan, credentials, &built.environment, logins, root, &program);
        // What a value that is missing entails is no news.
        let lacks = |place| {
            let bound = plan.dependencies.iter().find(|dependency| Some(dependency.name.place) == place);
            let bound = bound.and_then(|dependency| credentials.get(&dependency.integration?.name.text));
            bound.is_some_and(Credential::lacks_something)
        };
        let tools =
            tools.map_err(|problems| problems.into_iter().filter(|problem| !lacks(problem.place)).collect());
        let mut tools = self.go_on(tools)?;
        built.warnings.append(&mut tools.warnings);
        let (variables, secrets) = (tools.variables.drain(..), tools.secrets.drain(..));
        built.environment.configure(variables, secrets, tools.hidden.drain(..));
        Ok(tools)
    }

    /// Has the tools do what only they can.
    pub(crate) fn finish_tools(&self, ready: &Ready, signals: &Signals) -> Result<(), Failure> {
        if ready.finish.is_empty() {
            return Ok(());
        }
        let variables = self.process_environment(&ready.environment, &Environment::default())?;
        for finish in &ready.finish {
            let mut command = Command::new(&finish.command[0]);
            command.args(&finish.command[1..]);
            let why = match run::capture(&command, &variables, signals) {
                Ok(Captured::Ended(output)) if output.status.success() => continue,
                Ok(Captured::Ended(output)) => {
                    let said = Patterns::new(ready.environment.secrets()).mask(&output.stderr);
                    let said = String::from_utf8_lossy(&said);
                    format!("{} failed ({}): {}", finish.command[0], output.status, said.trim())
                }
                Ok(Captured::Stopped(signal)) => {
                    let message =
                        format!("error: told to end while {} was being configured\n", finish.purpose);
                    return Err(Failure { status: exit::of_signal(signal), message });
                }
                Err(error) => format!("{} cannot be run: {error}", finish.command[0]),
            };
            let problem = unfinished(finish, &why);
            if problem.is_error() {
                return Err(self.fail(&[problem]));
            }
            self.warn(&[problem]);
        }
        Ok(())
    }
}

/// What is said when a tool cannot finish its own configuration.
fn unfinished(finish: &Finish, why: &str) -> Diagnostic {
    let program = &finish.command[0];
    let message = format!("{}: {why}", finish.purpose);
    if finish.optional {
        let hint = format!("{program} itself is not logged in; what reads the variables is");
        return Diagnostic::warning(message).at(finish.place).hint(hint);
    }
    Diagnostic::error(message)
        .at(finish.place)
        .hint(format!("only {program} can do this: install it, or see what it needs"))
}
