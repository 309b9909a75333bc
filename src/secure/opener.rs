//! Opening the encrypted values of a line, and saying what to do where that does not work.

use std::cell::OnceCell;

use super::{Ask, KeyError, KeyPlace, Keys, OpenError, Recipient, is_age};
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
        if !is_age(text) {
            return Err(self.explain(&OpenError::NotAge));
        }
        let keys = self.keys().map_err(|error| KeyError {
            message: format!("the value is encrypted, and {}", error.message),
            hint: format!("{}{}", error.hint, self.for_whom()),
        })?;
        keys.open(text).map_err(|error| match error {
            OpenError::OtherKeys => self.other_keys(keys),
            error => self.explain(&error),
        })
    }

    fn explain(&self, error: &OpenError) -> KeyError {
        let what = match error {
            OpenError::NotText => "encode it, with base64 for instance, and encrypt it again",
            _ => {
                "take the whole text from where it was still good, or encrypt the value again with `shipctl encrypt`"
            }
        };
        KeyError { message: error.to_string(), hint: format!("{what}{}", self.for_whom()) }
    }

    fn other_keys(&self, keys: &Keys) -> KeyError {
        let tried: Vec<_> = keys.recipients().iter().map(Recipient::to_string).collect();
        let KeyError { message, .. } = self.explain(&OpenError::OtherKeys);
        let message = format!("{message}: {} ({})", tried.join(", "), keys.origin);
        KeyError { message, hint: self.how_to_join(keys) }
    }

    /// What the owner of keys does that do not fit.
    fn how_to_join(&self, keys: &Keys) -> String {
        let own = keys.recipients();
        let what = match own.first() {
            Some(first) if !self.listed.iter().any(|listed| own.contains(&listed.recipient)) => format!(
                "use another key, or have one of those who can open it run `shipctl key add-recipient {first}` and `shipctl key rotate`"
            ),
            _ => "your key is listed, but was added after this value: one of those who can open it runs `shipctl key rotate`"
                .to_owned(),
        };
        what + &self.for_whom()
    }

    /// The recipients of the line, as a sentence behind another; empty without any.
    fn for_whom(&self) -> String {
        if self.listed.is_empty() {
            return String::new();
        }
        let listed: Vec<_> = self.listed.iter().map(Listed::to_string).collect();
        format!(". The line lists {}", listed.join(", "))
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
