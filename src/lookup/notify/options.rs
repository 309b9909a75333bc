//! The options of `notify`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use serde_json::{Map, Value};

use super::super::missing::did_you_mean;
use super::super::missing::list;
use super::super::{Context, Failure, json};

/// Every option, with a blank for what the user may write as `_`, `-` or nothing.
const NAMES: [&str; 21] = [
    "app-id",
    "app-name",
    "changelog",
    "color",
    "description",
    "email",
    "environment",
    "icon-url",
    "password",
    "payload",
    "pretext",
    "project-id",
    "recipient",
    "repository",
    "revision",
    "summary",
    "text",
    "timeout",
    "type",
    "username",
    "version",
];

/// What the user wants to say, and to whom.
pub(super) struct NotifyOptions {
    given: BTreeMap<&'static str, String>,
    /// The content of the file that `--payload` names: sent as it is.
    pub(super) payload: Option<Vec<u8>>,
    /// What each `--field NAME=VALUE` says: the whole message to a webhook.
    pub(super) fields: Map<String, Value>,
    /// How long a service may take to answer.
    pub(super) timeout: Duration,
}

impl NotifyOptions {
    /// Reads `--name=value` and `--name value`. What is not given may come from `$NOTIFY_<NAME>`, as in the original.
    pub(super) fn of(args: &[OsString], context: &dyn Context) -> Result<NotifyOptions, Failure> {
        let mut given = BTreeMap::new();
        for name in NAMES {
            let variable = format!("NOTIFY_{}", name.replace('-', "_").to_ascii_uppercase());
            if let Some(value) = context.var(&variable).filter(|value| !value.is_empty()) {
                given.insert(name, value.to_string_lossy().into_owned());
            }
        }
        let mut fields = Map::new();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let text = arg.to_string_lossy();
            let Some(option) = text.strip_prefix("--") else { return Err(Failure::Usage) };
            let (written, value) = match option.split_once('=') {
                Some((name, value)) => (name, value.to_owned()),
                None => {
                    let value = args.next().ok_or(Failure::Usage)?;
                    (option, value.to_string_lossy().into_owned())
                }
            };
            if written == "field" {
                let (name, value) = value.split_once('=').ok_or(Failure::Usage)?;
                fields.insert(name.to_owned(), Value::String(value.to_owned()));
            } else {
                given.insert(option_name(written)?, value);
            }
        }
        let payload = given.get("payload").map(|file| payload(file)).transpose()?;
        let timeout = match given.get("timeout") {
            None => super::TIMEOUT,
            Some(seconds) => seconds
                .parse()
                .ok()
                .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
                .filter(|timeout| !timeout.is_zero())
                .ok_or_else(|| {
                    Failure::Failed(format!("notify: `{seconds}` is no time in seconds (--timeout)"))
                })?,
        };
        Ok(NotifyOptions { given, payload, fields, timeout })
    }

    /// The value of an option, unless it is empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.given.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// The documentation writes `--project-id`, `--icon_url` and `--appId`: letters count, case and separators do not.
fn option_name(written: &str) -> Result<&'static str, Failure> {
    let letters = |name: &str| name.replace(['-', '_'], "").to_ascii_lowercase();
    NAMES.into_iter().find(|name| letters(name) == letters(written)).ok_or_else(|| {
        let hint = did_you_mean(written, NAMES);
        Failure::Failed(format!("notify: there is no option --{written}; there are: {}{hint}", list(&NAMES)))
    })
}

/// The file's content, which must be JSON: a service's own message about what it was sent is of little help.
fn payload(file: &str) -> Result<Vec<u8>, Failure> {
    let path = std::path::Path::new(std::ffi::OsStr::from_bytes(file.as_bytes()));
    let content = fs::read(path)
        .map_err(|error| Failure::Failed(format!("notify: cannot read {file} (--payload): {error}")))?;
    json::parse(&content)
        .map_err(|why| Failure::Failed(format!("notify: {file} (--payload) is not valid JSON ({why})")))?;
    Ok(content)
}
