//! A log with times.

use std::time::Duration;
use std::time::Instant;

use time::OffsetDateTime;

use super::Format;
use crate::run::event::Event;

/// Another format, with the time in front of each line.
pub struct Stamped<F> {
    format: F,
    /// Whether the last thing written ended a line.
    line_start: bool,
    piece: Vec<u8>,
}

impl<F: Format> Stamped<F> {
    /// The format, with times.
    pub fn new(format: F) -> Stamped<F> {
        Stamped { format, line_start: true, piece: Vec::new() }
    }
}

impl<F: Format> Format for Stamped<F> {
    fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        self.format.event(event, &mut self.piece);
        let stamp = format!("{} ", now());
        for line in self.piece.split_inclusive(|byte| *byte == b'\n') {
            if self.line_start {
                out.extend_from_slice(stamp.as_bytes());
            }
            out.extend_from_slice(line);
            self.line_start = line.ends_with(b"\n");
        }
        self.piece.clear();
    }

    fn idle(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Duration> {
        self.format.idle(now, out)
    }
}

/// How long a time is, with the blank behind it.
pub const STAMP: usize = "2026-11-27T23:59:59.123Z ".len();

/// The time, to the millisecond: `2026-11-27T23:59:59.123Z`.
pub fn now() -> String {
    let now = OffsetDateTime::now_utc();
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        now.year(),
        u8::from(now.month()),
        now.day(),
        now.hour(),
        now.minute(),
        now.second(),
        now.millisecond()
    )
}
