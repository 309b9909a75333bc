//! Where in a text a form could start, by hashes of the bytes that stand there.
//!
//! Nearly all of a text is passed over in strides of four positions, at the price of one question each. A form of eight
//! bytes or more that starts at any of the four covers the fourth position and the four bytes after it, so
//! that these five are one of four windows of the form. Only where they are in the set of all such windows are the four
//! positions looked at one by one, eight bytes of each. Shorter forms have a set of their own, asked at each
//! position, so that one short secret does not shorten the strides for all.

use zeroize::Zeroizing;

use super::MIN_LENGTH;

/// How many bytes tell whether a form could start somewhere. Forms of this length and more are the long ones.
pub(super) const GRAM: usize = 8;

/// How many positions are judged together.
const STRIDE: usize = 4;

/// How many bytes there are that all long forms which start in one stride reach with their first [`GRAM`] bytes.
const SHARED: usize = GRAM - STRIDE + 1;

/// No form is shorter.
const HEAD: usize = MIN_LENGTH;

/// Says of nearly every position of a text that no form starts there.
pub(super) struct Filter {
    /// [`SHARED`] bytes of a long form, from each of the first [`STRIDE`] positions.
    coarse: Set,
    /// The first [`GRAM`] bytes of a long form.
    fine: Set,
    short: Option<Short>,
    /// The first [`HEAD`] bytes of every form, for where the text ends too soon for the other sets.
    heads: Set,
}

/// Forms of fewer than [`GRAM`] bytes, by as many bytes as the shortest of them has, [`SHARED`] at most.
struct Short {
    length: usize,
    set: Set,
}

impl Filter {
    /// A filter that lets the beginnings of `forms` pass.
    pub(super) fn new<'a>(forms: impl ExactSizeIterator<Item = &'a [u8]>) -> Self {
        // With their full capacity at once: what grows leaves a copy behind.
        let [mut long, mut short, mut heads] =
            [(); 3].map(|()| Zeroizing::new(Vec::with_capacity(forms.len())));
        let mut shortest = SHARED;
        for form in forms {
            heads.push(first(HEAD, gram(form)));
            if form.len() < GRAM {
                shortest = shortest.min(form.len());
                short.push(gram(form));
            } else {
                long.push(gram(form));
            }
        }
        long.dedup();
        heads.dedup();
        let short = (!short.is_empty()).then(|| {
            short.iter_mut().for_each(|gram| *gram = first(shortest, *gram));
            Short { length: shortest, set: Set::new(short.iter().copied(), 32) }
        });
        let mut windows = Zeroizing::new(Vec::with_capacity(long.len() * STRIDE));
        for gram in long.iter() {
            windows.extend((0..STRIDE).map(|at| first(SHARED, gram >> (8 * at))));
        }
        Filter {
            coarse: Set::new(windows.iter().copied(), 16),
            fine: Set::new(long.iter().copied(), 32),
            short,
            heads: Set::new(heads.iter().copied(), 32),
        }
    }

    /// The first position in `from..to` where a form could start. Positions that do not have [`GRAM`] bytes before
    /// the end of the text are not looked at.
    pub(super) fn next(&self, text: &[u8], from: usize, to: usize) -> Option<usize> {
        let to = to.min((text.len() + 1).saturating_sub(GRAM));
        let text = &text[..(to + GRAM - 1).min(text.len())];
        match &self.short {
            None => self.scan(text, from, |gram| self.may_start_long(gram)),
            Some(short) => self.scan(text, from, |gram| self.may_start_long(gram) | short.may_start(gram)),
        }
    }

    #[inline(always)]
    fn scan(&self, text: &[u8], from: usize, may_start: impl Fn(u64) -> bool) -> Option<usize> {
        let mut at = from;
        while let Some(first) = text.get(at..).and_then(<[u8]>::first_chunk) {
            if may_start(u64::from_le_bytes(*first)) {
                let starts = text[at..].windows(GRAM).take(STRIDE);
                if let Some(start) = starts.map(gram).position(|gram| self.has(gram)) {
                    return Some(at + start);
                }
            }
            at += STRIDE;
        }
        None
    }

    /// Whether a form could start where `text` does, also one that the text ends within.
    pub(super) fn passes(&self, text: &[u8]) -> bool {
        match text.len() {
            GRAM.. => self.has(gram(text)),
            HEAD.. => self.heads.has(first(HEAD, gram(text))),
            _ => true,
        }
    }

    fn has(&self, gram: u64) -> bool {
        self.fine.has(gram)
            || self.short.as_ref().is_some_and(|short| short.set.has(first(short.length, gram)))
    }

    /// Whether a long form could start in the stride at the beginning of `gram`.
    #[inline(always)]
    fn may_start_long(&self, gram: u64) -> bool {
        self.coarse.has(first(SHARED, gram >> (8 * (STRIDE - 1))))
    }
}

impl Short {
    /// Whether a short form could start in the stride at the beginning of `gram`.
    #[inline(always)]
    fn may_start(&self, gram: u64) -> bool {
        (0..STRIDE).fold(false, |any, at| any | self.set.has(first(self.length, gram >> (8 * at))))
    }
}

/// The first [`GRAM`] bytes as a number, the first of them lowest, with zeros for what is missing.
#[inline(always)]
fn gram(bytes: &[u8]) -> u64 {
    match bytes.first_chunk() {
        Some(first) => u64::from_le_bytes(*first),
        None => bytes.iter().rev().fold(0, |gram, &byte| gram << 8 | u64::from(byte)),
    }
}

/// The first `length` bytes of a gram.
#[inline(always)]
fn first(length: usize, gram: u64) -> u64 {
    gram & ((1 << (8 * length)) - 1)
}

/// A Bloom filter of two bits per member, both in one word, so that a question costs one access to memory.
struct Set {
    words: Zeroizing<Vec<u64>>,
    shift: u32,
}

impl Set {
    /// A set with room for `bits` bits per member.
    fn new(members: impl ExactSizeIterator<Item = u64>, bits: usize) -> Self {
        let words = (members.len() * bits / 64).next_power_of_two().max(2);
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
        let hash = gram.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((hash >> self.shift) as usize, 1 << (hash >> 32 & 63) | 1 << (hash >> 38 & 63))
    }
}
