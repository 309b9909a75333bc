//! What happens in a run, as it is told to its watchers.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Outcome;
use crate::results::Tests;

/// A part of a job that runs scripts: a TASK or a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StepKind {
    /// A TASK.
    Task,
    /// One of `on_start`, `on_success`, `on_failure`, `on_cancel` and `always`.
    Section,
}

impl StepKind {
    /// Its name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            StepKind::Task => "task",
            StepKind::Section => "section",
        }
    }
}

/// A step and how it went.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StepResult {
    /// The name of the task or section.
    pub name: String,
    /// Which of the two it is.
    pub kind: StepKind,
    /// How it ended; `None` if it never ran.
    pub outcome: Option<Outcome>,
    /// How many entries of a section failed without changing the result.
    pub overlooked: usize,
    /// How long it took.
    pub duration: Duration,
}

/// Something that happened.
#[derive(Debug, Clone, Copy, Serialize)]
pub enum Event<'a> {
    /// The job begins.
    JobStart {
        /// Its name.
        job: &'a str,
    },
    /// A step begins.
    StepStart {
        /// The name of the task or section.
        step: &'a str,
        /// Which of the two it is.
        kind: StepKind,
    },
    /// An entry of the step's script begins.
    EntryStart {
        /// The name of the task or section.
        step: &'a str,
        /// Which entry it is, counted from 1.
        entry: usize,
        /// Its text.
        script: &'a str,
    },
    /// The script has written something, to stdout or stderr.
    Output {
        /// The bytes, which need be neither whole lines nor UTF-8.
        bytes: &'a [u8],
    },
    /// The entry has ended.
    EntryEnd {
        /// The name of the task or section.
        step: &'a str,
        /// Which entry it was, counted from 1.
        entry: usize,
        /// Its exit status, as the shell has it; 128 + N if signal N ended the shell.
        status: u8,
        /// How long it took.
        duration: Duration,
    },
    /// Something that the reader of the log should know.
    Notice {
        /// One line of text.
        message: &'a str,
    },
    /// The step has ended.
    StepEnd {
        /// All about it.
        step: &'a StepResult,
    },
    /// The job is about to run with an entry of its matrix.
    MatrixStart {
        /// Its number and what sets it apart.
        label: &'a str,
    },
    /// The job has run with the entries of its matrix.
    MatrixEnd {
        /// All of them: the label, and how it ended; `None` if it never ran.
        entries: &'a [(String, Option<Outcome>)],
    },
    /// The job has left results of tests.
    Tests {
        /// The tests.
        tests: &'a Tests,
    },
    /// The job has ended.
    JobEnd {
        /// Its name.
        job: &'a str,
        /// How it ended.
        outcome: Outcome,
        /// How long it took.
        duration: Duration,
        /// Its steps, in order, with the tasks that never ran.
        steps: &'a [StepResult],
    },
}
