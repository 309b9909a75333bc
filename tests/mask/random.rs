//! Random secrets and texts over tiny alphabets, where everything overlaps everything, in random chunks.
//!
//! `SHIPCTL_MASK_ROUNDS` is the number of rounds, for long runs; `SHIPCTL_MASK_SEED` moves them to other numbers. A failure
//! names its round's seed: that one with one round repeats it.

use std::env;

use shipctl::mask::{Masker, Patterns};

use crate::oracle;
use crate::patterns;

/// xorshift64*, spread over its first numbers so that neighbouring seeds differ.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        ((self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as usize) % limit
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    fn text(&mut self, alphabet: &str, length: usize) -> String {
        let alphabet: Vec<char> = alphabet.chars().collect();
        (0..length).map(|_| *self.pick(&alphabet)).collect()
    }
}

fn rounds(property: impl Fn(&mut Random)) {
    let number = |name, default| env::var(name).map_or(default, |text| text.parse::<u64>().unwrap());
    let first = number("SHIPCTL_MASK_SEED", 1);
    for seed in first..first + number("SHIPCTL_MASK_ROUNDS", 4000) {
        struct Named(u64);
        impl Drop for Named {
            fn drop(&mut self) {
                if std::thread::panicking() {
                    eprintln!("SHIPCTL_MASK_ROUNDS=1 SHIPCTL_MASK_SEED={}", self.0);
                }
            }
        }
        let _named = Named(seed);
        property(&mut Random::new(seed));
    }
}

/// The output when `text` comes in random chunks, some of them empty.
fn in_chunks(random: &mut Random, patterns: &Patterns, text: &[u8]) -> Vec<u8> {
    let longest = 1 + random.below(40);
    let mut masker = Masker::new(patterns);
    let (mut out, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let (chunk, others) = rest.split_at(rest.len().min(random.below(longest) + random.below(2)));
        masker.push(chunk, &mut out);
        rest = others;
    }
    masker.finish(&mut out);
    out
}

fn assert_same(left: &[u8], right: &[u8], context: &dyn Fn() -> String) {
    let (left, right) = (String::from_utf8_lossy(left), String::from_utf8_lossy(right));
    assert!(left == right, "\n{left:?}\n{right:?}\n{}", context());
}

#[test]
fn what_is_hidden_is_what_a_naive_search_finds() {
    rounds(|random| {
        let alphabet = *random.pick(&["ab", "ab", "aab\n", "ab\n ", "aaab\r\n"]);
        let count = 1 + random.below(5);
        let longest = *random.pick(&[4, 8, 14, 30]);
        let secrets: Vec<String> = (0..count)
            .map(|_| {
                let length = random.below(longest + 1);
                random.text(alphabet, length)
            })
            .collect();
        let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
        let mut text = String::new();
        for _ in 0..random.below(12) {
            match random.below(6) {
                0 => text += secrets[random.below(secrets.len())],
                1 => {
                    let length = random.below(90);
                    text += &random.text("aaab", length);
                }
                2 => {
                    text += *random.pick(&[
                        "\n",
                        "\r\n",
                        "\n  ",
                        "\n                  ",
                        "\r",
                        "c",
                        "\nc1 | ",
                        "\nc22 |  ",
                        "\nc: ",
                        "\nc: a- ",
                    ])
                }
                _ => {
                    let length = random.below(8);
                    text += &random.text(alphabet, length);
                }
            }
        }
        let patterns = patterns(&secrets);
        let context = || format!("{secrets:?}\n{text:?}");
        let whole = patterns.mask(text.as_bytes());
        assert_same(&whole, &oracle::mask(&secrets, text.as_bytes()), &context);
        assert_same(&in_chunks(random, &patterns, text.as_bytes()), &whole, &context);
    });
}

#[test]
fn what_is_held_back_could_become_a_secret() {
    rounds(|random| {
        let secrets: Vec<String> = (0..1 + random.below(4))
            .map(|_| {
                let length = 3 + random.below(12);
                random.text("ab", length)
            })
            .collect();
        let length = random.below(40);
        let text = random.text("aab", length);
        let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
        let mut out = Vec::new();
        Masker::new(&patterns(&secrets)).push(text.as_bytes(), &mut out);
        // Only `a` and `b` occur, so that no form but the value itself can begin here.
        let open = |start: &usize| {
            secrets.iter().any(|secret| {
                let tail = &text[*start..];
                secret.len() > tail.len() && secret.starts_with(tail)
            })
        };
        let held = (0..text.len()).find(open).unwrap_or(text.len());
        assert_same(&out, &oracle::mask_until(&secrets, text.as_bytes(), held), &|| {
            format!("{secrets:?}\n{text:?}")
        });
    });
}

#[test]
fn no_encoded_form_leaks_in_any_chunks() {
    const ALPHABETS: &[&str] =
        &["ab/+", "a'\\\"", "aé€🔑", "a %&=?", "a$`!~#", "a\n\t\u{1b}'", "ÿþ>?~", "aA0-_.:@"];
    rounds(|random| {
        let alphabet = *random.pick(ALPHABETS);
        let secrets: Vec<String> = (0..1 + random.below(4))
            .map(|_| {
                let length = 3 + random.below(14);
                random.text(alphabet, length)
            })
            .collect();
        let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
        let forms: Vec<Vec<u8>> = secrets.iter().flat_map(|secret| oracle::encodings(secret)).collect();
        let mut text = Vec::new();
        for _ in 0..random.below(10) {
            match random.below(4) {
                0 => text.extend(random.text(alphabet, 3).bytes()),
                1 => {
                    let form = random.pick(&forms);
                    text.extend(&form[random.below(form.len())..]);
                }
                2 => {
                    let form = random.pick(&forms);
                    text.extend(&form[..random.below(form.len())]);
                }
                _ => text.extend(random.pick(&forms)),
            }
        }
        let patterns = patterns(&secrets);
        let context = || format!("{secrets:?}\n{:?}", String::from_utf8_lossy(&text));
        let whole = patterns.mask(&text);
        assert_same(&in_chunks(random, &patterns, &text), &whole, &context);
        for form in &forms {
            let leaked = whole.windows(form.len()).any(|window| window == form);
            assert!(
                !leaked,
                "{:?}\n{:?}\n{}",
                String::from_utf8_lossy(form),
                String::from_utf8_lossy(&whole),
                context()
            );
        }
    });
}
