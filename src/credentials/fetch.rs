//! Fetching one value from where it is.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use super::profile::{self, KeysOfProfile, NoKeysOfProfile, ProfileSession};
use super::{FetchedValue, Value};
use crate::diagnostic::Diagnostic;
use crate::model::Integration;
use crate::model::integration::Values;
use crate::printable::Printable;
use crate::secret::Secret;
use crate::secure::Opener;
use crate::source::{Sources, Span};
use crate::value_source::program::{LIMIT, ProgramError, run_all};
use crate::value_source::{FetchContext, NoValue, Prerequisite, ValueSource, resolve_path};

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
            if let Some(Prerequisite::AwsProfile(profile)) = source.reference.prerequisite()
                && !self.profiles.contains_key(profile)
            {
                let keys = profile::keys_of(profile, self.mfa_code.as_deref());
                self.profiles.insert(profile.to_owned(), keys);
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
        let Some(Prerequisite::Program { mut words, file }) = source.reference.prerequisite() else {
            return None;
        };
        let file = file.map(|file| resolve_path(file, self.directory(source)));
        words.extend(file.map(|file| file.to_string_lossy().into_owned()));
        Some(words)
    }

    /// The directory of the YAML file that names a source.
    fn directory(&self, source: &ValueSource) -> &Path {
        self.sources.get(source.place.source).path().parent().unwrap_or(Path::new(""))
    }

    /// Fetches a value, or nothing where its source has none; what has to be started for it must have been. `secret` says
    /// whether it is one wherever it comes from.
    pub(super) fn value(
        &self,
        source: &ValueSource,
        secret: bool,
    ) -> Result<Option<FetchedValue>, FetchError> {
        let fail = |NoValue { message, hint }| FetchError { message, hint, place: source.place };
        let origin = source.reference.origin();
        let (value, origin) = match source.reference.prerequisite().filter(|_| !self.run_commands) {
            Some(prerequisite) => {
                let verb = match prerequisite {
                    Prerequisite::Program { .. } => "start",
                    Prerequisite::AwsProfile(_) => "read",
                };
                (Secret::new(NOT_RUN.to_owned()), format!("{origin}, which a dry run does not {verb}"))
            }
            None => match self.fetch(source).map_err(fail)? {
                Some(value) => (value, origin),
                None => return Ok(None),
            },
        };
        if value.expose().contains('\0') {
            return Err(fail(NoValue {
                message: "the value holds a NUL byte".to_owned(),
                hint: "no variable can hold one: encode the value, with base64 for instance".to_owned(),
            }));
        }
        // What was encrypted was to be hidden, whatever the field.
        let secret = secret || source.reference.encrypted().is_some();
        let value = if secret { Value::Secret(value) } else { Value::Plain(value.expose().to_owned()) };
        Ok(Some(FetchedValue { value, origin: origin.into(), masked: source.masked, place: source.place }))
    }

    /// Has the source fetch its value, with what was started for it.
    fn fetch(&self, source: &ValueSource) -> Result<Option<Secret>, NoValue> {
        let command = self.command(source);
        let keys = match source.reference.prerequisite() {
            Some(Prerequisite::AwsProfile(profile)) => self.profiles.get(profile).map(|keys| match keys {
                Ok(KeysOfProfile { keys, .. }) => Ok(keys),
                Err(NoKeysOfProfile { message, hint }) => {
                    Err(NoValue { message: message.clone(), hint: hint.clone() })
                }
            }),
            _ => None,
        };
        source.reference.fetch(&FetchContext {
            directory: self.directory(source),
            opener: self.opener,
            printed: command.and_then(|command| self.printed.get(&command)),
            keys,
        })
    }

    /// The session that all keys of an integration are of, if they come from a profile of AWS.
    pub(super) fn session_of(&self, integration: &Integration) -> Option<ProfileSession> {
        let profiles = integration.fields.iter().map(|field| match &field.values {
            Values::One(source) => match source.reference.prerequisite() {
                Some(Prerequisite::AwsProfile(profile)) => Some(profile),
                _ => None,
            },
            _ => None,
        });
        let profiles: Option<Vec<_>> = profiles.collect();
        let (first, others) = profiles.as_deref()?.split_first()?;
        let keys = self.profiles.get(*first).filter(|_| others.iter().all(|other| other == first))?;
        keys.as_ref().ok()?.session.clone()
    }
}
