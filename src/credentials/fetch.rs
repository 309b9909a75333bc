//! Fetching one value from where it is.

use std::collections::HashMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::profile::{self, KeysOfProfile, NoKeysOfProfile, ProfileSession};
use super::program::{LIMIT, MAX_VALUE, ProgramError, TextError, run_all, text};
use super::{FetchedValue, Value};
use crate::diagnostic::Diagnostic;
use crate::file;
use crate::model::Integration;
use crate::model::integration::{KeyPart, SourceKind, ValueSource, Values};
use crate::model::tool::Take;
use crate::printable::Printable;
use crate::secret::Secret;
use crate::secure::Opener;
use crate::source::{Sources, Span};

/// What stands for the output of a command that was not run.
pub const NOT_RUN: &str = "(the command is started when the job runs)";

/// Fetches values, each command once.
pub struct Fetch<'a> {
    sources: &'a Sources,
    /// What opens encrypted values.
    opener: &'a Opener,
    /// Whether commands are run; without, a value stands in for what they would print.
    run_commands: bool,
    /// How long each command may take.
    limit: Duration,
    /// Whether to say which programs are run.
    announces: bool,
    printed: HashMap<Vec<String>, Result<Secret, ProgramError>>,
    /// The keys of profiles of AWS.
    profiles: HashMap<String, Result<KeysOfProfile, NoKeysOfProfile>>,
    /// The code of a second factor.
    mfa_code: Option<String>,
}

/// Why a value could not be fetched.
pub(super) struct FetchError {
    message: String,
    hint: String,
    place: Span,
}

impl FetchError {
    /// The error, with the field it is about.
    pub(super) fn at_field(self, integration: &str, field: &str) -> Diagnostic {
        Diagnostic::error(format!("integration `{integration}`, field `{field}`: {}", self.message))
            .at(self.place)
            .hint(self.hint)
    }
}

impl<'a> Fetch<'a> {
    /// Fetches everything.
    pub fn new(sources: &'a Sources, opener: &'a Opener) -> Self {
        let (printed, profiles, mfa_code) = Default::default();
        Fetch {
            sources,
            opener,
            run_commands: true,
            limit: LIMIT,
            announces: false,
            printed,
            profiles,
            mfa_code,
        }
    }

    /// Starts nothing, for a dry run: what a command would print is not known.
    #[must_use]
    pub fn without_commands(self) -> Self {
        Fetch { run_commands: false, ..self }
    }

    /// Says on stderr which programs it starts, and where the line says so.
    #[must_use]
    pub fn announcing(self) -> Self {
        Fetch { announces: true, ..self }
    }

    /// Gives each command this long.
    #[must_use]
    pub fn within(self, limit: Duration) -> Self {
        Fetch { limit, ..self }
    }

    /// Shows this code where a profile of AWS asks for a second factor.
    #[must_use]
    pub fn with_mfa_code(self, mfa_code: Option<&str>) -> Self {
        Fetch { mfa_code: mfa_code.map(str::to_owned), ..self }
    }

    /// What stands for a value that could not be had, where nothing is started: a dry run shows what it lacks.
    pub(super) fn missing(&self, error: &FetchError) -> Option<FetchedValue> {
        (!self.run_commands).then(|| FetchedValue {
            value: Value::Missing,
            origin: error.message.as_str().into(),
            masked: true,
            place: error.place,
        })
    }

    /// Runs the commands that some values come from, side by side, as far as they have not run.
    pub(super) fn run_commands<'s>(&mut self, sources: impl Iterator<Item = &'s ValueSource>) {
        if !self.run_commands {
            return;
        }
        let mut commands = Vec::new();
        let sources: Vec<_> = sources.collect();
        for source in &sources {
            if let SourceKind::AwsProfile { profile, .. } = &source.kind
                && !self.profiles.contains_key(profile)
            {
                let keys = profile::keys_of(profile, self.mfa_code.as_deref());
                self.profiles.insert(profile.clone(), keys);
            }
        }
        for (source, command) in
            sources.into_iter().filter_map(|source| Some((source, self.command(source)?)))
        {
            if self.printed.contains_key(&command) || commands.contains(&command) {
                continue;
            }
            if self.announces {
                let program = command.first().map_or("", |program| program);
                let place = self.sources.describe(source.place);
                eprintln!("shipctl: running {}, as {place} says", Printable(program));
            }
            commands.push(command);
        }
        let printed = run_all(&commands, self.limit);
        self.printed.extend(commands.into_iter().zip(printed));
    }

    /// The program that a value comes from, with its arguments.
    fn command(&self, source: &ValueSource) -> Option<Vec<String>> {
        match &source.kind {
            SourceKind::Program(words) => Some(words.clone()),
            SourceKind::Shell(line) => Some(vec!["sh".to_owned(), "-c".to_owned(), line.clone()]),
            SourceKind::Tool { tool, call, .. } => {
                let file = call.file.as_ref().map(|file| self.resolve_path(file, source.place));
                let file = file.map(|file| file.to_string_lossy().into_owned());
                Some(
                    std::iter::once(tool.program.to_owned())
                        .chain(call.arguments.iter().cloned())
                        .chain(file)
                        .collect(),
                )
            }
            SourceKind::Literal(_)
            | SourceKind::Env(_)
            | SourceKind::File(_)
            | SourceKind::Secure(_)
            | SourceKind::AwsProfile { .. } => None,
        }
    }

    /// Fetches a value; what comes from a command must have run. `secret` says whether it is one wherever it comes from.
    pub(super) fn value(&mut self, source: &ValueSource, secret: bool) -> Result<FetchedValue, FetchError> {
        let fail =
            |message: String, hint: &str| FetchError { message, hint: hint.to_owned(), place: source.place };
        let (value, origin): (Secret, Rc<str>) = match &source.kind {
            SourceKind::Literal(value) => (value.clone(), "the YAML".into()),
            SourceKind::Env(name) => (
                env(name).map_err(|error| fail(error.to_string(), "set it before you start shipctl"))?,
                format!("${name}").into(),
            ),
            SourceKind::File(path) => {
                let value = file(&self.resolve_path(path, source.place)).map_err(|why| {
                    fail(
                        format!("cannot read the file {path}: {why}"),
                        "a relative path starts from the directory of the YAML file",
                    )
                })?;
                (value, format!("file {path}").into())
            }
            SourceKind::Program(words) => (self.printed(source)?, self.origin_of("command", &words[0])),
            SourceKind::Shell(_) => (self.printed(source)?, self.origin_of("command", "sh")),
            SourceKind::Tool { tool, reference, call } => {
                let printed = self.printed(source)?;
                let value = if self.run_commands { take(&printed, &call.take) } else { Ok(printed) };
                let value = value.map_err(|why| {
                    fail(
                        format!("what {} gives for {reference} cannot be used: {why}", tool.program),
                        &format!("`{}` is written `{}`", tool.key, tool.form),
                    )
                })?;
                (value, self.origin_of(tool.key, reference))
            }
            SourceKind::AwsProfile { profile, part } => {
                let note = if self.run_commands { "" } else { ", which a dry run does not read" };
                let origin = format!("AWS profile {profile}{note}").into();
                (self.of_profile(profile, *part, source.place)?, origin)
            }
            SourceKind::Secure(text) => {
                let opened = self.opener.open(text).map_err(|error| fail(error.message, &error.hint))?;
                (opened, "the YAML, encrypted".into())
            }
        };
        if value.expose().contains('\0') {
            return Err(fail(
                "the value holds a NUL byte".to_owned(),
                "no variable can hold one: encode the value, with base64 for instance",
            ));
        }
        // What was encrypted was to be hidden, whatever the field.
        let secret = secret || matches!(source.kind, SourceKind::Secure(_));
        let value = if secret { Value::Secret(value) } else { Value::Plain(value.expose().to_owned()) };
        Ok(FetchedValue { value, origin, masked: source.masked, place: source.place })
    }

    /// A part of the keys of a profile of AWS; nothing for a token that keys have none of.
    fn of_profile(&self, profile: &str, part: KeyPart, place: Span) -> Result<Secret, FetchError> {
        if !self.run_commands {
            return Ok(Secret::new(NOT_RUN.to_owned()));
        }
        match self.profiles.get(profile) {
            Some(Ok(KeysOfProfile { keys, .. })) => Ok(match part {
                KeyPart::AccessKey => keys.access_key.clone(),
                KeyPart::SecretKey => keys.secret_key.clone(),
                KeyPart::SessionToken => {
                    keys.session_token.clone().unwrap_or_else(|| Secret::new(String::new()))
                }
            }),
            Some(Err(NoKeysOfProfile { message, hint })) => {
                Err(FetchError { message: message.clone(), hint: hint.clone(), place })
            }
            None => Err(FetchError {
                message: format!("the AWS profile `{profile}` was not asked"),
                hint: RUN_IT.to_owned(),
                place,
            }),
        }
    }

    /// The session that all keys of an integration are of, if they come from a profile of AWS.
    pub(super) fn session_of(&self, integration: &Integration) -> Option<ProfileSession> {
        let parts = integration.fields.iter().map(|field| match &field.values {
            Values::One(ValueSource { kind: SourceKind::AwsProfile { profile, .. }, .. }) => Some(profile),
            _ => None,
        });
        let profiles: Option<Vec<_>> = parts.collect();
        let (first, others) = profiles.as_deref()?.split_first()?;
        let keys = self.profiles.get(*first).filter(|_| others.iter().all(|other| other == first))?;
        keys.as_ref().ok()?.session.clone()
    }

    /// What the command of a value printed.
    fn printed(&self, source: &ValueSource) -> Result<Secret, FetchError> {
        if !self.run_commands {
            return Ok(Secret::new(NOT_RUN.to_owned()));
        }
        let command = self.command(source).unwrap_or_default();
        let failed = match self.printed.get(&command) {
            Some(Ok(printed)) => return Ok(printed.clone()),
            Some(Err(failed)) => failed,
            None => &ProgramError::NotRun,
        };
        let (message, hint) = match failed {
            ProgramError::Missing(program) => {
                (format!("cannot run {program}: there is no such program here"), install(source))
            }
            ProgramError::TooSlow(program, limit) => (
                format!("{program} printed no value within {} s", limit.as_secs_f64()),
                format!("{RUN_IT}; --fetch-timeout gives it more time"),
            ),
            other => (other.to_string(), RUN_IT.to_owned()),
        };
        Err(FetchError { message, hint, place: source.place })
    }

    /// A path of a YAML file: `~/` is the home directory, and a relative path starts from the file's directory.
    fn resolve_path(&self, path: &str, place: Span) -> PathBuf {
        if let (Some(rest), Some(home)) = (path.strip_prefix("~/"), std::env::var_os("HOME")) {
            return Path::new(&home).join(rest);
        }
        let file = self.sources.get(place.source).path();
        file.parent().unwrap_or(Path::new("")).join(path)
    }

    fn origin_of(&self, what: &str, which: &str) -> Rc<str> {
        let note = if self.run_commands { "" } else { ", which a dry run does not start" };
        format!("{what} {which}{note}").into()
    }
}

/// How one comes by the program of a source.
fn install(source: &ValueSource) -> String {
    match &source.kind {
        SourceKind::Tool { tool, .. } => format!("{}; PATH has to name its directory", tool.install),
        _ => "install it, or name its directory in PATH".to_owned(),
    }
}

/// Why a tool's output has no value. What it printed is not quoted: it may be secret.
#[derive(Debug, thiserror::Error)]
enum TakeError {
    #[error("it is no JSON")]
    NotJson,
    #[error("it has no `{0}`")]
    Lacks(String),
}

/// The part of a tool's output that is the value.
fn take(printed: &Secret, take: &Take) -> Result<Secret, TakeError> {
    let text = printed.expose();
    match take {
        Take::All => Ok(printed.clone()),
        Take::FirstLine => Ok(Secret::new(text.lines().next().unwrap_or_default().to_owned())),
        Take::Json(routes) => {
            let json: serde_json::Value = serde_json::from_str(text).map_err(|_| TakeError::NotJson)?;
            let at = |route: &Vec<String>| route.iter().try_fold(&json, |json, key| json.get(key)).cloned();
            let last = routes.first().and_then(|route| route.last()).map_or("", |key| key);
            match routes.iter().find_map(at) {
                Some(serde_json::Value::String(text)) => Ok(Secret::new(text)),
                Some(serde_json::Value::Null) | None => Err(TakeError::Lacks(last.to_owned())),
                Some(other) => Ok(Secret::new(other.to_string())),
            }
        }
    }
}

const RUN_IT: &str = "run the command by hand to see what it needs";

/// Why a variable has no value. The library's own error quotes what is in it.
#[derive(Debug, thiserror::Error)]
enum EnvError {
    #[error("${0} is not set")]
    Unset(String),
    #[error("${0} is not UTF-8 text")]
    NotText(String),
}

fn env(name: &str) -> Result<Secret, EnvError> {
    match std::env::var(name) {
        Ok(value) => Ok(Secret::new(value)),
        Err(std::env::VarError::NotPresent) => Err(EnvError::Unset(name.to_owned())),
        Err(std::env::VarError::NotUnicode(_)) => Err(EnvError::NotText(name.to_owned())),
    }
}

/// Why a file has no value.
#[derive(Debug, thiserror::Error)]
enum FileError {
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Text(#[from] TextError),
}

fn file(path: &Path) -> Result<Secret, FileError> {
    let mut bytes = Zeroizing::new(Vec::new());
    file::open(path)?.take(MAX_VALUE + 1).read_to_end(&mut bytes)?;
    Ok(text(bytes)?)
}
