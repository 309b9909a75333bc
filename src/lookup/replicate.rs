//! `replicate`: makes a resource that goes out what one that came in is.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;

use serde_json::{Value, json};

use super::copy::{copy_content, resource_files};
use super::state::{directory, unwritable};
use super::variables::prefix;
use super::{Call, Failure, glob, json as documents, missing};
use crate::contract::{path, suffix, var};
use crate::exit;
use crate::file;

/// What a webhook brought to a repository.
const WEBHOOK_DATA: [&str; 3] = ["shaData", "webhookRequestHeaders", "webhookRequestBody"];

/// `replicate FROM TO [FLAG…]`: copies the files and the version's propertyBag of FROM, which came in, over those of
/// TO, which goes out. TO may be the job itself. Of a repository, the propertyBag alone is copied.
///
/// `--files-only`, `--metadata-only`: one of the two. `--webhook-data-only`: of the propertyBag, only what a webhook
/// brought, and the files as ever. `--match-settings`: the same, and only if the branch or tag of FROM is one that TO's settings name: these
/// stay.
pub(super) fn replicate(call: &mut Call) -> Result<u8, Failure> {
    let (flags, names): (Vec<_>, Vec<_>) =
        call.args.iter().partition(|arg| arg.to_string_lossy().starts_with("--"));
    let &[from, to, ..] = names.as_slice() else { return Err(Failure::Usage) };
    let flags = Flags::of(&flags, call)?;
    let scope = scope(call, from, to, &flags)?;
    let in_meta = directory(call, var::JOB_PATH)?.join(path::IN).join(from);
    let out_version = directory(call, var::JOB_PATH)?.join(path::OUT).join(to).join(path::VERSION_JSON);
    let from_version = read_json(&in_meta.join(path::VERSION_JSON))?;
    let to_version = read_json(&out_version)?;

    let sha_data =
        from_version.as_ref().map_or(&Value::Null, |from| &from["version"]["propertyBag"]["shaData"]);
    if from_version.is_some() && sha_data.is_null() && flags.asks_for_webhook_data() {
        return Err(Failure::Failed("Error: FROM resource does not contain shaData.".to_owned()));
    }
    if flags.match_settings {
        let settings = to_version.as_ref().map_or(&Value::Null, |to| settings(to));
        if !fits(sha_data, settings) {
            call.say(format_args!("FROM shaData does not match TO settings. skipping replicate"));
            return Ok(exit::SUCCESS);
        }
    }
    let from_files = resource_files(call, path::IN, from)?;
    if from_version.is_none() && !(scope.files && from_files.is_dir()) {
        let message = format!("`{}` has nothing to replicate: it did not come in", from.display());
        return Err(Failure::Failed(message));
    }
    if scope.files {
        if scope.to_job {
            replace_files(&from_files, &directory(call, var::JOB_STATE)?, true)?;
        } else {
            replace_files(&from_files, &resource_files(call, path::OUT, to)?, false)?;
        }
    }
    if !scope.metadata {
        return Ok(exit::SUCCESS);
    }
    let Some(bag) = from_version.as_ref().map(|from| &from["version"]["propertyBag"]) else {
        call.say(format_args!("shipctl: warning: `{}` has no {}", from.display(), path::VERSION_JSON));
        return Ok(exit::SUCCESS);
    };
    let (at, mut document) = if scope.to_job {
        // A version of the job that is there already keeps its name.
        let at = directory(call, var::JOB_STATE)?.join(path::OUTPUT_VERSION);
        let document = read_json(&at)?;
        (at, document.unwrap_or_else(|| json!({})))
    } else {
        (out_version, to_version.unwrap_or_else(|| json!({})))
    };
    let version = if scope.to_job { &mut document } else { field(&mut document, "version") };
    merge(field(version, "propertyBag"), bag, flags.asks_for_webhook_data());
    file::replace(&at, &documents::print(&document)).map_err(|error| unwritable(&at, &error))?;
    Ok(exit::SUCCESS)
}

#[derive(Default)]
struct Flags {
    files_only: bool,
    metadata_only: bool,
    webhook_data_only: bool,
    match_settings: bool,
}

impl Flags {
    /// Whether only what a webhook brought is copied of the propertyBag.
    fn asks_for_webhook_data(&self) -> bool {
        self.webhook_data_only || self.match_settings
    }

    /// An unknown flag is a warning only, as in the original.
    fn of(given: &[&std::ffi::OsString], call: &mut Call) -> Result<Flags, Failure> {
        let mut flags = Flags::default();
        for flag in given {
            match &*flag.to_string_lossy() {
                "--files-only" => flags.files_only = true,
                "--metadata-only" => flags.metadata_only = true,
                "--webhook-data-only" => flags.webhook_data_only = true,
                "--match-settings" => flags.match_settings = true,
                unknown => call.say(format_args!("Warning: Unrecognized flag \"{unknown}\"")),
            }
        }
        if flags.files_only && (flags.metadata_only || flags.webhook_data_only) {
            let message = "Error: --files-only excludes --metadata-only and --webhook-data-only.";
            return Err(Failure::Failed(message.to_owned()));
        }
        Ok(flags)
    }
}

/// What is to be copied, and where to.
struct Scope {
    files: bool,
    metadata: bool,
    to_job: bool,
}

fn scope(call: &Call, from: &OsStr, to: &OsStr, flags: &Flags) -> Result<Scope, Failure> {
    let error = |text: &str| Err(Failure::Failed(format!("Error: {text}")));
    let job = call.context.var(var::JOB_NAME);
    if job.as_deref() == Some(from) {
        return error("current job cannot be the FROM argument");
    }
    let (from_type, to_type) = (kind(call, from)?, kind(call, to)?);
    let is_repository =
        |kind: &Option<String>| matches!(kind.as_deref(), Some("gitRepo" | "ciRepo" | "syncRepo"));
    let to_job = job.as_deref() == Some(to);
    if to_type.as_deref() == Some("ciRepo") {
        return error("cannot replicate to ciRepo");
    }
    for (name, unknown) in [(from, from_type.is_none()), (to, to_type.is_none() && !to_job)] {
        if unknown {
            let name = name.to_string_lossy();
            let message = format!("there is no resource `{name}` here");
            return Err(missing::resource(call.context, &name, &message));
        }
    }
    let repositories = is_repository(&from_type) && is_repository(&to_type);
    if !repositories && !to_job && from_type != to_type {
        return error("resources must be the same type.");
    }
    if flags.match_settings && !repositories {
        return error("--match-settings flag not supported for the specified resources.");
    }
    let metadata_alone = repositories || flags.metadata_only;
    Ok(Scope { files: !metadata_alone, metadata: !flags.files_only, to_job })
}

fn kind(call: &Call, name: &OsStr) -> Result<Option<String>, Failure> {
    let variable = format!("{}_{}", prefix(&name.to_string_lossy())?, suffix::TYPE);
    Ok(call.context.var(&variable).map(|kind| kind.to_string_lossy().into_owned()))
}

/// The document, or nothing if there is no such file.
fn read_json(at: &Path) -> Result<Option<Value>, Failure> {
    let failed =
        |error: &dyn std::fmt::Display| Failure::Failed(format!("cannot read {}: {error}", at.display()));
    match fs::read(at) {
        Ok(bytes) => documents::parse(&bytes).map(Some).map_err(|error| failed(&error)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(&error)),
    }
}

/// Makes `own` the propertyBag `bag`, or puts only what a webhook brought into it, so that all else in it stays.
fn merge(own: &mut Value, bag: &Value, webhook_data_only: bool) {
    if !webhook_data_only {
        *own = bag.clone();
        return;
    }
    for key in WEBHOOK_DATA {
        if let Some(value) = bag.get(key) {
            *field(own, key) = value.clone();
        }
    }
}

/// A field of `value`, which becomes an object if it is none.
fn field<'a>(value: &'a mut Value, key: &str) -> &'a mut Value {
    if !value.is_object() {
        *value = Value::Null;
    }
    // serde_json makes null an object here, and a field that is missing null.
    &mut value[key]
}

/// Makes the files in `to` those of `from`. What other resources have stored (`*.env`) stays if it is the job's
/// state: the original threw that away too.
fn replace_files(from: &Path, to: &Path, keep_stored: bool) -> Result<(), Failure> {
    if !from.is_dir() {
        return Ok(());
    }
    let failed = |error: io::Error| unwritable(to, &error);
    fs::create_dir_all(to).map_err(failed)?;
    for entry in fs::read_dir(to).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let is_stored = entry.path().extension().is_some_and(|extension| extension == "env");
        if entry.file_type().map_err(failed)?.is_dir() {
            fs::remove_dir_all(entry.path()).map_err(failed)?;
        } else if !(keep_stored && is_stored) {
            fs::remove_file(entry.path()).map_err(failed)?;
        }
    }
    copy_content(from, to, &mut |_, _| {})
}

/// The settings of the repository TO: they stand in its version, and in its YAML.
fn settings(to: &Value) -> &Value {
    let bag = &to["version"]["propertyBag"];
    let yml = &to["propertyBag"]["yml"];
    let has_settings =
        |value: &Value| ["branch", "branches", "tags"].iter().any(|key| value.get(key).is_some());
    [bag, &yml["pointer"], &yml["versionTemplate"]]
        .into_iter()
        .find(|value| has_settings(value))
        .unwrap_or(bag)
}

/// Whether the settings of a repository name the branch, or the tag, that `sha_data` speaks of. What they do not
/// speak of fits.
fn fits(sha_data: &Value, settings: &Value) -> bool {
    let text = |key: &str| sha_data[key].as_str().unwrap_or_default();
    let flag = |key: &str| sha_data[key].as_bool().unwrap_or_default();
    if flag("isGitTag") || flag("isRelease") {
        let tag = if flag("isGitTag") { text("gitTagName") } else { text("releaseName") };
        return is_listed(tag, &settings["tags"]);
    }
    let branch = text("branchName");
    settings["branch"].as_str().is_none_or(|only| only == branch) && is_listed(branch, &settings["branches"])
}

/// Whether `only` has a pattern for the name, if there is one, and `except` has none.
fn is_listed(name: &str, lists: &Value) -> bool {
    let any = |patterns: &Vec<Value>| {
        patterns.iter().filter_map(Value::as_str).any(|pattern| glob::matches(pattern, name))
    };
    lists["only"].as_array().is_none_or(any) && !lists["except"].as_array().is_some_and(any)
}
