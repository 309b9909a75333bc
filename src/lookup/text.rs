//! Functions of a string alone.

use std::os::unix::ffi::OsStrExt;

use super::{Call, Failure};
use crate::contract;

/// `sanitize_shippable_string`: the letters, digits and underscores of a string. Nothing of it left is an answer too.
pub(super) fn sanitize(call: &Call) -> Result<Vec<u8>, Failure> {
    Ok((contract::sanitize(&call.text(0)) + "\n").into_bytes())
}

/// `to_uppercase`: every letter that has a single upper-case letter becomes it (`ß` has two, and stays), as gawk's
/// toupper does in a UTF-8 locale. Bytes that are not UTF-8 stay as they are.
pub(super) fn uppercase(call: &Call) -> Result<Vec<u8>, Failure> {
    let mut answer = Vec::with_capacity(call.arg(0).len() + 1);
    for chunk in call.arg(0).as_bytes().utf8_chunks() {
        for letter in chunk.valid().chars() {
            let mut upper = letter.to_uppercase();
            let upper = if upper.len() == 1 { upper.next().unwrap_or(letter) } else { letter };
            answer.extend_from_slice(upper.encode_utf8(&mut [0; 4]).as_bytes());
        }
        answer.extend_from_slice(chunk.invalid());
    }
    answer.push(b'\n');
    Ok(answer)
}
