//! Opening the encrypted values of a line, and saying what to do where that does not work.

use std::cell::OnceCell;

use super::{Ask, KeyError, KeyPlace, Keys, OpenError, Recipient};
use crate::secret::Secret;

/// A recipient of a line.
#[derive(Clone)]
pub struct Listed {
    /// Whose key it is, if the line says so.
    pub name: Option<String>,
    /// The public half of the key.
    pub recipient: Recipient,
}

/// Opens values with the keys of this user, which are read when the first value is to be opened.
pub struct Opener {
    listed: Vec<Listed>,
    ask: Ask,
    keys: OnceCell<Result<Keys, KeyError>>,
}

impl Opener {
    /// Opens the values of a line that is encrypted to `listed`. `ask` is for the passphrase of a key.
    pub fn new(listed: Vec<Listed>, ask: Ask) -> Opener {
        Opener { listed, ask, keys: OnceCell::new() }
    }

    /// The keys.
    ///
    /// # Errors
    ///
    /// When there are none.
    pub fn keys(&self) -> Result<&Keys, KeyError> {
        let keys = self.keys.get_or_init(|| KeyPlace::find()?.keys(self.ask));
        keys.as_ref().map_err(Clone::clone)
    }

    /// Opens a value.
    ///
    /// # Errors
    ///
    /// What is wrong, for which keys, and what to do.
    pub fn open(&self, text: &str) -> Result<Secret, KeyError> {
        let keys = self.keys().map_err(|error| KeyError {
            message: format!("the value is encrypted, and {}", error.message),
            hint: format!("{}{}", error.hint, self.for_whom(".")),
        })?;
        keys.open(text).map_err(|error| self.explain(&error, keys))
    }

    fn explain(&self, error: &OpenError, keys: &Keys) -> KeyError {
        let message = match error {
            OpenError::NotAge => "what `secure:` holds is no text in the age format".to_owned(),
            OpenError::OtherKeys => {
                let tried: Vec<_> = keys.recipients().iter().map(Recipient::to_string).collect();
                format!(
                    "the value was encrypted to other keys than yours: {} ({})",
                    tried.join(", "),
                    keys.origin
                )
            }
            OpenError::Passphrase => "the value is encrypted to a passphrase, not to keys".to_owned(),
            OpenError::Damaged(why) => format!("the encrypted text is damaged: {why}"),
            OpenError::NotText => "the value is not UTF-8 text".to_owned(),
        };
        let hint = match error {
            OpenError::OtherKeys => self.how_to_join(keys),
            OpenError::NotText => "encode it, with base64 for instance, and encrypt it again".to_owned(),
            _ => format!(
                "take the whole text from where it was still good, or encrypt the value again with `shipctl encrypt`{}",
                self.for_whom(".")
            ),
        };
        KeyError { message, hint }
    }

    /// What the owner of a key does that does not fit.
    fn how_to_join(&self, keys: &Keys) -> String {
        let own = keys.recipients();
        match own.first() {
            _ if self.listed.iter().any(|listed| own.contains(&listed.recipient)) => format!(
                "your key is listed, but came after this value: somebody who can open it runs `shipctl key rotate`{}",
                self.for_whom(".")
            ),
            Some(first) => format!(
                "use another key, or have somebody who can open it run `shipctl key add-recipient {first}` and `shipctl key rotate`{}",
                self.for_whom(".")
            ),
            None => "make a key with `shipctl key new`".to_owned(),
        }
    }

    /// The recipients of the line, as a sentence behind `stop`; empty without any.
    fn for_whom(&self, stop: &str) -> String {
        if self.listed.is_empty() {
            return String::new();
        }
        let listed: Vec<_> = self.listed.iter().map(Listed::to_string).collect();
        format!("{stop} The line lists {}", listed.join(", "))
    }
}

impl std::fmt::Display for Listed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} ({})", self.recipient),
            None => self.recipient.fmt(f),
        }
    }
}
