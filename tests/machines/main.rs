//! `run --on`: jobs that another machine runs. Here that is a command on this machine, as the two sides cannot tell; `real` has
//! Slurm and sshd.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod ends;
#[path = "../shared/homes.rs"]
mod homes;
mod line;
mod lost;
#[path = "../aws/moto.rs"]
#[allow(dead_code, reason = "the tests of AWS need more")]
mod moto;
mod notifications;
mod real;
mod secrets;
mod start;
#[path = "../run/support.rs"]
#[allow(dead_code, reason = "the tests of runs need more")]
mod support;

use std::path::Path;

/// Where the emulation of AWS is.
mod place {
    use std::path::{Path, PathBuf};

    /// What `tests/aws/setup.sh` puts programs into.
    pub fn programs() -> PathBuf {
        Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("aws-venv").join("bin")
    }
}

use support::{Job, PROGRAM};

/// What the line of a run has in its history.
fn history(ran: &support::Ran) -> String {
    let history = std::process::Command::new(PROGRAM)
        .args(["history", "-f", "shippable.json.yml"])
        .current_dir(ran.path())
        .output()
        .unwrap();
    String::from_utf8(history.stdout).unwrap()
}

/// A command that starts another one where `shipctl` is in the `PATH`.
fn here() -> String {
    let directory = Path::new(PROGRAM).parent().unwrap().display();
    format!("env PATH={directory}:/usr/local/bin:/usr/bin:/bin")
}

/// The same, from a shell that runs `script` first; `"$@"` in it is what is to be started.
fn shell(script: &str) -> String {
    format!("{} sh -c '{script}' sh", here())
}

/// A job with one task, which runs elsewhere.
fn job(entries: &[&str]) -> Job {
    Job::new(entries).option("--on", &here())
}
