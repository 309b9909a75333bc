//! Slurm with two nodes and two machines with sshd, which `tests/machines/setup.sh` sets up; so these tests are ignored unless they
//! are asked for.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::line::{DIAMOND, Line};
use crate::support::{Job, PROGRAM, Running, wait_gone, wait_until};

/// How a user of Slurm starts jobs.
const SRUN: &str = "srun -Q -n1 --export=NONE";

/// Where Slurm and sshd have their files.
fn place() -> PathBuf {
    Path::new(PROGRAM).ancestors().nth(2).unwrap().join("machines")
}

/// What setup.sh says.
fn variable(name: &str) -> String {
    let text = fs::read_to_string(place().join("env")).expect("run tests/machines/setup.sh first");
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    line.unwrap().to_owned()
}

/// What starts a command on a machine.
fn ssh(machine: &str) -> String {
    format!("ssh -F {} {machine}", variable("SSH_CONF"))
}

/// All ways to run a job elsewhere.
fn ways() -> [String; 2] {
    [SRUN.to_owned(), ssh("m1")]
}

fn job(entries: &[&str], on: &str) -> Job {
    Job::new(entries).option("--on", on).variable("SLURM_CONF", &variable("SLURM_CONF"))
}

/// Runs the diamond twice with what `on` starts, and says what it has made.
fn diamond(on: Option<&str>) -> Vec<serde_json::Value> {
    let line = Line::new(DIAMOND);
    // The state may lie anywhere: all that is done to it is done here.
    let state = line.path().join("shared").display().to_string();
    for _ in 0..2 {
        let words =
            [&["run", "--all", "-j2", "--state", &state][..], on.map_or(&[], |_| &["--on"]), on.as_slice()];
        let begun = Instant::now();
        let output = line.call(&words.concat(), |command| {
            command.env("SLURM_CONF", variable("SLURM_CONF"));
        });
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{on:?}: {}{stderr}", String::from_utf8_lossy(&output.stdout));
        println!("{}: {} ms", on.unwrap_or("here"), begun.elapsed().as_millis());
    }
    line.versions(&["--state", &state])
}

#[test]
#[ignore = "needs Slurm and sshd"]
fn a_line_makes_the_same_versions_everywhere() {
    let here = diamond(None);
    assert_eq!(here, diamond(Some(SRUN)));
    // One node for each job, so that two that run side by side are on both.
    assert_eq!(here, diamond(Some("srun -Q -N1 -n1 --exclusive --export=NONE")));
    // The first machine that nobody uses.
    let lock = place().join("m1.lock").display().to_string();
    let pick = format!(
        "sh -c 'exec 9>{lock}; if flock -n 9; then exec {} \"$@\"; else exec {} \"$@\"; fi' sh",
        ssh("m1"),
        ssh("m2")
    );
    assert_eq!(here, diamond(Some(&pick)));
}

#[test]
#[ignore = "needs Slurm and sshd"]
fn two_jobs_run_on_two_nodes() {
    let job = |name: &str, other: &str| {
        format!(
            "  - {{name: {name}, type: runSh, steps: [{{TASK: {{script: ['touch $MEET/{name}; echo node $SLURMD_NODENAME', 'until [ -e $MEET/{other} ]; do sleep 0.05; done']}}}}]}}\n"
        )
    };
    let line = Line::new(&format!("jobs:\n{}{}", job("a", "b"), job("b", "a")));
    let meet = format!("MEET={}", line.path().display());
    let on = "srun -Q -N1 -n1 --exclusive --export=NONE";
    let output = line.call(&["run", "--all", "-j2", "--on", on, "-e", &meet], |command| {
        command.env("SLURM_CONF", variable("SLURM_CONF"));
    });
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("node n1") && text.contains("node n2"), "{text}");
}

#[test]
#[ignore = "needs Slurm and sshd"]
fn status_output_and_secrets_are_as_here() {
    for on in ways() {
        let entries = ["[ \"$SECRET\" = tops3cret-machine ] && echo @had; echo value $SECRET", "exit 5"];
        let ran = job(&entries, &on).secret("tops3cret-machine").sections().run();
        ran.is(5, &["had", "on_failure", "always"]).shows("value ***").never_shows("tops3cret-machine");
    }
    let found = Command::new("grep").args(["-rlsaF", "tops3cret-machine"]).arg(place()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&found.stdout), "");
}

#[test]
#[ignore = "needs Slurm and sshd"]
fn signals_and_time_limits_reach_the_job() {
    for on in ways() {
        let (running, pid) = waiting(&on);
        running.signal(Signal::SIGTERM);
        running.finish().is(143, &["begun", "on_cancel", "always"]);
        wait_gone(pid);
        let ran = job(&["echo @begun; sleep 1000"], &on).option("--timeout", "1s").run();
        ran.is(124, &["begun"]);
    }
}

/// A job that waits, and the process of its script.
fn waiting(on: &str) -> (Running, Pid) {
    let running = job(&["echo pid $$", "echo @begun; sleep 1000"], on).sections().start();
    let pid = running.number("pid ");
    running.wait_for("@begun");
    (running, pid)
}

#[test]
#[ignore = "needs Slurm and sshd"]
fn without_us_the_job_ends() {
    for on in ways() {
        let (running, pid) = waiting(&on);
        running.signal(Signal::SIGKILL);
        wait_gone(pid);
        running.finish().is(137, &["begun"]);
    }
}

/// The child of a process.
fn child(parent: Pid) -> Pid {
    let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap();
    Pid::from_raw(children.trim().parse().unwrap())
}

#[test]
#[ignore = "needs Slurm and sshd"]
fn a_connection_that_is_cut_fails_the_job() {
    for on in ways() {
        let (running, pid) = waiting(&on);
        kill(child(running.pid()), Signal::SIGKILL).unwrap();
        wait_gone(pid);
        running.finish().is(125, &["begun"]).shows("the job was lost: `");
    }
}

#[test]
#[ignore = "needs Slurm and sshd"]
fn a_job_that_slurm_cancels_has_failed() {
    let (running, pid) = waiting("srun -Q -n1 -J to-be-cancelled --export=NONE");
    let cancelled = Command::new("scancel")
        .args(["-n", "to-be-cancelled"])
        .env("SLURM_CONF", variable("SLURM_CONF"))
        .status()
        .unwrap();
    assert!(cancelled.success());
    wait_gone(pid);
    let ran = running.finish();
    assert_ne!(ran.code(), 0, "{}", ran.text());
    wait_until(
        || fs::read_dir(place().join("n/tmp/shipctl-0")).map_or(0, Iterator::count) <= 1,
        || "the end of workspaces".into(),
    );
}
