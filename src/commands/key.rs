//! `shipctl key`: this user's key, and whose keys open the values of a line.

mod recipients;
mod rotate;

use crate::cli::{KeyArgs, KeyCommand, LineOptions};
use crate::encryption::new_key::{ask_passphrase, make, new_file, tell_of};
use crate::exit;
use crate::output::{Failure, print};
use crate::prompt;
use crate::secure::KeyPlace;

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
    let path = new_file()?;
    let passphrase = if passphrase { Some(ask_passphrase()?) } else { None };
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
