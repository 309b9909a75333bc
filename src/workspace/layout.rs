//! What is in a workspace: all directories and files that a job finds.

use std::path::{Path, PathBuf};

use indexmap::{IndexMap, IndexSet};
use serde::Serialize;
use zeroize::{Zeroize as _, Zeroizing};

use super::documents::{IntegrationDocument, Message, VersionDocument};
use crate::contract::{COMMANDS, envfile, path};
use crate::credentials::{Content, Credential, Credentials};
use crate::environment::{Environment, RunContext, key_files};
use crate::resolve::{Dependency, Plan};
use crate::versions;

/// What is in a workspace, with paths relative to it.
#[derive(Default)]
pub struct Layout {
    /// Directories, parents first.
    pub directories: IndexSet<PathBuf>,
    /// Files.
    pub files: IndexMap<PathBuf, Rendered>,
}

/// What a file of a workspace holds.
pub struct Rendered {
    /// The text.
    pub contents: Vec<u8>,
    /// Whether a secret is in it: it is removed even when the workspace is kept, and wiped from memory when dropped.
    pub secret: bool,
    /// Whether it is a command.
    pub executable: bool,
}

impl Drop for Rendered {
    fn drop(&mut self) {
        if self.secret {
            self.contents.zeroize();
        }
    }
}

/// The directories that every workspace has.
pub(super) const DIRECTORIES: &[&str] = &[
    path::IN,
    path::OUT,
    path::STATE,
    path::PREVIOUS_STATE,
    path::INTEGRATIONS,
    path::SHARED,
    path::SECRETS,
    path::SCRIPTS,
];

/// Files that bash finds along the `PATH` of a job when a script says `source shipctl jdk set openjdk17`, the documented way
/// to change the Java of that script. They cannot be executed, so that as a command `shipctl` is the program.
const SOURCED: &[(&str, &str)] = &[
    ("shipctl", "if [ \"$1\" = jdk ]; then shippable_jdk \"${@:2}\"; else command shipctl \"$@\"; fi\n"),
    ("shippable_jdk", "shippable_jdk \"$@\"\n"),
];

/// Says what a job finds.
///
/// # Errors
///
/// Only if a document cannot be written as JSON, which no value of a plan makes happen.
pub fn render(
    plan: &Plan,
    environment: &Environment,
    credentials: &Credentials,
    context: &RunContext,
) -> anyhow::Result<Layout> {
    let mut layout = Layout::default();
    layout.directories.extend(DIRECTORIES.iter().map(PathBuf::from));
    layout.json(path::MESSAGE_JSON.into(), &Message::new(plan, environment, context), false)?;
    layout.add(Path::new(path::SCRIPTS).join(path::INTEGRATION_ENVS), Vec::new(), false);
    for (name, text) in SOURCED {
        layout.add(Path::new(path::SCRIPTS).join(name), (*text).into(), false);
    }
    // For what is no bash, such as `xargs` or a script of `sh`: bash has functions of these names.
    for (name, function) in COMMANDS {
        let contents = format!("#!/bin/sh\nexec shipctl {function} \"$@\"\n").into_bytes();
        let command = Rendered { contents, secret: false, executable: true };
        layout.files.insert(Path::new(path::SCRIPTS).join(name), command);
    }
    layout.state_file(&plan.job.name.text);
    for dependency in &plan.dependencies {
        layout.dependency(dependency, environment, credentials, context)?;
    }
    for (_, integration) in &plan.integrations {
        let directory = Path::new(path::INTEGRATIONS).join(&integration.name.text);
        if let Some(credential) = credentials.get(&integration.name.text) {
            layout.integration(&directory, credential)?;
            if plan.ci.is_some() {
                layout.ssh_key(credential);
            }
        }
    }
    Ok(layout)
}

impl Layout {
    /// Adds a file that is secret.
    pub fn add_secret(&mut self, path: PathBuf, mut contents: Zeroizing<Vec<u8>>) {
        self.add(path, std::mem::take(&mut contents), true);
    }

    /// Adds a file. The later of two steps that name the same resource wins.
    fn add(&mut self, path: PathBuf, contents: Vec<u8>, secret: bool) {
        // A name may hold a `/`.
        if let Some(directory) = path.parent() {
            self.add_directory(directory);
        }
        self.files.insert(path, Rendered { contents, secret, executable: false });
    }

    /// Adds a directory, and those above it.
    fn add_directory(&mut self, path: &Path) {
        if path.as_os_str().is_empty() || self.directories.contains(path) {
            return;
        }
        if let Some(parent) = path.parent() {
            self.add_directory(parent);
        }
        self.directories.insert(path.to_owned());
    }

    fn json(&mut self, path: PathBuf, document: &impl Serialize, secret: bool) -> anyhow::Result<()> {
        let mut contents = Vec::with_capacity(4096);
        serde_json::to_writer_pretty(&mut contents, document)?;
        contents.push(b'\n');
        self.add(path, contents, secret);
        Ok(())
    }

    /// `state/<name>.env`, empty.
    fn state_file(&mut self, name: &str) {
        self.add(Path::new(path::STATE).join(format!("{name}.env")), Vec::new(), false);
    }

    fn dependency(
        &mut self,
        dependency: &Dependency,
        environment: &Environment,
        credentials: &Credentials,
        context: &RunContext,
    ) -> anyhow::Result<()> {
        let directory = Path::new(dependency.operation.word()).join(&dependency.name.text);
        let kind = dependency.target.kind();
        self.state_file(&dependency.name.text);
        let version = VersionDocument::new(dependency, environment, context);
        self.json(directory.join(path::VERSION_JSON), &version, false)?;
        let stored = context.versions.of(dependency);
        let params = dependency.target.resource().filter(|resource| {
            kind == "params"
                && (stored.is_some() || resource.params().is_some_and(|params| params.map().is_some()))
        });
        match params {
            // The original wrote the params of an IN into a file where others have a directory.
            Some(resource) if dependency.operation.word() == path::IN => {
                let mut lines = Vec::new();
                for param in versions::params(resource, stored) {
                    write_param(&mut lines, param.key, &param.text)?;
                }
                self.add(directory.join(kind), lines, false);
            }
            _ => self.add_directory(&directory.join(kind)),
        }
        if let Some(credential) = dependency.integration.and_then(|bound| credentials.get(&bound.name.text)) {
            self.integration(&directory, credential)?;
        }
        Ok(())
    }

    /// `integration.json`, `integration.env` and key files.
    fn integration(&mut self, directory: &Path, credential: &Credential) -> anyhow::Result<()> {
        self.json(directory.join(path::INTEGRATION_JSON), &IntegrationDocument(credential), true)?;
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
        self.add(directory.join(path::INTEGRATION_ENV), lines, true);
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
            if let Some(text) = key_text(credential, field) {
                self.add(directory.join(file), text, true);
            }
        }
    }

    /// The private key of an integration, where a CI run has all of them.
    fn ssh_key(&mut self, credential: &Credential) {
        let field = match credential.kind.name {
            "sshKey" => "privateKey",
            "pemKey" => "key",
            _ => return,
        };
        if let Some(text) = key_text(credential, field) {
            self.add(Path::new(path::SECRETS).join(path::SSH).join(&credential.name), text, true);
        }
    }
}

/// A key as `ssh` takes it: it refuses one whose last line has no end.
fn key_text(credential: &Credential, field: &str) -> Option<Vec<u8>> {
    let found = credential.fields.iter().find(|candidate| candidate.name == field)?;
    let Content::One(fetched) = &found.content else { return None };
    let mut text = fetched.value.expose().as_bytes().to_vec();
    if !text.is_empty() && !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    Some(text)
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
