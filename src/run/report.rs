//! The one way from a run to the screen: everything passes the masker here.

use super::console::Console;
use super::event::Event;
use crate::mask::{Masker, Patterns};

/// A console behind a masker.
pub(super) struct Report<'a, 'c> {
    console: &'a mut Console<'c>,
    patterns: &'a Patterns,
    /// The masker of the script's output, which may hold back the beginning of what could become a secret.
    masker: Masker,
    masked: Vec<u8>,
}

impl<'a, 'c> Report<'a, 'c> {
    pub(super) fn new(console: &'a mut Console<'c>, patterns: &'a Patterns) -> Report<'a, 'c> {
        Report { console, patterns, masker: Masker::new(patterns), masked: Vec::new() }
    }

    /// What the script wrote.
    pub(super) fn output(&mut self, bytes: &[u8]) {
        self.masker.push(bytes, &mut self.masked);
        self.pass_on();
    }

    /// Anything else. What the masker still holds comes before it.
    pub(super) fn event(&mut self, event: &Event) {
        self.masker.finish(&mut self.masked);
        self.pass_on();
        match *event {
            Event::EntryStart { step, entry, script } => {
                let script = self.mask(script);
                self.console.event(&Event::EntryStart { step, entry, script: &script });
            }
            Event::Notice { message } => {
                let message = self.mask(message);
                self.console.event(&Event::Notice { message: &message });
            }
            _ => self.console.event(event),
        }
    }

    /// The console behind.
    pub(super) fn console(&mut self) -> &mut Console<'c> {
        self.console
    }

    fn pass_on(&mut self) {
        if !self.masked.is_empty() {
            self.console.event(&Event::Output { bytes: &self.masked });
            self.masked.clear();
        }
    }

    fn mask(&self, text: &str) -> String {
        let mut out = Vec::new();
        let mut masker = Masker::new(self.patterns);
        masker.push(text.as_bytes(), &mut out);
        masker.finish(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }
}
