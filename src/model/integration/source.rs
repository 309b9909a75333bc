//! Where the value of a field is to be had: the kinds of sources, and how the YAML names them.
//!
//! A source that a tool answers is one row of [`TOOLS`]. Any other is a [`SourceKind`], a key in [`SOURCES`] and an arm of
//! `read_source`; `credentials::fetch` then does not compile until it gets its value.

use super::Reported;
use crate::diagnostic::Diagnostic;
use crate::model::tool::{Call, TOOLS, Tool};
use crate::secret::Secret;
use crate::secure::is_age;
use crate::source::Span;
use crate::yaml::{Node, Value, is_false, is_true};

/// Where a value is to be had.
#[derive(Debug)]
pub struct ValueSource {
    /// From what.
    pub kind: SourceKind,
    /// Whether it is masked in the log if it is secret; `mask: false` beside the source says that it is not.
    pub masked: bool,
    /// Where that is written.
    pub place: Span,
}

/// The kinds of value sources.
#[derive(Debug)]
pub enum SourceKind {
    /// The value itself, byte for byte.
    Literal(Secret),
    /// A variable of shipctl's own environment.
    Env(String),
    /// The contents of a file; a relative path starts from the directory of the YAML file.
    File(String),
    /// What a program prints, called with these arguments.
    Program(Vec<String>),
    /// What a command line prints, run by `sh -c`.
    Shell(String),
    /// What a tool for secrets gives for a reference.
    Tool {
        /// The tool.
        tool: &'static Tool,
        /// The reference, as written.
        reference: String,
        /// What the tool is called with.
        call: Call,
    },
    /// An encrypted value.
    Secure(String),
    /// A part of the keys of a profile of the AWS CLI.
    AwsProfile {
        /// The profile.
        profile: String,
        /// Which part.
        part: KeyPart,
    },
}

/// A part of keys for AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPart {
    /// The access key.
    AccessKey,
    /// The secret key.
    SecretKey,
    /// The token of a session; keys that last have none.
    SessionToken,
}

impl KeyPart {
    /// The part that a field of AWS Keys holds.
    pub(super) fn of(field: &str) -> Option<KeyPart> {
        let (_, part) = KEY_PARTS.iter().find(|(name, _)| *name == field)?;
        Some(*part)
    }
}

pub(super) const KEY_PARTS: [(&str, KeyPart); 3] = [
    ("accessKey", KeyPart::AccessKey),
    ("secretKey", KeyPart::SecretKey),
    ("sessionToken", KeyPart::SessionToken),
];

/// The key of [`SourceKind::AwsProfile`].
pub const AWS_PROFILE: &str = "aws_profile";

impl SourceKind {
    /// What sort of source it is, in one word. Never a value.
    pub fn word(&self) -> &'static str {
        match self {
            SourceKind::Literal(_) => "yaml",
            SourceKind::Env(_) => "env",
            SourceKind::File(_) => "file",
            SourceKind::Program(_) | SourceKind::Shell(_) => "command",
            SourceKind::Tool { tool, .. } => tool.key,
            SourceKind::Secure(_) => "secure",
            SourceKind::AwsProfile { .. } => AWS_PROFILE,
        }
    }
}

/// The keys that say where a value is, beside those of [`TOOLS`].
pub const SOURCES: &[&str] = &["value", "env", "file", "command", "secure", AWS_PROFILE];

/// The key beside them that says whether the value is masked in the log.
const MASK: &str = "mask";

fn tool_of(key: &str) -> Option<&'static Tool> {
    TOOLS.iter().find(|tool| tool.key == key)
}

/// The warning for an encrypted value that no key opens: an error only where it is needed.
fn not_age(field: &str, of: &str, place: Span) -> Diagnostic {
    Diagnostic::warning(format!("`secure` of field `{field}` of {of} is no text in the age format"))
        .rule("lost-secret")
        .at(place)
        .hint("`shipctl encrypt` prints what stands there")
}

/// How a field says where its value is.
fn forms() -> String {
    let tools: Vec<_> = TOOLS.iter().map(|tool| format!("`{{{}: …}}`", tool.key)).collect();
    format!(
        "a value is a text, or exactly one of `{{env: VARIABLE}}`, `{{file: path}}`, `{{command: [program, argument]}}`, `{{secure: …}}`, `{{aws_profile: NAME}}`, {}; `{{value: text, mask: false}}` is not masked in the log",
        tools.join(", ")
    )
}

/// Reads where a value is. Messages name the field, never what stands there.
pub(super) fn read_source(
    node: &Node,
    field: &str,
    of: &str,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<ValueSource, Reported> {
    let place = node.place;
    let mut refuse = |message: String| {
        diagnostics.push(Diagnostic::error(message).at(place).hint(forms()));
        Err(Reported)
    };
    let literal = |text: &str, masked| {
        Ok(ValueSource { kind: SourceKind::Literal(Secret::new(text.to_owned())), masked, place })
    };
    let map = match &node.value {
        Value::Null => return literal("", true),
        Value::Scalar(scalar) => return literal(&scalar.text, true),
        Value::List(_) => {
            return refuse(format!("field `{field}` of {of} must be one value, and this is a list"));
        }
        Value::Map(map) => map,
    };
    let masked = match map.get(MASK).map(|entry| &entry.node.value) {
        None => true,
        Some(Value::Scalar(scalar)) if is_false(&scalar.text) => false,
        Some(Value::Scalar(scalar)) if is_true(&scalar.text) => true,
        Some(_) => return refuse(format!("`{MASK}` of field `{field}` of {of} is true or false")),
    };
    let mut sources = map.iter().filter(|(key, _)| *key != MASK);
    let (Some((key, entry)), None) = (sources.next(), sources.next()) else {
        return refuse(format!("field `{field}` of {of} does not say where its value is"));
    };
    if !SOURCES.contains(&key.as_str()) && tool_of(key).is_none() {
        return refuse(format!("field `{field}` of {of} does not say where its value is"));
    }
    let kind = match (key.as_str(), &entry.node.value) {
        ("command", Value::List(nodes)) => {
            let words: Option<Vec<_>> = nodes.iter().map(|node| node.text().map(str::to_owned)).collect();
            match words {
                Some(words) if words.first().is_some_and(|word| !word.is_empty()) => {
                    SourceKind::Program(words)
                }
                _ => {
                    return refuse(format!(
                        "the command of field `{field}` of {of} is a list of texts that begins with a program"
                    ));
                }
            }
        }
        ("value", Value::Scalar(scalar)) => return literal(&scalar.text, masked),
        (_, Value::Scalar(scalar)) if !scalar.text.is_empty() => {
            let text = scalar.text.clone();
            match key.as_str() {
                "env" => SourceKind::Env(text),
                "file" => SourceKind::File(text),
                "command" => SourceKind::Shell(text),
                AWS_PROFILE => match KeyPart::of(field) {
                    Some(part) => SourceKind::AwsProfile { profile: text, part },
                    None => {
                        return refuse(format!(
                            "field `{field}` of {of} cannot come from a profile of AWS: keys alone do"
                        ));
                    }
                },
                "secure" => {
                    if !is_age(&text) {
                        diagnostics.push(not_age(field, of, entry.node.place));
                    }
                    SourceKind::Secure(text)
                }
                key => match tool_of(key).and_then(|tool| Some((tool, (tool.call)(&text)?))) {
                    Some((tool, call)) => SourceKind::Tool { tool, reference: text, call },
                    None => {
                        let form = tool_of(key).map_or("", |tool| tool.form);
                        return refuse(format!("`{key}` of field `{field}` of {of} is written `{form}`"));
                    }
                },
            }
        }
        _ => {
            return refuse(format!(
                "`{key}` of field `{field}` of {of} must be a text, and this is {}",
                entry.node.what()
            ));
        }
    };
    Ok(ValueSource { kind, masked, place: entry.node.place })
}
