//! Where the value of a field comes from: a row of [`SOURCES`] for each kind of source, and a file for what is to be known of it.
//!
//! A [`SourceKind`] says how the YAML names a source and reads what stands there. What it read is a [`Reference`]: it says where the
//! value is, and fetches it. Reading, messages, schema, exports and fetching know of no source but through these two traits.

mod aws_profile;
mod command;
mod env;
mod file;
mod literal;
pub mod program;
mod secure;
mod tool;

use std::fmt::Debug;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use crate::aws::Keys;
use crate::diagnostic::Diagnostic;
use crate::secret::Secret;
use crate::secure::Opener;
use crate::source::Span;
use crate::yaml::{Node, Value, is_false, is_true};
use program::ProgramError;

/// All kinds of sources, in the order in which messages and the schema list them.
pub static SOURCES: &[&dyn SourceKind] = &[
    &literal::Literal,
    &env::Env,
    &file::File,
    &command::Command,
    &secure::Secure,
    &aws_profile::AwsProfile,
    &tool::known::OP,
    &tool::known::VAULT,
    &tool::known::AWS_SECRET,
    &tool::known::AWS_PARAMETER,
    &tool::known::GCP_SECRET,
    &tool::known::AZURE_SECRET,
    &tool::known::BITWARDEN,
    &tool::known::BITWARDEN_SECRET,
    &tool::known::PASS,
    &tool::known::SOPS,
    &tool::known::KEYRING,
];

/// A kind of source.
pub trait SourceKind: Debug + Sync {
    /// The key that names it in the YAML: `env`.
    fn key(&self) -> &'static str;

    /// What it is called in JSON and in the audit log.
    fn word(&self) -> &'static str {
        self.key()
    }

    /// How it is written, for hints: `{env: VARIABLE}`.
    fn example(&self) -> String;

    /// What the value is, for the schema.
    fn description(&self) -> String;

    /// What may stand behind the key, for the schema.
    fn schema(&self) -> Json {
        json!({"$ref": "#/definitions/text"})
    }

    /// Reads what stands behind the key.
    ///
    /// # Errors
    ///
    /// What is wrong with it. A message names the field, never what stands there.
    fn read(&'static self, written: &mut Written) -> Result<Box<dyn Reference>, Misread>;
}

/// Where one value is.
pub trait Reference: Debug {
    /// Where it is, in words: `$AWS_KEY`, `file key.pem`.
    fn origin(&self) -> String;

    /// What a machine has to have for the value to be fetched there.
    fn requirement(&self) -> Requirement<'_>;

    /// What has to be started before the value is fetched.
    fn prerequisite(&self) -> Option<Prerequisite<'_>> {
        None
    }

    /// Fetches the value, or nothing where there is a source and it has none.
    ///
    /// # Errors
    ///
    /// Why it cannot be had, and what to do.
    fn fetch(&self, context: &FetchContext) -> Result<Option<Secret>, NoValue>;

    /// The value, if it stands in the YAML in plain.
    fn literal(&self) -> Option<&Secret> {
        None
    }

    /// The encrypted text, if the value stands in the YAML encrypted. It is a secret whatever its field is.
    fn encrypted(&self) -> Option<&str> {
        None
    }

    /// Where the values of other fields of the integration are then, unless the line says so itself: a profile has all keys.
    fn other_fields(&self) -> Vec<(&'static str, Box<dyn Reference>)> {
        Vec::new()
    }
}

/// What a machine has to have for a value to be fetched there.
pub enum Requirement<'r> {
    /// Nothing: the value stands in the YAML.
    Nothing,
    /// A variable of the environment.
    Variable(&'r str),
    /// A key that opens encrypted values.
    Key,
    /// Something else, in words: `the file key.pem, which has to be there`.
    Other(String),
}

/// What has to be started before some values are fetched. It is started once for all of them, and not in a dry run.
pub enum Prerequisite<'r> {
    /// A program that prints the value.
    Program {
        /// The program and its arguments.
        words: Vec<String>,
        /// A file that is the last argument, as the YAML names it.
        file: Option<&'r str>,
    },
    /// The search for the keys that a profile of the AWS CLI leads to.
    AwsProfile(&'r str),
}

/// What a value is fetched with.
pub struct FetchContext<'a> {
    /// Where relative paths start: the directory of the YAML file.
    pub directory: &'a Path,
    /// What opens encrypted values.
    pub opener: &'a Opener,
    /// What the program of [`Prerequisite::Program`] printed, if it ran.
    pub printed: Option<&'a Result<Secret, ProgramError>>,
    /// The keys of [`Prerequisite::AwsProfile`], if the profile was asked.
    pub keys: Option<Result<&'a Keys, NoValue>>,
}

/// Why a value cannot be had, and what to do.
pub struct NoValue {
    /// Why, as an error says it.
    pub message: String,
    /// What to do.
    pub hint: String,
}

impl NoValue {
    fn new(message: impl Into<String>, hint: impl Into<String>) -> NoValue {
        NoValue { message: message.into(), hint: hint.into() }
    }
}

/// A path of a YAML file: `~/` is the home directory, and a relative path starts from the file's directory.
pub fn resolve_path(path: &str, directory: &Path) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => Path::new(&home).join(rest),
        _ => directory.join(path),
    }
}

/// Where the value of a field comes from.
#[derive(Debug)]
pub struct ValueSource {
    /// The kind of source.
    pub kind: &'static dyn SourceKind,
    /// Where it has the value.
    pub reference: Box<dyn Reference>,
    /// Whether it is masked in the log if it is secret; `mask: false` beside the source says that it is not.
    pub masked: bool,
    /// Where that is written.
    pub place: Span,
}

impl ValueSource {
    /// A variable of shipctl's own environment.
    pub fn of_variable(name: String, place: Span) -> ValueSource {
        ValueSource { kind: &env::Env, reference: Box::new(env::Variable(name)), masked: true, place }
    }

    /// The variable of shipctl's own environment that has the value, if it is one.
    pub fn variable(&self) -> Option<&str> {
        match self.reference.requirement() {
            Requirement::Variable(name) => Some(name),
            _ => None,
        }
    }
}

/// What the YAML says behind the key of a source.
pub struct Written<'a> {
    node: &'a Node,
    key: &'a str,
    /// The field, and whose it is.
    field: &'a str,
    of: &'a str,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl Written<'_> {
    /// The text, if it is one that says something.
    fn text(&self) -> Result<String, Misread> {
        match &self.node.value {
            Value::Scalar(scalar) if !scalar.text.is_empty() => Ok(scalar.text.clone()),
            _ => Err(Misread(format!(
                "`{}` of {self} must be a text, and this is {}",
                self.key,
                self.node.what()
            ))),
        }
    }
}

impl std::fmt::Display for Written<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "field `{}` of {}", self.field, self.of)
    }
}

/// Why it cannot be read where a value is.
pub struct Misread(String);

/// The key beside that of a source that says whether the value is masked in the log.
const MASK: &str = "mask";

/// How a field says where its value is.
fn forms() -> String {
    let literal = literal::Literal.key();
    let forms = SOURCES.iter().filter(|kind| kind.key() != literal);
    let forms: Vec<_> = forms.map(|kind| format!("`{}`", kind.example())).collect();
    format!(
        "a value is a text, or exactly one of {}; `{}` is not masked in the log",
        forms.join(", "),
        literal::Literal.example()
    )
}

/// Reads where the value of a field is. `of` says whose field it is, for messages; they never quote what stands there.
///
/// # Errors
///
/// An error that says what is wrong, and how it is written.
pub fn read(
    node: &Node,
    field: &str,
    of: &str,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<ValueSource, Diagnostic> {
    read_source(node, field, of, diagnostics)
        .map_err(|Misread(message)| Diagnostic::error(message).at(node.place).hint(forms()))
}

fn read_source(
    node: &Node,
    field: &str,
    of: &str,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<ValueSource, Misread> {
    let literal = |text: &str| ValueSource {
        kind: &literal::Literal,
        reference: literal::reference(text),
        masked: true,
        place: node.place,
    };
    let map = match &node.value {
        Value::Null => return Ok(literal("")),
        Value::Scalar(scalar) => return Ok(literal(&scalar.text)),
        Value::List(_) => {
            return Err(Misread(format!("field `{field}` of {of} must be one value, and this is a list")));
        }
        Value::Map(map) => map,
    };
    let masked = match map.get(MASK).map(|entry| &entry.node.value) {
        None => true,
        Some(Value::Scalar(scalar)) if is_false(&scalar.text) => false,
        Some(Value::Scalar(scalar)) if is_true(&scalar.text) => true,
        Some(_) => return Err(Misread(format!("`{MASK}` of field `{field}` of {of} is true or false"))),
    };
    let mut sources = map.iter().filter(|(key, _)| *key != MASK);
    let named = match (sources.next(), sources.next()) {
        (Some((key, entry)), None) => {
            SOURCES.iter().find(|kind| kind.key() == key).map(|kind| (*kind, &entry.node))
        }
        _ => None,
    };
    let Some((kind, node)) = named else {
        return Err(Misread(format!("field `{field}` of {of} does not say where its value is")));
    };
    let reference = kind.read(&mut Written { node, key: kind.key(), field, of, diagnostics })?;
    Ok(ValueSource { kind, reference, masked, place: node.place })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_is_documented_and_has_a_key_of_its_own() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/integrations.md");
        let page = std::fs::read_to_string(page).unwrap();
        for (index, kind) in SOURCES.iter().enumerate() {
            let key = kind.key();
            assert!(page.contains(&format!("{{{key}: ")), "docs/integrations.md says nothing of `{key}`");
            assert!(SOURCES[..index].iter().all(|other| other.key() != key && other.word() != kind.word()));
            assert!(kind.example().starts_with(&format!("{{{key}: ")), "{key}");
            assert!(!kind.description().is_empty(), "{key}");
        }
    }
}
