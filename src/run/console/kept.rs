//! The log that stays.

use std::fs::File;
use std::io::Write as _;

use super::{Format as _, Stamped, Text, Watcher};
use crate::paint::Paint;
use crate::run::event::Event;

/// What is kept of a log, in bytes: a script that prints without end must not fill the disk.
const MOST: usize = 64 << 20;

/// A file that the log goes to as well, as text with times.
pub struct LogFile {
    format: Stamped<Text>,
    file: Option<File>,
    /// How much more is kept.
    left: usize,
    piece: Vec<u8>,
}

impl LogFile {
    /// Keeps the log in a file, which is empty.
    pub fn new(file: File) -> LogFile {
        LogFile {
            format: Stamped::new(Text::new(Paint::Plain, false)),
            file: Some(file),
            left: MOST,
            piece: Vec::new(),
        }
    }
}

impl Watcher for LogFile {
    fn event(&mut self, event: &Event) {
        let Some(file) = &mut self.file else { return };
        self.piece.clear();
        self.format.event(event, &mut self.piece);
        let is_too_long = self.piece.len() > self.left;
        if is_too_long {
            self.piece.clear();
            self.piece.extend_from_slice(b"\n! what comes after this is not kept: the log is too long\n");
        }
        self.left = self.left.saturating_sub(self.piece.len());
        // The user sees all of the run; a full disk is no reason to end it.
        if file.write_all(&self.piece).is_err() || is_too_long {
            self.file = None;
        }
    }
}
