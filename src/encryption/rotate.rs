//! Encrypting the values of a line anew, to the recipients that it has now.

use std::io;
use std::path::PathBuf;

use anyhow::anyhow;
use zeroize::Zeroizing;

use super::new_key::file_of_key;
use super::recipients::recipients;
use crate::cli::LineOptions;
use crate::diagnostic::Diagnostic;
use crate::edit::{self, Edited, Replacement};
use crate::load::opener;
use crate::model::files::Line;
use crate::output::{Failure, failure, paint};
use crate::secret::Secret;
use crate::secure::{self, KeyError, Opener, Recipient, as_one_line, is_age, is_one_line};

/// What was encrypted anew.
pub struct Rotated {
    /// How many values.
    pub count: usize,
    /// To how many recipients.
    pub recipients: usize,
    /// The files that changed.
    pub edited: Vec<Edited>,
}

/// Encrypts all values of a line anew, or leaves all its files as they are.
///
/// # Errors
///
/// When a value cannot be opened, this user could not open the values any more, or a file cannot be written.
pub fn rotate(line: &Line, new_key: bool, force: bool, options: &LineOptions) -> Result<Rotated, Failure> {
    let opener = opener(&line.pipeline);
    // Before anything is written: what cannot be opened now can never be.
    opener.keys()?;
    let mut recipients = recipients(&line.pipeline, &opener)?;
    let own = opener.keys()?.recipients();
    if !new_key && !force && !recipients.iter().any(|recipient| own.contains(recipient)) {
        return Err(anyhow!(
            "you are none of the recipients of the line: you could not open its values any more; nothing was written\n  \
             hint: `shipctl key add-recipient {}` adds you; `shipctl key rotate --force` goes on without you",
            own.first().map(ToString::to_string).unwrap_or_default()
        )
        .into());
    }
    let mut draft = edit::draft(line, options)?;
    let new = if new_key { Some(replace_own(line, &opener, &mut recipients)?) } else { None };
    if let Some(new) = &new {
        for old in &new.replaced {
            draft.replace_recipient(&old.to_string(), &new.public.to_string())?;
        }
    }
    let mut problems = Vec::new();
    let count = draft.encrypt_anew(&mut |text, place| {
        if !is_age(text) {
            return None;
        }
        match anew(text, &opener, &recipients) {
            Ok(text) => Some(text),
            Err(KeyError { message, hint }) => {
                problems.push(Diagnostic::error(message).at(place).hint(hint));
                None
            }
        }
    })?;
    if !problems.is_empty() {
        let mut failure = failure(&problems, &line.sources, paint(options.color, &io::stderr()));
        failure.message.push_str("shipctl: nothing was written\n");
        return Err(failure);
    }
    // First the key: it must never be that a value is there and the key to it is not.
    if let Some(new) = &new {
        new.write()?;
        eprintln!(
            "shipctl: your new key is {}; the old one stays behind it in the file, for what git has kept",
            new.public
        );
    }
    let edited = edit::commit(line, draft, options)?;
    Ok(Rotated { count, recipients: recipients.len(), edited })
}

/// A value encrypted to the recipients, in the form that it had.
fn anew(text: &str, opener: &Opener, recipients: &[Recipient]) -> Result<String, KeyError> {
    let value = opener.open(text)?;
    let armoured = secure::encrypt(recipients, &value)
        .map_err(|why| KeyError { message: why.to_string(), hint: String::new() })?;
    Ok(if is_one_line(text) {
        as_one_line(&armoured).unwrap_or_default()
    } else if text.ends_with('\n') {
        armoured
    } else {
        armoured.trim_end().to_owned()
    })
}

/// A new key that takes the place of the user's own.
struct NewKey {
    path: PathBuf,
    before: Secret,
    after: Zeroizing<String>,
    public: Recipient,
    /// The recipients that it takes the place of.
    replaced: Vec<Recipient>,
}

impl NewKey {
    fn write(&self) -> Result<(), Failure> {
        let replacement =
            Replacement { path: &self.path, before: self.before.expose(), after: self.after.as_str() };
        Ok(edit::replace(&[replacement]).map_err(anyhow::Error::from)?)
    }
}

fn replace_own(line: &Line, opener: &Opener, recipients: &mut Vec<Recipient>) -> Result<NewKey, Failure> {
    let (path, before) = file_of_key()?;
    let own = opener.keys()?.recipients();
    let replaced: Vec<_> = recipients.iter().filter(|recipient| own.contains(recipient)).cloned().collect();
    if replaced.is_empty() {
        return Err(anyhow!("your key is none of the recipients of the line\n  hint: the line is encrypted to others; `shipctl key add-recipient` adds yours").into());
    }
    let (text, public) = secure::generate();
    recipients.retain(|recipient| !own.contains(recipient));
    recipients.push(public.clone());
    let replaced = if line.pipeline.recipients.is_empty() { Vec::new() } else { replaced };
    let after = Zeroizing::new([text.expose(), before.expose()].concat());
    Ok(NewKey { path, before, after, public, replaced })
}
