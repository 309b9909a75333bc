//! The environment of a job as text, in four forms, with its secrets masked or as they are.

use std::fmt::Write as _;

use serde_json::{Map, Value as Json};

use super::{Environment, Variable};
use crate::contract::shell_quoted;
use crate::credentials::Value;
use crate::mask::{MASK, Patterns};
use crate::paint::{Paint, Style};
use crate::printable::{self, Printable};

/// An environment, and how its values are shown.
pub struct Shown {
    environment: Environment,
    /// What is masked; nothing, where the values are shown as they are.
    patterns: Option<Patterns>,
}

impl Shown {
    /// The environment, its secrets masked by patterns, if there are any.
    pub fn new(environment: Environment, patterns: Option<Patterns>) -> Shown {
        Shown { environment, patterns }
    }

    /// Commands for a shell.
    pub fn shell(&self) -> String {
        self.lines(|name, value| format!("export {name}={}", shell_quoted(value)))
    }

    /// A file for readers of .env files.
    pub fn dotenv(&self) -> String {
        self.lines(|name, value| format!("{name}={}", dotenv_quoted(value)))
    }

    /// A JSON object.
    pub fn json(&self) -> String {
        let object: Map<_, _> = self
            .environment
            .iter()
            .map(|(name, variable)| (name.to_owned(), Json::String(self.value(variable))))
            .collect();
        printable::json(format!("{:#}\n", Json::Object(object)))
    }

    fn lines(&self, line: impl Fn(&str, &str) -> String) -> String {
        self.environment.iter().map(|(name, variable)| line(name, &self.value(variable)) + "\n").collect()
    }

    /// Name, value and origin. Control characters are escaped, and a long value is cut: this form is for reading.
    pub fn table(&self, paint: Paint) -> String {
        let environment = &self.environment;
        let values: Vec<String> = environment
            .iter()
            .map(|(_, variable)| {
                let value: String = Printable(&self.value(variable)).to_string();
                match value.char_indices().nth(WIDEST) {
                    Some((end, _)) => format!("{}…", &value[..end]),
                    None => value,
                }
            })
            .collect();
        let name_width = environment.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let value_width = values.iter().map(|value| value.chars().count()).max().unwrap_or(0);
        let mut text = String::new();
        for ((name, variable), value) in environment.iter().zip(&values) {
            let name = paint.with(Style::Heading, &format!("{name:name_width$}"));
            let origin = paint.with(Style::Quiet, &Printable(&variable.origin).to_string());
            let _ = writeln!(text, "{name}  {value:value_width$}  {origin}");
        }
        text
    }
    fn value(&self, variable: &Variable) -> String {
        match (&self.patterns, &variable.value) {
            (None, value) => value.expose().to_owned(),
            (Some(_), Value::Missing) => String::new(),
            (Some(_), Value::Secret(_)) => MASK.to_owned(),
            // A value that is no secret may hold one.
            (Some(patterns), Value::Plain(text)) => {
                String::from_utf8_lossy(&patterns.mask(text.as_bytes())).into_owned()
            }
        }
    }
}

/// How many characters of a value the table shows.
const WIDEST: usize = 60;

/// A value for readers of .env files: bare, between single quotes, or, if it holds one, between double quotes with
/// backslashes.
fn dotenv_quoted(value: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || "_-./:,@%+=".contains(c);
    if value.chars().all(bare) {
        return value.to_owned();
    }
    if !value.contains('\'') {
        return format!("'{value}'");
    }
    let mut quoted = String::from("\"");
    for c in value.chars() {
        match c {
            '\n' => quoted.push_str("\\n"),
            '\\' | '"' | '$' | '`' => quoted.extend(['\\', c]),
            _ => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
