//! Deployments: what they need besides what goes in, and how they end.

use std::collections::HashMap;
use std::time::Instant;

use super::super::{Failure, Ready, Session};
use super::Log;
use crate::aws::ecs::Ecs;
use crate::aws::{Client, Keys};
use crate::credentials::{Credentials, Taker};
use crate::deploy::{self, Ended, Order};
use crate::diagnostic::Diagnostic;
use crate::managed::deploy::{Deployment, Service};
use crate::managed::ecs::{self, Request};
use crate::managed::{self, Given, Made, Setting};
use crate::resolve::Plan;
use crate::run::{Outcome, Signals};
use crate::secret::Secret;

/// The exit status of a deployment that failed.
const FAILED: u8 = 1;

/// The encrypted values of variables, opened: by the text, and the key in it.
type Opened = HashMap<(String, Option<String>), Secret>;

/// A deployment that can begin.
pub(super) struct Prepared {
    deployment: Deployment,
    version_name: Option<String>,
    opened: Opened,
    taker: Taker,
}

impl Prepared {
    /// Reads what is to be deployed, and gets what that needs.
    ///
    /// # Errors
    ///
    /// All that keeps it from beginning.
    pub(super) fn new(
        session: &Session,
        given: &Given,
        credentials: &Credentials,
    ) -> Result<Prepared, Failure> {
        let fail = |problems: Vec<Diagnostic>| session.fail(&problems);
        let deployment = managed::deploy::read(given).map_err(fail)?;
        session.warn(&deployment.warnings);
        let opened = open(session, &deployment, given.plan)?;
        let taker = Taker::new(session.options.mfa_code.as_deref());
        access(&taker, given.plan, credentials, &deployment).map_err(|problem| fail(vec![problem]))?;
        Ok(Prepared { deployment, version_name: managed::deploy::version_name(given), opened, taker })
    }

    /// Deploys, and gives the version of the job if that went well.
    pub(super) fn run(
        self,
        ready: &Ready,
        deadline: Option<Instant>,
        signals: &Signals,
        log: &mut Log,
    ) -> (Outcome, Made) {
        let Prepared { deployment, version_name, opened, taker } = self;
        log.patterns = log.patterns.with(opened.values().cloned());
        let (client, keys) = match access(&taker, &ready.plan, &ready.credentials, &deployment) {
            Ok(access) => access,
            Err(problem) => {
                log.line(&problem.message);
                return (Outcome::Failed(FAILED), Made::default());
            }
        };
        let orders: Vec<_> = deployment
            .services
            .iter()
            .map(|service| order(&deployment, service, &opened, ready.build.number))
            .collect();
        log.line(&deployment.described());
        let several = orders.len() > 1;
        let mut ended_by = None;
        let mut stop = || {
            if ended_by.is_none() {
                let is_late = deadline.is_some_and(|deadline| Instant::now() >= deadline);
                let signal = signals.told_to_end().map(Outcome::Cancelled);
                ended_by = signal.or(is_late.then_some(Outcome::TimedOut));
            }
            ended_by.is_some()
        };
        let ecs = Ecs::new(client, &deployment.cluster.region, keys);
        let tell = |index: usize, line: &str| match several {
            true => log.line(&format!("{}: {line}", orders[index].manifest)),
            false => log.line(line),
        };
        let ended = deploy::deploy(&ecs, &deployment, &orders, tell, &mut stop);
        for (order, ended) in orders.iter().zip(&ended) {
            let line = match ended {
                Ended::Well(service, _) => format!("✓ {}: service {service}", order.manifest),
                Ended::Failed(_) => format!("✗ {}: failed", order.manifest),
                Ended::Stopped => format!("✗ {}: stopped; the next run goes on from here", order.manifest),
                Ended::Never => format!("- {}: not begun", order.manifest),
            };
            log.line(&line);
        }
        if ended.iter().all(|ended| matches!(ended, Ended::Well(..))) {
            let deployed = deploy::remembered(&deployment, &ended);
            return (Outcome::Success, deployment.made(&deployed, version_name));
        }
        let failed = ended.iter().any(|ended| matches!(ended, Ended::Failed(_)));
        let outcome = ended_by.filter(|_| !failed).unwrap_or(Outcome::Failed(FAILED));
        (outcome, Made::default())
    }
}

/// What is done for a service, with the values of its variables in the clear.
fn order<'d>(deployment: &'d Deployment, service: &'d Service, opened: &Opened, number: u32) -> Order<'d> {
    let mut value = |_: &managed::Part, _: &str, setting: Setting| match setting {
        Setting::Plain(text) => text.to_owned(),
        Setting::Secure(text, key) => {
            let opened = opened.get(&(text.to_owned(), key.map(str::to_owned)));
            opened.map(|secret| secret.expose().to_owned()).unwrap_or_default()
        }
    };
    let request = Request::of(service, &deployment.cluster, &mut value);
    let steps = ecs::steps(deployment, service, &request, number);
    let anew = Service { change: managed::deploy::Change::All, ..service.clone() };
    let anew = ecs::steps(deployment, &anew, &request, number);
    let last = service.last.as_ref().map(|last| last.task_definition.clone());
    Order {
        manifest: &service.manifest.name,
        request,
        steps,
        anew,
        scaling: ecs::scaling(service),
        task_definition: last.unwrap_or_default(),
    }
}

/// Opens the encrypted values of the variables.
fn open(session: &Session, deployment: &Deployment, plan: &Plan) -> Result<Opened, Failure> {
    let mut opened = Opened::new();
    let mut problems = Vec::new();
    let parts = deployment.services.iter().flat_map(|service| service.manifest.parts());
    for part in parts {
        for (name, setting) in part.settings() {
            let Setting::Secure(text, key) = setting else { continue };
            match session.open_setting(text, key) {
                Ok(secret) => _ = opened.insert((text.to_owned(), key.map(str::to_owned)), secret),
                Err(error) => problems.push(
                    Diagnostic::error(format!("variable `{name}` of `{}`: {}", part.name, error.message))
                        .at(plan.job.name.place)
                        .hint(error.hint),
                ),
            }
        }
    }
    if problems.is_empty() { Ok(opened) } else { Err(session.fail(&problems)) }
}

/// The way to the cluster.
fn access<'t>(
    taker: &'t Taker,
    plan: &Plan,
    credentials: &Credentials,
    deployment: &Deployment,
) -> Result<(&'t Client, Keys), Diagnostic> {
    let cluster = &deployment.cluster.resource;
    let bound = plan.dependencies.iter().find(|dependency| dependency.name.text == *cluster);
    match bound.and_then(|dependency| dependency.integration) {
        Some(integration) => taker.access(credentials, integration),
        None => Err(Diagnostic::error(format!("cluster `{cluster}` has no integration"))),
    }
}
