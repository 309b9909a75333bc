//! A report of a run for CI servers: JUnit's XML.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::time::Duration;

use super::seconds;
use crate::printable::xml;
use crate::results::{self, Tests};
use crate::run::Outcome;
use crate::run::event::{Event, StepResult};

/// How many lines of a log a report shows of what failed.
const LINES: usize = 20;

/// How long a line of it is at most, in bytes.
const WIDEST: usize = 2_000;

/// How something ended.
pub enum Verdict {
    /// Well.
    Good,
    /// Badly: how, and the last lines of its log.
    Failed(String, String),
    /// It was not run, and why.
    NotRun(String),
}

/// One thing that was run: a step of a job, or a job of a line.
pub struct Case {
    /// What it belongs to, if that is not its suite.
    pub class: Option<String>,
    /// Its name.
    pub name: String,
    /// How long it took.
    pub took: Duration,
    /// How it ended.
    pub verdict: Verdict,
}

/// Things that were run together.
#[derive(Default)]
pub struct Suite {
    /// Its name.
    pub name: String,
    /// What was run.
    pub cases: Vec<Case>,
}

impl Suite {
    /// The tests of a job, or of one entry of its matrix.
    pub fn of_tests(job: &str, tests: &Tests) -> Suite {
        let case = |case: &results::Case| Case {
            class: case.class.clone(),
            name: case.name.clone(),
            took: case.took,
            verdict: match &case.verdict {
                results::Verdict::Passed => Verdict::Good,
                results::Verdict::Failed(how, log) => Verdict::Failed(how.clone(), log.clone()),
                results::Verdict::Skipped(why) => Verdict::NotRun(why.clone()),
            },
        };
        Suite { name: format!("{job}: tests"), cases: tests.cases.iter().map(case).collect() }
    }
}

/// The last lines of a log.
#[derive(Clone, Default)]
pub struct Tail {
    lines: VecDeque<Vec<u8>>,
    open: Vec<u8>,
}

impl Tail {
    /// Takes note of what was written.
    pub fn push(&mut self, bytes: &[u8]) {
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let whole = line.ends_with(b"\n");
            let room = WIDEST.saturating_sub(self.open.len());
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            self.open.extend_from_slice(&text[..text.len().min(room)]);
            if whole {
                self.lines.push_back(std::mem::take(&mut self.open));
                if self.lines.len() > LINES {
                    self.lines.pop_front();
                }
            }
        }
    }

    /// The last lines.
    pub fn text(&self) -> String {
        let lines = self.lines.iter().chain((!self.open.is_empty()).then_some(&self.open));
        lines.map(|line| String::from_utf8_lossy(line) + "\n").collect()
    }
}

/// What happened in a run, for a report.
#[derive(Default)]
pub struct Junit {
    suites: Vec<Suite>,
    tail: Tail,
    label: String,
}

impl Junit {
    /// Takes note of an event, which is masked.
    pub fn event(&mut self, event: &Event) {
        match *event {
            Event::Output { bytes } => self.tail.push(bytes),
            Event::StepStart { .. } => self.tail = Tail::default(),
            Event::MatrixStart { label } => label.clone_into(&mut self.label),
            Event::JobStart { job } => {
                let name =
                    if self.label.is_empty() { job.to_owned() } else { format!("{job} {}", self.label) };
                self.suites.push(Suite { name, cases: Vec::new() });
            }
            Event::StepEnd { step } => {
                let case = self.case(step);
                self.add(case);
            }
            Event::JobEnd { steps, .. } => {
                for step in steps.iter().filter(|step| step.outcome.is_none()) {
                    let case = self.case(step);
                    self.add(case);
                }
            }
            Event::Tests { tests } => {
                let of = self.suites.last().map_or("", |suite| &suite.name);
                self.suites.push(Suite::of_tests(of, tests));
            }
            Event::EntryStart { .. }
            | Event::EntryEnd { .. }
            | Event::Notice { .. }
            | Event::MatrixEnd { .. } => {}
        }
    }

    fn add(&mut self, case: Case) {
        if let Some(suite) = self.suites.last_mut() {
            suite.cases.push(case);
        }
    }

    fn case(&self, step: &StepResult) -> Case {
        let verdict = match step.outcome {
            Some(Outcome::Success) => Verdict::Good,
            Some(outcome) => Verdict::Failed(outcome.describe(), self.tail.text()),
            None => Verdict::NotRun("a step before it failed".to_owned()),
        };
        Case { class: None, name: step.name.clone(), took: step.duration, verdict }
    }

    /// The report of a run that came to its end, or of one that could not begin.
    pub fn document(&self, job: &str, error: Option<&str>) -> String {
        let mut suites: Vec<&Suite> = self.suites.iter().collect();
        let broken = error.map(|error| Suite {
            name: job.to_owned(),
            cases: vec![Case {
                class: None,
                name: job.to_owned(),
                took: Duration::ZERO,
                verdict: Verdict::Failed("stopped by an error".to_owned(), error.to_owned()),
            }],
        });
        suites.extend(broken.iter());
        document(&suites)
    }
}

/// The XML of suites.
pub fn document(suites: &[&Suite]) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for suite in suites {
        let count = |is: fn(&Verdict) -> bool| suite.cases.iter().filter(|case| is(&case.verdict)).count();
        let took: Duration = suite.cases.iter().map(|case| case.took).sum();
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\" time=\"{}\">",
            xml(&suite.name),
            suite.cases.len(),
            count(|verdict| matches!(verdict, Verdict::Failed(..))),
            count(|verdict| matches!(verdict, Verdict::NotRun(_))),
            seconds(took)
        );
        for case in &suite.cases {
            let _ = write!(
                text,
                "    <testcase classname=\"{}\" name=\"{}\" time=\"{}\"",
                xml(case.class.as_ref().unwrap_or(&suite.name)),
                xml(&case.name),
                seconds(case.took)
            );
            text += &match &case.verdict {
                Verdict::Good => "/>\n".to_owned(),
                Verdict::Failed(how, log) => format!(
                    ">\n      <failure message=\"{}\">{}</failure>\n    </testcase>\n",
                    xml(how),
                    xml(log)
                ),
                Verdict::NotRun(why) => {
                    format!(">\n      <skipped message=\"{}\"/>\n    </testcase>\n", xml(why))
                }
            };
        }
        text += "  </testsuite>\n";
    }
    text + "</testsuites>\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_the_last_lines() {
        let mut tail = Tail::default();
        for number in 0..30 {
            tail.push(format!("line {number}\n").as_bytes());
        }
        tail.push(b"half");
        assert_eq!(tail.text().lines().count(), LINES + 1);
        assert!(tail.text().starts_with("line 10\n") && tail.text().ends_with("line 29\nhalf\n"));
    }
}
