//! Fetching one value from where it is.

use std::collections::HashMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::rc::Rc;

use super::{FetchedValue, Value};
use crate::diagnostic::Diagnostic;
use crate::model::integration::{SourceKind, ValueSource};
use crate::secret::Secret;
use crate::source::{Place, Sources};

/// The largest value that is fetched, in bytes. A variable of more than 128 KiB cannot be passed on anyway.
const MAX_VALUE: u64 = 1 << 20;

/// Fetches values, each command once.
pub struct Fetch<'a> {
    sources: &'a Sources,
    /// Whether commands are run; without, a value stands in for what they would print.
    run_commands: bool,
    printed: HashMap<Vec<String>, Result<Secret, String>>,
}

/// Why a value could not be fetched.
pub(super) struct FetchError {
    message: String,
    hint: String,
    place: Place,
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
    pub fn new(sources: &'a Sources) -> Self {
        Fetch { sources, run_commands: true, printed: HashMap::new() }
    }

    /// Starts nothing, for a dry run: what a command would print is not known.
    pub fn without_commands(sources: &'a Sources) -> Self {
        Fetch { run_commands: false, ..Fetch::new(sources) }
    }

    /// Fetches a value. `secret` says whether it is one wherever it comes from.
    pub(super) fn value(&mut self, source: &ValueSource, secret: bool) -> Result<FetchedValue, FetchError> {
        let fail =
            |message: String, hint: &str| FetchError { message, hint: hint.to_owned(), place: source.place };
        let (value, origin): (Secret, Rc<str>) = match &source.kind {
            SourceKind::Literal(value) => (value.clone(), "the YAML".into()),
            SourceKind::Env(name) => (
                env(name).map_err(|why| fail(why, "set it before you start shipctl"))?,
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
            SourceKind::Program(words) => {
                (self.run(words).map_err(|why| fail(why, RUN_IT))?, self.origin_of(&words[0]))
            }
            SourceKind::Shell(line) => {
                let words = ["sh".to_owned(), "-c".to_owned(), line.clone()];
                (self.run(&words).map_err(|why| fail(why, RUN_IT))?, self.origin_of("sh"))
            }
            SourceKind::Secure(_) => {
                return Err(fail(
                    "encrypted values cannot be opened by this version of shipctl".to_owned(),
                    "say where the value is instead: `{env: VARIABLE}`, `{file: path}` or `{command: [program]}`",
                ));
            }
        };
        if value.expose().contains('\0') {
            return Err(fail(
                "the value holds a NUL byte".to_owned(),
                "no variable can hold one: encode the value, with base64 for instance",
            ));
        }
        let value = if secret { Value::Secret(value) } else { Value::Plain(value.expose().to_owned()) };
        Ok(FetchedValue { value, origin, masked: source.masked, place: source.place })
    }

    /// A path of a YAML file: `~/` is the home directory, and a relative path starts from the file's directory.
    fn resolve_path(&self, path: &str, place: Place) -> PathBuf {
        if let (Some(rest), Some(home)) = (path.strip_prefix("~/"), std::env::var_os("HOME")) {
            return Path::new(&home).join(rest);
        }
        let file = self.sources.get(place.source).path();
        file.parent().unwrap_or(Path::new("")).join(path)
    }

    fn origin_of(&self, program: &str) -> Rc<str> {
        let note = if self.run_commands { "" } else { ", which a dry run does not start" };
        format!("command {program}{note}").into()
    }

    /// What a command prints, from the first time it ran.
    fn run(&mut self, words: &[String]) -> Result<Secret, String> {
        if !self.run_commands {
            return Ok(Secret::new(String::new()));
        }
        if let Some(printed) = self.printed.get(words) {
            return printed.clone();
        }
        let printed = run(words);
        self.printed.insert(words.to_vec(), printed.clone());
        printed
    }
}

const RUN_IT: &str = "run the command by hand to see what it needs";

fn env(name: &str) -> Result<Secret, String> {
    match std::env::var(name) {
        Ok(value) => Ok(Secret::new(value)),
        Err(std::env::VarError::NotPresent) => Err(format!("${name} is not set")),
        Err(std::env::VarError::NotUnicode(_)) => Err(format!("${name} is not UTF-8 text")),
    }
}

fn file(path: &Path) -> Result<Secret, String> {
    let metadata = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if metadata.is_dir() {
        return Err("it is a directory".to_owned());
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    file.take(MAX_VALUE + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    text(bytes)
}

/// One trailing newline is dropped: editors and `echo` add it.
fn text(bytes: Vec<u8>) -> Result<Secret, String> {
    if bytes.len() as u64 > MAX_VALUE {
        return Err(format!("it holds more than {} KiB", MAX_VALUE >> 10));
    }
    let mut text = String::from_utf8(bytes).map_err(|error| {
        zeroize::Zeroize::zeroize(&mut error.into_bytes());
        "it holds something that is not UTF-8 text".to_owned()
    })?;
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(Secret::new(text))
}

/// Runs a command and takes what it prints. What it says on its stderr is shown if it fails.
pub(super) fn run(words: &[String]) -> Result<Secret, String> {
    let (program, arguments) = words.split_first().ok_or("there is no command")?;
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::inherit())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output()
        .map_err(|error| format!("cannot run {program}: {error}"))?;
    if output.status.success() {
        return text(output.stdout).map_err(|why| format!("what {program} prints cannot be used: {why}"));
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim();
    let mut message = format!("{program} failed ({})", output.status);
    if !said.is_empty() {
        message.push_str(": ");
        message.push_str(said);
    }
    Err(message)
}
