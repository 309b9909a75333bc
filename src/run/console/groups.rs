//! Groups of log lines that a CI folds: one for each step, under its heading.

use std::io::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

/// Who folds the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Groups {
    /// No groups.
    None,
    /// GitHub Actions.
    GitHub,
    /// GitLab.
    GitLab,
}

impl Groups {
    /// The CI that a job runs in, by the variables that it sets.
    pub fn of(variable: impl Fn(&str) -> bool) -> Groups {
        if variable("GITHUB_ACTIONS") {
            Groups::GitHub
        } else if variable("GITLAB_CI") {
            Groups::GitLab
        } else {
            Groups::None
        }
    }

    /// What comes before the heading of step `number`, on its line.
    pub(super) fn begin(self, number: u32, out: &mut Vec<u8>) {
        let _ = match self {
            Groups::None => Ok(()),
            Groups::GitHub => write!(out, "::group::"),
            Groups::GitLab => write!(out, "\x1b[0Ksection_start:{}:step_{number}\r\x1b[0K", now()),
        };
    }

    /// The line behind the last one of step `number`.
    pub(super) fn end(self, number: u32, out: &mut Vec<u8>) {
        let _ = match self {
            Groups::None => Ok(()),
            Groups::GitHub => writeln!(out, "::endgroup::"),
            Groups::GitLab => writeln!(out, "\x1b[0Ksection_end:{}:step_{number}\r\x1b[0K", now()),
        };
    }
}

/// The time in seconds, as GitLab counts how long a section took.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
