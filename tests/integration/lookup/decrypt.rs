//! `decrypt`, with keys of several sizes.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use base64::Engine;
use rsa::PrivateKey;
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs8::DecodePrivateKey;
use rsa::traits::PublicKeyParts;
use sha1::Sha1;

use crate::support::{Call, shipctl};

const KEYS: [(&str, &str); 2] =
    [("pkcs#1, 1024", include_str!("keys/rsa1024.pem")), ("pkcs#8, 3072", include_str!("keys/rsa3072.pem"))];

/// Encrypts as the original's documentation has it: pieces of the longest length that OAEP takes, in base64 lines.
fn encrypted(text: &[u8], pem: &str) -> String {
    let key = PrivateKey::from_pkcs1_pem(pem).or_else(|_| PrivateKey::from_pkcs8_pem(pem)).unwrap();
    let blocks: Vec<u8> = text
        .chunks(key.size() - 42)
        .flat_map(|piece| key.to_public_key().oaep_encrypt::<Sha1>(piece).unwrap())
        .collect();
    let base64 = base64::engine::general_purpose::STANDARD.encode(blocks);
    base64.as_bytes().chunks(64).map(|line| String::from_utf8(line.to_vec()).unwrap() + "\n").collect()
}

fn decrypt(encrypted: &str, key: &str) -> Call {
    shipctl("decrypt").args("secret.enc key").file("secret.enc", encrypted).file("key", key)
}

#[test]
fn a_file_of_any_length_comes_back_for_the_owner_alone() {
    for (kind, pem) in KEYS {
        for length in [1, 86, 87, 1000] {
            let text: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
            let call =
                decrypt(&encrypted(&text, pem), pem).file("secret.enc.decrypted", "old, and readable by all");
            let done = call.stderr("Decrypted secret.enc to secret.enc.decrypted\n").run();
            assert_eq!(fs::read(done.path("secret.enc.decrypted")).unwrap(), text, "{kind}");
            let mode = fs::metadata(done.path("secret.enc.decrypted")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{kind}");
        }
    }
}

#[test]
fn what_cannot_be_decrypted_leaves_nothing_behind() {
    let [(_, small), (_, large)] = KEYS;
    let text = encrypted(&[7; 100], small);
    let line = &text[..64];
    // What is encrypted is never the same twice: of some texts a replaced letter would be none.
    let other = if text.starts_with('A') { "B" } else { "A" };
    let damaged = format!("{other}{}", &text[1..]);
    for (call, error) in [
        (decrypt(&text, large), "its 256 bytes are not whole blocks of 384, the length of the key"),
        (decrypt(line, small), "its 48 bytes are not whole blocks of 128, the length of the key"),
        (decrypt("not base64!", small), "it is not base64"),
        (decrypt("", small), "its 0 bytes are not whole blocks of 128, the length of the key"),
        (decrypt(&damaged, small), "the key does not fit, or the file is damaged"),
    ] {
        call.fails(&format!("shipctl: cannot decrypt secret.enc: {error}\n")).no_file("secret.enc.decrypted");
    }
}

#[test]
fn a_key_that_is_none_is_an_error_without_its_content() {
    for (key, error) in [
        ("garbage", "no RSA key in PEM form can be read from it"),
        (
            "-----BEGIN OPENSSH PRIVATE KEY-----\n",
            "it is in OpenSSH's own form; `ssh-keygen -p -m PEM -f COPY_OF_IT` converts a copy",
        ),
        ("-----BEGIN ENCRYPTED PRIVATE KEY-----\n", "it has a passphrase"),
    ] {
        decrypt("x", key).fails(&format!("shipctl: key is not a private key that works here: {error}\n"));
    }
    shipctl("decrypt")
        .args("secret.enc gone")
        .file("secret.enc", "x")
        .fails("shipctl: Key file gone not found\n");
}
