//! Deployments to Amazon ECS: makes the calls that [`managed`](crate::managed) has planned, and waits for what they cause.
//!
//! Each service is deployed on a thread of its own, one after the other or side by side; the thread that started it hears of it
//! over a channel, and can stop it between two calls.

mod service;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use serde_json::Value as Json;

use crate::aws::ecs::Ecs;
use crate::managed::deploy::{Deployed, Deployment};
use crate::managed::ecs::{ServiceRequest, ServiceStep};

/// A service that is to be deployed.
pub struct ServiceOrder<'a> {
    /// The name of the manifest.
    pub manifest: &'a str,
    /// What is sent.
    pub request: ServiceRequest,
    /// What is done, in order.
    pub steps: Vec<ServiceStep>,
    /// What is done instead if the service of the last deployment is gone.
    pub anew: Vec<ServiceStep>,
    /// What has its number follow the load.
    pub scaling: Option<crate::managed::ecs::Scaling>,
    /// The task definition that runs now, as far as it is known.
    pub task_definition: String,
}

/// How the deployment of a service ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeploymentEnd {
    /// Well: the service that runs now, and its task definition.
    Well(String, String),
    /// Not at all well.
    Failed(String),
    /// It was stopped.
    Stopped,
    /// It never began, as one before it failed or all was stopped.
    Never,
}

/// What is heard of it.
enum ServiceUpdate {
    /// A line for the log: the number of the order, and the text.
    Line(usize, String),
    /// An order has ended.
    Ended(usize, DeploymentEnd),
}

/// How long to wait for updates before looking whether to stop.
const LOOK: Duration = Duration::from_millis(100);

/// Deploys. `tell` gets the lines of the log with the number of the order, and `stop` is asked again and again whether to
/// stop.
pub fn deploy(
    ecs: &Ecs,
    deployment: &Deployment,
    orders: &[ServiceOrder],
    mut tell: impl FnMut(usize, &str),
    mut stop: impl FnMut() -> bool,
) -> Vec<DeploymentEnd> {
    let stopped = AtomicBool::new(false);
    let mut ended = vec![DeploymentEnd::Never; orders.len()];
    let (sender, updates) = channel();
    thread::scope(|scope| {
        let stopped = &stopped;
        if deployment.parallel {
            for index in 0..orders.len() {
                let sender = sender.clone();
                scope.spawn(move || run(ecs, deployment, orders, index, stopped, &sender));
            }
        } else {
            let sender = sender.clone();
            scope.spawn(move || {
                (0..orders.len()).all(|index| run(ecs, deployment, orders, index, stopped, &sender))
            });
        }
        drop(sender);
        listen(&updates, &mut ended, stopped, &mut tell, &mut stop);
    });
    ended
}

fn listen(
    updates: &Receiver<ServiceUpdate>,
    ended: &mut [DeploymentEnd],
    stopped: &AtomicBool,
    tell: &mut impl FnMut(usize, &str),
    stop: &mut impl FnMut() -> bool,
) {
    loop {
        match updates.recv_timeout(LOOK) {
            Ok(ServiceUpdate::Line(index, line)) => tell(index, &line),
            Ok(ServiceUpdate::Ended(index, how)) => ended[index] = how,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        if stop() {
            stopped.store(true, Ordering::Relaxed);
        }
    }
}

/// Deploys one service; says whether that went well.
fn run(
    ecs: &Ecs,
    deployment: &Deployment,
    orders: &[ServiceOrder],
    index: usize,
    stopped: &AtomicBool,
    updates: &Sender<ServiceUpdate>,
) -> bool {
    let order = &orders[index];
    let tell = |line: String| _ = updates.send(ServiceUpdate::Line(index, line));
    let ended = service::ServiceDeployment::new(ecs, deployment, order, stopped, &tell).run();
    let went_well = matches!(ended, DeploymentEnd::Well(..));
    let _ = updates.send(ServiceUpdate::Ended(index, ended));
    went_well
}

/// What a version remembers of the services that run now.
pub fn remembered(deployment: &Deployment, ended: &[DeploymentEnd]) -> Vec<Deployed> {
    let services = deployment.services.iter().zip(ended);
    services
        .filter_map(|(service, ended)| match ended {
            DeploymentEnd::Well(name, task) => {
                Some(service.deployed(&deployment.cluster, name.clone(), task.clone()))
            }
            _ => service.last.clone(),
        })
        .collect()
}

/// A request with some more in it.
fn with<const N: usize>(request: &serde_json::Map<String, Json>, more: [(&str, Json); N]) -> Json {
    let mut request = request.clone();
    request.extend(more.map(|(key, value)| (key.to_owned(), value)));
    Json::Object(request)
}
