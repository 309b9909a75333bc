//! The secret halves of keys.

use age::secrecy::{ExposeSecret as _, SecretString};
use age::x25519::Identity;
use age::{DecryptError, Decryptor, Encryptor};

use super::error::{EncryptError, OpenError, ParseKeysError, UnprotectError};
use super::{Recipient, armoured, binary, is_age, open, read, text_of};
use crate::secret::Secret;

/// Secret keys, and where they come from.
pub struct Keys {
    identities: Vec<Identity>,
    /// Where they come from, in words: `$SHIPCTL_KEY`, `/home/ann/.config/shipctl/key.txt`.
    pub origin: String,
}

impl Keys {
    /// Reads a file of keys, as age writes and reads them: one a line, comments begin with `#`.
    ///
    /// # Errors
    ///
    /// When a line is no key, or there is none. Nothing of the text is repeated.
    pub fn parse(text: &str, origin: String) -> Result<Keys, ParseKeysError> {
        let mut identities = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let Ok(identity) = line.parse() else {
                return Err(match line.starts_with("age1") {
                    true => ParseKeysError::Recipient(index + 1),
                    false => ParseKeysError::NoKey(index + 1),
                });
            };
            identities.push(identity);
        }
        if identities.is_empty() { Err(ParseKeysError::Empty) } else { Ok(Keys { identities, origin }) }
    }

    /// The public half of each. The first is the current one: `shipctl key rotate --new-key` puts a new key before those
    /// that were there, which stay to open what is encrypted to them.
    pub fn recipients(&self) -> Vec<Recipient> {
        self.identities.iter().map(|identity| Recipient(identity.to_public())).collect()
    }

    /// Opens an encrypted value.
    ///
    /// # Errors
    ///
    /// When none of the keys fits, or the text is not what was encrypted.
    pub fn open(&self, text: &str) -> Result<Secret, OpenError> {
        open(self.identities.iter().map(|identity| identity as &dyn age::Identity), text)
    }
}

/// A new key: what stands in a file of keys, with its public half as a comment, and that public half.
pub fn generate() -> (Secret, Recipient) {
    let identity = Identity::generate();
    let public = Recipient(identity.to_public());
    let secret = identity.to_string();
    let text = format!("# public key: {public}\n{}\n", secret.expose_secret());
    (Secret::new(text), public)
}

/// Whether a file of keys is encrypted to a passphrase.
pub(super) fn is_protected(bytes: &[u8]) -> bool {
    bytes.starts_with(b"age-encryption.org/") || std::str::from_utf8(bytes).is_ok_and(is_age)
}

/// Opens a file of keys that is encrypted to a passphrase.
///
/// # Errors
///
/// When it is damaged, or the passphrase is another one.
pub(super) fn unprotect(bytes: &[u8], passphrase: &Secret) -> Result<Secret, UnprotectError> {
    let bytes = match std::str::from_utf8(bytes).ok().and_then(binary) {
        Some(binary) => binary.map_err(|_| UnprotectError::Damaged)?,
        None => bytes.to_vec(),
    };
    let decryptor = Decryptor::new(&*bytes).map_err(|_| UnprotectError::Damaged)?;
    if !decryptor.is_scrypt() {
        return Err(UnprotectError::ToKey);
    }
    let identity = age::scrypt::Identity::new(SecretString::from(passphrase.expose().to_owned()));
    let plain = read(decryptor, std::iter::once(&identity as &dyn age::Identity), bytes.len());
    let plain = plain.map_err(|error| match error {
        DecryptError::KeyDecryptionFailed | DecryptError::DecryptionFailed => UnprotectError::WrongPassphrase,
        DecryptError::ExcessiveWork { .. } => UnprotectError::ExcessiveWork,
        _ => UnprotectError::Damaged,
    })?;
    text_of(plain).ok_or(UnprotectError::NotText)
}

/// A file of keys, encrypted to a passphrase.
///
/// # Errors
///
/// When the system has no random numbers.
pub fn protect(keys: &Secret, passphrase: &Secret) -> Result<String, EncryptError> {
    let passphrase = SecretString::from(passphrase.expose().to_owned());
    armoured(Encryptor::with_user_passphrase(passphrase), keys.expose().as_bytes())
}
