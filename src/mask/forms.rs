//! The forms in which a secret shows up in output.
//!
//! What is looked for are the value, the value with its line ends turned round, and each of its lines; and of each of
//! these what the encoders of [`encode`] make of it. Most encoders leave most values alone, and a form that is
//! there already is not added again.

use super::MIN_LENGTH;
use super::buffer::Buffer;
use super::encode::{BASE64, ESCAPES, PERCENT, QUOTES, base64, percent};

/// A run of bytes that must not be printed.
pub(super) struct Form {
    /// Where it starts in [`Forms::bytes`].
    pub(super) start: usize,
    /// How many bytes it has.
    pub(super) length: usize,
    /// It is base64 that ends within a character: the next one holds bits of the secret and of what follows it.
    pub(super) shared: bool,
}

/// The forms of all secrets of a run.
#[derive(Default)]
pub(super) struct Forms {
    pub(super) bytes: Buffer,
    pub(super) forms: Vec<Form>,
    /// Where the forms of the text at hand start in `forms`.
    own: usize,
}

impl Forms {
    /// Adds all forms of a secret.
    pub(super) fn add(&mut self, value: &str) {
        let whole = trim_line_ends(value);
        self.add_text(whole.as_bytes());
        if whole.contains('\n') {
            let mut turned = Buffer::default();
            for line_end in ["\n", "\r\n"] {
                turned.clear();
                for (at, line) in whole.split('\n').enumerate() {
                    turned.extend(if at == 0 { b"" } else { line_end.as_bytes() });
                    turned.extend(line.strip_suffix('\r').unwrap_or(line).as_bytes());
                }
                self.add_text(&turned);
            }
        }
        if whole.contains(['\n', '\r']) {
            for line in whole.split(['\n', '\r']) {
                // Indentation is no secret, and a shell that splits words drops the blanks at the ends.
                let words = line.trim_ascii();
                if !words.is_empty() {
                    self.add_text(line.as_bytes());
                    self.add_text(words.as_bytes());
                }
            }
        }
    }

    /// Adds the forms of one text, without looking into its lines.
    fn add_text(&mut self, text: &[u8]) {
        if text.len() < MIN_LENGTH {
            return;
        }
        self.own = self.forms.len();
        self.insert(text, false);
        self.add_base64(text);
        if text.iter().all(u8::is_ascii_alphanumeric) {
            return;
        }
        let mut scratch = Buffer::default();
        for encoder in PERCENT {
            for digits in [b"0123456789ABCDEF", b"0123456789abcdef"] {
                scratch.clear();
                percent(text, encoder, digits, &mut scratch);
                self.insert(&scratch, false);
            }
        }
        for dialect in ESCAPES {
            scratch.clear();
            dialect.escape(text, &mut scratch);
            self.insert(&scratch, false);
        }
        for quote in QUOTES {
            scratch.clear();
            for (at, part) in text.split(|&byte| byte == b'\'').enumerate() {
                scratch.extend(if at == 0 { b"" } else { quote });
                scratch.extend(part);
            }
            self.insert(&scratch, false);
        }
    }

    /// Adds the base64 of the text after a multiple of three bytes, and after one and two bytes more.
    fn add_base64(&mut self, text: &[u8]) {
        let (mut inner, mut ended) = (Buffer::default(), Buffer::default());
        for before in 0..3 {
            for spelling in BASE64 {
                inner.clear();
                ended.clear();
                let shared = base64(text, before, spelling, &mut inner, &mut ended);
                self.insert(&inner, shared);
                if shared {
                    self.insert(&ended, false);
                }
            }
        }
    }

    fn insert(&mut self, bytes: &[u8], shared: bool) {
        let old = self.forms[self.own..].iter_mut().find(|form| form.bytes(&self.bytes) == bytes);
        match old {
            Some(form) => form.shared |= shared,
            None => {
                self.forms.push(Form { start: self.bytes.len(), length: bytes.len(), shared });
                self.bytes.extend(bytes);
            }
        }
    }
}

impl Form {
    /// The bytes of the form.
    pub(super) fn bytes<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        &bytes[self.start..self.start + self.length]
    }
}

/// The line ends around a value are no secret, and a prompt after a key should not stand on the key's line. But a
/// value that is nothing else stays as it is.
fn trim_line_ends(value: &str) -> &str {
    let inner = value.trim_matches(['\n', '\r']);
    if inner.len() < MIN_LENGTH { value } else { inner }
}
