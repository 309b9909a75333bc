//! Amazon ECS: what is sent for a service, and which calls are made in which order.

mod options;
mod scaling;
mod task;

use serde_json::{Map, Value as Json, json};

use super::deploy::{Cluster, Deployment, Method, Service, ServiceChange};
use super::entry::{Part, Setting};
use super::names::in_ecs as allowed;

pub use scaling::{Scaling, scaling};

/// What is sent for a service.
pub struct ServiceRequest {
    /// `ecs:RegisterTaskDefinition`
    pub task_definition: Json,
    /// `ecs:CreateService`, but for the name and the task definition.
    pub service: Map<String, Json>,
    /// What of that `ecs:UpdateService` takes.
    pub update: Map<String, Json>,
    /// Options that ECS has nothing for.
    pub idle: Vec<String>,
}

/// The keys of a service that can be changed later.
const UPDATABLE: &[&str] = &[
    "capacityProviderStrategy",
    "cluster",
    "deploymentConfiguration",
    "desiredCount",
    "enableECSManagedTags",
    "enableExecuteCommand",
    "healthCheckGracePeriodSeconds",
    "loadBalancers",
    "networkConfiguration",
    "placementConstraints",
    "placementStrategy",
    "platformVersion",
    "propagateTags",
    "serviceConnectConfiguration",
    "serviceRegistries",
    "volumeConfigurations",
];

impl ServiceRequest {
    /// The request for a service. `value` gives the value of a variable of a container: in the clear, or masked.
    pub fn of(
        service: &Service,
        cluster: &Cluster,
        value: &mut dyn FnMut(&Part, &str, Setting) -> String,
    ) -> ServiceRequest {
        let mut given = Map::new();
        let mut idle = Vec::new();
        for image in &service.manifest.images {
            if let Some(Json::Object(options)) = image.docker_options.get("service") {
                given.extend(options.clone());
            }
        }
        let task_definition = task::definition(service, value, &mut idle);
        let mut request = Map::from_iter([("cluster".to_owned(), json!(cluster.name))]);
        request.insert("desiredCount".to_owned(), json!(service.count()));
        let balancers: Vec<_> = service
            .load_balancers
            .iter()
            .map(|balancer| {
                let place = if balancer.classic { "loadBalancerName" } else { "targetGroupArn" };
                json!({
                    place: balancer.source,
                    "containerName": allowed(&balancer.image),
                    "containerPort": balancer.port,
                })
            })
            .collect();
        if !balancers.is_empty() {
            request.insert("loadBalancers".to_owned(), Json::Array(balancers));
        }
        if let Some(role) = service.load_balancers.iter().find_map(|balancer| balancer.role.as_ref()) {
            request.insert("role".to_owned(), json!(role));
        }
        request.extend(given);
        if is_daemon(&request) {
            request.shift_remove("desiredCount");
        }
        // Those of a service with a role of its own cannot be changed, not even to what they are.
        let same_balancers =
            service.last.as_ref().is_none_or(|last| last.load_balancers == service.load_balancers);
        let can_change = |key: &str| UPDATABLE.contains(&key) && !(key == "loadBalancers" && same_balancers);
        let update = request.iter().filter(|(key, _)| can_change(key));
        let update = update.map(|(key, value)| (key.clone(), value.clone())).collect();
        ServiceRequest { task_definition, service: request, update, idle }
    }

    /// How many of it are to run; `None` for one on each instance.
    pub fn desired(&self) -> Option<u64> {
        self.service.get("desiredCount").and_then(Json::as_u64)
    }

    /// Whether ECS needs a role to register its containers with a load balancer, and none is named.
    pub fn lacks_role(&self) -> bool {
        let has_balancers =
            self.service.get("loadBalancers").and_then(Json::as_array).is_some_and(|list| !list.is_empty());
        has_balancers
            && !self.service.contains_key("role")
            && !self.service.contains_key("networkConfiguration")
    }
}

fn is_daemon(service: &Map<String, Json>) -> bool {
    service.get("schedulingStrategy").and_then(Json::as_str) == Some("DAEMON")
}

/// A call, or a wait for what it causes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceStep {
    /// Finds out which of these are there.
    Look(Vec<String>),
    /// Looks for a role that ECS may take.
    FindRole,
    /// Registers the task definition.
    Register(String),
    /// Creates the service.
    Create(String),
    /// Updates the service, or creates it if it is not there.
    Update(String),
    /// Changes how many run.
    Scale(String),
    /// Waits until the service is stable.
    Stable(String),
    /// Stops what runs in the service, if it is there.
    Stop(String),
    /// Has the number of containers follow the load.
    Scaling(String),
    /// Stops and deletes those of the services that are there.
    Remove(Vec<String>),
}

impl ServiceStep {
    /// What it does, in words.
    pub fn describe(&self, cluster: &str) -> String {
        match self {
            ServiceStep::Look(names) => match names.as_slice() {
                [name] => format!("look for service {name} in cluster {cluster}"),
                [name, others @ ..] => {
                    format!(
                        "look for service {name} and {} of earlier builds in cluster {cluster}",
                        others.len()
                    )
                }
                [] => format!("look at cluster {cluster}"),
            },
            ServiceStep::FindRole => "look for a role that ECS may take for the load balancer".to_owned(),
            ServiceStep::Register(family) => format!("register task definition {family}"),
            ServiceStep::Create(name) => format!("create service {name}"),
            ServiceStep::Update(name) => format!("update service {name}, or create it if it is not there"),
            ServiceStep::Scale(name) => format!("change how many of service {name} run"),
            ServiceStep::Stable(name) => format!("wait until service {name} is stable"),
            ServiceStep::Stop(name) => format!("stop service {name} if it is there"),
            ServiceStep::Scaling(name) => format!("set how service {name} follows its load"),
            ServiceStep::Remove(names) => match names.as_slice() {
                [name] => format!("stop and delete service {name} if it is there"),
                [name, others @ ..] => {
                    format!(
                        "stop and delete service {name} and {} of earlier builds if they are there",
                        others.len()
                    )
                }
                [] => "delete nothing".to_owned(),
            },
        }
    }
}

/// What is done for a service in the build `number`, in order.
pub fn steps(
    deployment: &Deployment,
    service: &Service,
    request: &ServiceRequest,
    number: u32,
) -> Vec<ServiceStep> {
    let name = service.name(deployment.method, number);
    let family = task::family(service);
    let scaling = scaling(service).map(|_| ServiceStep::Scaling(name.clone()));
    if let (ServiceChange::None | ServiceChange::Replicas, Some(last)) = (service.change, &service.last) {
        let old = last.service.clone();
        let mut steps = vec![ServiceStep::Look(vec![old.clone()])];
        if service.change == ServiceChange::Replicas {
            steps.push(ServiceStep::Scale(old.clone()));
            steps.extend(scaling.map(|_| ServiceStep::Scaling(old.clone())));
            steps.push(ServiceStep::Stable(old));
        }
        return steps;
    }
    let role = request.lacks_role().then_some(ServiceStep::FindRole);
    let mut steps = Vec::new();
    match deployment.method {
        Method::BlueGreen => {
            let earlier = service.earlier(number);
            steps
                .push(ServiceStep::Look([name.clone()].into_iter().chain(earlier.iter().cloned()).collect()));
            steps.extend(role);
            steps.extend([ServiceStep::Register(family), ServiceStep::Create(name.clone())]);
            steps.extend(scaling);
            steps.push(ServiceStep::Stable(name));
            if !earlier.is_empty() {
                steps.push(ServiceStep::Remove(earlier));
            }
        }
        Method::Upgrade | Method::Replace => {
            steps.push(ServiceStep::Look(vec![name.clone()]));
            steps.extend(role);
            if deployment.method == Method::Replace {
                steps.push(ServiceStep::Stop(name.clone()));
            }
            steps.extend([ServiceStep::Register(family), ServiceStep::Update(name.clone())]);
            steps.extend(scaling);
            steps.push(ServiceStep::Stable(name));
        }
    }
    steps
}

/// What a deployment in the build `number` would send, and in which order: secrets masked.
pub fn described(deployment: &Deployment, number: u32) -> Vec<String> {
    let mut lines = vec![deployment.described()];
    for service in &deployment.services {
        let mut value = |_: &Part, _: &str, setting: Setting| match setting {
            Setting::Plain(text) => text.to_owned(),
            Setting::Secure(..) => crate::mask::MASK.to_owned(),
        };
        let request = ServiceRequest::of(service, &deployment.cluster, &mut value);
        lines.extend(service.described());
        if service.change == ServiceChange::All {
            let requests =
                [("task definition", &request.task_definition), ("service", &json!(request.service))];
            for (what, request) in requests {
                let text = format!("{request:#}");
                lines.push(format!("  {what}:"));
                lines.extend(text.lines().map(|line| format!("    {line}")));
            }
        }
        for option in &request.idle {
            lines.push(format!("  dockerOptions: Amazon ECS has nothing for `{option}`: it has no effect"));
        }
        for (index, step) in steps(deployment, service, &request, number).iter().enumerate() {
            lines.push(format!("  {}. {}", index + 1, step.describe(&deployment.cluster.name)));
        }
    }
    lines
}
