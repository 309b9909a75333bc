//! The recipients of a line, found when they are first needed.

use std::cell::OnceCell;
use std::path::PathBuf;

use anyhow::anyhow;

use super::{new_key, recipients::recipients};
use crate::load::opener;
use crate::model::Pipeline;
use crate::output::Failure;
use crate::prompt;
use crate::secret::Secret;
use crate::secure::{self, KeyPlace, Recipient};

/// Encrypts values to the recipients of a line. Who they are is found out when it is first needed: an integration without
/// secrets needs no key.
pub struct LineRecipients<'a> {
    pipeline: &'a Pipeline,
    found: OnceCell<Vec<Recipient>>,
}

impl<'a> LineRecipients<'a> {
    /// Those of the line, or else the owner of the key in use.
    pub fn of_line(pipeline: &'a Pipeline) -> LineRecipients<'a> {
        LineRecipients { pipeline, found: OnceCell::new() }
    }

    fn all(&self) -> Result<&[Recipient], Failure> {
        if self.found.get().is_none() {
            let found = recipients(self.pipeline, &opener(self.pipeline))?;
            let _ = self.found.set(found);
        }
        Ok(self.found.get().map_or(&[], Vec::as_slice))
    }

    /// Fails early where a secret could not be stored: none should be typed in vain. On a terminal, a key is offered to a user
    /// who has none.
    ///
    /// # Errors
    ///
    /// When there is no recipient, and no key was made.
    pub fn must_encrypt(&self, answer: &str) -> Result<(), Failure> {
        if let Some(path) = self.lacking_key()
            && prompt::can_ask()
            && prompt::agrees(&format!("`{answer}` is stored encrypted, and you have no key. Make one?"))?
        {
            new_key::make(&path, None)?;
            new_key::tell_of(&path);
        }
        self.all().map(drop).map_err(|failure| {
            let message = failure.message.trim_start_matches("error: ").trim_end();
            anyhow!("cannot store `{answer}`: {message}").into()
        })
    }

    /// The file of the user's key, if values would be encrypted to that key and it is not there.
    fn lacking_key(&self) -> Option<PathBuf> {
        match KeyPlace::find() {
            Ok(KeyPlace::File(path)) if self.pipeline.recipients.is_empty() && !path.exists() => Some(path),
            _ => None,
        }
    }

    /// What `secure:` holds for a value.
    ///
    /// # Errors
    ///
    /// When there is no recipient.
    pub fn encrypt(&self, value: &Secret) -> Result<String, Failure> {
        Ok(secure::encrypt(self.all()?, value).map_err(anyhow::Error::from)?)
    }
}
