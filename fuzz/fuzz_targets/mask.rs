//! The masker: however a text is cut into chunks, the same comes out, and no secret is left in it.
//!
//! CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER=cc RUSTC_BOOTSTRAP=1 cargo fuzz run mask -- -max_len=600
//!
//! The input is a list of secrets, each behind its length; then how the rest, the text, is cut.

#![no_main]

use libfuzzer_sys::fuzz_target;
use shipctl::mask::{Masker, Patterns};
use shipctl::secret::Secret;

fuzz_target!(|data: &[u8]| {
    let Some((secrets, cuts, text)) = parts(data) else { return };
    let patterns = Patterns::new(&secrets);
    let whole = patterns.mask(&text);
    let mut masker = Masker::new(&patterns);
    let (mut out, mut rest) = (Vec::new(), &text[..]);
    for cut in cuts.iter().cycle() {
        let (chunk, others) = rest.split_at(rest.len().min(usize::from(*cut) + 1));
        masker.push(chunk, &mut out);
        rest = others;
        if rest.is_empty() {
            break;
        }
    }
    masker.finish(&mut out);
    assert_eq!(whole, out);
    for secret in &secrets {
        let inner = secret.expose().trim_matches(['\n', '\r']);
        // Stars may join what was never a secret.
        if inner.len() >= 3 && !inner.contains('*') {
            assert!(memchr::memmem::find(&whole, inner.as_bytes()).is_none());
        }
    }
});

/// Up to seven secrets, up to four sizes of chunks, and a text in which a byte of 128 and more may stand for a secret.
fn parts(data: &[u8]) -> Option<(Vec<Secret>, &[u8], Vec<u8>)> {
    let (count, mut rest) = data.split_first()?;
    let mut secrets = Vec::new();
    for _ in 0..count & 7 {
        let (length, after) = rest.split_first()?;
        let (secret, after) = after.split_at_checked(usize::from(length & 63))?;
        secrets.push(Secret::new(String::from_utf8_lossy(secret).into_owned()));
        rest = after;
    }
    let (cuts, written) = rest.split_at_checked(1 + usize::from(count >> 6))?;
    let mut text = Vec::new();
    for &byte in written {
        match secrets.get(usize::from(byte.wrapping_sub(128))) {
            Some(secret) => text.extend_from_slice(secret.expose().as_bytes()),
            None => text.push(byte),
        }
    }
    Some((secrets, cuts, text))
}
