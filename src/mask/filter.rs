//! Where in a text a form could start, by a hash of the bytes that stand there.

use zeroize::Zeroizing;

/// How many bytes are hashed. Forms of this length and more go into one set, by their first eight bytes; the
/// few that are shorter into another, by as many bytes as the shortest of them has.
pub(super) const GRAM: usize = 8;

/// Says of nearly every position of a text that no form starts there.
pub(super) struct Filter {
    long: Set,
    short: Option<Short>,
}

struct Short {
    mask: u64,
    set: Set,
}

impl Filter {
    /// A filter that lets the beginnings of `forms` pass.
    pub(super) fn new<'a>(forms: impl Iterator<Item = &'a [u8]> + Clone) -> Self {
        let long = forms.clone().filter(|form| form.len() >= GRAM);
        let short = forms.filter(|form| form.len() < GRAM);
        let shortest = short.clone().map(<[u8]>::len).min();
        Filter {
            long: Set::new(long.map(gram)),
            short: shortest.map(|length| {
                let mask = (1 << (8 * length)) - 1;
                Short { mask, set: Set::new(short.map(|form| gram(form) & mask)) }
            }),
        }
    }

    /// The first position in `from..to` where a form could start. Positions that do not have [`GRAM`] bytes before
    /// the end of the text are not looked at.
    pub(super) fn next(&self, text: &[u8], from: usize, to: usize) -> Option<usize> {
        let to = to.min((text.len() + 1).saturating_sub(GRAM));
        if from >= to {
            return None;
        }
        let mut grams = text[from..to + GRAM - 1].windows(GRAM).map(gram);
        let found = match &self.short {
            None => grams.position(|gram| self.long.has(gram)),
            Some(short) => grams.position(|gram| self.long.has(gram) | short.set.has(gram & short.mask)),
        };
        Some(from + found?)
    }
}

/// The first [`GRAM`] bytes as a number, with zeros for what is missing.
#[inline(always)]
fn gram(bytes: &[u8]) -> u64 {
    match bytes.first_chunk() {
        Some(first) => u64::from_le_bytes(*first),
        None => bytes.iter().rev().fold(0, |gram, &byte| gram << 8 | u64::from(byte)),
    }
}

/// A Bloom filter of two bits per member, both in one word, so that a question costs one access to memory.
struct Set {
    words: Zeroizing<Vec<u64>>,
    shift: u32,
}

impl Set {
    /// Half a word per member lets fewer than one in two hundred others pass.
    fn new(members: impl Iterator<Item = u64> + Clone) -> Self {
        let words = (members.clone().count() / 2).next_power_of_two().max(2);
        let mut set = Set { words: Zeroizing::new(vec![0; words]), shift: 64 - words.trailing_zeros() };
        for member in members {
            let (word, bits) = set.place(member);
            set.words[word] |= bits;
        }
        set
    }

    #[inline(always)]
    fn has(&self, gram: u64) -> bool {
        let (word, bits) = self.place(gram);
        self.words[word] & bits == bits
    }

    #[inline(always)]
    fn place(&self, gram: u64) -> (usize, u64) {
        let product = u128::from(gram ^ 0x9e37_79b9_7f4a_7c15) * 0xd6e8_feb8_6659_fd93;
        let hash = (product >> 64) as u64 ^ product as u64;
        ((hash >> self.shift) as usize, 1 << (hash & 63) | 1 << (hash >> 6 & 63))
    }
}
