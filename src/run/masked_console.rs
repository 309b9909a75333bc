//! What the scripts of a job print, and what is said of them, on its way through the masker to the console.

use super::console::Console;
use super::event::{Event, StepResult};
use super::masking::Masking;
use crate::mask::Masker;

/// A console behind a masker.
pub(super) struct MaskedConsole<'a, 'c> {
    console: &'a mut Console<'c>,
    masking: &'a mut Masking,
    /// The masker of the script's output, which may hold back the beginning of what could become a secret.
    masker: Masker,
    masked: Vec<u8>,
}

impl<'a, 'c> MaskedConsole<'a, 'c> {
    pub(super) fn new(console: &'a mut Console<'c>, masking: &'a mut Masking) -> MaskedConsole<'a, 'c> {
        let masker = Masker::new(masking.patterns());
        MaskedConsole { console, masking, masker, masked: Vec::new() }
    }

    /// What the script wrote.
    pub(super) fn output(&mut self, bytes: &[u8]) {
        self.refresh();
        self.masker.push(bytes, &mut self.masked);
        self.pass_on();
    }

    /// Anything else. What the masker still holds comes before it.
    pub(super) fn event(&mut self, event: &Event) {
        self.refresh();
        self.masker.finish(&mut self.masked);
        self.pass_on();
        match *event {
            Event::JobStart { job } => self.console.event(&Event::JobStart { job: &self.mask(job) }),
            Event::StepStart { step, kind } => {
                self.console.event(&Event::StepStart { step: &self.mask(step), kind });
            }
            Event::EntryStart { step, entry, script } => {
                let (step, script) = (self.mask(step), self.mask(script));
                self.console.event(&Event::EntryStart { step: &step, entry, script: &script });
            }
            Event::Output { bytes } => self.output(bytes),
            Event::EntryEnd { step, entry, status, duration } => {
                self.console.event(&Event::EntryEnd { step: &self.mask(step), entry, status, duration });
            }
            Event::Notice { message } => self.console.event(&Event::Notice { message: &self.mask(message) }),
            Event::StepEnd { step } => self.console.event(&Event::StepEnd { step: &self.mask_step(step) }),
            Event::MatrixStart { label } => {
                self.console.event(&Event::MatrixStart { label: &self.mask(label) });
            }
            Event::MatrixEnd { entries } => {
                let entries: Vec<_> =
                    entries.iter().map(|(label, outcome)| (self.mask(label), *outcome)).collect();
                self.console.event(&Event::MatrixEnd { entries: &entries });
            }
            // They are read from files, and masked there.
            Event::Tests { tests } => self.console.event(&Event::Tests { tests }),
            Event::JobEnd { job, outcome, duration, steps } => {
                let steps: Vec<_> = steps.iter().map(|step| self.mask_step(step)).collect();
                self.console.event(&Event::JobEnd { job: &self.mask(job), outcome, duration, steps: &steps });
            }
        }
    }

    /// The console behind.
    pub(super) fn inner(&mut self) -> &mut Console<'c> {
        self.console
    }

    fn refresh(&mut self) {
        if self.masking.refresh() {
            self.masker.know(self.masking.patterns());
        }
    }

    fn pass_on(&mut self) {
        if !self.masked.is_empty() {
            self.console.event(&Event::Output { bytes: &self.masked });
            self.masked.clear();
        }
    }

    fn mask(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.masking.patterns().mask(text.as_bytes())).into_owned()
    }

    /// The name of a step is the YAML's to choose.
    fn mask_step(&self, step: &StepResult) -> StepResult {
        StepResult { name: self.mask(&step.name), ..step.clone() }
    }
}
