//! From dockerOptions to the fields of a container definition.

use serde_json::{Map, Value as Json, json};

use super::super::names::in_ecs;
use super::super::values::{flag, number, text, texts};

/// What an option becomes. ECS takes no number for a text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// What it is.
    Same,
    /// A number, also where it is written as a text.
    Number,
    /// A text, a list of texts, or a map of texts, also where numbers are written.
    Text,
    List,
    Map,
    /// A yes or no, also where it is written as a text.
    Flag,
    /// `host:container/protocol`
    Ports,
    /// `container:alias`
    Links,
    /// `container:options`
    VolumesFrom,
    /// `name:address`
    Hosts,
    /// `{name, soft, hard}`
    Limits,
    /// `{type, options}`
    Log,
}

/// The options that ECS has a field for.
const FIELDS: &[(&str, &str, Shape)] = &[
    ("memory", "memory", Shape::Number),
    ("memoryReservation", "memoryReservation", Shape::Number),
    ("cpuShares", "cpu", Shape::Number),
    ("cpu-shares", "cpu", Shape::Number),
    ("portMappings", "portMappings", Shape::Ports),
    ("links", "links", Shape::Links),
    ("hostName", "hostname", Shape::Text),
    ("user", "user", Shape::Text),
    ("labels", "dockerLabels", Shape::Map),
    ("cmd", "command", Shape::List),
    ("entryPoint", "entryPoint", Shape::List),
    ("networkDisabled", "disableNetworking", Shape::Flag),
    ("privileged", "privileged", Shape::Flag),
    ("readOnlyRootFilesystem", "readonlyRootFilesystem", Shape::Flag),
    ("dnsServers", "dnsServers", Shape::List),
    ("dnsSearch", "dnsSearchDomains", Shape::List),
    ("extraHosts", "extraHosts", Shape::Hosts),
    ("volumesFrom", "volumesFrom", Shape::VolumesFrom),
    ("ulimits", "ulimits", Shape::Limits),
    ("securityOptions", "dockerSecurityOptions", Shape::List),
    ("logConfig", "logConfiguration", Shape::Log),
    ("essential", "essential", Shape::Flag),
    ("workingDir", "workingDirectory", Shape::Text),
];

/// Options of the task or the service, and of the volumes, which have more than one place.
pub(super) const ELSEWHERE: &[&str] = &["service", "taskDefinition", "network", "volumes"];

/// Options of other places where containers run.
const OTHERS: &[&str] = &[
    "memorySwap",
    "domainName",
    "attachStdin",
    "attachStdout",
    "attachStderr",
    "tty",
    "stdin",
    "stdinOnce",
    "publishAllPorts",
    "capAdd",
    "capDrop",
    "restartPolicy",
    "cGroupParent",
    "pid",
    "devices",
    "pod",
    "deployment",
    "HostConfig",
    "ExposedPorts",
    "StopSignal",
];

/// Adds the fields of a container; `idle` gets the options without any. An option that is in no list has the name that ECS
/// has for it.
pub(super) fn add(options: &Map<String, Json>, container: &mut Map<String, Json>, idle: &mut Vec<String>) {
    for (name, value) in options {
        if ELSEWHERE.contains(&name.as_str()) {
            continue;
        }
        if OTHERS.contains(&name.as_str()) {
            if !idle.contains(name) {
                idle.push(name.clone());
            }
            continue;
        }
        let field = FIELDS.iter().find(|(known, ..)| known == name);
        let (field, shape) = field.map_or((name.as_str(), Shape::Same), |(_, field, shape)| (field, *shape));
        container.insert(field.to_owned(), shaped(shape, value));
    }
}

fn shaped(shape: Shape, value: &Json) -> Json {
    let each = |of: fn(&Json) -> Json| match value {
        Json::Array(items) => items.iter().map(of).collect(),
        Json::Null => Json::Array(Vec::new()),
        one => Json::Array(vec![of(one)]),
    };
    match shape {
        Shape::Same => value.clone(),
        Shape::Number => number(value),
        Shape::Text => Json::String(text(value)),
        Shape::List => texts(value),
        Shape::Flag => flag(value),
        Shape::Map => match value {
            Json::Object(map) => {
                map.iter().map(|(key, value)| (key.clone(), Json::String(text(value)))).collect()
            }
            other => other.clone(),
        },
        Shape::Ports => each(port),
        // Containers are called by what ECS allows of their names.
        Shape::Links => each(|item| {
            let item = text(item);
            Json::String(match item.split_once(':') {
                Some((name, alias)) => format!("{}:{alias}", in_ecs(name)),
                None => in_ecs(&item),
            })
        }),
        Shape::VolumesFrom => each(|item| match item {
            Json::String(item) => {
                let (name, options) = item.split_once(':').unwrap_or((item, ""));
                json!({"sourceContainer": in_ecs(name), "readOnly": is_read_only(options)})
            }
            other => other.clone(),
        }),
        Shape::Hosts => each(|item| match item.as_str().and_then(|item| item.split_once(':')) {
            Some((name, address)) => json!({"hostname": name, "ipAddress": address}),
            None => item.clone(),
        }),
        Shape::Limits => each(|item| match item {
            Json::Object(limit) if limit.contains_key("soft") || limit.contains_key("hard") => json!({
                "name": limit.get("name"),
                "softLimit": limit.get("soft").or(limit.get("hard")).map(number),
                "hardLimit": limit.get("hard").or(limit.get("soft")).map(number),
            }),
            other => other.clone(),
        }),
        Shape::Log => match value.get("type") {
            Some(driver) => {
                let mut log = json!({"logDriver": driver});
                if let Some(options) = value.get("options") {
                    log["options"] = shaped(Shape::Map, options);
                }
                log
            }
            None => value.clone(),
        },
    }
}

/// `80:8080/tcp`, `:8080`, `8080`, or what ECS has itself.
fn port(item: &Json) -> Json {
    let text = match item {
        Json::Object(_) => return item.clone(),
        other => text(other),
    };
    let (ports, protocol) = text.split_once('/').unwrap_or((&text, "tcp"));
    let (host, container) = ports.rsplit_once(':').unwrap_or(("", ports));
    let mut mapping = Map::new();
    mapping.insert("containerPort".to_owned(), number(&Json::from(container.trim())));
    if !host.trim().is_empty() {
        mapping.insert("hostPort".to_owned(), number(&Json::from(host.trim())));
    }
    mapping.insert("protocol".to_owned(), json!(protocol.trim().to_ascii_lowercase()));
    Json::Object(mapping)
}

pub(super) fn is_read_only(options: &str) -> bool {
    options.split(',').any(|option| option == "ro")
}
