//! Deployments: what they need besides what goes in, and how they end.

use std::time::Instant;

use super::kubernetes::Kubernetes;
use super::settings::{Opened, open, value_of};
use super::{FAILED, Log};
use crate::aws::Client;
use crate::aws::ecs::Ecs;
use crate::credentials::{AwsProvider, Credentials, LastingKeys};
use crate::deploy::{self, DeploymentEnd, ServiceOrder};
use crate::diagnostic::Diagnostic;
use crate::job::{Ready, Session};
use crate::managed::deploy::{Deployment, Platform, Service};
use crate::managed::ecs::{self, ServiceRequest};
use crate::managed::{self, ManagedJob, ManagedOutput};
use crate::output::Failure;
use crate::resolve::Plan;
use crate::run::{Outcome, Signals};

/// A deployment that can begin.
pub(super) struct Prepared {
    deployment: Deployment,
    version_name: Option<String>,
    opened: Opened,
    provider: AwsProvider,
}

impl Prepared {
    /// Reads what is to be deployed, and gets what that needs.
    ///
    /// # Errors
    ///
    /// All that keeps it from beginning.
    pub(super) fn new(
        session: &Session,
        given: &ManagedJob,
        credentials: &Credentials,
    ) -> Result<Prepared, Failure> {
        let fail = |problems: Vec<Diagnostic>| session.fail(&problems);
        let deployment = managed::deploy::read(given).map_err(fail)?;
        session.warn(&deployment.warnings);
        let opened = open(session, &deployment, given.plan)?;
        let provider = AwsProvider::new(session.options.mfa_code.as_deref());
        if deployment.cluster.platform == Platform::Ecs {
            access(&provider, given.plan, credentials, &deployment).map_err(|problem| fail(vec![problem]))?;
        }
        Ok(Prepared { deployment, version_name: managed::deploy::version_name(given), opened, provider })
    }

    /// Whether it is made with files of a workspace.
    pub(super) fn needs_workspace(&self) -> bool {
        self.deployment.cluster.platform == Platform::Kubernetes
    }

    /// Deploys, and gives the version of the job if that went well.
    pub(super) fn run(
        self,
        session: &Session,
        ready: &Ready,
        deadline: Option<Instant>,
        signals: &Signals,
        log: &mut Log,
    ) -> (Outcome, ManagedOutput) {
        log.patterns = log.patterns.with(self.opened.values().cloned());
        log.line(&self.deployment.described());
        let (ended, ended_by) = match self.deployment.cluster.platform {
            Platform::Ecs => self.on_ecs(ready, deadline, signals, log),
            Platform::Kubernetes => {
                let Prepared { deployment, opened, .. } = &self;
                Kubernetes { session, ready, deployment, opened, deadline, signals }.run(log)
            }
        };
        let Prepared { deployment, version_name, .. } = self;
        for (service, ended) in deployment.services.iter().zip(&ended) {
            let manifest = &service.manifest.name;
            let line = match ended {
                DeploymentEnd::Well(service, _) => format!("✓ {manifest}: service {service}"),
                DeploymentEnd::Failed(_) => format!("✗ {manifest}: failed"),
                DeploymentEnd::Stopped => format!("✗ {manifest}: stopped; the next run goes on from here"),
                DeploymentEnd::Never => format!("- {manifest}: not begun"),
            };
            log.line(&line);
        }
        if ended.iter().all(|ended| matches!(ended, DeploymentEnd::Well(..))) {
            let deployed = deploy::remembered(&deployment, &ended);
            return (Outcome::Success, deployment.output(&deployed, version_name));
        }
        let failed = ended.iter().any(|ended| matches!(ended, DeploymentEnd::Failed(_)));
        let outcome = ended_by.filter(|_| !failed).unwrap_or(Outcome::Failed(FAILED));
        (outcome, ManagedOutput::default())
    }

    /// Makes the calls of ECS. How each service ended, and what ended it all before its time.
    fn on_ecs(
        &self,
        ready: &Ready,
        deadline: Option<Instant>,
        signals: &Signals,
        log: &mut Log,
    ) -> (Vec<DeploymentEnd>, Option<Outcome>) {
        let Prepared { deployment, opened, provider, .. } = self;
        let (client, keys) = match access(provider, &ready.plan, &ready.credentials, deployment) {
            Ok(access) => access,
            Err(problem) => {
                log.line(&problem.message);
                return (vec![DeploymentEnd::Never; deployment.services.len()], None);
            }
        };
        let orders: Vec<_> = deployment
            .services
            .iter()
            .map(|service| order(deployment, service, opened, ready.context.number))
            .collect();
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
        let ecs = Ecs::new(client, &deployment.cluster.region, move || keys.now());
        let tell = |index: usize, line: &str| match several {
            true => log.line(&format!("{}: {line}", orders[index].manifest)),
            false => log.line(line),
        };
        let ended = deploy::deploy(&ecs, deployment, &orders, tell, &mut stop);
        (ended, ended_by)
    }
}

/// What is done for a service, with the values of its variables in the clear.
fn order<'d>(
    deployment: &'d Deployment,
    service: &'d Service,
    opened: &Opened,
    number: u32,
) -> ServiceOrder<'d> {
    let mut value = value_of(opened);
    let request = ServiceRequest::of(service, &deployment.cluster, &mut value);
    let steps = ecs::steps(deployment, service, &request, number);
    let anew = Service { change: managed::deploy::ServiceChange::All, ..service.clone() };
    let anew = ecs::steps(deployment, &anew, &request, number);
    let last = service.last.as_ref().map(|last| last.task_definition.clone());
    ServiceOrder {
        manifest: &service.manifest.name,
        request,
        steps,
        anew,
        scaling: ecs::scaling(service),
        task_definition: last.unwrap_or_default(),
    }
}

/// The way to the cluster.
fn access<'t>(
    provider: &'t AwsProvider,
    plan: &Plan,
    credentials: &Credentials,
    deployment: &Deployment,
) -> Result<(&'t Client, LastingKeys<'t>), Diagnostic> {
    let cluster = &deployment.cluster.resource;
    let bound = plan.dependencies.iter().find(|dependency| dependency.name.text == *cluster);
    match bound.and_then(|dependency| dependency.integration) {
        Some(integration) => provider.access(credentials, integration),
        None => Err(Diagnostic::error(format!("cluster `{cluster}` has no integration"))),
    }
}
