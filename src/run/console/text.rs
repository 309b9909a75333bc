//! The log as people read it.

use std::io::Write;
use std::time::{Duration, Instant};

use super::{Format, Groups};
use crate::paint::{Paint, Style};
use crate::printable::{self, Printable, in_one_column};
use crate::run::Outcome;
use crate::run::event::{Event, StepKind, StepResult};

/// How long nothing must have happened before a sign of life is given.
const SILENCE: Duration = Duration::from_secs(10);

/// How often the sign of life is renewed.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);

/// How many characters of an entry's first line a heading shows.
const HEADING_WIDTH: usize = 110;

/// How many characters the line that shows life has at most: it must not wrap, or it could not be erased.
const LIFE_WIDTH: usize = 60;

/// The text format: the script's output as it is, under a heading per step and entry, and a summary.
///
/// ```text
/// ▸ build
///   $ make
/// cc -o app app.c
///   ✓ 1.2 s
/// ✓ build · 1.2 s
/// ```
#[derive(Debug)]
pub struct Text {
    paint: Paint,
    live: bool,
    /// Whether the summary at the end is a line, and no table.
    brief: bool,
    groups: Groups,
    /// How many steps have begun.
    steps: u32,
    /// Whether the last thing written ended a line.
    line_start: bool,
    /// Since when the line that shows life is on the screen, if it is; it must go before anything else is written.
    life_shown: Option<Instant>,
    last_event: Instant,
    /// The entry that is running, and since when.
    running: Option<(String, Instant)>,
}

impl Text {
    /// The format. `live` allows what only a terminal understands: a line that shows that a silent
    /// job lives, and goes before the next output.
    pub fn new(paint: Paint, live: bool) -> Text {
        Text {
            paint,
            live,
            brief: false,
            groups: Groups::None,
            steps: 0,
            line_start: true,
            life_shown: None,
            last_event: Instant::now(),
            running: None,
        }
    }

    /// The format for one job of several: what its steps came to is left to the headings.
    pub fn brief(paint: Paint) -> Text {
        Text { brief: true, ..Text::new(paint, false) }
    }

    /// The same, with a group for each step.
    #[must_use]
    pub fn grouped(self, groups: Groups) -> Text {
        Text { groups, ..self }
    }

    fn step_start(&mut self, name: &str, out: &mut Vec<u8>) {
        self.fresh_line(out);
        self.steps += 1;
        self.groups.begin(self.steps, out);
        self.line("", Style::Heading, &format!("▸ {name}"), out);
    }

    /// Writes one line of this format's own.
    fn line(&mut self, indent: &str, style: Style, text: &str, out: &mut Vec<u8>) {
        self.fresh_line(out);
        out.extend_from_slice(indent.as_bytes());
        self.ink(style, text, out);
        out.push(b'\n');
    }

    fn ink(&self, style: Style, text: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(self.paint.with(style, &Printable(text).to_string()).as_bytes());
    }

    /// Ends a line that the script has left open.
    fn fresh_line(&mut self, out: &mut Vec<u8>) {
        if !self.line_start {
            out.push(b'\n');
            self.line_start = true;
        }
    }

    fn erase_life(&mut self, out: &mut Vec<u8>) {
        if self.life_shown.take().is_some() {
            out.extend_from_slice(b"\r\x1b[2K");
        }
    }

    fn step_end(&mut self, step: &StepResult, out: &mut Vec<u8>) {
        let (mark, style) = mark(step);
        let text = format!("{mark} {} · {}", step.name, verdict(step));
        self.fresh_line(out);
        self.groups.end(self.steps, out);
        self.line("", style, &text, out);
    }

    fn matrix_end(&mut self, entries: &[(String, Option<Outcome>)], out: &mut Vec<u8>) {
        self.fresh_line(out);
        out.push(b'\n');
        for (label, outcome) in entries {
            let (mark, style) = match outcome {
                Some(Outcome::Success) => ("✓", Style::Good),
                Some(_) => ("✗", Style::Bad),
                None => ("-", Style::Quiet),
            };
            self.ink(style, mark, out);
            let _ = write!(out, " {} · ", Printable(label));
            let how = outcome.map_or_else(|| "not run".to_owned(), Outcome::describe);
            self.ink(Style::Quiet, &how, out);
            out.push(b'\n');
        }
    }

    fn job_end(
        &mut self,
        job: &str,
        outcome: Outcome,
        duration: Duration,
        steps: &[StepResult],
        out: &mut Vec<u8>,
    ) {
        self.fresh_line(out);
        let steps = if self.brief { &[] } else { steps };
        if !self.brief {
            out.push(b'\n');
        }
        let width = steps.iter().map(|step| shown(step).chars().count()).max().unwrap_or(0);
        for step in steps {
            let (mark, style) = mark(step);
            self.ink(style, mark, out);
            let _ = write!(out, " {:width$}  ", shown(step));
            self.ink(Style::Quiet, &verdict(step), out);
            out.push(b'\n');
        }
        let (mark, style) =
            if outcome == Outcome::Success { ("✓", Style::Good) } else { ("✗", Style::Bad) };
        let text = format!("{mark} {job} {} · {}", outcome.describe(), Short(duration));
        self.line("", style, &text, out);
    }
}

impl Format for Text {
    fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        self.last_event = Instant::now();
        self.erase_life(out);
        match *event {
            Event::JobStart { .. } => {}
            Event::StepStart { step, .. } => self.step_start(step, out),
            Event::EntryStart { script, .. } => {
                let heading = heading(script);
                self.line("  ", Style::Quiet, &format!("$ {heading}"), out);
                self.running = Some((heading, self.last_event));
            }
            Event::Output { bytes } => {
                out.extend_from_slice(bytes);
                self.line_start = bytes.last().map_or(self.line_start, |b| *b == b'\n');
            }
            Event::EntryEnd { status, duration, .. } => {
                self.running = None;
                if status == 0 {
                    self.line("  ", Style::Quiet, &format!("✓ {}", Short(duration)), out);
                } else {
                    self.line("  ", Style::Bad, &format!("✗ exit {status} · {}", Short(duration)), out);
                }
            }
            Event::Notice { message } => {
                self.fresh_line(out);
                // A terminal has echoed the key that cancelled the job.
                out.extend_from_slice(if self.live { b"\r" } else { b"" });
                self.line("", Style::Warning, &format!("! {message}"), out);
            }
            Event::StepEnd { step } => self.step_end(step, out),
            Event::MatrixStart { label } => self.line("", Style::Heading, &format!("▸▸ {label}"), out),
            Event::MatrixEnd { entries } => self.matrix_end(entries, out),
            Event::Tests { tests } => {
                out.extend_from_slice(printable::lines(&format!("{}\n", tests.summary())).as_bytes());
            }
            Event::JobEnd { job, outcome, duration, steps } => {
                self.job_end(job, outcome, duration, steps, out)
            }
        }
    }

    fn idle(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Duration> {
        // In the middle of a line stands a prompt or a progress bar: leave it alone.
        if !self.live || !self.line_start {
            return None;
        }
        let (entry, since) = self.running.as_ref()?;
        let silent = now.saturating_duration_since(self.last_event);
        if silent < SILENCE {
            return Some(SILENCE - silent);
        }
        if let Some(shown) = self.life_shown
            && let fresh = now.saturating_duration_since(shown)
            && fresh < SIGN_OF_LIFE
        {
            return Some(SIGN_OF_LIFE - fresh);
        }
        let line = cut(&format!("… {} · {entry}", Short(now.saturating_duration_since(*since))), LIFE_WIDTH);
        out.extend_from_slice(b"\r\x1b[2K");
        self.ink(Style::Quiet, &line, out);
        self.life_shown = Some(now);
        Some(SIGN_OF_LIFE)
    }
}

/// The name of a step.
fn shown(step: &StepResult) -> String {
    Printable(&step.name).to_string()
}

/// The mark of a step, and its colour.
fn mark(step: &StepResult) -> (&'static str, Style) {
    match step.outcome {
        None => ("-", Style::Quiet),
        Some(Outcome::Success) if step.overlooked > 0 => ("!", Style::Warning),
        Some(Outcome::Success) => ("✓", Style::Good),
        Some(_) => ("✗", Style::Bad),
    }
}

/// How a step ended, in words, and how long it took.
fn verdict(step: &StepResult) -> String {
    let Some(outcome) = step.outcome else { return "not run".to_owned() };
    let duration = Short(step.duration);
    match (outcome, step.kind, step.overlooked) {
        (Outcome::Success, _, 0) => format!("{duration}"),
        (Outcome::Success, StepKind::Section, 1) => format!("1 entry failed · {duration}"),
        (Outcome::Success, _, n) => format!("{n} entries failed · {duration}"),
        _ => format!("{} · {duration}", outcome.describe()),
    }
}

/// The first line of an entry that says something, and how many follow.
fn heading(script: &str) -> String {
    let mut lines = script.lines().skip_while(|line| line.trim().is_empty());
    let first = cut(lines.next().unwrap_or_default().trim(), HEADING_WIDTH);
    match lines.count() {
        0 => first,
        1 => format!("{first}  (+1 line)"),
        n => format!("{first}  (+{n} lines)"),
    }
}

/// The text, cut to a number of characters, with control characters made visible: a heading must not steer a terminal.
fn cut(text: &str, width: usize) -> String {
    let mut shown: String = text.chars().take(width).map(in_one_column).collect();
    if text.chars().nth(width).is_some() {
        shown.pop();
        shown.push('…');
    }
    shown
}

/// A duration as a person says it: `<1 ms`, `12 ms`, `3.4 s`, `2 m 05 s`, `1 h 02 m`.
pub struct Short(pub Duration);

impl std::fmt::Display for Short {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = self.0.as_secs();
        match self.0.as_millis() {
            0 => f.write_str("<1 ms"),
            ms @ 1..1_000 => write!(f, "{ms} ms"),
            ms @ 1_000..60_000 => write!(f, "{}.{} s", ms / 1_000, ms % 1_000 / 100),
            60_000..3_600_000 => write!(f, "{} m {:02} s", seconds / 60, seconds % 60),
            _ => write!(f, "{} h {:02} m", seconds / 3_600, seconds % 3_600 / 60),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        for (ms, text) in
            [(0, "<1 ms"), (999, "999 ms"), (1_999, "1.9 s"), (65_000, "1 m 05 s"), (3_725_000, "1 h 02 m")]
        {
            assert_eq!(Short(Duration::from_millis(ms)).to_string(), text);
        }
    }

    #[test]
    fn a_heading_is_one_line() {
        assert_eq!(heading("\n  make all\n\tx\n"), "make all  (+1 line)");
        assert_eq!(heading("a\nb\nc"), "a  (+2 lines)");
        assert_eq!(heading(""), "");
        assert_eq!(heading("printf '\u{1b}[2J'"), "printf '\u{fffd}[2J'");
        assert_eq!(heading(&"x".repeat(200)).chars().count(), HEADING_WIDTH);
    }

    #[test]
    fn a_heading_starts_on_a_line_of_its_own() {
        let mut out = Vec::new();
        let mut text = Text::new(Paint::Plain, false);
        text.event(&Event::Output { bytes: b"prompt: " }, &mut out);
        text.event(&Event::Notice { message: "late" }, &mut out);
        assert_eq!(out, b"prompt: \n! late\n");
    }

    #[test]
    fn a_silent_job_shows_life_and_hides_it_again() {
        let mut out = Vec::new();
        let mut text = Text::new(Paint::Plain, true);
        text.event(&Event::EntryStart { step: "s", entry: 1, script: "make" }, &mut out);
        out.clear();
        let started = text.last_event;
        assert!(text.idle(started, &mut out) == Some(SILENCE) && out.is_empty());
        assert_eq!(text.idle(started + Duration::from_secs(12), &mut out), Some(Duration::from_secs(1)));
        assert_eq!(String::from_utf8_lossy(&out), "\r\x1b[2K… 12.0 s · make");
        out.clear();
        // Asked again at once, it has nothing new to say.
        assert_eq!(text.idle(started + Duration::from_secs(12), &mut out), Some(Duration::from_secs(1)));
        assert!(out.is_empty());
        text.event(&Event::Output { bytes: b"done\n" }, &mut out);
        assert_eq!(out, b"\r\x1b[2Kdone\n");
    }
}
