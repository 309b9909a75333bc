//! `shipctl env`: the environment of a job, in four forms.

use std::fmt::Write as _;
use std::io;

use serde_json::{Map, Value as Json};

use crate::cli::{Env, EnvFormat, LineOptions};
use crate::contract::shell_quoted;
use crate::credentials::Value;
use crate::environment::{Environment, Variable};
use crate::exit;
use crate::job::{FetchPolicy, Session, chosen_task};
use crate::mask::{MASK, Patterns};
use crate::output::{Failure, paint, print};
use crate::paint::{Paint, Style};
use crate::printable::{self, Printable};

/// Runs the command.
///
/// # Errors
///
/// Where `run` would fail before its first script line.
pub fn run(command: &Env, options: &LineOptions) -> Result<u8, Failure> {
    let session = Session::new(options, &command.options, &command.job)?;
    let policy = if command.reveal { FetchPolicy::Full } else { FetchPolicy::NoCommands };
    let ready = session.prepare(&command.job, policy)?;
    let task = session.of_task(chosen_task(&ready.plan, command.task.as_deref())?, &ready.context)?;
    let shown = Shown { patterns: (!command.reveal).then(|| Patterns::new(ready.environment.secrets())) };
    let environment = ready.environment.with(task);
    print(&match command.format {
        EnvFormat::Table => table(&environment, &shown, paint(options.color, &io::stdout())),
        EnvFormat::Shell => lines(&environment, |name, variable| {
            format!("export {name}={}", shell_quoted(&shown.value(variable)))
        }),
        EnvFormat::Dotenv => {
            lines(&environment, |name, variable| format!("{name}={}", dotenv_quoted(&shown.value(variable))))
        }
        EnvFormat::Json => {
            let object: Map<_, _> = environment
                .iter()
                .map(|(name, variable)| (name.to_owned(), Json::String(shown.value(variable))))
                .collect();
            printable::json(format!("{:#}\n", Json::Object(object)))
        }
    })?;
    Ok(exit::SUCCESS)
}

/// How values are shown: masked, or as they are with `--reveal`.
struct Shown {
    patterns: Option<Patterns>,
}

impl Shown {
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

fn lines(environment: &Environment, line: impl Fn(&str, &Variable) -> String) -> String {
    environment.iter().map(|(name, variable)| line(name, variable) + "\n").collect()
}

/// How many characters of a value the table shows.
const WIDEST: usize = 60;

/// Name, value and origin. Control characters are escaped, and a long value is cut: this form is for reading.
fn table(environment: &Environment, shown: &Shown, paint: Paint) -> String {
    let values: Vec<String> = environment
        .iter()
        .map(|(_, variable)| {
            let value: String = Printable(&shown.value(variable)).to_string();
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
