//! Task definitions.

use serde_json::{Map, Value as Json, json};

use super::super::deploy::Service;
use super::super::entry::{Part, Setting};
use super::super::names::in_ecs as allowed;
use super::super::values::text;
use super::options::{self, is_read_only};

/// How much memory a container gets if nothing else is said, in MiB.
const MEMORY: u64 = 400;

/// What the task definition is called.
pub(super) fn family(service: &Service) -> String {
    let given = service
        .manifest
        .images
        .iter()
        .rev()
        .find_map(|image| image.docker_options.get("taskDefinition")?.get("family")?.as_str());
    given.unwrap_or(&service.base).to_owned()
}

/// The task definition of a service.
pub(super) fn definition(
    service: &Service,
    value: &mut dyn FnMut(&Part, &str, Setting) -> String,
    idle: &mut Vec<String>,
) -> Json {
    let mut task = Map::from_iter([("family".to_owned(), json!(family(service)))]);
    let mut volumes: Vec<Json> = Vec::new();
    let mut containers = Vec::new();
    for image in &service.manifest.images {
        let options = &image.docker_options;
        let mut container = Map::from_iter([
            ("name".to_owned(), json!(allowed(&image.name))),
            ("image".to_owned(), json!(image.shown())),
            ("essential".to_owned(), json!(true)),
        ]);
        options::add(options, &mut container, idle);
        if !container.contains_key("memory") && !container.contains_key("memoryReservation") {
            container.insert("memory".to_owned(), json!(MEMORY));
        }
        let environment: Vec<_> = image
            .settings()
            .map(|(name, setting)| json!({"name": name, "value": value(image, name, setting)}))
            .collect();
        if !environment.is_empty() {
            container.insert("environment".to_owned(), Json::Array(environment));
        }
        let mounts = mounts(options.get("volumes"), &mut volumes, idle);
        if !mounts.is_empty() {
            container.insert("mountPoints".to_owned(), Json::Array(mounts));
        }
        if let Some(mode) = options.get("network") {
            task.insert("networkMode".to_owned(), mode.clone());
        }
        if let Some(Json::Object(given)) = options.get("taskDefinition") {
            for (key, given) in given {
                match key.as_str() {
                    // In the short form they are of the task, and mounted nowhere.
                    "volumes" => mounts_of_task(given, &mut volumes),
                    _ => _ = task.insert(key.clone(), given.clone()),
                }
            }
        }
        containers.push(Json::Object(container));
    }
    task.insert("containerDefinitions".to_owned(), Json::Array(containers));
    if !volumes.is_empty() {
        task.insert("volumes".to_owned(), Json::Array(volumes));
    }
    Json::Object(task)
}

/// The mount points of a container, whose volumes are the task's.
fn mounts(given: Option<&Json>, volumes: &mut Vec<Json>, idle: &mut Vec<String>) -> Vec<Json> {
    let list = given.and_then(Json::as_array).into_iter().flatten();
    list.filter_map(|item| {
        let item = text(item);
        let mount = mount(&item, volumes);
        let what = format!("volumes: {item}");
        if mount.is_none() && !idle.contains(&what) {
            idle.push(what);
        }
        mount
    })
    .collect()
}

fn mounts_of_task(given: &Json, volumes: &mut Vec<Json>) {
    for item in given.as_array().into_iter().flatten() {
        match item {
            Json::String(item) => _ = mount(item, volumes),
            // The same options apply to each container.
            other if volumes.contains(other) => {}
            other => volumes.push(other.clone()),
        }
    }
}

/// `source:path:options`: a directory of the host, or the name of a volume.
fn mount(text: &str, volumes: &mut Vec<Json>) -> Option<Json> {
    let mut parts = text.splitn(3, ':');
    let (source, path, options) = (parts.next()?, parts.next()?, parts.next().unwrap_or_default());
    let name = match source.trim_matches('/') {
        "" => "root".to_owned(),
        name => allowed(name),
    };
    let volume = match source.starts_with('/') {
        true => json!({"name": name, "host": {"sourcePath": source}}),
        false => json!({ "name": name }),
    };
    if !volumes.contains(&volume) {
        volumes.push(volume);
    }
    Some(json!({"sourceVolume": name, "containerPath": path, "readOnly": is_read_only(options)}))
}
