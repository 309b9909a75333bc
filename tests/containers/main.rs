//! TASKs in containers of a real engine: podman, which `tests/containers/setup.sh` sets up, or with
//! `SHIPCTL_TEST_ENGINE=docker` Docker, which `tests/containers/docker.sh` does. So these tests are ignored unless they are asked
//! for: `cargo test --test containers -- --include-ignored`.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../shared/dice.rs"]
mod dice;
#[path = "../shared/homes.rs"]
mod homes;
mod kills;
#[path = "../run/support.rs"]
#[allow(dead_code, reason = "the tests of runs need more")]
mod support;

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use nix::sys::signal::Signal;

use support::{Job, PROGRAM, Running, wait_until};

const IMAGE: &str = "localhost/shipctl-test:1";

/// The engine that is tested.
fn engine() -> String {
    std::env::var("SHIPCTL_TEST_ENGINE").unwrap_or_else(|_| "podman".to_owned())
}

/// Where the engine has its images, containers and configuration.
fn place() -> PathBuf {
    let beside_build = || Path::new(PROGRAM).ancestors().nth(2).unwrap().join(engine());
    std::env::var_os("SHIPCTL_TEST_PLACE").map_or_else(beside_build, PathBuf::from)
}

/// The variables that lead it there.
fn variables() -> Vec<(String, String)> {
    let text = fs::read_to_string(place().join("env")).expect("the engine is set up by a script first");
    text.lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

fn call(arguments: &[&str]) -> Output {
    Command::new(engine()).args(arguments).envs(variables()).output().unwrap()
}

/// Whether there is a container of this name.
fn exists(name: &str) -> bool {
    call(&["container", "inspect", name]).status.success()
}

/// A job whose tasks run in the image.
fn job(entries: &[&str]) -> Job {
    let job = Job::new(entries).in_image(IMAGE, "--network=none").variable("SHIPCTL_CONTAINERS", &engine());
    variables().iter().fold(job, |job, (name, value)| job.variable(name, value))
}

/// The name of the container of a job whose script prints it behind `@name `.
fn name(running: &Running) -> String {
    running.wait_for("name shipctl-");
    let printed = running.printed();
    let line = printed.lines().find_map(|line| line.strip_prefix("@name "));
    line.unwrap().to_owned()
}

/// Waits until there is no container of this name.
fn wait_removed(name: &str) {
    wait_until(|| !exists(name), || format!("the end of the container {name}"));
}

/// The files below a directory that hold a text.
fn holding(directory: &Path, text: &str) -> String {
    let found = Command::new("grep").args(["-rlsF", text]).arg(directory).output().unwrap();
    String::from_utf8(found.stdout).unwrap()
}

#[test]
#[ignore = "needs an engine"]
fn a_task_runs_in_its_image_on_another_machine() {
    let directory = Path::new(PROGRAM).parent().unwrap().display();
    let on = format!("env PATH={directory}:/usr/local/bin:/usr/bin:/bin");
    job(&["echo @$OF_IMAGE $TASK_IN_CONTAINER", "echo value $SECRET; echo made > $JOB_STATE/file", "exit 3"])
        .secret("tops3cret")
        .section("on_failure", &["echo @on_failure $OF_IMAGE"])
        .option("--on", &on)
        .run()
        .is(3, &["yes true", "on_failure yes"])
        .shows("value ***");
}

#[test]
#[ignore = "needs an engine"]
fn a_task_runs_in_its_image() {
    let of_test = "[ -d ${JOB_PATH%/root} ] && [ ! -e ${JOB_PATH%/root}/shippable.json.yml ] && echo @alone";
    let ran = job(&[
        "echo @$OF_IMAGE $TASK_IN_CONTAINER $(id -u) $(cat /proc/1/comm | wc -l)",
        "shipctl get_integration_field vault SECRET | wc -c | sed 's/^/@/'",
        "echo made > $JOB_PATH/file",
        of_test,
    ])
    .secret("tops3cret")
    .flag("--keep")
    .run();
    ran.is(0, &["yes true 0 1", "10", "alone"]);
    let file = ran.path().join("root/file");
    assert_eq!(fs::metadata(&file).unwrap().uid(), nix::unistd::Uid::effective().as_raw());
}

#[test]
#[ignore = "needs an engine"]
fn status_and_sections_are_those_of_the_script() {
    let ran = job(&["X=1; echo @name $TASK_CONTAINER_NAME", "exit 7"])
        .section("on_failure", &["echo @$X $OF_IMAGE"])
        .section("always", &["echo @always"])
        .run();
    let name = ran.marks()[0].clone();
    ran.is(7, &[&name, "1 yes", "always"]);
    assert!(!exists(name.strip_prefix("name ").unwrap()));
    job(&["kill -9 $$"]).section("always", &["echo @$OF_IMAGE"]).run().is(137, &["yes"]);
    job(&["for i in $(seq 500); do echo line $i; done | cat", "echo @end"])
        .run()
        .is(0, &["end"])
        .shows("line 500\n");
}

#[test]
#[ignore = "needs an engine"]
fn the_time_limit_ends_a_container() {
    let ran = job(&["echo @begun; setsid sleep 1000 & trap '' TERM; while :; do sleep 1; done"])
        .option("--timeout", "5s")
        .option("--grace", "1s")
        .section("always", &["echo @always; ps | grep -c '[s]leep 1000' || true"])
        .run();
    ran.is(124, &["begun", "always"]).shows("\n0\n");
}

#[test]
#[ignore = "needs an engine"]
fn signals_reach_a_container() {
    let running = job(&["echo @name $TASK_CONTAINER_NAME; sleep 1000 & wait"]).sections().start();
    let name = name(&running);
    running.signal(Signal::SIGINT);
    running.finish().is(130, &[&format!("name {name}"), "on_cancel", "always"]);
    wait_removed(&name);
    let running =
        job(&["trap 'echo @usr1; exit 5' USR1; echo @name x; while :; do sleep 0.01; done"]).start();
    running.wait_for("@name x");
    running.signal(Signal::SIGUSR1);
    running.finish().is(5, &["name x", "usr1"]);
}

#[test]
#[ignore = "needs an engine"]
fn no_secret_is_left_in_the_engine() {
    let secret = "s3cret-for-grep-4711";
    let running = job(&["echo @name $TASK_CONTAINER_NAME; echo $SECRET; read line"])
        .secret(secret)
        .start_with(|command| _ = command.stdin(std::process::Stdio::piped()));
    let name = name(&running);
    let shown = call(&["inspect", &name]);
    assert!(shown.status.success());
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("shipctl.run") && !shown.contains(secret), "{shown}");
    assert_eq!(holding(&place(), secret), "");
    running.signal(Signal::SIGTERM);
    running.finish().never_shows(secret);
    assert_eq!(holding(&place(), secret), "");
}

#[test]
#[ignore = "needs an engine"]
fn a_run_that_is_killed_leaves_no_container() {
    for _ in 0..3 {
        let running = job(&["echo @name $TASK_CONTAINER_NAME; setsid sleep 1000 & sleep 1000"]).start();
        let name = name(&running);
        running.signal(Signal::SIGKILL);
        running.finish();
        wait_removed(&name);
    }
}

#[test]
#[ignore = "needs an engine"]
fn a_container_that_somebody_else_ends_is_a_failed_task() {
    let running =
        job(&["echo @name $TASK_CONTAINER_NAME; sleep 1000"]).section("always", &["echo @always"]).start();
    let name = name(&running);
    assert!(call(&["kill", &name]).status.success());
    running.finish().is(137, &[&format!("name {name}"), "always"]);
    wait_removed(&name);
}

#[test]
#[ignore = "needs an engine"]
fn what_the_engine_refuses_is_said() {
    let none = Job::new(&["echo @no"]).in_image("localhost/none:1", "--network=none");
    let none = variables().iter().fold(none, |job, (name, value)| job.variable(name, value));
    let ran = none.variable("SHIPCTL_CONTAINERS", &engine()).run();
    ran.is(125, &[]).complains("the container of localhost/none:1 did not start").complains("hint: ");
    let ran = job(&["echo @no"]).in_image(IMAGE, "--no-such-option=x").run();
    ran.is(125, &[]).complains("unknown flag").complains("hint: check `options` of the image");
}

#[test]
#[ignore = "needs an engine"]
fn services_run_beside_a_job() {
    let directory = tempfile::tempdir().unwrap();
    // What asks PostgreSQL for TLS gets one letter.
    let line = format!(
        r#"
services: [redis, postgres, memcached]
build:
  pre_ci_boot: {{image_name: {IMAGE}, env: [FROM_BOOT=yes]}}
  ci:
    - echo @$TASK_IN_CONTAINER $FROM_BOOT
    - exec 3<>/dev/tcp/127.0.0.1/6379; printf 'PING\r\n' >&3; read -r answer <&3; echo "@redis ${{answer%?}}"
    - exec 3<>/dev/tcp/127.0.0.1/5432; printf '\0\0\0\10\4\322\26\57' >&3; read -r -n 1 answer <&3; echo "@postgres $answer"
    - echo | nc 127.0.0.1 11211 >/dev/null && echo @reached
    - sleep $LONG
jobs:
  - {{name: ci, type: runCI}}
"#
    );
    fs::write(directory.path().join("shippable.yml"), line).unwrap();
    let homes = homes::Homes::new();
    let start = |long: &str| {
        let mut command = Command::new(PROGRAM);
        command.args(["run", "ci", "-e", &format!("LONG={long}")]).current_dir(directory.path());
        command.envs(variables()).env("SHIPCTL_CONTAINERS", engine()).stdin(std::process::Stdio::null());
        homes.give(&mut command);
        command
    };
    let output = start("0").output().unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    let parts = [
        "\n@true yes\n",
        "\n@redis +PONG\n",
        "\n@postgres N\n",
        "\n@reached\n",
        "starting redis (docker.io/library/redis:latest)",
    ];
    for part in parts {
        assert!(text.contains(part), "no {part} in {text}");
    }
    // The label says where the pipes of the run are.
    let ours = |which: &[&str]| {
        let shown = call(&[&["ps", "--format", "{{.Names}} {{.Labels}}"], which].concat());
        let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
        let homes = homes.path().to_str().unwrap();
        shown.lines().filter(|line| line.contains(homes)).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(ours(&["--all"]), [""; 0]);
    // They end with a run that is killed.
    let mut child = start("1000").stdout(std::process::Stdio::piped()).spawn().unwrap();
    wait_until(|| ours(&["--all"]).len() == 4, || "the containers of the job".to_owned());
    child.kill().unwrap();
    child.wait().unwrap();
    // Podman keeps in mind what was running when it looked last.
    let running: &[&str] = if engine() == "podman" { &["--sync"] } else { &[] };
    wait_until(|| ours(running).is_empty(), || "the end of the services".to_owned());
    // What the engine could not remove, the next run does.
    let output = start("0").output().unwrap();
    assert!(output.status.success());
    assert_eq!(ours(&["--all"]), [""; 0]);
}

#[test]
#[ignore = "needs an engine"]
fn a_command_runs_in_the_image_of_a_task() {
    let exec =
        |words: &[&str]| job(&[":"]).secret("tops3cret").flag("--container").exec(words, |_| {}).finish();
    let ran = exec(&[
        "sh",
        "-c",
        "echo @$OF_IMAGE $(id -u) $SECRET; echo err >&2; echo x > $JOB_STATE/file; exit 5",
    ]);
    ran.is(5, &["yes 0 tops3cret"]);
    assert_eq!(ran.stderr, "err\n");
    exec(&["nosuch"]).is(127, &[]).complains("nosuch: command not found");
    assert_eq!(holding(&place(), "tops3cret"), "");
    let script =
        "trap 'echo @caught; exit 3' INT; echo @name $TASK_CONTAINER_NAME; while :; do sleep 0.01; done";
    let running = job(&[":"]).flag("--container").exec(&["bash", "-c", script], |_| {});
    let name = name(&running);
    running.signal(Signal::SIGINT);
    running.finish().is(3, &[&format!("name {name}"), "caught"]);
    wait_removed(&name);
    let running = job(&[":"])
        .flag("--container")
        .exec(&["sh", "-c", "echo @name $TASK_CONTAINER_NAME; sleep 1000"], |_| {});
    let name = self::name(&running);
    running.signal(Signal::SIGKILL);
    running.finish();
    wait_removed(&name);
}

#[test]
#[ignore = "needs an engine"]
fn a_container_has_the_workspace_where_the_original_had_it() {
    let ran = job(&["echo one > /build/state/file; echo @$(cat $JOB_STATE/file)"]).run();
    ran.is(0, &["one"]);
}
