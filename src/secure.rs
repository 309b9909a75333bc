//! Encrypted values: texts in the age format that lie in the YAML, and the keys that open them.
//!
//! A value is encrypted to every [`Recipient`] of a line: the public halves of its people's keys, which stand in the line
//! itself. [`Keys`] are the secret halves that this user has. Any other tool that knows age opens and writes the same
//! texts.

mod error;
mod keys;
mod opener;
mod place;

use std::fmt;
use std::io::{Read as _, Write as _};
use std::str::FromStr;

use age::armor::{ArmoredWriter, Format};
use age::{DecryptError, Decryptor, Encryptor, Identity};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::secret::Secret;

pub use error::{CreateError, EncryptError, KeyError, NoAnswer, OpenError, ParseKeysError, RecipientError};
pub use keys::{Keys, generate, protect};
pub use opener::{Listed, Opener};
pub use place::{Ask, KeyPlace, VARIABLES, create, default_file};

/// The public half of a key: `age1…`.
#[derive(Clone, PartialEq, Eq)]
pub struct Recipient(age::x25519::Recipient);

impl FromStr for Recipient {
    type Err = RecipientError;

    /// Reads `age1…`. The error says what the text is instead, and never repeats it: it may be a secret key.
    fn from_str(text: &str) -> Result<Recipient, RecipientError> {
        if text.to_ascii_uppercase().contains("AGE-SECRET-KEY-") {
            return Err(RecipientError::SecretKey);
        }
        text.parse().map(Recipient).map_err(|_| RecipientError::Unknown)
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Encrypts a value to all of `recipients`, as armoured text that ends with a newline.
///
/// # Errors
///
/// When there are no recipients, or the system has no random numbers.
pub fn encrypt(recipients: &[Recipient], value: &Secret) -> Result<String, EncryptError> {
    let recipients = recipients.iter().map(|recipient| &recipient.0 as &dyn age::Recipient);
    let encryptor = Encryptor::with_recipients(recipients)?;
    armoured(encryptor, value.expose().as_bytes())
}

fn armoured(encryptor: Encryptor, plain: &[u8]) -> Result<String, EncryptError> {
    let armour = ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor)?;
    let mut stream = encryptor.wrap_output(armour)?;
    stream.write_all(plain)?;
    Ok(String::from_utf8(stream.finish()?.finish()?)?)
}

/// The same encrypted value as one line: base64 of age's binary format. `None` if `armoured` is none.
pub fn as_one_line(armoured: &str) -> Option<String> {
    Some(STANDARD.encode(binary(armoured)?.ok()?))
}

const BEGIN: &str = "-----BEGIN AGE ENCRYPTED FILE-----";
const END: &str = "-----END AGE ENCRYPTED FILE-----";

/// The first line of age's binary format, in base64, as far as it is the same whatever follows.
const HEADER: &str = "YWdlLWVuY3J5cHRpb24ub3Jn";

/// The armoured texts in a text, whatever stands around them and however deep they are indented.
pub fn find_armoured(text: &str) -> Option<&str> {
    let start = text.find(BEGIN)?;
    let end = text[start..].find(END).map_or(text.len(), |end| start + end + END.len());
    Some(&text[start..end])
}

/// Whether it is meant to be a text in the age format, armoured or in base64. Shippable's own encrypted values are not.
pub fn is_age(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with(BEGIN) || text.starts_with(HEADER)
}

/// Whether it looks as Shippable's encrypted params did: one line of base64 that is no age text.
pub fn is_of_shippable(text: &str) -> bool {
    let base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
    let text = text.trim();
    !is_age(text) && !text.is_empty() && text.chars().all(base64)
}

/// Whether it is one line of base64 in the age format.
pub fn is_one_line(text: &str) -> bool {
    text.trim_start().starts_with(HEADER)
}

/// The binary format of an armoured or base64 text; `None` if it is neither. Blanks and line ends do not matter: a YAML
/// scalar may be folded.
fn binary(text: &str) -> Option<Result<Vec<u8>, OpenError>> {
    let text = text.trim();
    let body = match text.strip_prefix(BEGIN) {
        Some(rest) => match rest.strip_suffix(END) {
            Some(body) => body,
            None => return Some(Err(OpenError::Damaged("its last line is missing"))),
        },
        None if text.starts_with(HEADER) => text,
        None => return None,
    };
    let body: String = body.split_whitespace().collect();
    Some(STANDARD.decode(body).map_err(|_| OpenError::Damaged("it is cut short or altered")))
}

/// How many keys open an encrypted value, as it says itself; not whose they are. `None` if it is no such text.
pub fn count_recipients(text: &str) -> Option<usize> {
    let bytes = binary(text)?.ok()?;
    let lines = bytes.split(|&byte| byte == b'\n').take_while(|line| !line.starts_with(b"---"));
    Some(lines.filter(|line| line.starts_with(b"-> X25519 ")).count())
}

/// Opens an encrypted value with the first key that fits.
fn open<'i>(identities: impl Iterator<Item = &'i dyn Identity>, text: &str) -> Result<Secret, OpenError> {
    let bytes = binary(text).ok_or(OpenError::NotAge)??;
    let decryptor =
        Decryptor::new(&*bytes).map_err(|_| OpenError::Damaged("its header is cut short or altered"))?;
    if decryptor.is_scrypt() {
        return Err(OpenError::Passphrase);
    }
    let plain = read(decryptor, identities, bytes.len()).map_err(|error| match error {
        DecryptError::NoMatchingKeys => OpenError::OtherKeys,
        _ => OpenError::Damaged("it is cut short or altered"),
    })?;
    text_of(plain).ok_or(OpenError::NotText)
}

/// Reads all there is. Room for all of it is there from the beginning: what grows leaves a copy behind.
fn read<'i>(
    decryptor: Decryptor<&[u8]>,
    identities: impl Iterator<Item = &'i dyn Identity>,
    most: usize,
) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    let mut plain = Zeroizing::new(Vec::with_capacity(most));
    decryptor.decrypt(identities)?.read_to_end(&mut plain)?;
    Ok(plain)
}

fn text_of(mut plain: Zeroizing<Vec<u8>>) -> Option<Secret> {
    match String::from_utf8(std::mem::take(&mut *plain)) {
        Ok(text) => Some(Secret::new(text)),
        Err(error) => {
            drop(Zeroizing::new(error.into_bytes()));
            None
        }
    }
}

#[cfg(test)]
mod tests;
