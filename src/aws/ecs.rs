//! ECS: task definitions and the services that run them; and what has their number follow the load.

use serde_json::{Map, Value as Json, json};
use zeroize::Zeroizing;

use super::call::{Call, Client, FORM};
use super::sts::form;
use super::{Error, Keys, Problem, Service, xml};

/// A way to the services of one region, with keys.
pub struct Ecs<'a> {
    client: &'a Client,
    region: &'a str,
    keys: Box<dyn Fn() -> Result<Keys, Error> + Sync + 'a>,
}

/// A service as it is.
#[derive(Clone, Debug, Default)]
pub struct ServiceState {
    /// What it is called.
    pub name: String,
    /// `ACTIVE`, `DRAINING` or `INACTIVE`.
    pub status: String,
    /// How many tasks are to run.
    pub desired: u64,
    /// How many run.
    pub running: u64,
    /// How many are being started.
    pub pending: u64,
    /// How many versions of it run side by side.
    pub deployments: usize,
    /// Whether ECS says that its last version has been rolled out.
    pub completed: bool,
    /// Why ECS itself has given up on the last version of it, if it has.
    pub failed: Option<String>,
    /// Its task definition.
    pub task_definition: String,
    /// Whether one runs on each instance.
    pub daemon: bool,
    /// What happened to it, the last first: an id and a message.
    pub events: Vec<(String, String)>,
}

/// The most services that one call tells of.
const MOST: usize = 10;

impl<'a> Ecs<'a> {
    /// A way with these keys, which are asked for before each call: those of a session may have to be others after a while.
    pub fn new(
        client: &'a Client,
        region: &'a str,
        keys: impl Fn() -> Result<Keys, Error> + Sync + 'a,
    ) -> Ecs<'a> {
        Ecs { client, region, keys: Box::new(keys) }
    }

    /// Those of some services that are there.
    ///
    /// # Errors
    ///
    /// When AWS refuses or cannot be asked; so with all calls.
    pub fn describe(&self, cluster: &str, names: &[String]) -> Result<Vec<ServiceState>, Error> {
        let mut states = Vec::new();
        for names in names.chunks(MOST) {
            let body = json!({"cluster": cluster, "services": names});
            let answer = self.call("ecs:DescribeServices", &body)?;
            let services = answer["services"].as_array().into_iter().flatten().map(ServiceState::of);
            states.extend(services.filter(|state| state.status != "INACTIVE"));
        }
        Ok(states)
    }

    /// Registers a task definition, and gives its ARN.
    ///
    /// # Errors
    ///
    /// As [`Ecs::describe`].
    pub fn register(&self, definition: &Json) -> Result<String, Error> {
        const CALL: &str = "ecs:RegisterTaskDefinition";
        let answer = self.call(CALL, definition)?;
        let arn = answer["taskDefinition"]["taskDefinitionArn"].as_str();
        arn.map(str::to_owned).ok_or_else(|| Error::new(CALL, Problem::Refused, "the answer has no ARN"))
    }

    /// Creates a service.
    ///
    /// # Errors
    ///
    /// As [`Ecs::describe`].
    pub fn create(&self, request: &Json) -> Result<ServiceState, Error> {
        Ok(ServiceState::of(&self.call("ecs:CreateService", request)?["service"]))
    }

    /// Updates a service.
    ///
    /// # Errors
    ///
    /// As [`Ecs::describe`].
    pub fn update(&self, request: &Json) -> Result<ServiceState, Error> {
        Ok(ServiceState::of(&self.call("ecs:UpdateService", request)?["service"]))
    }

    /// Deletes a service, with `force` one that still runs.
    ///
    /// # Errors
    ///
    /// As [`Ecs::describe`].
    pub fn delete(&self, cluster: &str, name: &str, force: bool) -> Result<(), Error> {
        let body = json!({"cluster": cluster, "service": name, "force": force});
        self.call("ecs:DeleteService", &body).map(drop)
    }

    /// Has the number of tasks of a service change.
    ///
    /// # Errors
    ///
    /// As [`Ecs::describe`].
    pub fn register_target(&self, request: &Map<String, Json>) -> Result<(), Error> {
        self.call("application-autoscaling:RegisterScalableTarget", &json!(request)).map(drop)
    }

    /// Says how it changes, and gives the ARN of the policy that says so.
    ///
    /// # Errors
    ///
    /// As [`Ecs::describe`].
    pub fn put_policy(&self, request: &Map<String, Json>) -> Result<String, Error> {
        let answer = self.call("application-autoscaling:PutScalingPolicy", &json!(request))?;
        Ok(answer["PolicyARN"].as_str().unwrap_or_default().to_owned())
    }

    /// Sets an alarm.
    ///
    /// # Errors
    ///
    /// As [`Ecs::describe`].
    pub fn put_alarm(&self, request: &Map<String, Json>) -> Result<(), Error> {
        let mut pairs = vec![
            ("Action".to_owned(), "PutMetricAlarm".to_owned()),
            ("Version".to_owned(), "2010-08-01".to_owned()),
        ];
        flatten("", &json!(request), &mut pairs);
        self.form("cloudwatch:PutMetricAlarm", Service::CloudWatch, &pairs).map(drop)
    }

    /// The name of a role that ECS may take, but for the one that is its own: that one it takes by itself.
    ///
    /// # Errors
    ///
    /// As [`Ecs::describe`].
    pub fn role(&self) -> Result<Option<String>, Error> {
        const CALL: &str = "iam:ListRoles";
        let mut marker: Option<String> = None;
        loop {
            let mut pairs = vec![
                ("Action".to_owned(), "ListRoles".to_owned()),
                ("Version".to_owned(), "2010-05-08".to_owned()),
            ];
            pairs.extend(marker.take().map(|marker| ("Marker".to_owned(), marker)));
            let answer = self.form(CALL, Service::Iam, &pairs)?;
            let document = roxmltree::Document::parse(&answer)
                .map_err(|_| Error::new(CALL, Problem::Refused, "the answer is no XML"))?;
            for role in xml::elements(&document, "member") {
                let text = |name: &str| {
                    role.children().find(|node| node.tag_name().name() == name).and_then(|node| node.text())
                };
                let trusts_ecs =
                    text("AssumeRolePolicyDocument").is_some_and(|trust| trust.contains("ecs.amazonaws.com"));
                let is_own = text("Path").is_some_and(|path| path.starts_with("/aws-service-role/"));
                if let (true, false, Some(name)) = (trusts_ecs, is_own, text("RoleName")) {
                    return Ok(Some(name.to_owned()));
                }
            }
            marker = xml::text(&document, "Marker").map(str::to_owned);
            if marker.is_none() {
                return Ok(None);
            }
        }
    }

    fn call(&self, name: &'static str, body: &Json) -> Result<Json, Error> {
        let (service, prefix) = match name.split_once(':') {
            Some(("ecs", _)) => (Service::Ecs, "AmazonEC2ContainerServiceV20141113"),
            _ => (Service::Autoscaling, "AnyScaleFrontendService"),
        };
        let target = format!("{prefix}.{}", name.split_once(':').map_or(name, |(_, action)| action));
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target.as_str())];
        // The values of variables are in it.
        let body = Zeroizing::new(body.to_string());
        let call = Call { name, service, region: self.region, headers: &headers, body: body.as_bytes() };
        let answer = self.client.send(&call, &(self.keys)()?)?;
        if answer.is_empty() {
            return Ok(Json::Null);
        }
        serde_json::from_str(&answer).map_err(|_| Error::new(name, Problem::Refused, "the answer is no JSON"))
    }

    fn form(
        &self,
        name: &'static str,
        service: Service,
        pairs: &[(String, String)],
    ) -> Result<Zeroizing<String>, Error> {
        let pairs: Vec<_> = pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let body = form(&pairs);
        let call = Call { name, service, region: self.region, headers: FORM, body: body.as_bytes() };
        self.client.send(&call, &(self.keys)()?)
    }
}

/// What a form says of a value: `Dimensions.member.1.Name`.
fn flatten(name: &str, value: &Json, pairs: &mut Vec<(String, String)>) {
    match value {
        Json::Object(map) => {
            for (key, value) in map {
                let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                flatten(&name, value, pairs);
            }
        }
        Json::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                flatten(&format!("{name}.member.{}", index + 1), item, pairs);
            }
        }
        Json::Null => {}
        Json::String(text) => pairs.push((name.to_owned(), text.clone())),
        other => pairs.push((name.to_owned(), other.to_string())),
    }
}

impl ServiceState {
    fn of(service: &Json) -> ServiceState {
        let text = |key: &str| service[key].as_str().unwrap_or_default().to_owned();
        let number = |key: &str| service[key].as_u64().unwrap_or_default();
        let list = |key: &str| service[key].as_array().map_or(&[][..], Vec::as_slice);
        let last = list("deployments").iter().find(|it| it["status"] == "PRIMARY");
        let failed = last.filter(|last| last["rolloutState"] == "FAILED");
        ServiceState {
            name: text("serviceName"),
            status: text("status"),
            desired: number("desiredCount"),
            running: number("runningCount"),
            pending: number("pendingCount"),
            deployments: list("deployments").len(),
            completed: last.is_some_and(|last| last["rolloutState"] == "COMPLETED"),
            failed: failed.map(|last| {
                last["rolloutStateReason"].as_str().unwrap_or("ECS has given up on it").to_owned()
            }),
            task_definition: text("taskDefinition"),
            daemon: service["schedulingStrategy"] == "DAEMON",
            events: list("events")
                .iter()
                .map(|event| {
                    let text = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
                    (text("id"), text("message"))
                })
                .collect(),
        }
    }

    /// Whether as many run as are to run, and nothing of an older version. How many of a daemon are to run is 0 until ECS has
    /// looked for instances.
    pub fn is_stable(&self) -> bool {
        let is_known = !self.daemon || self.desired > 0 || self.completed;
        is_known && self.is_settled()
    }

    /// Whether it is a daemon that runs nowhere, as no instance is there to run it.
    pub fn is_idle_daemon(&self) -> bool {
        self.daemon && self.desired == 0 && self.is_settled()
    }

    fn is_settled(&self) -> bool {
        self.running == self.desired && self.pending == 0 && self.deployments <= 1
    }
}
