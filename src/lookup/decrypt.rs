//! `decrypt`: a file that was encrypted to the public half of an RSA key.
//!
//! The format is the original's: the text is cut into pieces, each encrypted with RSA-OAEP (SHA-1) to a block as
//! long as the key, and the blocks are written one after the other in base64, as `openssl base64` wraps it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use rsa::PrivateKey;
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs8::DecodePrivateKey;
use rsa::traits::PublicKeyParts;
use sha1::Sha1;
use zeroize::Zeroizing;

use super::state::unwritable;
use super::{Call, Failure};
use crate::exit;
use crate::file::replace_private;

/// Where the original's machines had the key of the subscription.
const DEFAULT_KEY: &str = "/tmp/00_sub";

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// `decrypt SOURCE [KEY]`: writes `SOURCE.decrypted`, for the owner alone, whole or not at all.
pub(super) fn decrypt(call: &mut Call) -> Result<u8, Failure> {
    let source = PathBuf::from(call.arg(0));
    let key_file = Some(call.arg(1)).filter(|key| !key.is_empty()).map_or(DEFAULT_KEY.into(), PathBuf::from);
    let key = private_key(&key_file)?;
    let text = decrypted(&source, &key)?;
    let mut target = source.clone().into_os_string();
    target.push(".decrypted");
    let target = PathBuf::from(target);
    replace_private(&target, &text).map_err(|error| unwritable(&target, &error))?;
    call.say(format_args!("Decrypted {} to {}", source.display(), target.display()));
    Ok(exit::SUCCESS)
}

fn private_key(file: &Path) -> Result<PrivateKey, Failure> {
    let pem = match fs::read(file) {
        Ok(pem) => Zeroizing::new(pem),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Failure::Failed(format!("Key file {} not found", file.display())));
        }
        Err(error) => return Err(Failure::Failed(format!("cannot read {}: {error}", file.display()))),
    };
    let wrong =
        |why| Failure::Failed(format!("{} is not a private key that works here: {why}", file.display()));
    let pem = std::str::from_utf8(&pem).map_err(|_| wrong("it is not text in PEM form"))?.trim();
    if pem.contains("BEGIN OPENSSH PRIVATE KEY") {
        return Err(wrong(
            "it is in OpenSSH's own form; `ssh-keygen -p -m PEM -f COPY_OF_IT` converts a copy",
        ));
    }
    if pem.contains("ENCRYPTED") {
        return Err(wrong("it has a passphrase"));
    }
    let key = PrivateKey::from_pkcs1_pem(pem).or_else(|_| PrivateKey::from_pkcs8_pem(pem));
    key.map_err(|_| wrong("no RSA key in PEM form can be read from it"))
}

fn decrypted(source: &Path, key: &PrivateKey) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut encoded = fs::read(source)
        .map_err(|error| Failure::Failed(format!("cannot read {}: {error}", source.display())))?;
    encoded.retain(|byte| !byte.is_ascii_whitespace());
    let wrong = |why: String| Failure::Failed(format!("cannot decrypt {}: {why}", source.display()));
    let blocks = BASE64.decode(encoded).map_err(|_| wrong("it is not base64".to_owned()))?;
    let size = key.size();
    if blocks.is_empty() || blocks.len() % size != 0 {
        let length = blocks.len();
        return Err(wrong(format!(
            "its {length} bytes are not whole blocks of {size}, the length of the key"
        )));
    }
    let mut text = Zeroizing::new(Vec::with_capacity(blocks.len()));
    for block in blocks.chunks(size) {
        let piece = key.oaep_decrypt::<Sha1>(block).map(Zeroizing::new);
        text.extend_from_slice(
            &piece.map_err(|_| wrong("the key does not fit, or the file is damaged".to_owned()))?,
        );
    }
    Ok(text)
}
