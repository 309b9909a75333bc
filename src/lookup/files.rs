//! Functions that answer from the files of the workspace.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::json::{self, found_or};
use super::missing;
use super::variables::{prefix, value};
use super::{Call, Context, Failure};
use crate::contract::{self, envfile, path, suffix, var};

/// `get_integration_resource`: the fields of a resource's integration: the whole file as it is, or one of them.
pub(super) fn integration_resource(call: &Call) -> Result<Vec<u8>, Failure> {
    let file = resource_file(call.context, &call.text(0), path::INTEGRATION_JSON)?;
    if call.arg(1).is_empty() {
        return Ok(file.bytes);
    }
    let fields = file.json()?;
    let key = call.text(1);
    found_or(&fields, &key, |there| file.lacks(call, "field", &key, there))
}

/// `get_integration_resource_keys`: the names of the fields of a resource's integration, one on a line.
pub(super) fn integration_resource_keys(call: &Call) -> Result<Vec<u8>, Failure> {
    resource_file(call.context, &call.text(0), path::INTEGRATION_ENV).map(|file| keys(&file.bytes))
}

/// `get_integration_keys`: the same for an integration that the job lists.
pub(super) fn integration_keys(call: &Call) -> Result<Vec<u8>, Failure> {
    integration_file(call, path::INTEGRATION_ENV).map(|file| keys(&file.bytes))
}

/// `get_integration_field`: a field of an integration that the job lists, from the environment; the file must be
/// there, as in the original, and answers if the variable is not set.
pub(super) fn integration_field(call: &Call) -> Result<Vec<u8>, Failure> {
    let file = integration_file(call, path::INTEGRATION_JSON)?;
    let (name, key) = (call.text(0), call.text(1));
    let variable = format!("{}_{}_{}", prefix(&name)?, suffix::INTEGRATION, contract::key_name(&key));
    if let Some(answer) = value(call, &variable) {
        return Ok(answer);
    }
    let fields = file.json()?;
    found_or(&fields, &key, |there| file.lacks(call, "field", &key, there))
}

/// `get_resource_version_key`: a key of the version that came in: `versionName` and its like, or anything of the
/// version's propertyBag.
pub(super) fn version_key(call: &Call) -> Result<Vec<u8>, Failure> {
    let file = resource_file(call.context, &call.text(0), path::VERSION_JSON)?;
    let document = file.json()?;
    let (version, key) = (&document["version"], call.text(1));
    let own = match &*key {
        "versionId" | "versionName" | "versionNumber" => version.get(&*key),
        _ => None,
    };
    if let Some(own) = own {
        return Ok(json::print(own));
    }
    found_or(&version["propertyBag"], &key, |there| file.lacks(call, "version key", &key, there))
}

/// `get_resource_pointer_key`: a key of the resource's pointer, as its YAML has it; in the new syntax that is
/// `versionTemplate`, in the first one `source`.
pub(super) fn pointer_key(call: &Call) -> Result<Vec<u8>, Failure> {
    let file = resource_file(call.context, &call.text(0), path::VERSION_JSON)?;
    let document = file.json()?;
    let (yml, key) = (&document["propertyBag"]["yml"], call.text(1));
    let pointer = ["pointer", "versionTemplate", "source"].into_iter().find_map(|key| yml.get(key));
    let pointer = pointer.unwrap_or(&Value::Null);
    found_or(pointer, &key, |there| file.lacks(call, "pointer key", &key, there))
}

/// `get_json_value`: a value of any JSON file, or all of it.
pub(super) fn json_value(call: &Call) -> Result<Vec<u8>, Failure> {
    let at = PathBuf::from(call.arg(0));
    let file = match call.context.read(&at) {
        Ok(bytes) => File { at, bytes },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Failure::Missing(format!("{}: there is no such file", at.display())));
        }
        Err(error) => return Err(unreadable(&at, &error)),
    };
    let document = file.json()?;
    let field = call.text(1);
    if field.is_empty() {
        return Ok(json::print(&document));
    }
    found_or(&document, &field, |there| {
        Failure::Missing(format!("{} has no `{field}`{there}", file.at.display()))
    })
}

fn keys(integration_env: &[u8]) -> Vec<u8> {
    envfile::keys(integration_env).flat_map(|key| [key, b"\n"].concat()).collect()
}

/// A file that was read.
struct File {
    at: PathBuf,
    bytes: Vec<u8>,
}

impl File {
    fn json(&self) -> Result<Value, Failure> {
        json::parse(&self.bytes)
            .map_err(|why| Failure::Failed(format!("{} is not valid JSON ({why})", self.at.display())))
    }

    /// The first argument has no `what` called `key`; `there` says what it has.
    fn lacks(&self, call: &Call, what: &str, key: &str, there: &str) -> Failure {
        Failure::Missing(format!("`{}` has no {what} `{key}`{there}", call.text(0)))
    }
}

/// The version.json of the resource `name`.
pub(super) fn version(context: &dyn Context, name: &str) -> Result<Value, Failure> {
    resource_file(context, name, path::VERSION_JSON)?.json()
}

/// The integration.json of the resource `name`.
pub(super) fn integration(context: &dyn Context, name: &str) -> Result<Value, Failure> {
    resource_file(context, name, path::INTEGRATION_JSON)?.json()
}

/// A key that the version of the resource `name` has, or else its pointer.
pub(super) fn pointer(context: &dyn Context, name: &str, key: &str) -> Option<Value> {
    let document = version(context, name).ok()?;
    let yml = &document["propertyBag"]["yml"];
    let bags = [&document["version"]["propertyBag"], &yml["pointer"], &yml["versionTemplate"]];
    bags.into_iter().find_map(|bag| bag.get(key)).cloned()
}

/// A file in the directory of the resource `name`.
fn resource_file(context: &dyn Context, name: &str, file: &str) -> Result<File, Failure> {
    let variable = format!("{}_{}", prefix(name)?, suffix::META);
    let Some(directory) = context.var(&variable) else {
        let message = format!("there is no resource `{name}` here (${variable} is not set)");
        return Err(missing::resource(context, name, &message));
    };
    let absent = || format!("{file} not present for resource: {name}");
    read(context, name, Path::new(&directory).join(file), absent)
}

/// A file in the directory of the integration that the first argument names; it is called as the YAML writes it.
fn integration_file(call: &Call, file: &str) -> Result<File, Failure> {
    let name = call.text(0);
    let absent = || format!("{file} not present for integration: {name}");
    match call.context.var(var::JOB_INTEGRATIONS) {
        Some(directory) => {
            read(call.context, &name, Path::new(&directory).join(call.arg(0)).join(file), absent)
        }
        None => Err(Failure::Missing(format!("{} (${} is not set)", absent(), var::JOB_INTEGRATIONS))),
    }
}

fn read(
    context: &dyn Context,
    name: &str,
    at: PathBuf,
    absent: impl Fn() -> String,
) -> Result<File, Failure> {
    match context.read(&at) {
        Ok(bytes) => Ok(File { at, bytes }),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            let message = format!("{} ({}: no such file)", absent(), at.display());
            Err(missing::resource(context, name, &message))
        }
        Err(error) => Err(unreadable(&at, &error)),
    }
}

fn unreadable(at: &Path, error: &io::Error) -> Failure {
    Failure::Failed(format!("cannot read {}: {error}", at.display()))
}
