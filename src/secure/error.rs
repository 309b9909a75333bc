//! What can be wrong with keys and encrypted values. Nothing here repeats a secret.

use std::io;
use std::path::PathBuf;
use std::string::FromUtf8Error;

/// Why an encrypted value could not be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// It is no text in the age format.
    #[error("what `secure:` holds is no text in the age format")]
    NotAge,
    /// It was encrypted to other keys.
    #[error("the value was encrypted to other keys than yours")]
    OtherKeys,
    /// It was encrypted to a passphrase, which cannot be asked for in the middle of a run.
    #[error("the value is encrypted to a passphrase, not to keys")]
    Passphrase,
    /// It was cut or altered.
    #[error("the encrypted text is damaged: {0}")]
    Damaged(&'static str),
    /// What is in it is no UTF-8 text.
    #[error("the value is not UTF-8 text")]
    NotText,
}

/// Why a value was not encrypted.
#[derive(Debug, thiserror::Error)]
pub enum EncryptError {
    /// There are no recipients, or they do not go together.
    #[error(transparent)]
    Recipients(#[from] age::EncryptError),
    /// The system has no random numbers.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// What came of it is no text.
    #[error(transparent)]
    NotText(#[from] FromUtf8Error),
}

/// Why a text is no recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecipientError {
    /// It is the secret half of a key.
    #[error("this is a secret key; a recipient is its public half, `age1…` (shipctl key show)")]
    SecretKey,
    /// It is anything else.
    #[error("this is no age recipient: one is `age1` and 58 letters and digits")]
    Unknown,
}

/// Why a text gives no secret keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseKeysError {
    /// A line is the public half of a key.
    #[error("line {0} is a recipient, the public half of a key")]
    Recipient(usize),
    /// A line is something else.
    #[error("line {0} is no secret key: one begins with AGE-SECRET-KEY-1")]
    NoKey(usize),
    /// There are comments at most.
    #[error("there is no key in it")]
    Empty,
}

/// Why a file of keys that has a passphrase could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum UnprotectError {
    #[error("it is cut short or altered")]
    Damaged,
    #[error("it is encrypted to a key; only a passphrase can be asked for")]
    ToKey,
    #[error("the passphrase is wrong")]
    WrongPassphrase,
    #[error("it takes too long to try its passphrase")]
    ExcessiveWork,
    #[error("what is in it is no text")]
    NotText,
}

/// Why a file of keys was not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// There is one.
    #[error("{} is there already", .0.display())]
    Exists(PathBuf),
    /// It could not be written.
    #[error("cannot make {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Why the user gave no answer, in words.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NoAnswer(pub String);

/// Why there are no keys.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct KeyError {
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}
