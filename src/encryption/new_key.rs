//! The key of this user: its file, and a new one.

use std::path::{Path, PathBuf};

use anyhow::anyhow;

use crate::output::Failure;
use crate::prompt;
use crate::repository::contents::is_for_git;
use crate::secret::Secret;
use crate::secure::{self, KeyPlace, Recipient};

/// Makes a key in a file that is not there yet; its public half.
///
/// # Errors
///
/// When it cannot be written.
pub fn make(path: &Path, passphrase: Option<&Secret>) -> Result<Recipient, Failure> {
    let (keys, public) = secure::generate();
    match passphrase {
        Some(passphrase) => {
            let text = secure::protect(&keys, passphrase).map_err(anyhow::Error::from)?;
            secure::create(path, &text).map_err(anyhow::Error::from)?;
        }
        None => secure::create(path, keys.expose()).map_err(anyhow::Error::from)?,
    }
    Ok(public)
}

/// Tells where a new key is.
pub fn tell_of(path: &Path) {
    eprintln!("shipctl: your key is in {}; keep a copy where no one else can read it", path.display());
    if is_for_git(path) {
        eprintln!(
            "shipctl: git would track it there, and everyone with the repository would have the key: list it in .gitignore, or keep it elsewhere"
        );
    }
}

/// The file for a new key.
///
/// # Errors
///
/// When there is one already, or no place for it.
pub fn new_file() -> Result<PathBuf, Failure> {
    let path = match KeyPlace::find()? {
        KeyPlace::File(path) => path,
        KeyPlace::Variable => secure::default_file()?,
    };
    if path.exists() { Err(there_is_one(&path)) } else { Ok(path) }
}

fn there_is_one(path: &Path) -> Failure {
    anyhow!(
        "there is a key in {} already\n  hint: `shipctl key show` prints its public half; `shipctl key rotate --new-key` puts a new one in its place; SHIPCTL_KEY_FILE=PATH makes one elsewhere",
        path.display()
    )
    .into()
}

/// Asks for a new passphrase, twice.
///
/// # Errors
///
/// Where there is no terminal, and when it is empty or not the same the second time.
pub fn ask_passphrase() -> Result<Secret, Failure> {
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

/// The file that holds the key in use, as its text.
///
/// # Errors
///
/// When it comes from a variable, or is encrypted to a passphrase.
pub fn file_of_key() -> Result<(PathBuf, Secret), Failure> {
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
