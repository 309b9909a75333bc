//! The AWS CLI and everything else that reads its two files: a profile for each `cliConfig`, the last one the default.
//!
//! The keys of a session end before a long job does, so its profile says which program to ask for new ones. The AWS CLI could take a
//! role itself, but would then keep the session in the user's home.

use std::fmt::Write as _;

use zeroize::Zeroizing;

use super::{CliConfig, Paths, Tools};
use crate::aws::Keys;
use crate::aws::renewal::keys_to_json;
use crate::contract::shell_quoted;
use crate::credentials::{Credential, ProfileSession};
use crate::diagnostic::Diagnostic;
use crate::resolve::AWS_KINDS;
use crate::secret::Secret;

/// What would lead the AWS CLI to other keys than those of the job.
const HIDDEN: &[&str] = &[
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
];

const CONFIG: &str = "aws/config";
const CREDENTIALS: &str = "aws/credentials";

/// A profile and where its keys are.
struct Profile<'a> {
    name: &'a str,
    region: Option<&'a str>,
    /// The program that has to be asked for them, as a command line.
    process: Option<String>,
}

/// Configures the AWS CLI, if any of these is for it.
pub(super) fn configure(configs: &[CliConfig], paths: &Paths, tools: &mut Tools) -> Result<(), Diagnostic> {
    let mut config_file = String::new();
    let mut credentials_file = Zeroizing::new(String::new());
    let of_aws: Vec<_> = configs.iter().filter(|config| config.is_of(AWS_KINDS)).collect();
    for (number, config) in of_aws.iter().enumerate() {
        check(config)?;
        let process = process(config.integration, number, paths, tools);
        let mut profile = Profile { name: config.name, region: config.pointer("REGION"), process };
        let keys = config.integration.aws_keys().filter(|_| profile.process.is_none());
        for name in
            [Some(config.name), (number + 1 == of_aws.len()).then_some("default")].into_iter().flatten()
        {
            profile.name = name;
            profile.write(&mut config_file);
            if let Some(keys) = &keys {
                write_keys(name, keys, &mut credentials_file);
            }
        }
        tools.secrets.extend(keys.iter().flat_map(secrets));
    }
    let Some(last) = of_aws.last() else { return Ok(()) };
    tools.file(paths, CONFIG, config_file);
    tools.file(paths, CREDENTIALS, credentials_file.as_bytes());
    tools.set("AWS_CONFIG_FILE", paths.absolute(CONFIG), last);
    tools.set("AWS_SHARED_CREDENTIALS_FILE", paths.absolute(CREDENTIALS), last);
    if let Some(region) = last.pointer("REGION") {
        tools.set("AWS_REGION", region, last);
        tools.set("AWS_DEFAULT_REGION", region, last);
    }
    tools.set("AWS_EC2_METADATA_DISABLED", "true", last);
    tools.hidden.extend(HIDDEN);
    Ok(())
}

/// The program to ask for the keys of an integration, if they end with a session, and the file that it reads.
fn process(integration: &Credential, number: usize, paths: &Paths, tools: &mut Tools) -> Option<String> {
    let program = quoted(&paths.program.display().to_string());
    if let Some(renewal) = &integration.renewal {
        let file = format!("aws/role-{number}.json");
        tools.file(paths, &file, renewal.to_json().as_bytes());
        tools.secrets.extend(secrets(&renewal.keys));
        return Some(format!("{program} aws-credentials {}", quoted(&paths.absolute(&file))));
    }
    let ProfileSession { profile, session, files, .. } = integration.profile.as_ref()?;
    let file = format!("aws/profile-{number}.json");
    let json = Zeroizing::new(keys_to_json(&session.keys, Some(&session.expiration)).to_string());
    tools.file(paths, &file, json.as_bytes());
    tools.secrets.extend(secrets(&session.keys));
    // The job has files of its own in the place of these.
    let files: String =
        files.iter().map(|(name, path)| format!("{name}={} ", quoted(&path.display().to_string()))).collect();
    let file = quoted(&paths.absolute(&file));
    Some(format!("env {files}{program} aws-credentials --profile {} {file}", quoted(profile)))
}

/// Refuses what the two files cannot hold.
fn check(config: &CliConfig) -> Result<(), Diagnostic> {
    if config.name.contains(|c: char| c.is_control() || "[]\"'".contains(c)) {
        return Err(config.error("no profile of AWS can be called so").hint("rename it"));
    }
    let fields = ["accessKey", "secretKey", "sessionToken"].map(|name| config.field(name));
    let region = config.pointer("REGION").unwrap_or_default();
    if fields.iter().chain([&region]).any(|value| value.contains(char::is_control)) {
        return Err(config
            .error("a key or the region holds a line break or the like")
            .hint("look at where its value comes from"));
    }
    Ok(())
}

fn secrets(keys: &Keys) -> Vec<Secret> {
    let Keys { access_key, secret_key, session_token } = keys.clone();
    [Some(access_key), Some(secret_key), session_token].into_iter().flatten().collect()
}

impl Profile<'_> {
    fn write(&self, text: &mut String) {
        let name = if self.name.contains(char::is_whitespace) {
            format!("\"{}\"", self.name)
        } else {
            self.name.to_owned()
        };
        let _ = match self.name {
            "default" => writeln!(text, "[default]"),
            _ => writeln!(text, "[profile {name}]"),
        };
        if let Some(region) = self.region {
            let _ = writeln!(text, "region = {region}");
        }
        if let Some(process) = &self.process {
            let _ = writeln!(text, "credential_process = {process}");
        }
    }
}

fn write_keys(name: &str, keys: &Keys, text: &mut String) {
    let _ = writeln!(text, "[{name}]");
    let _ = writeln!(text, "aws_access_key_id = {}", keys.access_key.expose());
    let _ = writeln!(text, "aws_secret_access_key = {}", keys.secret_key.expose());
    if let Some(token) = &keys.session_token {
        let _ = writeln!(text, "aws_session_token = {}", token.expose());
    }
}

/// One word for those who split a line as a shell does, and for a shell.
fn quoted(word: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || "_-./+".contains(c);
    if word.chars().all(bare) { word.to_owned() } else { shell_quoted(word) }
}
