//! The user of shipctl, as AWS knows them: they assume a role that no integration is named for.

use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use crate::aws::renewal::keys_of_json;
use crate::aws::sts::Session;
use crate::aws::{
    self, AUDIENCE, Client, CredentialSource, Keys, NoToken, ProfileError, Profiles, Settings, Token,
    are_in_environment, chosen_profile,
};
use crate::secret::Secret;
use crate::source::{self, ReadError};
use crate::value_source::program::{LIMIT, ProgramError, run_all};

/// Why the user of shipctl has no keys.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// AWS was asked.
    #[error("{0}; {hint}", hint = .0.hint())]
    Aws(#[from] aws::Error),
    /// The profiles lead nowhere.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The program that has them gave none.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// The AWS CLI would be asked, and is not installed.
    #[error(
        "there are no keys for AWS in the environment or in the profile `{0}`, and no AWS CLI to ask for others"
    )]
    NoAwsCli(String),
    /// The AWS CLI is too old to be asked.
    #[error(
        "there are no keys for AWS in the environment or the profile `{0}`, and the AWS CLI here is too old to be asked for others: it has no `configure export-credentials`, which version 2 has"
    )]
    OldAwsCli(String),
    /// The AWS CLI has none for a profile; with the last line of what it says.
    #[error(
        "there are no keys for AWS in the environment or the profile `{0}`, and none from the AWS CLI: {1}"
    )]
    AwsCli(String, String),
    /// What a program prints is no JSON.
    #[error("{0} prints no JSON")]
    NotJson(&'static str),
    /// What a program prints has no keys.
    #[error("what {0} prints has no AccessKeyId or no SecretAccessKey")]
    NoKeys(&'static str),
    /// The token of a web identity cannot be read.
    #[error("cannot read the token in {0}: {1}")]
    TokenFile(String, ReadError),
    /// GitHub Actions gives no token.
    #[error(transparent)]
    NoToken(#[from] NoToken),
}

/// Keys that a source gave.
#[derive(Clone)]
pub(super) struct Issued {
    pub(super) keys: Keys,
    /// When their session ends, where the source says so: `2026-11-21T12:00:00Z`.
    pub(super) expiration: Option<String>,
}

impl From<Keys> for Issued {
    fn from(keys: Keys) -> Self {
        Issued { keys, expiration: None }
    }
}

impl From<Session> for Issued {
    fn from(session: Session) -> Self {
        Issued { keys: session.keys, expiration: Some(session.expiration) }
    }
}

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
        let [config, credentials] = FILES.map(|(name, default)| {
            file(name, default).and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default()
        });
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
    pub(super) fn credential_source(&self) -> Result<CredentialSource, ProfileError> {
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

/// The files of the AWS CLI: the variables that name them, and where they are in the home directory.
const FILES: [(&str, &str); 2] =
    [("AWS_CONFIG_FILE", ".aws/config"), ("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials")];

/// The variables that name the files of the AWS CLI, with paths from `/` on.
pub(super) fn files() -> Vec<(&'static str, PathBuf)> {
    let path = |(name, default)| Some((name, std::path::absolute(file(name, default)?).ok()?));
    FILES.into_iter().filter_map(path).collect()
}

fn file(name: &str, default: &str) -> Option<PathBuf> {
    let path = variable(name).map(PathBuf::from).or_else(|| Some(home()?.join(default)))?;
    Some(match (path.strip_prefix("~"), home()) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path,
    })
}

fn home() -> Option<PathBuf> {
    std::env::var_os("HOME").map(PathBuf::from)
}

/// The keys that a `credential_process` prints.
pub(super) fn of_process(command: &str) -> Result<Issued, SourceError> {
    parse(&run(&["sh".to_owned(), "-c".to_owned(), command.to_owned()])?, "the credential_process")
}

/// The keys that only the AWS CLI knows how to get.
pub(super) fn of_aws_cli(profile: &str) -> Result<Issued, SourceError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if !std::env::split_paths(&path).any(|directory| is_program(&directory.join("aws"))) {
        return Err(SourceError::NoAwsCli(profile.to_owned()));
    }
    let mut words = vec!["aws", "configure", "export-credentials", "--format", "process"];
    if profile != "default" {
        words.extend(["--profile", profile]);
    }
    let words: Vec<_> = words.into_iter().map(str::to_owned).collect();
    let printed = run(&words).map_err(|error| {
        let said = error.to_string();
        // Version 1 does not have the command, and prints how it is used.
        if said.contains("usage: ") && said.contains("aws help") {
            return SourceError::OldAwsCli(profile.to_owned());
        }
        // Its usage may come first.
        let last = said.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
        SourceError::AwsCli(profile.to_owned(), last.to_owned())
    })?;
    parse(&printed, "aws configure export-credentials")
}

fn is_program(path: &Path) -> bool {
    path.is_file()
}

/// What a program prints.
fn run(words: &[String]) -> Result<Secret, ProgramError> {
    let printed = run_all(&[words.to_vec()], LIMIT).into_iter().next();
    printed.unwrap_or(Err(ProgramError::NotRun))
}

/// The token of a web identity.
pub(super) fn token(token: &Token, client: &Client) -> Result<Secret, SourceError> {
    let text = match token {
        Token::Here(token) => token.clone(),
        Token::File(path) => {
            let text = source::read_text(Path::new(path));
            Secret::new(text.map_err(|error| SourceError::TokenFile(path.clone(), error))?)
        }
        Token::GitHub(url, own) => client.token_of_github(url, own, AUDIENCE)?,
        Token::Program(words) => run(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())?,
    };
    Ok(Secret::new(text.expose().trim().to_owned()))
}

/// Keys in the form that the AWS CLI and its SDKs agreed on.
fn parse(printed: &Secret, who: &'static str) -> Result<Issued, SourceError> {
    // serde_json's own words may quote what is in it.
    let json: Json = serde_json::from_str(printed.expose()).map_err(|_| SourceError::NotJson(who))?;
    let keys = keys_of_json(&json).ok_or(SourceError::NoKeys(who))?;
    Ok(Issued { keys, expiration: json["Expiration"].as_str().map(str::to_owned) })
}
