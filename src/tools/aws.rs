//! The AWS CLI and everything else that reads its two files: a profile for each `cliConfig`, the last one the default.

use std::borrow::Cow;
use std::fmt::Write as _;

use indexmap::IndexMap;
use zeroize::Zeroizing;

use super::{CliConfig, Paths, Tools};
use crate::aws::Keys;
use crate::credentials::{Credential, Credentials};
use crate::diagnostic::Diagnostic;
use crate::resolve::AWS_KINDS;

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

/// The profiles, by name: settings, and keys.
#[derive(Default)]
struct Profiles<'a> {
    config: IndexMap<String, Vec<(&'static str, Cow<'a, str>)>>,
    credentials: IndexMap<String, Keys>,
}

/// Configures the AWS CLI, if any of these is for it.
pub(super) fn configure<'a>(
    configs: &[CliConfig<'a>],
    credentials: &'a Credentials,
    paths: &Paths,
    tools: &mut Tools,
) -> Result<(), Diagnostic> {
    let mut profiles = Profiles::default();
    let mut last = None;
    for config in configs.iter().filter(|config| config.is_of(AWS_KINDS)) {
        let region = config.pointer("REGION");
        let name = config.name.to_owned();
        let broken = name.contains(|c: char| c.is_control() || "[]\"'".contains(c));
        if broken {
            return Err(config.error("no profile of AWS can be called so").hint("rename it"));
        }
        profiles.add(name, config.integration, credentials, region);
        last = Some((config, region));
    }
    let Some((config, region)) = last else { return Ok(()) };
    profiles.add("default".to_owned(), config.integration, credentials, region);
    let (settings, keys) = profiles.render();
    if settings.chars().chain(keys.chars()).any(|c| c.is_control() && c != '\n')
        || profiles.values().any(|value| value.contains('\n'))
    {
        return Err(config.error("the files of the AWS CLI cannot hold a value of several lines"));
    }
    for keys in profiles.credentials.values() {
        tools.secrets.extend([&keys.access_key, &keys.secret_key].map(Clone::clone));
        tools.secrets.extend(keys.session_token.clone());
    }
    tools.file(paths, CONFIG, settings.as_bytes());
    tools.file(paths, CREDENTIALS, keys.as_bytes());
    tools.set("AWS_CONFIG_FILE", paths.absolute(CONFIG), config);
    tools.set("AWS_SHARED_CREDENTIALS_FILE", paths.absolute(CREDENTIALS), config);
    if let Some(region) = region {
        tools.set("AWS_REGION", region, config);
        tools.set("AWS_DEFAULT_REGION", region, config);
    }
    tools.set("AWS_EC2_METADATA_DISABLED", "true", config);
    tools.hidden.extend(HIDDEN);
    Ok(())
}

impl<'a> Profiles<'a> {
    /// Adds the profile of an integration, and those that it gets its keys from. A role is taken by the tool itself, as
    /// often as a job lasts longer than a session does.
    fn add(
        &mut self,
        name: String,
        integration: &'a Credential,
        credentials: &'a Credentials,
        region: Option<&'a str>,
    ) {
        let mut settings: Vec<_> = region.map(|region| ("region", region.into())).into_iter().collect();
        if let Some(taken_by) = &integration.taken_by {
            let source = integration.text("sourceIntegration").and_then(|source| credentials.get(source));
            let role = source.filter(|source| source.taken_by.is_some());
            let from = format!("{name}-source");
            for (key, field) in [
                ("role_arn", "assumeRoleARN"),
                ("external_id", "externalId"),
                ("role_session_name", "roleSessionName"),
                ("duration_seconds", "durationSeconds"),
            ] {
                settings.extend(integration.text(field).map(|value| (key, value.into())));
            }
            settings.push(("source_profile", from.clone().into()));
            match role {
                Some(role) => self.add(from, role, credentials, region),
                None => {
                    self.credentials.insert(from, taken_by.clone());
                }
            }
        } else if let Some(keys) = integration.aws_keys() {
            self.credentials.insert(name.clone(), keys);
        }
        self.config.insert(name, settings);
    }

    fn values(&self) -> impl Iterator<Item = &str> {
        let settings = self.config.values().flatten().map(|(_, value)| &**value);
        let keys = self.credentials.values().flat_map(|keys| {
            let token = keys.session_token.as_ref();
            [Some(&keys.access_key), Some(&keys.secret_key), token].into_iter().flatten()
        });
        settings.chain(keys.map(|secret| secret.expose()))
    }

    /// The two files.
    fn render(&self) -> (Zeroizing<String>, Zeroizing<String>) {
        let mut config = Zeroizing::new(String::new());
        for (name, settings) in &self.config {
            let section = if name == "default" { name.clone() } else { format!("profile {}", quoted(name)) };
            let _ = writeln!(config, "[{section}]");
            for (key, value) in settings {
                let _ = writeln!(config, "{key} = {value}");
            }
        }
        let mut credentials = Zeroizing::new(String::new());
        for (name, keys) in &self.credentials {
            let _ = writeln!(credentials, "[{name}]");
            let _ = writeln!(credentials, "aws_access_key_id = {}", keys.access_key.expose());
            let _ = writeln!(credentials, "aws_secret_access_key = {}", keys.secret_key.expose());
            if let Some(token) = &keys.session_token {
                let _ = writeln!(credentials, "aws_session_token = {}", token.expose());
            }
        }
        (config, credentials)
    }
}

fn quoted(name: &str) -> String {
    if name.contains(char::is_whitespace) { format!("\"{name}\"") } else { name.to_owned() }
}
