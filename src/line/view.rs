//! What is seen of a line that runs: each line of a log under the name of its job, and in the end a table.

use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::rc::Rc;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, raise};
use serde_json::{Value, json};

use super::schedule::{JobState, Schedule};
use crate::cli::LogFormat;
use crate::order::Order;
use crate::paint::{Paint, Style};
use crate::printable::Printable;
use crate::run::Outcome;
use crate::run::console::junit::{Case, Suite, Tail, Verdict};
use crate::run::console::{Short, Stream, now, seconds};
use crate::run::worker_pool::{Stage, Update};

/// How wide the column of names is at most.
const WIDEST: usize = 24;

/// How much of the beginning of a wider name is shown.
const BEGINNING: usize = 7;

/// Of how many jobs that failed the last lines are shown.
const SHOWN: usize = 5;

/// How often the line that shows life is brought up to date.
const REFRESH: Duration = Duration::from_millis(200);

/// The view of a line.
pub(super) struct View<'o> {
    pub(super) stream: Stream<'o>,
    order: &'o Order<'o>,
    prefixes: Rc<[String]>,
    format: LogFormat,
    paint: Paint,
    /// Whether there is a line at the bottom that shows what runs.
    live: bool,
    life_shown: bool,
    refreshed: Instant,
    /// What each worker has written of a line that is not complete.
    partial: Vec<Vec<u8>>,
    /// The last lines of the log of each job, as text.
    tails: Vec<Tail>,
}

/// What stands in front of each line of a job's log, for all jobs.
pub(super) fn prefixes(order: &Order, paint: Paint) -> Rc<[String]> {
    let width = width(order);
    let prefix = |job| {
        let name = name_of(order, job);
        let pad = " ".repeat(width.saturating_sub(name.chars().count()));
        let text = format!("{name}{pad} │ ");
        paint.with(Style::Name(job), &text)
    };
    (0..order.members.len()).map(prefix).collect()
}

fn name_of(order: &Order, job: usize) -> String {
    let name = Printable(&order.members[job].job.name.text).to_string();
    if name.chars().count() <= WIDEST {
        return name;
    }
    // Names of a line often begin alike: the end tells them apart.
    let letters: Vec<char> = name.chars().collect();
    let end = &letters[letters.len() - (WIDEST - 1 - BEGINNING)..];
    letters[..BEGINNING].iter().chain(['…'].iter()).chain(end).collect()
}

fn width(order: &Order) -> usize {
    (0..order.members.len()).map(|job| name_of(order, job).chars().count()).max().unwrap_or(0)
}

impl<'o> View<'o> {
    pub(super) fn new(
        order: &'o Order<'o>,
        stdout: &'o io::Stdout,
        prefixes: Rc<[String]>,
        format: LogFormat,
        paint: Paint,
        live: bool,
    ) -> View<'o> {
        View {
            stream: Stream::new(stdout.as_fd()),
            order,
            prefixes,
            format,
            paint,
            live,
            life_shown: false,
            refreshed: Instant::now(),
            partial: Vec::new(),
            tails: vec![Tail::default(); order.members.len()],
        }
    }

    fn is_json(&self) -> bool {
        self.format == LogFormat::Json
    }

    /// Writes whole lines.
    fn write(&mut self, text: &str) {
        self.erase_life();
        self.stream.append(|out| out.extend_from_slice(text.as_bytes()));
    }

    fn json(&mut self, mut object: Value) {
        object["time"] = now().into();
        self.write(&format!("{object}\n"));
    }

    /// Says which jobs are to run.
    pub(super) fn begin(&mut self) {
        if self.is_json() {
            let after = |job: usize| {
                let waits = self.order.members[job].after.iter();
                waits.map(|wait| self.order.members[wait.member].job.name.text.as_str()).collect::<Vec<_>>()
            };
            let jobs: Vec<_> = (0..self.order.members.len())
                .map(|job| json!({"job": self.order.members[job].job.name.text, "after": after(job)}))
                .collect();
            return self.json(json!({"event": "line-start", "jobs": jobs}));
        }
        for job in &self.order.left_out {
            let text =
                format!("- {} is not run: {}", Printable(&job.name.text), Printable(&job.why_not_run()));
            let text = self.paint.with(Style::Quiet, &text);
            self.write(&format!("{text}\n"));
        }
    }

    /// What a worker wrote: whole lines, and the beginning of one that is kept until the rest comes.
    pub(super) fn log(&mut self, worker: usize, bytes: &[u8]) {
        if self.partial.len() <= worker {
            self.partial.resize(worker + 1, Vec::new());
        }
        let end = memchr::memrchr(b'\n', bytes).map_or(0, |end| end + 1);
        let (whole, rest) = bytes.split_at(end);
        if !whole.is_empty() {
            self.erase_life();
            let partial = std::mem::take(&mut self.partial[worker]);
            if !self.is_json() {
                self.remember(&partial, whole);
            }
            self.stream.append(|out| {
                out.extend_from_slice(&partial);
                out.extend_from_slice(whole);
            });
        }
        self.partial[worker].extend_from_slice(rest);
    }

    /// Takes note of lines for when their job has failed.
    fn remember(&mut self, partial: &[u8], whole: &[u8]) {
        let mut begin = partial;
        let mut job = None;
        for line in whole.split_inclusive(|byte| *byte == b'\n') {
            let line = [std::mem::take(&mut begin), line].concat();
            let is_of = |job: &usize| line.starts_with(self.prefixes[*job].as_bytes());
            // Most lines are of the same job as the one before.
            job = job.filter(is_of).or_else(|| (0..self.prefixes.len()).find(is_of));
            if let Some(job) = job {
                self.tails[job].push(&line[self.prefixes[job].len()..]);
            }
        }
    }

    /// How each job went, for a report.
    pub(super) fn suite(&self, schedule: &Schedule) -> Suite {
        let case = |(job, (name, state)): (usize, (&str, JobState))| {
            let (took, verdict) = match state {
                JobState::Ended(Update { took, .. }) if state.is_good() => (took, Verdict::Good),
                JobState::Ended(Update { stage, took, .. }) => {
                    (took, Verdict::Failed(described(stage), self.tails[job].text()))
                }
                state => (0, Verdict::NotRun(verdict(schedule, state).2)),
            };
            Case { class: None, name: name.to_owned(), took: Duration::from_millis(took.into()), verdict }
        };
        Suite { name: "jobs".to_owned(), cases: schedule.jobs().enumerate().map(case).collect() }
    }

    /// The last lines of the jobs that failed.
    fn why(&self, schedule: &Schedule) -> String {
        let mut text = String::new();
        let failed = schedule.jobs().enumerate().filter_map(|(job, (name, state))| match state {
            JobState::Ended(update) if !state.is_good() => Some((job, name, update)),
            _ => None,
        });
        for (job, name, update) in failed.take(SHOWN) {
            let (name, how) = (Printable(name), described(update.stage));
            let whole = match update.build {
                0 => String::new(),
                build => format!(" (all of its log: shipctl logs {name} {build})"),
            };
            text += &format!(
                "\n{}{}\n",
                self.paint.with(Style::Bad, &format!("✗ {name} {how}")),
                self.paint.with(Style::Quiet, &whole)
            );
            for line in self.tails[job].text().lines() {
                text += &format!("{}{line}\n", self.prefixes[job]);
            }
        }
        text
    }

    /// Says that jobs do not run, and why.
    pub(super) fn kept(&mut self, schedule: &Schedule, jobs: &[usize]) {
        for &job in jobs {
            if let (JobState::Kept(because), false) = (schedule.state(job), self.is_json()) {
                let text = self
                    .paint
                    .with(Style::Quiet, &format!("- not run: {} failed", Printable(schedule.name(because))));
                let prefix = &self.prefixes[job];
                self.write(&format!("{prefix}{text}\n"));
            }
        }
    }

    /// Says that the process that ran a job is gone.
    pub(super) fn lost(&mut self, job: u32) {
        let prefix = &self.prefixes[job as usize];
        let text = self.paint.with(Style::Bad, "✗ the shipctl that ran it was killed");
        if !self.is_json() {
            self.write(&format!("{prefix}{text}\n"));
        }
    }

    /// Brings the line that shows life up to date; says when to do it again.
    pub(super) fn refresh(&mut self, schedule: &Schedule) -> Option<Instant> {
        if !self.live || self.stream.writable().is_some() {
            return None;
        }
        let now = Instant::now();
        if self.life_shown && now < self.refreshed + REFRESH {
            return Some(self.refreshed + REFRESH);
        }
        let mut parts = Vec::new();
        for (name, state) in schedule.jobs() {
            if let JobState::Running { since, .. } = state {
                parts.push(format!("{} {}", Printable(name), Short(now - since)));
            }
        }
        let total = self.order.members.len();
        let done = schedule.count(|state| matches!(state, JobState::Ended(_)));
        let cancelled = schedule.count(JobState::is_cancelled);
        let bad = schedule.count(|state| matches!(state, JobState::Ended(_)) && !state.is_good());
        let mut counts = vec![format!("{done}/{total}")];
        counts.extend((bad > cancelled).then(|| format!("{} failed", bad - cancelled)));
        counts.extend((cancelled > 0).then(|| format!("{cancelled} cancelled")));
        let parts = [counts, parts].concat();
        let columns = terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0));
        let whole = parts.join(" · ");
        let mut line: String = whole.chars().take(columns.saturating_sub(1)).collect();
        if line.len() < whole.len() {
            line.pop();
            line.push('…');
        }
        let line = self.paint.with(Style::Quiet, &line);
        self.stream.append(|out| _ = write!(out, "\r\x1b[2K{line}"));
        self.life_shown = true;
        self.refreshed = now;
        Some(now + REFRESH)
    }

    fn erase_life(&mut self) {
        if std::mem::take(&mut self.life_shown) {
            self.stream.append(|out| out.extend_from_slice(b"\r\x1b[2K"));
        }
    }

    /// Stops with the jobs, and goes on with them.
    pub(super) fn pause(&mut self) {
        self.erase_life();
        while self.stream.writable().is_some() {
            self.stream.write_some();
        }
        let _ = raise(Signal::SIGSTOP);
    }

    /// Says how it all went.
    pub(super) fn end(&mut self, schedule: &Schedule, took: Duration, stopped: Option<i32>) {
        for worker in 0..self.partial.len() {
            if !self.partial[worker].is_empty() {
                self.log(worker, b"\n");
            }
        }
        if self.is_json() {
            let jobs: Vec<_> = schedule.jobs().map(|(name, state)| told(name, state)).collect();
            let status = stopped.map_or_else(|| schedule.status(), crate::exit::of_signal);
            return self.json(
                json!({"event": "line-end", "status": status, "seconds": seconds(took), "jobs": jobs}),
            );
        }
        let mut text = self.why(schedule);
        text.push('\n');
        let width = width(self.order);
        for (job, (_, state)) in schedule.jobs().enumerate() {
            let name = name_of(self.order, job);
            let (mark, style, verdict) = verdict(schedule, state);
            text += &format!(
                "{} {name:width$}  {}\n",
                self.paint.with(style, mark),
                self.paint.with(Style::Quiet, &verdict)
            );
        }
        let count = |is: fn(JobState) -> bool| schedule.count(is);
        let total = self.order.members.len();
        let good = count(JobState::is_good);
        let not_run =
            count(|state| matches!(state, JobState::Kept(_) | JobState::Stopped | JobState::Waiting));
        let mut parts = vec![format!("{good} of {total} jobs succeeded")];
        let cancelled = count(JobState::is_cancelled);
        let failed = total - good - not_run - cancelled;
        parts.extend((failed > 0).then(|| format!("{failed} failed")));
        parts.extend((cancelled > 0).then(|| format!("{cancelled} cancelled")));
        parts.extend((not_run > 0).then(|| format!("{not_run} not run")));
        parts.push(Short(took).to_string());
        let (mark, style) = if good == total { ("✓", Style::Good) } else { ("✗", Style::Bad) };
        text += &format!("{}\n", self.paint.with(style, &format!("{mark} {}", parts.join(" · "))));
        self.write(&text);
    }
}

/// How a job ended, in words.
fn described(stage: Stage) -> String {
    match stage {
        Stage::Ended(outcome) => outcome.describe(),
        Stage::Broken(_) => "stopped by an error".to_owned(),
        Stage::Started => "not run".to_owned(),
    }
}

/// The mark of a job, its colour, and what there is to say.
fn verdict(schedule: &Schedule, state: JobState) -> (&'static str, Style, String) {
    match state {
        JobState::Ended(Update { stage, build, took, .. }) => {
            let mut parts = Vec::new();
            match stage {
                Stage::Ended(Outcome::Success) | Stage::Started => {}
                stage => parts.push(described(stage)),
            }
            parts.push(Short(Duration::from_millis(took.into())).to_string());
            parts.extend((build > 0).then(|| format!("#{build}")));
            let (mark, style) = if state.is_good() { ("✓", Style::Good) } else { ("✗", Style::Bad) };
            (mark, style, parts.join(" · "))
        }
        JobState::Kept(because) => {
            ("-", Style::Quiet, format!("not run: {} failed", Printable(schedule.name(because))))
        }
        JobState::Waiting | JobState::Given | JobState::Running { .. } | JobState::Stopped => {
            ("-", Style::Quiet, "not run".to_owned())
        }
    }
}

/// The same for machines.
fn told(name: &str, state: JobState) -> Value {
    let JobState::Ended(Update { stage, build, took, .. }) = state else {
        return json!({"job": name, "result": "not-run"});
    };
    let (result, status) = match stage {
        Stage::Ended(outcome) => (outcome.as_str(), outcome.status()),
        Stage::Broken(status) => ("broken", status),
        Stage::Started => ("not-run", 0),
    };
    let build = (build > 0).then_some(build);
    json!({"job": name, "build": build, "result": result, "status": status, "seconds": f64::from(took) / 1e3})
}
