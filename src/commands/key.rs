//! `shipctl key`: this user's key, and whose keys open the values of a line.

mod recipients;
mod rotate;

use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::new_key::{make, tell_of};
use crate::cli::{KeyArgs, KeyCommand, LineOptions};
use crate::exit;
use crate::output::{Failure, print};
use crate::prompt;
use crate::secret::Secret;
use crate::secure::{self, KeyPlace};

/// Runs the command.
///
/// # Errors
///
/// When there is no key, or one where a new one is to be; when the YAML has errors, or is in the way of a change.
pub fn run(command: &KeyArgs, options: &LineOptions) -> Result<u8, Failure> {
    match &command.command {
        KeyCommand::New { passphrase } => new(*passphrase),
        KeyCommand::Show => show(),
        KeyCommand::AddRecipient { recipient, name } => recipients::add(recipient, name.as_deref(), options),
        KeyCommand::RemoveRecipient { recipient } => recipients::remove(recipient, options),
        KeyCommand::Rotate { new_key, force } => rotate::run(*new_key, *force, options),
    }
}

fn new(passphrase: bool) -> Result<u8, Failure> {
    let path = match KeyPlace::find()? {
        KeyPlace::File(path) => path,
        KeyPlace::Variable => secure::default_file()?,
    };
    if path.exists() {
        return Err(there_is_one(&path));
    }
    let passphrase = if passphrase { Some(ask_twice()?) } else { None };
    let public = make(&path, passphrase.as_ref())?;
    print(&format!("{public}\n"))?;
    eprintln!(
        "shipctl: the line above is the public half of your key: `shipctl key add-recipient {public} --name NAME` lists it in a line"
    );
    tell_of(&path);
    if matches!(KeyPlace::find()?, KeyPlace::Variable) {
        eprintln!("shipctl: $SHIPCTL_KEY is set, and comes before the file");
    }
    Ok(exit::SUCCESS)
}

fn there_is_one(path: &Path) -> Failure {
    anyhow!(
        "there is a key in {} already\n  hint: `shipctl key show` prints its public half; `shipctl key rotate --new-key` puts a new one in its place; SHIPCTL_KEY_FILE=PATH makes one elsewhere",
        path.display()
    )
    .into()
}

fn ask_twice() -> Result<Secret, Failure> {
    let ask = |question: &str| {
        let answer = prompt::ask_on_terminal(question);
        answer.map_err(|why| anyhow!("no passphrase: {why}; nothing was written"))
    };
    let passphrase = ask("Passphrase")?;
    if passphrase.is_empty() {
        return Err(anyhow!("a passphrase cannot be empty; nothing was written").into());
    }
    if passphrase.expose() != ask("Once more")?.expose() {
        return Err(anyhow!("these are two different passphrases; nothing was written").into());
    }
    Ok(passphrase)
}

fn show() -> Result<u8, Failure> {
    let keys = KeyPlace::find()?.keys(prompt::ask_on_terminal)?;
    // The current key alone on stdout, so that `shipctl key add-recipient $(shipctl key show)` adds no key that is out of use.
    let recipients = keys.recipients();
    let (current, older) = recipients.split_at(recipients.len().min(1));
    for recipient in current {
        print(&format!("{recipient}\n"))?;
    }
    eprintln!("shipctl: from {}", keys.origin);
    for recipient in older {
        eprintln!("shipctl: an older key stands behind it, which opens but is not encrypted to: {recipient}");
    }
    Ok(exit::SUCCESS)
}

/// The file that holds the key in use, as its text.
///
/// # Errors
///
/// When it comes from a variable, or is encrypted to a passphrase.
fn file_of_key() -> Result<(PathBuf, Secret), Failure> {
    let elsewhere = "make a new key elsewhere with SHIPCTL_KEY_FILE=PATH shipctl key new, list it with shipctl key add-recipient, take the old one out of the list, and run shipctl key rotate";
    let KeyPlace::File(path) = KeyPlace::find()? else {
        return Err(
            anyhow!("the key is in $SHIPCTL_KEY, which shipctl cannot change\n  hint: {elsewhere}").into()
        );
    };
    let text =
        crate::source::read_text(&path).map_err(|why| anyhow!("cannot read {}: {why}", path.display()))?;
    let text = Secret::new(text);
    if secure::is_age(text.expose()) || text.expose().starts_with("age-encryption.org") {
        return Err(anyhow!("the key in {} has a passphrase\n  hint: {elsewhere}", path.display()).into());
    }
    Ok((path, text))
}
