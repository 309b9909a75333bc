//! What `init` asks on the terminal.

use crate::init::{Missing, Origin};
use crate::model::kind::Kind;
use crate::output::Failure;
use crate::printable::Printable;
use crate::prompt::ask;

/// Asks for the variable with a secret that a new line reads; `None` if it reads none.
pub(super) fn ask_for_secret() -> Result<Option<String>, Failure> {
    loop {
        let name = ask("a variable with a secret that the job needs, such as API_TOKEN (Enter for none)")?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        match name.trim() {
            "" => return Ok(None),
            name if name.chars().all(is_name) && !name.starts_with(|c: char| c.is_ascii_digit()) => {
                return Ok(Some(name.to_owned()));
            }
            _ => eprintln!("a name has letters, digits and `_`, and begins with no digit"),
        }
    }
}

/// Asks for the kind of an integration and for where its values are.
pub(super) fn ask_about(missing: &mut Missing) -> Result<(), Failure> {
    eprintln!("{} ({})", Printable(&missing.name), Printable(&missing.used_by.join(", ")));
    loop {
        let answer = ask(&format!("  kind [{}]", missing.kind.display))?;
        if answer.trim().is_empty() {
            break;
        }
        match Kind::find(answer.trim()) {
            Some(kind) => {
                *missing =
                    Missing::new(missing.name.clone(), kind, &[], std::mem::take(&mut missing.used_by));
                break;
            }
            None => eprintln!("  there is no such kind: `shipctl integration types` lists them"),
        }
    }
    for (key, origin) in &mut missing.values {
        let name = key.key.as_deref().unwrap_or(key.field.name);
        let is_secret = key.field.secret;
        let question = match &*origin {
            Origin::Text(text) => format!("  {name} [{text}]"),
            Origin::Elsewhere(_, variable) if is_secret => {
                format!("  variable with {name} [{variable}], or file:PATH, or command:LINE")
            }
            Origin::Elsewhere(_, variable) => format!("  {name} (Enter to take it from {variable})"),
        };
        let answer = ask(&question)?;
        let answer = answer.trim();
        if !answer.is_empty() {
            *origin = match (answer.split_once(':'), is_secret) {
                (Some(("file", path)), true) => Origin::Elsewhere("file", path.to_owned()),
                (Some(("command", line)), true) => Origin::Elsewhere("command", line.to_owned()),
                (_, true) => Origin::Elsewhere("env", answer.to_owned()),
                (_, false) => Origin::Text(answer.to_owned()),
            };
        }
    }
    Ok(())
}
