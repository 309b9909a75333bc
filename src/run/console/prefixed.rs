//! A log among others.

use super::Format;
use crate::run::event::Event;

/// Another format, with something in front of each line that tells whose it is.
pub struct Prefixed<F> {
    format: F,
    prefix: String,
    /// Whether the last thing written ended a line.
    line_start: bool,
    piece: Vec<u8>,
}

impl<F: Format> Prefixed<F> {
    /// The format, with this in front of each line.
    pub fn new(format: F, prefix: String) -> Prefixed<F> {
        Prefixed { format, prefix, line_start: true, piece: Vec::new() }
    }
}

impl<F: Format> Format for Prefixed<F> {
    fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        self.format.event(event, &mut self.piece);
        for line in self.piece.split_inclusive(|byte| *byte == b'\n') {
            if self.line_start {
                out.extend_from_slice(self.prefix.as_bytes());
            }
            out.extend_from_slice(line);
            self.line_start = line.ends_with(b"\n");
        }
        self.piece.clear();
    }
}
