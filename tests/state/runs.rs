//! Whole runs of the program, killed at any moment, and many at once. `tests/kill-nine.sh` kills a thousand.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use shipctl::state::{Progress, Store};

use crate::support::{Dice, kills, line};

/// The job leaves the number of its build in a file and a key of its own, and in those of a resource.
const LINE: &str = r#"
resources: [{name: res, type: state}]
jobs:
  - name: job
    type: runSh
    steps:
      - OUT: res
      - TASK:
          - script: echo $BUILD_NUMBER > $JOB_STATE/n; echo n=$BUILD_NUMBER >> $JOB_STATE/job.env
          - script: echo $BUILD_NUMBER > $RES_STATE/n; echo n=$BUILD_NUMBER >> $JOB_STATE/res.env
  - {name: small, type: runSh, steps: [TASK: [echo n=$BUILD_NUMBER >> $JOB_STATE/small.env]]}
"#;

fn run(line: &Path) -> Child {
    run_job(line, "job")
}

fn run_job(line: &Path, job: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_shipctl"))
        .args(["run", job])
        .current_dir(line)
        .env("TMPDIR", line.join("tmp"))
        .env("SHIPCTL_SHM", line.join("tmp"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// A line in a directory of its own.
fn lay(line: &Path) {
    fs::write(line.join("shippable.yml"), LINE).unwrap();
    fs::create_dir(line.join("tmp")).unwrap();
}

/// That each version is whole and goes with one of the resource, and no number was given twice. How many there are.
fn check(line: &Path) -> usize {
    let Some(store) = Store::open_existing(line).unwrap() else { return 0 };
    let versions = |name| store.versions(name, u32::MAX).unwrap();
    let (jobs, resources) = (versions("job"), versions("res"));
    // The resource has one more, which the YAML gives.
    assert_eq!(resources.len(), if jobs.is_empty() { 0 } else { jobs.len() + 1 });
    for (job, resource) in jobs.iter().zip(&resources) {
        let number = job.bag["n"].as_str().unwrap();
        assert_eq!(resource.bag["n"], number);
        for version in [job, resource] {
            let back = line.join("back");
            store.restore_files(version, &back).unwrap();
            assert_eq!(fs::read_to_string(back.join("n")).unwrap().trim(), number, "{}", version.name);
            fs::remove_dir_all(&back).unwrap();
        }
    }
    check_history(&store, "job");
    jobs.len()
}

/// That no number of a build was given twice, and none of them runs any more.
fn check_history(store: &Store, job: &str) {
    let mut builds = store.history(Some(job), u32::MAX).unwrap();
    // A process that was being started when its parent was killed holds the lock until it notices.
    let patience = Instant::now() + Duration::from_secs(10);
    while builds.iter().any(|build| build.progress == Progress::Running) {
        assert!(Instant::now() < patience, "a build runs that was killed");
        thread::yield_now();
        builds = store.history(Some(job), u32::MAX).unwrap();
    }
    let mut numbers: Vec<_> = builds.iter().map(|build| build.reference.number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), builds.len());
}

/// The versions of the job that ends without the database, each with the number of its own build.
fn small_versions(line: &Path) -> usize {
    let store = Store::open_existing(line).unwrap().unwrap();
    let versions = store.versions("small", u32::MAX).unwrap();
    for version in &versions {
        let build = version.build.as_ref().unwrap().number.to_string();
        assert_eq!(version.bag["n"], *build);
    }
    let mut numbers: Vec<_> = versions.iter().map(|version| version.build.as_ref().unwrap().number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), versions.len());
    check_history(&store, "small");
    versions.len()
}

#[test]
fn a_run_that_is_killed_leaves_the_old_version_or_the_new() {
    let directory = line();
    let line = directory.path();
    lay(line);
    let (mut dice, mut before) = (Dice(0x6eed), 0);
    for _ in 0..kills() {
        let mut child = run(line);
        thread::sleep(Duration::from_micros(dice.roll(30_000) as u64));
        child.kill().unwrap();
        let finished = child.wait().unwrap().success();
        let versions = check(line);
        assert!(versions == before + 1 || versions == before && !finished, "{versions} after {before}");
        before = versions;
    }
    assert!(run(line).wait().unwrap().success());
    assert_eq!(check(line), before + 1);
    // What they left of their workspaces is gone.
    let left: Vec<_> = fs::read_dir(line.join("tmp")).unwrap().flatten().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn a_small_run_that_is_killed_leaves_its_version_or_none() {
    let directory = line();
    let line = directory.path();
    lay(line);
    // From the second on, the database is not opened.
    assert!(run_job(line, "small").wait().unwrap().success());
    let (mut dice, mut before) = (Dice(0x7eed), small_versions(line));
    for _ in 0..kills() {
        // Some of them wait for the database together.
        let runs = 1 + dice.roll(4);
        let mut finished = 0;
        for _ in 0..runs {
            let mut child = run_job(line, "small");
            thread::sleep(Duration::from_micros(dice.roll(25_000) as u64));
            child.kill().unwrap();
            finished += usize::from(child.wait().unwrap().success());
        }
        let versions = small_versions(line);
        assert!(
            (before + finished..=before + runs).contains(&versions),
            "{versions} after {before}, {finished} of {runs}"
        );
        before = versions;
    }
}

#[test]
fn twenty_runs_at_once_lose_nothing() {
    let directory = line();
    let line = directory.path();
    lay(line);
    let runs: Vec<_> = (0..20).map(|_| run(line)).collect();
    assert!(runs.into_iter().all(|mut child| child.wait().unwrap().success()));
    assert_eq!(check(line), 20);
    let runs: Vec<_> = (0..20).map(|_| run_job(line, "small")).collect();
    assert!(runs.into_iter().all(|mut child| child.wait().unwrap().success()));
    assert_eq!(small_versions(line), 20);
}
