//! What stands in the files of a workspace.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json, json};
use zeroize::Zeroizing;

use super::{Layout, Rendered};
use crate::contract::{envfile, path};
use crate::credentials::{Content, Credential, Credentials, Value};
use crate::environment::{Build, Environment, key_files, stable_id, substitute};
use crate::resolve::{Dependency, Plan, Target};
use crate::yaml::Node;

/// All directories and files that a job finds.
///
/// # Errors
///
/// Only if a document cannot be written as JSON, which no value of a plan makes happen.
pub fn render(
    plan: &Plan,
    environment: &Environment,
    credentials: &Credentials,
    build: &Build,
) -> anyhow::Result<Layout> {
    let mut layout = Layout::default();
    for directory in [
        path::IN,
        path::OUT,
        path::STATE,
        path::PREVIOUS_STATE,
        path::INTEGRATIONS,
        path::SHARED,
        path::SECRETS,
        path::SCRIPTS,
    ] {
        layout.directories.push(directory.into());
    }
    layout.json(path::MESSAGE_JSON.into(), &message(plan, environment, build), false)?;
    layout.file_of(Path::new(path::SCRIPTS).join(path::INTEGRATION_ENVS), Vec::new(), false);
    layout.state_file(&plan.job.name.text);
    for dependency in &plan.dependencies {
        layout.dependency(dependency, environment, credentials, build)?;
    }
    for (_, integration) in &plan.integrations {
        let directory = Path::new(path::INTEGRATIONS).join(&integration.name.text);
        if let Some(credential) = credentials.get(&integration.name.text) {
            layout.integration(&directory, credential)?;
        }
    }
    Ok(layout)
}

impl Layout {
    fn file_of(&mut self, path: PathBuf, contents: Vec<u8>, secret: bool) {
        // The later of two steps that name the same resource wins.
        self.files.retain(|file| file.path != path);
        self.files.push(Rendered { path, contents: Zeroizing::new(contents), secret });
    }

    fn json(&mut self, path: PathBuf, json: &Json, secret: bool) -> anyhow::Result<()> {
        let mut contents = serde_json::to_vec_pretty(json)?;
        contents.push(b'\n');
        self.file_of(path, contents, secret);
        Ok(())
    }

    /// `state/<name>.env`, empty.
    fn state_file(&mut self, name: &str) {
        self.file_of(Path::new(path::STATE).join(format!("{name}.env")), Vec::new(), false);
    }

    fn dependency(
        &mut self,
        dependency: &Dependency,
        environment: &Environment,
        credentials: &Credentials,
        build: &Build,
    ) -> anyhow::Result<()> {
        let directory = Path::new(dependency.operation.word()).join(&dependency.name.text);
        let kind = dependency.target.kind();
        self.directories.push(directory.clone());
        self.state_file(&dependency.name.text);
        self.json(
            directory.join(path::VERSION_JSON),
            &version_document(dependency, environment, build),
            false,
        )?;
        let params = dependency.target.resource().and_then(|resource| resource.params()).and_then(Node::map);
        match params {
            // The original wrote the params of an IN into a file where others have a directory.
            Some(params) if kind == "params" && dependency.operation.word() == path::IN => {
                let mut lines = Vec::new();
                for (key, entry) in params {
                    let value =
                        entry.node.text().map_or_else(|| entry.node.to_json().to_string(), str::to_owned);
                    write_param(&mut lines, key, &value)?;
                }
                self.file_of(directory.join(kind), lines, false);
            }
            _ => self.directories.push(directory.join(kind)),
        }
        if let Some(credential) = dependency.integration.and_then(|bound| credentials.get(&bound.name.text)) {
            self.integration(&directory, credential)?;
        }
        Ok(())
    }

    /// `integration.json`, `integration.env` and key files.
    fn integration(&mut self, directory: &Path, credential: &Credential) -> anyhow::Result<()> {
        if !self.directories.iter().any(|known| known == directory) {
            self.directories.push(directory.to_owned());
        }
        self.json(directory.join(path::INTEGRATION_JSON), &integration_document(credential), true)?;
        let mut lines = Vec::new();
        envfile::write_quoted(&mut lines, "name", credential.name.as_bytes())?;
        for field in &credential.fields {
            match &field.content {
                Content::One(fetched) => {
                    envfile::write_quoted(&mut lines, field.name, fetched.value.expose().as_bytes())?;
                }
                Content::List(items) => {
                    let quoted: Vec<_> =
                        items.iter().map(|item| format!("\"{}\"", item.value.expose())).collect();
                    let joined = Zeroizing::new(quoted.join(","));
                    envfile::write_quoted(&mut lines, field.name, joined.as_bytes())?;
                }
                Content::Map(entries) => {
                    for (key, fetched) in entries {
                        envfile::write_quoted(&mut lines, key, fetched.value.expose().as_bytes())?;
                    }
                }
            }
        }
        self.file_of(directory.join(path::INTEGRATION_ENV), lines, true);
        self.key_files(directory, credential);
        Ok(())
    }

    fn key_files(&mut self, directory: &Path, credential: &Credential) {
        let name = directory.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        for (part, file) in key_files(credential.kind.name, name) {
            let field = match (credential.kind.name, part) {
                ("pemKey", _) => "key",
                (_, "PUBLIC_KEY_PATH") => "publicKey",
                _ => "privateKey",
            };
            let content = credential
                .fields
                .iter()
                .find(|candidate| candidate.name == field)
                .map(|found| &found.content);
            if let Some(Content::One(fetched)) = content {
                let mut text = fetched.value.expose().as_bytes().to_vec();
                // ssh takes no key whose last line has no end.
                if !text.is_empty() && !text.ends_with(b"\n") {
                    text.push(b'\n');
                }
                self.file_of(directory.join(file), text, true);
            }
        }
    }
}

/// One line of a params file: as the original wrote it where that can be sourced, quoted where it cannot.
fn write_param(lines: &mut Vec<u8>, key: &str, value: &str) -> std::io::Result<()> {
    let simple = |c: char| c.is_ascii_alphanumeric() || "_-./:,@%+=".contains(c);
    if value.chars().all(simple) {
        lines.extend_from_slice(format!("{key}={value}\n").as_bytes());
        Ok(())
    } else {
        envfile::write_quoted(lines, key, value.as_bytes())
    }
}

fn message(plan: &Plan, environment: &Environment, build: &Build) -> Json {
    let job = plan.job;
    json!({
        "name": job.name.text,
        "resourceId": stable_id("job", &job.name.text),
        "subscriptionId": environment.get("SUBSCRIPTION_ID"),
        "type": job.kind.text,
        "path": build.root.to_string_lossy(),
        "buildNumber": build.number,
        "steps": job.node.get("steps").map(Node::to_json),
        "propertyBag": {"yml": job.node.to_json()},
        "dependencies": plan.dependencies.iter().map(|dependency| {
            let mut object = Map::new();
            object.insert("operation".to_owned(), json!(dependency.operation.word()));
            object.extend(identity(dependency, build));
            object.insert("path".to_owned(), json!(build.root.join(dependency.operation.word()).join(&dependency.name.text).to_string_lossy()));
            object.insert("sourceName".to_owned(), json!(source_name(dependency, environment)));
            object.insert("version".to_owned(), version(dependency, environment, build));
            Json::Object(object)
        }).collect::<Vec<_>>(),
    })
}

/// What `message.json` and `version.json` say alike of a dependency.
fn identity(dependency: &Dependency, build: &Build) -> Map<String, Json> {
    let name = &dependency.name.text;
    let mut bag = json!({"yml": dependency.target.node().to_json()});
    if let Some(repository) = build.repository(dependency) {
        bag["normalizedRepo"] = repository.normalized();
    }
    let object = json!({
        "name": name,
        "resourceId": stable_id("resource", name),
        "type": dependency.target.kind(),
        "propertyBag": bag,
    });
    match object {
        Json::Object(map) => map,
        _ => Map::new(),
    }
}

fn version_document(dependency: &Dependency, environment: &Environment, build: &Build) -> Json {
    let mut object = identity(dependency, build);
    object.insert("operation".to_owned(), json!(dependency.operation.word()));
    object.insert("isJob".to_owned(), json!(matches!(dependency.target, Target::Job(_))));
    object.insert("step".to_owned(), dependency.step.to_json());
    object.insert("version".to_owned(), version(dependency, environment, build));
    Json::Object(object)
}

/// The version of a dependency: a resource's first one comes from its YAML.
fn version(dependency: &Dependency, environment: &Environment, build: &Build) -> Json {
    let variable =
        |part: &str| environment.get(&format!("{}_{part}", dependency.env)).filter(|value| !value.is_empty());
    let number = variable("VERSIONNUMBER").and_then(|number| number.parse::<u64>().ok());
    let mut bag =
        match dependency.target.resource().and_then(|resource| resource.version()).map(Node::to_json) {
            Some(Json::Object(map)) => map,
            _ => Map::new(),
        };
    bag.shift_remove("versionName");
    for (key, value) in &mut bag {
        if key != "params" {
            substitute_all(value, environment);
        }
    }
    if let Some(repository) = build.repository(dependency) {
        bag.insert("shaData".to_owned(), repository.sha_data());
    }
    if let Some(name) = source_name(dependency, environment) {
        bag.entry("sourceName").or_insert_with(|| json!(name));
    }
    json!({
        "versionId": variable("VERSIONID"),
        "versionNumber": number,
        "versionName": variable("VERSIONNAME"),
        "propertyBag": bag,
    })
}

fn source_name<'e>(dependency: &Dependency, environment: &'e Environment) -> Option<&'e str> {
    environment.get(&format!("{}_SOURCENAME", dependency.env))
}

fn substitute_all(json: &mut Json, environment: &Environment) {
    match json {
        Json::String(text) => *text = substitute(text, |name| environment.get(name), |_| {}),
        Json::Array(items) => items.iter_mut().for_each(|item| substitute_all(item, environment)),
        Json::Object(map) => map.values_mut().for_each(|value| substitute_all(value, environment)),
        _ => {}
    }
}

fn integration_document(credential: &Credential) -> Json {
    let mut object = Map::new();
    object.insert("id".to_owned(), json!(stable_id("integration", &credential.name)));
    object.insert("masterName".to_owned(), json!(credential.kind.name));
    object.insert("name".to_owned(), json!(credential.name));
    let text = |value: &Value| json!(value.expose());
    for field in &credential.fields {
        match &field.content {
            Content::One(fetched) => {
                object.insert(field.name.to_owned(), text(&fetched.value));
            }
            Content::List(items) => {
                object.insert(field.name.to_owned(), items.iter().map(|item| text(&item.value)).collect());
            }
            Content::Map(entries) => {
                object.extend(entries.iter().map(|(key, fetched)| (key.clone(), text(&fetched.value))));
            }
        }
    }
    Json::Object(object)
}
