//! Base64 of a secret that may stand in the middle of what is encoded.
//!
//! Three bytes make four characters, so that the characters of a secret depend on how many bytes are before it, modulo
//! three. Those at its ends may hold bits of the neighbours too.

use super::buffer::Buffer;

/// How the characters 62 and 63 are written: the alphabets of RFC 4648, and the first where it has become part of a
/// URL or of JSON.
pub(super) const SPELLINGS: &[Spelling] = &[
    Spelling { plus: b"+", slash: b"/" },
    Spelling { plus: b"-", slash: b"_" },
    Spelling { plus: b"%2B", slash: b"%2F" },
    Spelling { plus: b"%2b", slash: b"%2f" },
    Spelling { plus: b"%2B", slash: b"/" },
    Spelling { plus: b"+", slash: b"\\/" },
];

/// See [`SPELLINGS`].
pub(super) struct Spelling {
    plus: &'static [u8],
    slash: &'static [u8],
}

impl Spelling {
    /// Appends standard base64 in this spelling.
    pub(super) fn respell(&self, standard: &[u8], out: &mut Buffer) {
        for &byte in standard {
            match byte {
                b'+' => out.extend(self.plus),
                b'/' => out.extend(self.slash),
                _ => out.push(byte),
            }
        }
    }
}

/// Appends the characters of `text` that hold no bits of the `before` bytes in front of it (0 to 2), as they are if
/// nothing stands behind it. Returns how many of them hold nothing but bits of `text`, whatever is behind.
pub(super) fn encode(text: &[u8], before: usize, out: &mut Buffer) -> usize {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits = 8 * (before + text.len());
    let (first, last) = ((8 * before).div_ceil(6), bits / 6);
    let character = |at: usize| ALPHABET[usize::from(sextet(text, 6 * at - 8 * before))];
    for at in first..last {
        out.push(character(at));
    }
    if 6 * last < bits {
        out.push(character(last));
        for _ in last % 4..3 {
            out.push(b'=');
        }
    }
    last - first
}

/// The six bits from `bit` on, with zeros behind the end.
fn sextet(text: &[u8], bit: usize) -> u8 {
    let byte = |at: usize| u16::from(text.get(at).copied().unwrap_or(0));
    let pair = byte(bit / 8) << 8 | byte(bit / 8 + 1);
    (pair >> (10 - bit % 8) & 63) as u8
}
