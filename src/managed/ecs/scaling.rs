//! How the number of containers follows the load: what a replicas resource says besides its count.

use serde_json::{Map, Value as Json, json};

use super::super::deploy::Service;

/// What is sent so that a service follows its load, but for its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Scaling {
    /// `application-autoscaling:RegisterScalableTarget`
    pub target: Map<String, Json>,
    /// `application-autoscaling:PutScalingPolicy`, one for each.
    pub policies: Vec<Map<String, Json>>,
    /// `cloudwatch:PutMetricAlarm`, one for each.
    pub alarms: Vec<Map<String, Json>>,
}

/// How a service follows its load, if it does.
pub fn scaling(service: &Service) -> Option<Scaling> {
    let replicas = &service.manifest.replicas;
    let number = |key: &str| match replicas.get(key)? {
        Json::String(text) => text.parse::<u64>().ok(),
        other => other.as_u64(),
    };
    let objects = |key: &str| -> Vec<Map<String, Json>> {
        let list = replicas.get(key).and_then(Json::as_array).into_iter().flatten();
        list.filter_map(Json::as_object).cloned().collect()
    };
    let mut target = Map::from_iter([
        ("MinCapacity".to_owned(), json!(number("minReplicas")?)),
        ("MaxCapacity".to_owned(), json!(number("maxReplicas")?)),
    ]);
    if let Some(role) = replicas.get("autoScalingRole") {
        target.insert("RoleARN".to_owned(), role.clone());
    }
    Some(Scaling { target, policies: objects("autoScalingPolicies"), alarms: objects("metricAlarms") })
}

impl Scaling {
    /// Adds what every request says of the service it is about, unless it says otherwise.
    pub fn about(request: &Map<String, Json>, cluster: &str, service: &str) -> Map<String, Json> {
        let mut request = request.clone();
        for (key, value) in [
            ("ServiceNamespace", "ecs".to_owned()),
            ("ResourceId", format!("service/{cluster}/{service}")),
            ("ScalableDimension", "ecs:service:DesiredCount".to_owned()),
        ] {
            request.entry(key).or_insert(Json::String(value));
        }
        request
    }
}
