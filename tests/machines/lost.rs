//! What is left when one of the processes is killed: nothing that runs, and a failure with a name.

use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{Job, Running, wait_gone, wait_until};
use crate::{here, history, shell};

/// A job that waits, with the process that its script is; what it runs on is a shell that stays.
fn waiting(on: &str) -> (Running, Pid) {
    let running = Job::new(&["echo pid $$", "echo @begun; sleep 1000"]).sections().option("--on", on).start();
    let pid = running.number("pid ");
    running.wait_for("@begun");
    (running, pid)
}

fn parent(pid: Pid) -> Pid {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("PPid:")).unwrap();
    Pid::from_raw(line.trim().parse().unwrap())
}

#[test]
fn without_us_the_job_ends() {
    for on in [here(), shell("\"$@\"; true")] {
        let (running, pid) = waiting(&on);
        running.signal(Signal::SIGKILL);
        wait_gone(pid);
        let root = running.path().join("root");
        wait_until(|| !root.exists(), || "the end of the workspace".to_owned());
        running.finish().is(137, &["begun"]);
    }
}

#[test]
fn without_the_command_the_job_has_failed() {
    // The command is the shell that stays above shipctl, and not the one above the script.
    let (running, pid) = waiting(&shell("\"$@\"; true"));
    let supervisor = parent(parent(pid));
    kill(parent(supervisor), Signal::SIGKILL).unwrap();
    wait_gone(pid);
    let ran = running.finish();
    ran.is(125, &["begun"]);
    ran.shows("the job was lost: `").shows("was ended by SIGKILL").shows("failed with status 125");
}

#[test]
#[cfg_attr(feature = "posix", ignore = "only Linux tells children of the death of their parent")]
fn without_the_supervisor_the_job_has_failed() {
    let (running, pid) = waiting(&shell("\"$@\"; true"));
    kill(parent(parent(pid)), Signal::SIGKILL).unwrap();
    wait_gone(pid);
    running.finish().is(125, &["begun"]).shows("the job was lost: `");
}

#[test]
#[cfg_attr(feature = "posix", ignore = "only Linux tells children of the death of their parent")]
fn without_the_worker_the_job_has_failed() {
    let (running, pid) = waiting(&here());
    kill(parent(pid), Signal::SIGKILL).unwrap();
    wait_gone(pid);
    let ran = running.finish();
    ran.is(125, &["begun"]).shows("the job was lost: the shipctl that ran it there was killed");
}

#[test]
fn the_history_has_a_job_that_was_lost() {
    let (running, pid) = waiting(&here());
    kill(parent(pid), Signal::SIGKILL).unwrap();
    let history = history(&running.finish());
    assert!(history.contains("failure (125)"), "{history}");
}
