//! Where the fields of a new integration come from: options, stdin, and the user at the terminal.

use std::io::{self, Read as _};

use anyhow::{Context as _, anyhow};
use zeroize::Zeroizing;

use crate::cli::IntegrationAdd;
use crate::encryption::LineRecipients;
use crate::exit;
use crate::init::default_of;
use crate::model::kind::{Field, Kind, Shape};
use crate::nearest::nearest;
use crate::output::Failure;
use crate::printable::Printable;
use crate::prompt;
use crate::secret::Secret;

/// A value of a field.
pub struct Answer {
    /// The field's name.
    pub field: &'static str,
    /// Its key, in a key-value pair.
    pub key: Option<String>,
    /// Where it comes from.
    pub from: From,
}

/// Where a value comes from.
pub enum From {
    /// An option: no secret.
    Open(String),
    /// The terminal or stdin.
    Typed(Secret),
    /// Somewhere that the YAML names, with this key: `env`, `file`, `command`.
    Elsewhere(&'static str, String),
}

/// All values of an integration.
pub struct Answers(Vec<Answer>);

impl Answers {
    /// Those of one field.
    pub fn of<'a>(&'a self, field: &'a str) -> impl Iterator<Item = &'a Answer> {
        self.0.iter().filter(move |answer| answer.field == field)
    }
}

/// What the options say.
pub struct FieldOptions {
    answers: Vec<Answer>,
    /// The field, and its key, that stdin holds.
    stdin: Option<(&'static Field, Option<String>)>,
}

impl FieldOptions {
    /// Takes them from the options.
    ///
    /// # Errors
    ///
    /// When a field is not one of the kind, is given twice, or is a secret that an option holds.
    pub fn of(command: &IntegrationAdd, kind: &'static Kind) -> Result<FieldOptions, Failure> {
        let mut given = FieldOptions { answers: Vec::new(), stdin: None };
        for (name, value) in &command.field {
            let (field, _) = find(kind, name)?;
            if field.secret {
                return Err(usage(format!(
                    "`{name}` of {} is a secret, and the process list and the shell's history show arguments\n  hint: leave it out to be asked for it, or use --stdin-field {name}, or say where it is: --env-field, --file-field, --command-field",
                    kind.display
                )));
            }
            given.take(kind, name, From::Open(value.clone()))?;
        }
        let elsewhere =
            [("env", &command.env_field), ("file", &command.file_field), ("command", &command.command_field)];
        for (key, options) in elsewhere {
            for (name, text) in options {
                if text.is_empty() {
                    return Err(usage(format!("--{key}-field {name}= does not say where the value is")));
                }
                given.take(kind, name, From::Elsewhere(key, text.clone()))?;
            }
        }
        if let Some(name) = &command.stdin_field {
            let (field, key) = find(kind, name)?;
            given.refuse_twice(field, key.as_deref())?;
            given.stdin = Some((field, key));
        }
        Ok(given)
    }

    fn take(&mut self, kind: &'static Kind, name: &str, from: From) -> Result<(), Failure> {
        let (field, key) = find(kind, name)?;
        self.refuse_twice(field, key.as_deref())?;
        self.answers.push(Answer { field: field.name, key, from });
        Ok(())
    }

    fn refuse_twice(&self, field: &Field, key: Option<&str>) -> Result<(), Failure> {
        let same = |answer: &Answer| answer.field == field.name && answer.key.as_deref() == key;
        if field.shape != Shape::List && self.answers.iter().any(same) {
            return Err(usage(format!("`{}` is given twice", field.name)));
        }
        Ok(())
    }

    fn has(&self, field: &Field) -> bool {
        self.answers.iter().any(|answer| answer.field == field.name)
            || self.stdin.as_ref().is_some_and(|(of_stdin, _)| of_stdin.name == field.name)
    }
}

/// The field of a kind that an option names, and the key behind the dot.
fn find(kind: &'static Kind, written: &str) -> Result<(&'static Field, Option<String>), Failure> {
    let (name, key) = match written.split_once('.') {
        Some((name, key)) => (name, Some(key.to_owned())),
        None => (written, None),
    };
    let Some(field) = kind.field(name) else {
        let known: Vec<_> = kind.fields.iter().map(|field| field.name).collect();
        let of_keys = kind.fields.iter().find(|field| field.shape == Shape::Map);
        let hint = match (nearest(name, known.iter().copied()), of_keys) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, Some(field)) => {
                let name = field.name;
                format!("its keys are in `{name}`: write `{name}.{}`", Printable(written))
            }
            (None, None) => format!("its fields are: {}", known.join(", ")),
        };
        return Err(usage(format!("{} has no field `{}`\n  hint: {hint}", kind.display, Printable(name))));
    };
    match (field.shape, &key) {
        (Shape::Map, None) => Err(usage(format!("write {name}.KEY: `{name}` holds keys and values"))),
        (Shape::Map, Some(key)) if key.is_empty() => Err(usage(format!("write {name}.KEY, with a key"))),
        (Shape::Text | Shape::List, Some(_)) => {
            Err(usage(format!("`{name}` of {} has no keys", kind.display)))
        }
        _ => Ok((field, key)),
    }
}

/// All values: those of the options, that of stdin, and what is answered on the terminal for the other fields. Where
/// there is no terminal, optional ones are left out.
///
/// # Errors
///
/// When a required field has no value, or a secret could not be encrypted.
pub fn all(
    kind: &'static Kind,
    mut given: FieldOptions,
    recipients: &LineRecipients,
) -> Result<Answers, Failure> {
    let ask = given.stdin.is_none() && prompt::can_ask();
    let open: Vec<_> = kind.fields.iter().filter(|field| !given.has(field)).collect();
    let missing: Vec<_> = open.iter().filter(|field| field.required).map(|field| field.name).collect();
    if !ask && !missing.is_empty() {
        return Err(usage(format!(
            "{} has to have: {}\n  hint: say where each is with --env-field FIELD=VARIABLE, --file-field, --command-field or --stdin-field, or run this on a terminal to be asked",
            kind.display,
            missing.join(", ")
        )));
    }
    let of_stdin = given.stdin.take();
    let typed_secret =
        of_stdin.as_ref().map(|(field, _)| *field).into_iter().chain(open.iter().copied().filter(|_| ask));
    if let Some(field) = typed_secret.into_iter().find(|field| field.secret && (field.required || !ask)) {
        recipients.must_encrypt(field.name)?;
    }
    let mut answers = given.answers;
    if let Some((field, key)) = of_stdin {
        answers.push(Answer { field: field.name, key, from: From::Typed(read_stdin(field.name)?) });
    }
    if ask {
        for field in open {
            ask_for(kind, field, recipients, &mut answers)?;
        }
    }
    Ok(Answers(answers))
}

fn ask_for(
    kind: &Kind,
    field: &'static Field,
    recipients: &LineRecipients,
    answers: &mut Vec<Answer>,
) -> Result<(), Failure> {
    let mut add = |key, from| answers.push(Answer { field: field.name, key, from });
    let skip = if field.required { "" } else { " (Enter to skip)" };
    match field.shape {
        Shape::Text if field.secret => loop {
            let value = prompt::ask_secret(&format!("{}{skip}", field.name))?;
            if !value.is_empty() {
                recipients.must_encrypt(field.name)?;
                add(None, From::Typed(value));
                return Ok(());
            }
            if !field.required {
                return Ok(());
            }
            eprintln!("{} is required", field.name);
        },
        Shape::Text | Shape::Integration => loop {
            let usual = default_of(kind, field);
            let value = match usual {
                Some(usual) => prompt::ask(&format!("{} [{usual}]", field.name))?,
                None => prompt::ask(&format!("{}{skip}", field.name))?,
            };
            if let Some(value) = Some(value).filter(|value| !value.is_empty()).or(usual.map(str::to_owned)) {
                add(None, From::Open(value));
                return Ok(());
            }
            if !field.required {
                return Ok(());
            }
            eprintln!("{} is required", field.name);
        },
        Shape::List => {
            let mut some = false;
            loop {
                let value = prompt::ask(&format!("{} (one at a time, Enter to end)", field.name))?;
                match (value.is_empty(), some || !field.required) {
                    (true, true) => return Ok(()),
                    (true, false) => eprintln!("{} is required", field.name),
                    (false, _) => add(None, From::Open(value)),
                }
                some = true;
            }
        }
        Shape::Map => {
            recipients.must_encrypt(field.name)?;
            let mut some = false;
            loop {
                let key = prompt::ask(&format!("a key of {} (Enter to end)", field.name))?;
                if !key.is_empty() {
                    let value = prompt::ask_secret(&key)?;
                    add(Some(key), From::Typed(value));
                    some = true;
                } else if some || !field.required {
                    return Ok(());
                } else {
                    eprintln!("{} is required", field.name);
                }
            }
        }
    }
}

/// All of stdin, without one newline at its end.
fn read_stdin(field: &str) -> Result<Secret, Failure> {
    const MAX: u64 = 1 << 20;
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX as usize + 1));
    io::stdin().take(MAX + 1).read_to_end(&mut bytes).context("cannot read stdin")?;
    if bytes.len() as u64 > MAX {
        return Err(anyhow!("stdin holds more than {} KiB", MAX >> 10).into());
    }
    let text =
        std::str::from_utf8(&bytes).map_err(|_| anyhow!("stdin holds something that is not UTF-8 text"))?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        return Err(anyhow!("stdin is empty, and was to hold `{field}`").into());
    }
    Ok(Secret::new(text.to_owned()))
}

fn usage(message: String) -> Failure {
    Failure { status: exit::USAGE, message: format!("error: {message}\n") }
}
