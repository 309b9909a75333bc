//! Events of a job, from the machine that runs it to the one that shows them.

use std::time::Duration;

use serde::Deserialize;

use super::super::Outcome;
use super::super::console::Format;
use super::super::event::{Event, StepKind, StepResult};
use super::frame::{self, append};
use crate::results::Tests;

/// The format of what a worker writes: a frame for each event.
#[derive(Debug)]
pub struct Frames;

impl Format for Frames {
    fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        match event {
            Event::Output { bytes } => {
                bytes.chunks(frame::PIECE).for_each(|bytes| append(out, frame::FrameKind::Printed, bytes));
            }
            // Nothing in an event cannot be written.
            event => append(out, frame::FrameKind::Event, &serde_json::to_vec(event).unwrap_or_default()),
        }
    }
}

/// An event that was received.
#[derive(Debug, Deserialize)]
pub(super) enum ReceivedEvent {
    JobStart { job: String },
    StepStart { step: String, kind: StepKind },
    EntryStart { step: String, entry: usize, script: String },
    EntryEnd { step: String, entry: usize, status: u8, duration: Duration },
    Notice { message: String },
    StepEnd { step: StepResult },
    Tests { tests: Tests },
    MatrixStart { label: String },
    MatrixEnd { entries: Vec<(String, Option<Outcome>)> },
    JobEnd { job: String, outcome: Outcome, duration: Duration, steps: Vec<StepResult> },
}

impl ReceivedEvent {
    /// Reads a frame.
    pub(super) fn parse(bytes: &[u8]) -> Option<ReceivedEvent> {
        serde_json::from_slice(bytes).ok()
    }

    /// The event.
    pub(super) fn event(&self) -> Event<'_> {
        match self {
            ReceivedEvent::JobStart { job } => Event::JobStart { job },
            ReceivedEvent::StepStart { step, kind } => Event::StepStart { step, kind: *kind },
            ReceivedEvent::EntryStart { step, entry, script } => {
                Event::EntryStart { step, entry: *entry, script }
            }
            ReceivedEvent::EntryEnd { step, entry, status, duration } => {
                Event::EntryEnd { step, entry: *entry, status: *status, duration: *duration }
            }
            ReceivedEvent::Notice { message } => Event::Notice { message },
            ReceivedEvent::Tests { tests } => Event::Tests { tests },
            ReceivedEvent::StepEnd { step } => Event::StepEnd { step },
            ReceivedEvent::MatrixStart { label } => Event::MatrixStart { label },
            ReceivedEvent::MatrixEnd { entries } => Event::MatrixEnd { entries },
            ReceivedEvent::JobEnd { job, outcome, duration, steps } => {
                Event::JobEnd { job, outcome: *outcome, duration: *duration, steps }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_arrive_as_they_were_told() {
        let step = StepResult {
            name: "Task 0".to_owned(),
            kind: StepKind::Task,
            outcome: Some(Outcome::Failed(3)),
            overlooked: 1,
            duration: Duration::from_millis(1234),
        };
        let outcome = Outcome::Cancelled(15);
        let duration = Duration::from_nanos(1);
        let steps = [step.clone(), StepResult { outcome: None, ..step.clone() }];
        let entries = [("1. python".to_owned(), Some(Outcome::TimedOut)), ("2.".to_owned(), None)];
        for event in [
            Event::JobStart { job: "a \"b\"\n" },
            Event::StepStart { step: "Task 0", kind: StepKind::Section },
            Event::EntryStart { step: "Task 0", entry: 2, script: "echo\n" },
            Event::EntryEnd { step: "Task 0", entry: 2, status: 130, duration },
            Event::Notice { message: "ü" },
            Event::StepEnd { step: &step },
            Event::Tests { tests: &Tests::default() },
            Event::MatrixStart { label: "1." },
            Event::MatrixEnd { entries: &entries },
            Event::JobEnd { job: "a", outcome, duration, steps: &steps },
        ] {
            let mut out = Vec::new();
            Frames.event(&event, &mut out);
            let received = ReceivedEvent::parse(frame::bytes_of(&out)).unwrap();
            assert_eq!(format!("{:?}", received.event()), format!("{event:?}"));
        }
    }
}
