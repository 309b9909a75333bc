//! The deployment of one service, step by step.

mod wait;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use super::{DeploymentEnd, ServiceOrder, with};
use crate::aws;
use crate::aws::ecs::{Ecs, ServiceState};
use crate::managed::deploy::{Deployment, Method};
use crate::managed::ecs::{Scaling, ServiceStep};

/// Why it does not go on.
enum Halt {
    Stopped,
    Failed(String),
}

impl From<aws::Error> for Halt {
    fn from(error: aws::Error) -> Halt {
        Halt::Failed(format!("{error}; {}", error.hint()))
    }
}

/// A deployment of one service.
pub(super) struct ServiceDeployment<'a> {
    ecs: &'a Ecs<'a>,
    deployment: &'a Deployment,
    order: &'a ServiceOrder<'a>,
    stopped: &'a AtomicBool,
    tell: &'a dyn Fn(String),
    /// The services that are there, as they were when they were last looked at.
    there: Vec<ServiceState>,
    task_definition: String,
    role: Option<String>,
    /// The service that runs when all is done.
    service: String,
    /// The service that this deployment has made.
    created: Option<String>,
}

impl<'a> ServiceDeployment<'a> {
    pub(super) fn new(
        ecs: &'a Ecs<'a>,
        deployment: &'a Deployment,
        order: &'a ServiceOrder<'a>,
        stopped: &'a AtomicBool,
        tell: &'a dyn Fn(String),
    ) -> ServiceDeployment<'a> {
        ServiceDeployment {
            ecs,
            deployment,
            order,
            stopped,
            tell,
            there: Vec::new(),
            task_definition: order.task_definition.clone(),
            role: None,
            service: String::new(),
            created: None,
        }
    }

    pub(super) fn run(mut self) -> DeploymentEnd {
        let done = self.do_all();
        match done {
            Ok(()) => DeploymentEnd::Well(self.service, self.task_definition),
            Err(Halt::Failed(why)) => {
                (self.tell)(format!("✗ {why}"));
                self.roll_back();
                self.say_what_stands();
                DeploymentEnd::Failed(why)
            }
            Err(Halt::Stopped) => {
                self.say_what_stands();
                DeploymentEnd::Stopped
            }
        }
    }

    fn do_all(&mut self) -> Result<(), Halt> {
        let order = self.order;
        let (first, rest) = match order.steps.split_first() {
            Some((ServiceStep::Look(names), rest)) => (names, rest),
            _ => return Ok(()),
        };
        self.look(first)?;
        let gone = order.steps != order.anew && !first.iter().any(|name| self.is_there(name));
        let steps = match (gone, rest) {
            (true, _) => {
                (self.tell)(format!("service {} is gone: it is deployed anew", first.join(", ")));
                &order.anew[..]
            }
            (false, []) => {
                (self.tell)("nothing has changed since it was deployed".to_owned());
                self.service = first.first().cloned().unwrap_or_default();
                rest
            }
            (false, _) => rest,
        };
        for step in steps {
            if self.stopped.load(Ordering::Relaxed) {
                return Err(Halt::Stopped);
            }
            self.step(step)?;
        }
        Ok(())
    }

    fn cluster(&self) -> &'a str {
        &self.deployment.cluster.name
    }

    fn step(&mut self, step: &ServiceStep) -> Result<(), Halt> {
        match step {
            ServiceStep::Look(names) => self.look(names),
            ServiceStep::FindRole => {
                self.role = self.ecs.role()?;
                (self.tell)(match &self.role {
                    Some(role) => format!("the load balancer is served with the role {role}"),
                    None => "no role of the account trusts ecs.amazonaws.com: ECS takes its own".to_owned(),
                });
                Ok(())
            }
            ServiceStep::Register(_) => {
                self.task_definition = self.ecs.register(&self.order.request.task_definition)?;
                (self.tell)(format!("task definition {}", short(&self.task_definition)));
                Ok(())
            }
            ServiceStep::Create(name) => self.create(name),
            ServiceStep::Update(name) => match self.is_there(name) {
                true => self.update(name),
                false => self.create(name),
            },
            ServiceStep::Scale(name) => self.scale(name, self.order.request.desired()),
            ServiceStep::Stable(name) => self.wait_until_stable(name),
            ServiceStep::Stop(name) if self.is_there(name) => self.stop(name),
            ServiceStep::Stop(_) => Ok(()),
            ServiceStep::Remove(names) => names
                .iter()
                .filter(|name| self.is_there(name))
                .collect::<Vec<_>>()
                .into_iter()
                .try_for_each(|name| self.remove(name)),
            ServiceStep::Scaling(name) => match &self.order.scaling {
                Some(scaling) => self.follow_load(scaling, name),
                None => Ok(()),
            },
        }
    }

    fn is_there(&self, name: &str) -> bool {
        self.there.iter().any(|state| state.name == name && state.status == "ACTIVE")
    }

    fn look(&mut self, names: &[String]) -> Result<(), Halt> {
        self.there = self.ecs.describe(self.cluster(), names)?;
        for state in &self.there {
            (self.tell)(format!("service {}: {}", state.name, described(state)));
        }
        Ok(())
    }

    fn create(&mut self, name: &str) -> Result<(), Halt> {
        if self.is_there(name) {
            return Err(Halt::Failed(format!(
                "service {name} is there already, and no version of this job has made it; delete it, or run the job again, which takes the next number"
            )));
        }
        let mut request = with(
            &self.order.request.service,
            [("serviceName", json!(name)), ("taskDefinition", json!(self.task_definition))],
        );
        if let Some(role) = &self.role {
            request["role"] = json!(role);
        }
        self.ecs.create(&request)?;
        self.created = Some(name.to_owned());
        name.clone_into(&mut self.service);
        (self.tell)(format!("service {name} created"));
        Ok(())
    }

    fn update(&mut self, name: &str) -> Result<(), Halt> {
        let request = with(
            &self.order.request.update,
            [("service", json!(name)), ("taskDefinition", json!(self.task_definition))],
        );
        self.ecs.update(&request)?;
        name.clone_into(&mut self.service);
        (self.tell)(format!("service {name} updated"));
        Ok(())
    }

    fn scale(&mut self, name: &str, count: Option<u64>) -> Result<(), Halt> {
        let Some(count) = count else { return Ok(()) };
        self.ecs.update(&json!({"cluster": self.cluster(), "service": name, "desiredCount": count}))?;
        name.clone_into(&mut self.service);
        (self.tell)(format!("service {name}: {count} are to run"));
        Ok(())
    }

    /// Stops what runs in a service. One that runs on each instance cannot be stopped without being deleted.
    fn stop(&mut self, name: &str) -> Result<(), Halt> {
        if self.state_of(name)?.is_none_or(|state| state.daemon) {
            return Ok(());
        }
        self.scale(name, Some(0))?;
        self.wait(name, "stop", |state| state.running == 0, Duration::ZERO)?;
        Ok(())
    }

    fn remove(&mut self, name: &str) -> Result<(), Halt> {
        let Some(state) = self.state_of(name)? else { return Ok(()) };
        let runs_now = std::mem::take(&mut self.service);
        if !state.daemon {
            self.stop(name)?;
        }
        self.service = runs_now;
        self.ecs.delete(self.cluster(), name, state.daemon)?;
        self.there.retain(|state| state.name != name);
        (self.tell)(format!("service {name} deleted"));
        Ok(())
    }

    fn state_of(&self, name: &str) -> Result<Option<ServiceState>, Halt> {
        Ok(self.ecs.describe(self.cluster(), &[name.to_owned()])?.into_iter().next())
    }

    fn follow_load(&self, scaling: &Scaling, name: &str) -> Result<(), Halt> {
        let about = |request: &Map<String, Json>| Scaling::about(request, self.cluster(), name);
        self.ecs.register_target(&about(&scaling.target))?;
        let mut policies = Vec::new();
        for policy in &scaling.policies {
            let called = policy.get("PolicyName").and_then(Json::as_str).unwrap_or_default();
            policies.push((called, self.ecs.put_policy(&about(policy))?));
        }
        for alarm in &scaling.alarms {
            let mut alarm = alarm.clone();
            if let Some(Json::Array(actions)) = alarm.get_mut("AlarmActions") {
                for action in actions {
                    if let Some((_, arn)) =
                        policies.iter().find(|(called, _)| action.as_str() == Some(called))
                    {
                        *action = json!(arn);
                    }
                }
            }
            self.ecs.put_alarm(&alarm)?;
        }
        (self.tell)(format!(
            "service {name} follows its load, with {} policies and {} alarms",
            policies.len(),
            scaling.alarms.len()
        ));
        Ok(())
    }

    /// A new service that never became stable makes way for the old one.
    fn roll_back(&mut self) {
        if self.deployment.method != Method::BlueGreen {
            return;
        }
        let Some(name) = self.created.take() else { return };
        match self.ecs.delete(self.cluster(), &name, true) {
            Ok(()) => (self.tell)(format!("service {name} deleted: it never became stable")),
            Err(error) => {
                self.created = Some(name.clone());
                (self.tell)(format!("service {name} could not be deleted: {error}"));
            }
        }
    }

    /// Says what is in the cluster now.
    fn say_what_stands(&self) {
        let mut names: Vec<String> = self.created.iter().cloned().collect();
        for name in self.there.iter().map(|state| &state.name).chain([&self.service]) {
            if !name.is_empty() && !names.contains(name) {
                names.push(name.clone());
            }
        }
        if names.is_empty() {
            return (self.tell)(format!(
                "nothing of manifest {} has changed in the cluster",
                self.order.manifest
            ));
        }
        match self.ecs.describe(self.cluster(), &names) {
            Ok(states) => {
                let states: Vec<_> = states.iter().filter(|state| state.status == "ACTIVE").collect();
                for state in &states {
                    (self.tell)(format!(
                        "stands now: service {}: {}, of {}",
                        state.name,
                        described(state),
                        short(&state.task_definition)
                    ));
                }
                match states.iter().filter(|state| state.running > 0).count() {
                    0 | 1 => {}
                    more => (self.tell)(format!(
                        "{more} services of manifest {} take traffic; the next run deletes all but its own",
                        self.order.manifest
                    )),
                }
            }
            Err(error) => (self.tell)(format!("what stands in the cluster now cannot be told: {error}")),
        }
    }
}

/// `1 of 2 running, 1 pending`
fn described(state: &ServiceState) -> String {
    let mut text = format!("{} of {} running", state.running, state.desired);
    if state.pending > 0 {
        text += &format!(", {} pending", state.pending);
    }
    if state.deployments > 1 {
        text += &format!(", {} versions", state.deployments);
    }
    if state.status != "ACTIVE" {
        text += &format!(", {}", state.status.to_lowercase());
    }
    text
}

/// The end of an ARN: `shop-web:3`.
fn short(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}
