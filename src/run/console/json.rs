//! One JSON object per event and line, for machines.

use std::borrow::Cow;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Format, now};
use crate::printable;
use crate::run::Outcome;
use crate::run::event::{Event, StepKind, StepResult};

/// The format of `--log-format json`.
///
/// Every object has an `event`: `job-start`, `step-start`, `entry-start`, `output`, `entry-end`, `notice`, `step-end`,
/// `tests` or `job-end`; the `time`, and the name of the `job`. Output is `text`, or `base64` where it
/// is not UTF-8; a character that is cut by the end of a read is held back until the rest of it has come.
#[derive(Debug)]
pub struct Json {
    job: String,
    clock: fn() -> String,
    /// The bytes of a character that is not complete yet: three at most.
    held: Vec<u8>,
}

impl Json {
    /// The format for a job.
    pub fn of_job(job: &str) -> Json {
        Json { job: job.to_owned(), clock: now, held: Vec::new() }
    }

    fn output(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let bytes: Cow<[u8]> = if self.held.is_empty() {
            Cow::Borrowed(bytes)
        } else {
            let mut whole = std::mem::take(&mut self.held);
            whole.extend_from_slice(bytes);
            Cow::Owned(whole)
        };
        match std::str::from_utf8(&bytes) {
            Ok(text) => self.line(json!({"event": "output", "text": text}), out),
            // Valid but for a character whose end is yet to come.
            Err(error) if error.error_len().is_none() => {
                let (text, rest) = bytes.split_at(error.valid_up_to());
                self.held = rest.to_vec();
                if !text.is_empty() {
                    self.line(json!({"event": "output", "text": String::from_utf8_lossy(text)}), out);
                }
            }
            Err(_) => self.line(json!({"event": "output", "base64": STANDARD.encode(&bytes)}), out),
        }
    }

    fn line(&self, mut object: Value, out: &mut Vec<u8>) {
        if let Value::Object(fields) = &mut object {
            fields.entry("job").or_insert_with(|| self.job.as_str().into());
            fields.insert("time".to_owned(), (self.clock)().into());
        }
        out.extend_from_slice(printable::json(format!("{object}\n")).as_bytes());
    }
}

impl Format for Json {
    fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        if let Event::Output { bytes } = event {
            return self.output(bytes, out);
        }
        if !self.held.is_empty() {
            let rest = std::mem::take(&mut self.held);
            self.line(json!({"event": "output", "base64": STANDARD.encode(&rest)}), out);
        }
        self.line(object(event), out);
    }
}

/// What an event other than output looks like.
fn object(event: &Event) -> Value {
    match *event {
        Event::Output { .. } => Value::Null,
        Event::JobStart { job } => json!({"event": "job-start", "job": job}),
        Event::StepStart { step, kind } => {
            json!({"event": "step-start", "step": step, "kind": kind.as_str()})
        }
        Event::EntryStart { step, entry, script } => {
            json!({"event": "entry-start", "step": step, "entry": entry, "script": script})
        }
        Event::EntryEnd { step, entry, status, duration } => json!({
            "event": "entry-end", "step": step, "entry": entry, "status": status, "seconds": seconds(duration),
        }),
        Event::Notice { message } => json!({"event": "notice", "message": message}),
        Event::MatrixStart { label } => json!({"event": "matrix-start", "entry": label}),
        Event::MatrixEnd { entries } => {
            let entries = entries.iter().map(|(label, outcome)| {
                let result = outcome.map_or("not-run", Outcome::as_str);
                json!({"entry": label, "result": result, "status": outcome.map(Outcome::status)})
            });
            json!({"event": "matrix-end", "entries": entries.collect::<Vec<_>>()})
        }
        Event::Tests { tests } => json!({
            "event": "tests", "tests": tests.cases.len(), "failed": tests.failed(), "skipped": tests.skipped(),
        }),
        Event::StepEnd { step } => ended(json!({"event": "step-end"}), step),
        Event::JobEnd { job, outcome, duration, steps } => json!({
            "event": "job-end", "job": job, "result": outcome.as_str(), "status": outcome.status(),
            "seconds": seconds(duration), "steps": steps.iter().map(|step| ended(json!({}), step)).collect::<Vec<_>>(),
        }),
    }
}

/// The object, with what there is to say of a step.
fn ended(mut object: Value, step: &StepResult) -> Value {
    if let Value::Object(fields) = &mut object {
        fields.insert("step".into(), step.name.as_str().into());
        fields.insert("kind".into(), step.kind.as_str().into());
        if let Some(outcome) = step.outcome {
            fields.insert("result".into(), outcome.as_str().into());
            fields.insert("status".into(), outcome.status().into());
        } else {
            fields.insert("result".into(), "not-run".into());
        }
        if step.kind == StepKind::Section {
            fields.insert("failed_entries".into(), step.overlooked.into());
        }
        fields.insert("seconds".into(), seconds(step.duration).into());
    }
    object
}

/// A duration in seconds, to the microsecond.
pub fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(events: &[Event]) -> String {
        let mut out = Vec::new();
        let mut format = Json { clock: || "T".to_owned(), ..Json::of_job("j") };
        for event in events {
            format.event(event, &mut out);
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_character_cut_in_two_comes_out_whole() {
        let out = show(&[Event::Output { bytes: b"caf\xc3" }, Event::Output { bytes: b"\xa9\n" }]);
        assert_eq!(
            out,
            "{\"event\":\"output\",\"text\":\"caf\",\"job\":\"j\",\"time\":\"T\"}\n{\"event\":\"output\",\"text\":\"é\\n\",\"job\":\"j\",\"time\":\"T\"}\n"
        );
    }

    #[test]
    fn half_a_character_is_not_lost_when_no_more_comes() {
        let out = show(&[Event::Output { bytes: b"\xc3" }, Event::Notice { message: "m" }]);
        assert_eq!(
            out,
            "{\"event\":\"output\",\"base64\":\"ww==\",\"job\":\"j\",\"time\":\"T\"}\n{\"event\":\"notice\",\"message\":\"m\",\"job\":\"j\",\"time\":\"T\"}\n"
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_base64() {
        assert_eq!(
            show(&[Event::Output { bytes: b"a\xffb" }]),
            "{\"event\":\"output\",\"base64\":\"Yf9i\",\"job\":\"j\",\"time\":\"T\"}\n"
        );
    }
}
