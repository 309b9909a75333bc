//! What the masker hides and what it shows, as someone who reads the output of a job sees it.

// clippy.toml allows it in test functions only.
#![allow(clippy::unwrap_used)]

mod encodings;
mod oracle;
mod prompt;
mod random;
mod tools;
mod values;

use shipctl::mask::{Masker, Patterns};
use shipctl::secret::Secret;

fn patterns(secrets: &[&str]) -> Patterns {
    let secrets: Vec<Secret> = secrets.iter().map(|&secret| Secret::new(secret.to_owned())).collect();
    Patterns::new(&secrets)
}

/// `text` as it is shown when `secrets` are masked, whether it comes as a whole or byte by byte.
#[track_caller]
fn masked(secrets: &[&str], text: impl AsRef<[u8]>) -> String {
    let patterns = patterns(secrets);
    let whole = patterns.mask(text.as_ref());
    let mut masker = Masker::new(&patterns);
    let mut bytewise = Vec::new();
    for byte in text.as_ref() {
        masker.push(&[*byte], &mut bytewise);
    }
    masker.finish(&mut bytewise);
    let whole = String::from_utf8_lossy(&whole).into_owned();
    assert_eq!(whole, String::from_utf8_lossy(&bytewise));
    whole
}
