//! Deployments to Kubernetes, by the calls of kubectl that were planned.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde_json::Value as Json;
use zeroize::Zeroizing;

use super::settings::{Opened, value_of};
use super::{FAILED, Log};
use crate::contract::path;
use crate::deploy::DeploymentEnd;
use crate::environment::Environment;
use crate::job::{Ready, Session};
use crate::managed::ManagedOutput;
use crate::managed::deploy::{Deployment, Method, Service, ServiceChange};
use crate::managed::kubernetes::{self, Call};
use crate::run::{self, Captured, Outcome, Signals, Variables};

/// How long what is done after a failure may take, in seconds.
const AFTERWARDS: u64 = 60;

/// A deployment that runs.
pub(super) struct Kubernetes<'a> {
    pub(super) session: &'a Session,
    pub(super) ready: &'a Ready<'a>,
    pub(super) deployment: &'a Deployment,
    pub(super) opened: &'a Opened,
    pub(super) deadline: Option<Instant>,
    pub(super) signals: &'a Signals,
}

/// Why it does not go on.
enum Halt {
    Failed(String),
    Ended(Outcome),
}

impl Kubernetes<'_> {
    /// Deploys all services, one after the other. How each ended, and what ended it all before its time.
    pub(super) fn run(&self, log: &mut Log) -> (Vec<DeploymentEnd>, Option<Outcome>) {
        let services = &self.deployment.services;
        let mut ended = vec![DeploymentEnd::Never; services.len()];
        let environment = &self.ready.environment;
        let variables = match self.session.process_environment(environment, &Environment::default()) {
            Ok(variables) => variables,
            Err(failure) => {
                log.line(failure.to_string().trim_end());
                return (ended, None);
            }
        };
        for (service, ended_here) in services.iter().zip(ended.iter_mut()) {
            let mut ended_by = None;
            *ended_here = match self.service(service, &variables, log) {
                Ok(name) => DeploymentEnd::Well(name, String::new()),
                Err(Halt::Failed(why)) => {
                    log.line(&format!("✗ {why}"));
                    self.roll_back(service, &variables, log);
                    DeploymentEnd::Failed(why)
                }
                Err(Halt::Ended(outcome)) => {
                    ended_by = Some(outcome);
                    DeploymentEnd::Stopped
                }
            };
            if !matches!(ended_here, DeploymentEnd::Well(..)) {
                self.say_what_stands(service, &variables, log);
                return (ended, ended_by);
            }
        }
        (ended, None)
    }

    /// Deploys a service; gives the name of its Deployment.
    fn service(&self, service: &Service, variables: &Variables, log: &mut Log) -> Result<String, Halt> {
        let number = self.ready.context.number;
        let mut calls = kubernetes::calls(self.deployment, service, number);
        let mut name = service.name(self.deployment.method, number);
        if let Some(Call::Get(old)) = calls.first() {
            let there = self.call(&calls[0], AFTERWARDS, variables, log)?;
            if there.trim().is_empty() {
                log.line(&format!("Deployment {old} is gone: it is deployed anew"));
                let anew = Service { change: ServiceChange::All, ..service.clone() };
                calls = kubernetes::calls(self.deployment, &anew, number);
            } else {
                name.clone_from(old);
                if calls.len() == 1 {
                    log.line("nothing has changed since it was deployed");
                }
                calls.remove(0);
            }
        }
        for call in &calls {
            if matches!(call, Call::Apply(_)) {
                let written = self.write(service);
                written
                    .map_err(|error| Halt::Failed(format!("the Deployment cannot be written: {error}")))?;
            }
            self.call(call, self.deployment.max_wait.as_secs().max(1), variables, log)?;
        }
        Ok(name)
    }

    /// Where kubectl reads a Deployment: it may hold secrets.
    fn file(&self) -> PathBuf {
        file(self.ready)
    }

    fn write(&self, service: &Service) -> io::Result<()> {
        let job = &self.ready.plan.job.name.text;
        let mut value = value_of(self.opened);
        let (object, _) =
            kubernetes::object(job, self.deployment, service, self.ready.context.number, &mut value);
        write(&self.file(), &object)
    }

    /// Calls kubectl, which may wait so many seconds; gives what it printed.
    fn call(&self, call: &Call, wait: u64, variables: &Variables, log: &mut Log) -> Result<String, Halt> {
        let left = self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Err(Halt::Ended(Outcome::TimedOut));
        }
        let wait_here = left.map_or(wait, |left| wait.min(left.as_secs() + 1));
        let namespace = self.deployment.cluster.namespace.as_deref();
        let arguments = call.arguments(namespace, &self.file().display().to_string(), wait_here);
        let answer = kubectl(&arguments, variables, self.signals, log);
        match answer {
            Err(Halt::Failed(_)) if wait_here < wait => Err(Halt::Ended(Outcome::TimedOut)),
            answer => answer,
        }
    }

    /// A new Deployment that was never rolled out makes way for the old one.
    fn roll_back(&self, service: &Service, variables: &Variables, log: &mut Log) {
        if self.deployment.method == Method::BlueGreen && service.change == ServiceChange::All {
            let name = service.name(self.deployment.method, self.ready.context.number);
            let _ = self.call(&Call::Delete(vec![name]), AFTERWARDS, variables, log);
        }
    }

    fn say_what_stands(&self, service: &Service, variables: &Variables, log: &mut Log) {
        let mut arguments: Vec<_> =
            self.deployment.cluster.namespace.iter().map(|name| format!("--namespace={name}")).collect();
        let selector = kubernetes::selector(&self.ready.plan.job.name.text, service);
        arguments.extend(["get".to_owned(), "deployments,pods".to_owned(), format!("--selector={selector}")]);
        log.line("what stands in the cluster now:");
        let _ = kubectl(&arguments, variables, self.signals, log);
    }
}

/// Applies the Services of a provision job.
pub(super) fn provision(
    session: &Session,
    ready: &Ready,
    output: &ManagedOutput,
    signals: &Signals,
    log: &mut Log,
) -> Outcome {
    let Ok(variables) = session.process_environment(&ready.environment, &Environment::default()) else {
        return Outcome::Failed(FAILED);
    };
    let file = file(ready);
    for (name, service) in &output.bag {
        log.line(&format!("Service of {name}"));
        if let Err(error) = write(&file, service) {
            log.line(&format!("✗ it cannot be written: {error}"));
            return Outcome::Failed(FAILED);
        }
        let arguments = ["apply".to_owned(), format!("--filename={}", file.display())];
        match kubectl(&arguments, &variables, signals, log) {
            Ok(_) => {}
            Err(Halt::Ended(outcome)) => return outcome,
            Err(Halt::Failed(why)) => {
                log.line(&format!("✗ {why}"));
                return Outcome::Failed(FAILED);
            }
        }
    }
    Outcome::Success
}

/// Where kubectl reads what it is to apply.
fn file(ready: &Ready) -> PathBuf {
    ready.context.root.join(path::SECRETS).join("apply.json")
}

fn write(file: &Path, object: &Json) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(file)?;
    file.write_all(Zeroizing::new(object.to_string()).as_bytes())
}

/// Calls kubectl, and gives what it printed.
fn kubectl(
    arguments: &[String],
    variables: &Variables,
    signals: &Signals,
    log: &mut Log,
) -> Result<String, Halt> {
    let shown = format!("kubectl {}", arguments.join(" "));
    log.line(&format!("$ {shown}"));
    let mut command = Command::new("kubectl");
    command.args(arguments);
    match run::capture(&command, variables, signals) {
        Ok(Captured::Ended(output)) => {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let error = String::from_utf8_lossy(&output.stderr);
            text.lines().chain(error.lines()).for_each(|line| log.line(line));
            match output.status.success() {
                true => Ok(text),
                false => Err(Halt::Failed(format!("{shown}: {}", output.status))),
            }
        }
        Ok(Captured::Stopped(signal)) => Err(Halt::Ended(Outcome::Cancelled(signal))),
        Err(error) => Err(Halt::Failed(format!("kubectl cannot be run: {error}"))),
    }
}
