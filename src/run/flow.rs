//! Which part of a job is due next.

use std::collections::VecDeque;

use super::{Job, Outcome, StepKind};

/// A section of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    OnStart,
    OnSuccess,
    OnFailure,
    OnCancel,
    Always,
}

impl Section {
    fn name(self) -> &'static str {
        match self {
            Section::OnStart => "on_start",
            Section::OnSuccess => "on_success",
            Section::OnFailure => "on_failure",
            Section::OnCancel => "on_cancel",
            Section::Always => "always",
        }
    }
}

/// A part of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Section(Section),
    Task(usize),
}

impl Part {
    pub(super) fn name<'j>(self, job: &Job<'j>) -> &'j str {
        match self {
            Part::Task(task) => &job.tasks[task].name,
            Part::Section(section) => section.name(),
        }
    }

    pub(super) fn kind(self) -> StepKind {
        match self {
            Part::Task(_) => StepKind::Task,
            Part::Section(_) => StepKind::Section,
        }
    }

    pub(super) fn entries<'j>(self, job: &Job<'j>) -> &'j [String] {
        match self {
            Part::Task(task) => &job.tasks[task].entries,
            Part::Section(Section::OnStart) => &job.sections.on_start,
            Part::Section(Section::OnSuccess) => &job.sections.on_success,
            Part::Section(Section::OnFailure) => &job.sections.on_failure,
            Part::Section(Section::OnCancel) => &job.sections.on_cancel,
            Part::Section(Section::Always) => &job.sections.always,
        }
    }
}

/// The state of a job between its parts.
#[derive(Debug)]
pub(super) struct Flow<'j> {
    job: Job<'j>,
    outcome: Outcome,
    due: VecDeque<Part>,
    /// The sections that have begun: none begins twice.
    started: Vec<Section>,
    /// The task that runs or ran last; sections run in its environment.
    task: usize,
}

impl<'j> Flow<'j> {
    pub(super) fn new(job: &Job<'j>) -> Flow<'j> {
        let start = Part::Section(Section::OnStart);
        let due = if job.tasks.is_empty() { VecDeque::new() } else { VecDeque::from([start, Part::Task(0)]) };
        Flow { job: *job, outcome: Outcome::Success, due, started: Vec::new(), task: 0 }
    }

    /// How the job stands; when nothing is due any more, how it ended.
    pub(super) fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// The task whose environment the current part has.
    pub(super) fn task(&self) -> usize {
        self.task
    }

    /// The part that is due, which begins now.
    pub(super) fn next(&mut self) -> Option<Part> {
        while let Some(part) = self.due.pop_front() {
            match part {
                Part::Task(task) => {
                    self.task = task;
                    return Some(part);
                }
                Part::Section(section) => {
                    if !self.started.contains(&section) && !part.entries(&self.job).is_empty() {
                        self.started.push(section);
                        return Some(part);
                    }
                }
            }
        }
        None
    }

    /// The same, if that part belongs in the shell of the one before it.
    pub(super) fn next_in_shell(&mut self) -> Option<Part> {
        if matches!(self.due.front(), Some(Part::Task(_))) { None } else { self.next() }
    }

    /// A part has ended by itself.
    pub(super) fn ended(&mut self, part: Part, outcome: Outcome) {
        match part {
            Part::Task(task) if outcome == Outcome::Success => {
                if task + 1 < self.job.tasks.len() {
                    self.due = VecDeque::from([Part::Task(task + 1)]);
                } else {
                    self.then(Section::OnSuccess);
                }
            }
            Part::Task(_) | Part::Section(Section::OnStart) if outcome != Outcome::Success => {
                self.outcome = outcome;
                self.then(Section::OnFailure);
            }
            // A job that has failed keeps its first status.
            Part::Section(Section::OnSuccess | Section::Always) if self.outcome == Outcome::Success => {
                self.outcome = outcome;
            }
            Part::Task(_) | Part::Section(_) => {}
        }
    }

    /// The job was cut short.
    pub(super) fn interrupted(&mut self, outcome: Outcome) {
        self.outcome = outcome;
        self.then(if matches!(outcome, Outcome::Cancelled(_)) {
            Section::OnCancel
        } else {
            Section::OnFailure
        });
    }

    /// Nothing more is wanted.
    pub(super) fn abandon(&mut self) {
        self.due.clear();
    }

    fn then(&mut self, section: Section) {
        self.due = VecDeque::from([Part::Section(section), Part::Section(Section::Always)]);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::run::{Sections, Task};

    /// The parts of a job with all sections and two tasks, where `end` says how each part ends.
    fn walk(end: impl Fn(&str) -> Outcome) -> (String, Outcome) {
        let script = || vec![":".to_owned()];
        let sections = Sections {
            on_start: script(),
            on_success: script(),
            on_failure: script(),
            on_cancel: script(),
            always: script(),
        };
        let tasks = ["one", "two"].map(|name| Task {
            name: name.to_owned(),
            entries: script(),
            environment: Default::default(),
            container: None,
        });
        let path = Path::new("/");
        let (name, grace) = ("job", super::super::GRACE);
        let job = Job {
            name,
            tasks: &tasks,
            sections: &sections,
            root: path,
            mount: None,
            scripts: path,
            pipes: path,
            time_limit: None,
            grace,
        };
        let mut flow = Flow::new(&job);
        let mut names = Vec::new();
        while let Some(part) = flow.next() {
            let name = part.name(&job);
            names.push(name.trim_start_matches("on_").to_owned());
            match end(name.trim_start_matches("on_")) {
                outcome @ (Outcome::TimedOut | Outcome::Cancelled(_)) => flow.interrupted(outcome),
                outcome => flow.ended(part, outcome),
            }
        }
        (names.join(" "), flow.outcome())
    }

    fn ends(part: &str, outcome: Outcome) -> (String, Outcome) {
        walk(|name| if name == part { outcome } else { Outcome::Success })
    }

    #[test]
    fn all_goes_well() {
        let all = "start one two success always".to_owned();
        assert_eq!(ends("", Outcome::Success), (all, Outcome::Success));
    }

    #[test]
    fn a_failed_task_ends_the_job() {
        let failed = Outcome::Failed(3);
        assert_eq!(ends("one", failed), ("start one failure always".to_owned(), failed));
        assert_eq!(ends("start", failed), ("start failure always".to_owned(), failed));
    }

    #[test]
    fn an_exit_in_a_section_fails_the_job_but_changes_no_failure() {
        let (failed, other) = (Outcome::Failed(3), Outcome::Failed(4));
        assert_eq!(ends("success", failed), ("start one two success always".to_owned(), failed));
        assert_eq!(ends("always", failed).1, failed);
        let both = walk(|name| match name {
            "two" => failed,
            "always" | "failure" => other,
            _ => Outcome::Success,
        });
        assert_eq!(both, ("start one two failure always".to_owned(), failed));
    }

    #[test]
    fn a_job_cut_short_still_gets_its_sections_once() {
        let cancelled = Outcome::Cancelled(2);
        assert_eq!(
            ends("one", Outcome::TimedOut),
            ("start one failure always".to_owned(), Outcome::TimedOut)
        );
        assert_eq!(ends("one", cancelled), ("start one cancel always".to_owned(), cancelled));
        assert_eq!(ends("always", cancelled), ("start one two success always cancel".to_owned(), cancelled));
        assert_eq!(ends("always", Outcome::TimedOut).0, "start one two success always failure");
    }
}
