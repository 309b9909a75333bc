//! Pods: from dockerOptions to containers and their volumes.

use serde_json::{Map, Value as Json, json};

use super::super::deploy::Service;
use super::super::entry::{Part, Setting};
use super::super::names::in_kubernetes;
use super::super::values::{flag, text, texts};

/// How much memory a container gets if nothing else is said, in MiB.
const MEMORY: u64 = 400;

/// Options that Kubernetes has nothing for.
const OTHERS: &[&str] = &[
    "links",
    "hostName",
    "domainName",
    "memorySwap",
    "attachStdin",
    "attachStdout",
    "attachStderr",
    "networkDisabled",
    "publishAllPorts",
    "dnsServers",
    "dnsSearch",
    "extraHosts",
    "volumesFrom",
    "network",
    "devices",
    "ulimits",
    "securityOptions",
    "logConfig",
    "cGroupParent",
    "memoryReservation",
    "pid",
    "essential",
    "service",
    "taskDefinition",
    "HostConfig",
];

/// The pod of a service; its labels are added to `labels`.
pub(super) fn spec(
    service: &Service,
    value: &mut dyn FnMut(&Part, &str, Setting) -> String,
    labels: &mut Map<String, Json>,
    idle: &mut Vec<String>,
) -> Json {
    let mut pod = Map::new();
    let mut volumes: Vec<Json> = Vec::new();
    let mut containers = Vec::new();
    for image in &service.manifest.images {
        let mut container = Map::from_iter([
            ("name".to_owned(), json!(in_kubernetes(&image.name))),
            ("image".to_owned(), json!(image.shown())),
        ]);
        let env: Vec<_> = image
            .settings()
            .map(|(name, setting)| json!({"name": name, "value": value(image, name, setting)}))
            .collect();
        if !env.is_empty() {
            container.insert("env".to_owned(), Json::Array(env));
        }
        add(&image.docker_options, &mut container, &mut volumes, labels, idle);
        if let Some(policy) = image.docker_options.get("restartPolicy").filter(|policy| policy.is_string()) {
            pod.insert("restartPolicy".to_owned(), policy.clone());
        }
        if let Some(Json::Object(given)) = image.docker_options.get("pod") {
            for (key, given) in given {
                let given = match (key.as_str(), given) {
                    ("imagePullSecrets", Json::Array(names)) => names
                        .iter()
                        .map(|name| if name.is_string() { json!({ "name": name }) } else { name.clone() })
                        .collect(),
                    _ => given.clone(),
                };
                pod.insert(key.clone(), given);
            }
        }
        containers.push(Json::Object(container));
    }
    pod.insert("containers".to_owned(), Json::Array(containers));
    if !volumes.is_empty() {
        pod.insert("volumes".to_owned(), Json::Array(volumes));
    }
    Json::Object(pod)
}

/// Adds the options of a container. One that is in no list has the name that Kubernetes has for it.
fn add(
    options: &Map<String, Json>,
    container: &mut Map<String, Json>,
    volumes: &mut Vec<Json>,
    labels: &mut Map<String, Json>,
    idle: &mut Vec<String>,
) {
    let memory = options.get("memory").map_or_else(|| MEMORY.to_string(), text);
    let mut resources = Map::from_iter([("limits".to_owned(), json!({"memory": format!("{memory}Mi")}))]);
    let mut capabilities = Map::new();
    let mut security = Map::new();
    for (name, value) in options {
        let mut set = |key: &str, value: Json| _ = container.insert(key.to_owned(), value);
        let list = || value.as_array().cloned().unwrap_or_default();
        match name.as_str() {
            "memory" | "pod" | "deployment" | "restartPolicy" => {}
            // A share of 1024 is one processor.
            "cpuShares" => {
                let shares: u64 = text(value).trim().parse().unwrap_or_default();
                let cpu = format!("{}m", shares.saturating_mul(1000) / 1024);
                resources.insert("requests".to_owned(), json!({ "cpu": cpu }));
            }
            "portMappings" => set("ports", list().iter().map(port).collect()),
            "cmd" => set("args", texts(value)),
            "entryPoint" => set("command", texts(value)),
            "user" => {
                let user = text(value);
                security.insert("runAsUser".to_owned(), user.parse::<u64>().map_or(json!(user), Json::from));
            }
            "privileged" | "readOnlyRootFilesystem" => _ = security.insert(name.clone(), flag(value)),
            "capAdd" | "capDrop" => {
                let key = if name == "capAdd" { "add" } else { "drop" };
                capabilities.insert(key.to_owned(), texts(value));
            }
            "labels" => {
                labels.extend(
                    value
                        .as_object()
                        .into_iter()
                        .flatten()
                        .map(|(key, value)| (key.clone(), json!(text(value)))),
                );
            }
            "volumes" => {
                let mounts = list().iter().filter_map(|item| mount(&text(item), volumes)).collect();
                set("volumeMounts", mounts);
            }
            "securityContext" => security.extend(value.as_object().cloned().unwrap_or_default()),
            "resources" => resources = value.as_object().cloned().unwrap_or_default(),
            other if OTHERS.contains(&other) => {
                if !idle.contains(name) {
                    idle.push(name.clone());
                }
            }
            _ => set(name, value.clone()),
        }
    }
    container.insert("resources".to_owned(), Json::Object(resources));
    if !capabilities.is_empty() {
        security.insert("capabilities".to_owned(), Json::Object(capabilities));
    }
    if !security.is_empty() {
        container.insert("securityContext".to_owned(), Json::Object(security));
    }
}

/// `80:8080/tcp`: what the node has for it is the business of a Service.
fn port(item: &Json) -> Json {
    if item.is_object() {
        return item.clone();
    }
    let text = text(item);
    let (ports, protocol) = text.split_once('/').unwrap_or((&text, "tcp"));
    let port = ports.rsplit(':').next().unwrap_or_default().trim();
    let port = port.parse::<u64>().map_or(json!(port), Json::from);
    json!({"containerPort": port, "protocol": protocol.trim().to_ascii_uppercase()})
}

/// `source:path:options`: a directory of the node, or one that lives as long as the pod.
fn mount(text: &str, volumes: &mut Vec<Json>) -> Option<Json> {
    let mut parts = text.splitn(3, ':');
    let (source, path, options) = (parts.next()?, parts.next()?, parts.next().unwrap_or_default());
    let name = match in_kubernetes(source) {
        name if name.is_empty() => "root".to_owned(),
        name => name,
    };
    let volume = match source.starts_with('/') {
        true => json!({"name": name, "hostPath": {"path": source}}),
        false => json!({"name": name, "emptyDir": {}}),
    };
    if !volumes.contains(&volume) {
        volumes.push(volume);
    }
    let read_only = options.split(',').any(|option| option == "ro");
    Some(json!({"name": name, "mountPath": path, "readOnly": read_only}))
}
