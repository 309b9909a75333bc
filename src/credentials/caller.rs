//! The user of shipctl, as AWS knows them: they assume a role that no integration is named for.

use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::program::{Failed, LIMIT, run_all};
use crate::aws::renewal::keys_of_json;
use crate::aws::{
    AUDIENCE, Client, CredentialSource, Keys, Profiles, Settings, Token, are_in_environment, chosen_profile,
};
use crate::secret::Secret;
use crate::source;

/// The environment and the AWS profiles of the user.
pub(super) struct Caller {
    pub(super) profiles: Profiles,
    profile: String,
    /// Whether the line names the profile: then the environment has no say in whose keys are meant.
    is_named: bool,
}

/// A variable of shipctl's own environment, if it is set to text.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl Caller {
    /// Reads the files of the AWS CLI. One that is not there is as good as an empty one.
    pub(super) fn new() -> Self {
        let text = |name: &str, default: &str| {
            let path = variable(name).map(PathBuf::from).or_else(|| Some(home()?.join(default)))?;
            let path = match (path.strip_prefix("~"), home()) {
                (Ok(rest), Some(home)) => home.join(rest),
                _ => path,
            };
            std::fs::read_to_string(path).ok()
        };
        let config = text("AWS_CONFIG_FILE", ".aws/config").unwrap_or_default();
        let credentials = text("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials").unwrap_or_default();
        let profiles = Profiles::parse(&config, &credentials);
        Caller { profiles, profile: chosen_profile(&variable), is_named: false }
    }

    /// The same for a profile that the line names.
    pub(super) fn of_profile(profile: &str) -> Self {
        Caller { profile: profile.to_owned(), is_named: true, ..Caller::new() }
    }

    /// Where their keys come from.
    ///
    /// # Errors
    ///
    /// Profiles that do not exist, that lack something, or that go round in a circle.
    pub(super) fn credential_source(&self) -> Result<CredentialSource, String> {
        match self.is_named {
            true => self.profiles.credential_source_of(&self.profile, &variable),
            false => self.profiles.credential_source(&variable),
        }
    }

    /// The region that they work in.
    pub(super) fn region(&self) -> Option<String> {
        let of_profile = || self.profiles.text(&self.profile, "region");
        let of_environment = || variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"));
        match self.is_named {
            true => of_profile().or_else(of_environment),
            false => of_environment().or_else(of_profile),
        }
    }

    /// How AWS is reached with their keys. A profile has its say where they come from it.
    pub(super) fn settings(&self) -> Settings {
        let settings = Settings::new(variable);
        if !self.is_named && are_in_environment(&variable) {
            return settings;
        }
        settings.with_profile(&self.profiles, &self.profile)
    }

    /// The device that their second factor comes from.
    pub(super) fn mfa_serial(&self) -> Option<String> {
        self.profiles.text(&self.profile, "mfa_serial")
    }
}

fn home() -> Option<PathBuf> {
    std::env::var_os("HOME").map(PathBuf::from)
}

/// The keys that a `credential_process` prints.
pub(super) fn of_process(command: &str) -> Result<Keys, String> {
    parse(&run(&["sh".to_owned(), "-c".to_owned(), command.to_owned()])?, "the credential_process")
}

/// The keys that only the AWS CLI knows how to get.
pub(super) fn of_aws_cli(profile: &str) -> Result<Keys, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if !std::env::split_paths(&path).any(|directory| is_program(&directory.join("aws"))) {
        return Err(format!(
            "there are no keys for AWS in the environment or in the profile `{profile}`, and no AWS CLI to ask for others"
        ));
    }
    let mut words = vec!["aws", "configure", "export-credentials", "--format", "process"];
    if profile != "default" {
        words.extend(["--profile", profile]);
    }
    let words: Vec<_> = words.into_iter().map(str::to_owned).collect();
    let printed = run(&words).map_err(|why| {
        // Version 1 does not have the command, and prints how it is used.
        if why.contains("usage: ") && why.contains("aws help") {
            return format!(
                "there are no keys for AWS in the environment or the profile `{profile}`, and the AWS CLI here is too old to be asked for others: it has no `configure export-credentials`, which version 2 has"
            );
        }
        // Its usage may come first.
        let why = why.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
        format!("there are no keys for AWS in the environment or the profile `{profile}`, and none from the AWS CLI: {why}")
    })?;
    parse(&printed, "aws configure export-credentials")
}

fn is_program(path: &Path) -> bool {
    path.is_file()
}

/// What a program prints.
fn run(words: &[String]) -> Result<Secret, String> {
    let printed = run_all(&[words.to_vec()], LIMIT).into_iter().next();
    printed.unwrap_or(Err(Failed::Missing)).map_err(|why| match why {
        Failed::Missing => format!("there is no {}", words[0]),
        Failed::Ended(why) => why,
        Failed::TooSlow(limit) => format!("{} gave nothing within {} s", words[0], limit.as_secs()),
    })
}

/// The token of a web identity.
pub(super) fn token(token: &Token, client: &Client) -> Result<Secret, String> {
    let text = match token {
        Token::Here(token) => token.clone(),
        Token::File(path) => {
            let text = source::read_text(Path::new(path));
            Secret::new(text.map_err(|why| format!("cannot read the token in {path}: {why}"))?)
        }
        Token::GitHub(url, own) => client.token_of_github(url, own, AUDIENCE)?,
        Token::Program(words) => run(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())?,
    };
    Ok(Secret::new(text.expose().trim().to_owned()))
}

/// Keys in the form that the AWS CLI and its SDKs agreed on.
fn parse(printed: &Secret, who: &str) -> Result<Keys, String> {
    // serde_json's own words may quote what is in it.
    let json: Json = serde_json::from_str(printed.expose()).map_err(|_| format!("{who} prints no JSON"))?;
    keys_of_json(&json).ok_or_else(|| format!("what {who} prints has no AccessKeyId or no SecretAccessKey"))
}
