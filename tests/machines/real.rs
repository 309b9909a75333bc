//! Slurm with two nodes and two machines with sshd, which `tests/machines/setup.sh` sets up; so these tests are ignored unless they
//! are asked for.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::line::{DIAMOND, Line};
use crate::moto::Moto;
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

/// A bucket that all machines share.
struct Bucket(Moto);

impl Bucket {
    fn new() -> Bucket {
        let moto = Moto::start();
        let scope = "x/20260101/us-east-1/s3/aws4_request";
        let signed = format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=x");
        ureq::put(format!("{}/lines", moto.address)).header("Authorization", signed).send_empty().unwrap();
        Bucket(moto)
    }

    /// What leads to it.
    fn variables(&self) -> [(&str, &str); 4] {
        [
            ("AWS_ENDPOINT_URL", &self.0.address),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "AKIAMADEUP"),
            ("AWS_SECRET_ACCESS_KEY", "made-up-key"),
        ]
    }

    /// Runs the diamond twice, each time as `run` does, and says what it has made.
    fn diamond(&self, name: &str, run: impl Fn(&Line, &str)) -> Vec<serde_json::Value> {
        let line = Line::new(DIAMOND).with(&self.variables());
        let state = format!("s3://lines/{name}");
        for _ in 0..2 {
            let begun = Instant::now();
            run(&line, &state);
            println!("{name}: {} ms", begun.elapsed().as_millis());
        }
        line.versions(&["--state", &state])
    }

    /// The diamond with what `on` starts.
    fn diamond_on(&self, name: &str, on: Option<&str>) -> Vec<serde_json::Value> {
        self.diamond(name, |line, state| {
            let words = [
                &["run", "--all", "-j2", "--state", state][..],
                on.map_or(&[], |_| &["--on"]),
                on.as_slice(),
            ];
            let output = line.call(&words.concat(), |command| {
                command.env("SLURM_CONF", variable("SLURM_CONF"));
            });
            let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{on:?}: {}{stderr}", String::from_utf8_lossy(&output.stdout));
        })
    }

    /// The diamond as a pipeline of GitLab.
    fn diamond_in_gitlab(&self, local: &Path) -> Vec<serde_json::Value> {
        self.diamond("gitlab", |line, state| {
            let yaml = line.run(&["export", "gitlab", "--state", state]);
            fs::write(line.path().join(".gitlab-ci.yml"), yaml).unwrap();
            let git = "git init -q . && git remote add origin git@gitlab.example.com:shop/line.git; git add . && \
                git -c user.name=test -c user.email=test@example.com commit -q --allow-empty -m line";
            let options = ["--force-shell-executor", "--shell-isolation", "--variable", "DEPLOY_TOKEN=tops3cret-token"];
            let mut pipeline = Command::new("sh");
            pipeline.args(["-c", &format!("{{ {git}; }} 2>log && exec \"$@\""), "sh"]).arg(local).args(options);
            for (name, value) in self.variables() {
                pipeline.args(["--variable", &format!("{name}={value}")]);
            }
            line.give(&mut pipeline);
            let program = Path::new(PROGRAM).parent().unwrap().display();
            pipeline.env("PATH", format!("{program}:{}", std::env::var("PATH").unwrap()));
            let output = pipeline.output().unwrap();
            let said = [output.stdout, output.stderr].concat();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
        })
    }
}

#[test]
#[ignore = "needs Slurm, sshd and the emulation of AWS"]
fn a_line_makes_the_same_versions_everywhere() {
    let bucket = Bucket::new();
    let here = bucket.diamond_on("here", None);
    assert_eq!(here, bucket.diamond_on("srun", Some(SRUN)));
    // One node for each job, so that two that run side by side are on both.
    assert_eq!(here, bucket.diamond_on("nodes", Some("srun -Q -N1 -n1 --exclusive --export=NONE")));
    // The first machine that nobody uses.
    let lock = place().join("m1.lock").display().to_string();
    let pick = format!(
        "sh -c 'exec 9>{lock}; if flock -n 9; then exec {} \"$@\"; else exec {} \"$@\"; fi' sh",
        ssh("m1"),
        ssh("m2")
    );
    assert_eq!(here, bucket.diamond_on("ssh", Some(&pick)));
    let local = place().with_file_name("exports").join("node_modules/.bin/gitlab-ci-local");
    if local.exists() {
        assert_eq!(here, bucket.diamond_in_gitlab(&local));
    } else {
        eprintln!("GitLab: not run, as tests/exports/check.sh has not installed gitlab-ci-local");
    }
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

#[test]
#[ignore = "needs Slurm and sshd"]
fn what_is_printed_comes_at_once() {
    let directory = tempfile::TempDir::with_prefix("shipctl-test-").unwrap();
    for on in ways() {
        let go = directory.path().join("go");
        let entry = format!("printf 'prompt> '; until [ -e {} ]; do sleep 0.01; done", go.display());
        let running = job(&[&entry], &on).start();
        running.wait_for("prompt> ");
        fs::write(&go, "").unwrap();
        running.finish().is(0, &[]);
        fs::remove_file(&go).unwrap();
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

/// The shipctl that runs the script of a process.
fn worker(script: Pid) -> Pid {
    let mut at = script.as_raw();
    loop {
        let stat = fs::read_to_string(format!("/proc/{at}/stat")).unwrap();
        let (name, rest) = stat.rsplit_once(')').unwrap();
        if at != script.as_raw() && name.ends_with("(shipctl") {
            return Pid::from_raw(at);
        }
        at = rest.split_whitespace().nth(1).unwrap().parse().unwrap();
    }
}

/// Three in CI; `SHIPCTL_TEST_KILLS=20` for more.
#[test]
#[ignore = "needs Slurm and sshd"]
fn whatever_is_killed_the_job_ends_and_has_run_once() {
    let rounds: usize = std::env::var("SHIPCTL_TEST_KILLS").map_or(1, |text| text.parse().unwrap());
    let directory = tempfile::TempDir::with_prefix("shipctl-test-").unwrap();
    let runs = directory.path().join("runs");
    for on in ways() {
        for _ in 0..rounds {
            for victim in ["worker", "launcher", "shipctl"] {
                let begin = format!("echo run >> {}", runs.display());
                let running =
                    job(&[&begin, "echo pid $$", "echo @begun; sleep 1000"], &on).sections().start();
                let pid = running.number("pid ");
                running.wait_for("@begun");
                let killed = match victim {
                    "worker" => worker(pid),
                    "launcher" => child(running.pid()),
                    _ => running.pid(),
                };
                kill(killed, Signal::SIGKILL).unwrap();
                wait_gone(pid);
                let ran = running.finish();
                if victim == "shipctl" {
                    ran.is(137, &["begun"]);
                } else {
                    ran.is(125, &["begun"]).shows("the job was lost: ");
                }
                assert_eq!(fs::read_to_string(&runs).unwrap(), "run\n", "{victim} of {on}");
                fs::remove_file(&runs).unwrap();
            }
        }
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
