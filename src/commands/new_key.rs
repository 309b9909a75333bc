//! A new key for this user, as `key new` and `integration add` make one.

use std::path::Path;

use crate::output::Failure;
use crate::repository::contents::is_for_git;
use crate::secret::Secret;
use crate::secure::{self, Recipient};

/// Makes a key in a file that is not there yet; its public half.
pub(super) fn make(path: &Path, passphrase: Option<&Secret>) -> Result<Recipient, Failure> {
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
pub(super) fn tell_of(path: &Path) {
    eprintln!("shipctl: your key is in {}; keep a copy where no one else can read it", path.display());
    if is_for_git(path) {
        eprintln!(
            "shipctl: git would track it there, and everyone with the repository would have the key: list it in .gitignore, or keep it elsewhere"
        );
    }
}
