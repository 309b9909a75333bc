//! A stand-in with the interface of the masker.

/// What must not be seen.
#[derive(Debug, Clone, Default)]
pub struct Patterns(Vec<String>);

impl Patterns {
    /// The secrets themselves.
    pub fn new(secrets: Vec<String>) -> Patterns {
        Patterns(secrets)
    }
}

/// Masks a stream.
#[derive(Debug)]
pub struct Masker(Patterns);

impl Masker {
    /// At the beginning of a stream.
    pub fn new(patterns: &Patterns) -> Masker {
        Masker(patterns.clone())
    }

    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let mut text = bytes.to_vec();
        for secret in &self.0.0 {
            while let Some(at) = memchr::memmem::find(&text, secret.as_bytes()) {
                text.splice(at..at + secret.len(), *b"***");
            }
        }
        out.extend_from_slice(&text);
    }

    /// The end of the stream.
    pub fn finish(&mut self, _out: &mut Vec<u8>) {}
}
