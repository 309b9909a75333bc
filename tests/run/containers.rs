//! TASKs in the images that they name. A program of the test stands in for podman; `tests/containers` has a real one.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use std::process::{Command, Stdio};

use nix::sys::signal::Signal;

use crate::support::{Job, PROGRAM, Ran, state, wait_gone};

pub const IMAGE: &str = "registry.example.com/team/image:1";

/// A job whose engine is the stand-in, which has the image.
pub fn with_engine(job: Job) -> Job {
    let here = job.path().to_owned();
    let (bin, store) = (here.join("bin"), here.join("store"));
    fs::create_dir(&bin).unwrap();
    fs::create_dir(&store).unwrap();
    let podman = bin.join("podman");
    fs::write(&podman, include_str!("podman.sh")).unwrap();
    fs::set_permissions(&podman, PermissionsExt::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    fs::write(store.join("image.registry.example.com_team_image:1"), &path).unwrap();
    job.variable("PATH", &format!("{}:{path}", bin.display()))
        .variable("STAND_IN", store.to_str().unwrap())
        .variable("STAND_IN_PROGRAM", PROGRAM)
        .variable("SHIPCTL_CONTAINERS", "podman")
}

/// A job whose tasks run in the image, with the stand-in as the engine.
pub fn job(entries: &[&str]) -> Job {
    with_engine(Job::new(entries).in_image(IMAGE, ""))
}

/// The calls of the engine that begin with a word.
fn calls(ran: &Ran, word: &str) -> Vec<String> {
    let calls = fs::read_to_string(ran.path().join("store/calls")).unwrap_or_default();
    calls.lines().filter(|line| line.split(' ').next() == Some(word)).map(str::to_owned).collect()
}

fn containers(here: &Path) -> Vec<String> {
    let names = fs::read_dir(here.join("store")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter_map(|name| name.strip_prefix("container.").map(str::to_owned)).collect()
}

#[test]
fn a_task_runs_in_its_image() {
    let ran = job(&[
        "echo @$TASK_IN_CONTAINER $OF_IMAGE; echo @${HERE:-none} $TASK_CONTAINER_IMAGE; X=1",
        "echo @$X $HOME ${BASH_ENV-unset}; [ $PWD = $JOB_PATH ] && echo @root; shippable_retry true && echo @function",
        "[ -e $STAND_IN/container.$TASK_CONTAINER_NAME ] || echo @name",
    ])
    .run();
    ran.is(0, &["true yes", &format!("none {IMAGE}"), "1 /nowhere unset", "root", "function", "name"])
        .complains("podman runs the containers");
    let run = calls(&ran, "run");
    assert_eq!(run.len(), 1, "{run:?}");
    for part in [
        "run --rm --pull missing",
        "--label shipctl.run=",
        "--security-opt label=disable",
        "--image-volume ignore",
        "--user 0:0",
        &format!("source={}", ran.path().join("root").display()),
        &format!("container-init {}", ran.path().parent().unwrap().display()),
    ] {
        assert!(run[0].contains(part), "no {part} in {}", run[0]);
    }
    assert_eq!(containers(ran.path()), [""; 0]);
}

#[test]
fn sections_run_where_the_task_ran() {
    let ran =
        job(&["X=2; false", "echo @no"]).section("on_failure", &["echo @$X $OF_IMAGE"]).sections().run();
    ran.is(1, &["on_failure", "always"]);
    let ran = job(&["kill -9 $$"]).section("on_failure", &["echo @$OF_IMAGE"]).run();
    ran.is(137, &["yes"]);
    assert_eq!(calls(&ran, "run").len(), 1);
    let ran = job(&["exec sh -c 'exit 3'"]).section("always", &["echo @$OF_IMAGE"]).run();
    ran.is(3, &["yes"]);
}

#[test]
fn each_task_runs_where_it_says() {
    let job = Job::new(&["echo @${OF_IMAGE:-here} $TASK_IN_CONTAINER; echo 1 > $SHARED_DIR/file"])
        .task(&["echo @${OF_IMAGE:-here} $TASK_IN_CONTAINER; cat $SHARED_DIR/file"])
        .last_in_image(IMAGE)
        .task(&["echo @${OF_IMAGE:-here}"])
        .section("always", &["echo @${OF_IMAGE:-here}"]);
    with_engine(job).run().is(0, &["here false", "yes true", "here", "here"]).shows("\n1\n");
}

#[test]
#[cfg_attr(feature = "posix", ignore = "only Linux collects orphans")]
fn what_a_task_leaves_ends_with_it() {
    let ran = job(&["setsid sleep 1000 & echo @$!"]).flag("--grace=1s").run();
    let sleep: i32 = ran.marks()[0].parse().unwrap();
    assert_eq!((ran.code(), state(nix::unistd::Pid::from_raw(sleep))), (0, None));
}

#[test]
#[cfg_attr(feature = "posix", ignore = "only Linux tells who reads from a pipe")]
fn what_stands_behind_a_process_substitution_in_a_container_is_waited_for() {
    let log = "exec > >(sed 's/^/@/')";
    job(&[&format!("{log}; sleep 1000 &"), "echo one"]).run().is(0, &["one"]);
    job(&[&format!("{log}; trap '' TERM; sleep 1000 &"), "echo one"]).run().is(0, &["one"]);
}

#[test]
fn the_time_limit_ends_a_container() {
    let ran = job(&["echo @$$; trap '' TERM; sleep 1000 & wait; sleep 1000"])
        .option("--timeout", "1s")
        .option("--grace", "1s")
        .section("on_failure", &["echo @$OF_IMAGE"])
        .section("always", &["echo @always"])
        .run();
    let shell: i32 = ran.marks()[0].parse().unwrap();
    ran.is(124, &[&shell.to_string(), "yes", "always"]);
    assert_eq!(state(nix::unistd::Pid::from_raw(shell)), None);
}

#[test]
fn signals_reach_a_container() {
    let running = job(&["echo @$$; sleep 1000 & wait"]).sections().start();
    let shell = running.number("@");
    running.signal(Signal::SIGINT);
    running.finish().is(130, &[&shell.to_string(), "on_cancel", "always"]);
    let running = job(&["trap 'echo @usr1; exit 5' USR1; echo @ready; while :; do sleep 0.01; done"]).start();
    running.wait_for("@ready");
    running.signal(Signal::SIGUSR1);
    running.finish().is(5, &["ready", "usr1"]);
}

#[test]
fn a_container_ends_when_shipctl_is_killed() {
    let running = job(&["setsid sleep 1000 & echo @$!; wait"]).start();
    let sleep = running.number("@");
    running.signal(Signal::SIGKILL);
    running.finish();
    wait_gone(sleep);
}

#[test]
fn no_secret_passes_through_the_engine() {
    let ran =
        job(&["echo \"$SECRET\"; [ \"$SECRET\" = \"$(printf 'tops3cret\\nline two')\" ] && echo @whole"])
            .secret("tops3cret\nline two")
            .run();
    ran.is(0, &["whole"]).shows("***").never_shows("tops3cret");
    let said = fs::read_to_string(ran.path().join("store/calls")).unwrap();
    assert!(!said.contains("tops3cret") && !said.contains("line two"), "{said}");
}

#[test]
fn stdin_is_that_of_shipctl() {
    let mut running = job(&["read line; echo @$line"]).start_with(|command| {
        command.stdin(Stdio::piped());
    });
    std::io::Write::write_all(&mut running.stdin(), b"typed\n").unwrap();
    running.finish().is(0, &["typed"]);
}

/// What the stand-in has for the image, which is the `PATH` of that, and what its registry has.
fn image_and_registry(job: &Job) -> (PathBuf, PathBuf) {
    let store = job.path().join("store");
    (store.join("image.registry.example.com_team_image:1"), store.join("registry"))
}

#[test]
fn an_image_that_is_not_here_is_pulled() {
    let pulled = || {
        let job = job(&["echo @ran"]);
        let (image, registry) = image_and_registry(&job);
        fs::rename(image, registry).unwrap();
        job
    };
    let ran = pulled().run();
    ran.is(0, &["ran"]).shows(&format!("! pulling {IMAGE}"));
    let ran = pulled().task(&["echo @again"]).run();
    ran.is(0, &["ran", "again"]);
    // Before the first line, where that is not the start of its container.
    let local = Job::new(&["echo @local"]).task(&["echo @ran"]).last_in_image(IMAGE);
    let local = with_engine(local);
    let (image, registry) = image_and_registry(&local);
    fs::rename(image, registry).unwrap();
    let ran = local.run();
    ran.is(0, &["local", "ran"]).complains(&format!("pulling {IMAGE}"));
    assert_eq!(calls(&ran, "pull"), [format!("pull --quiet {IMAGE}")]);
}

/// Lines build an image in `pre_ci` and name it by the variables that the build has.
#[test]
fn an_image_may_be_built_before_and_be_named_by_variables() {
    let built = |name: &str| {
        let build = "mv $STAND_IN/built $STAND_IN/image.registry.example.com_team_image:1";
        let job = Job::new(&[build]).task(&["echo @$TASK_CONTAINER_IMAGE"]).last_in_built_image(name);
        let job = with_engine(job);
        fs::rename(image_and_registry(&job).0, job.path().join("store/built")).unwrap();
        job.option("-e", "TEAM=team").option("-e", "TAG=1")
    };
    let ran = built("registry.example.com/$TEAM/image:${TAG}").run();
    ran.is(0, &[IMAGE]);
    assert_eq!(calls(&ran, "pull"), [""; 0]);
    assert!(calls(&ran, "run")[0].starts_with("run --rm --pull missing"));
    let ran = built("registry.example.com/$TEAM/image:$BUILT_TAG").run();
    ran.is(125, &[])
        .complains("error: the image registry.example.com/$TEAM/image:$BUILT_TAG has $BUILT_TAG in its name, which is not set")
        .complains("hint: set it with -e, ");
    let ran = built("registry.example.com/$SECRET/image:1").secret("tops3cret").run();
    ran.is(125, &[]).complains("has $SECRET in its name, which is secret").never_shows("tops3cret");
}

#[test]
fn an_image_that_cannot_be_pulled_ends_the_run_before_its_first_line() {
    for (first, message) in [(true, "did not start"), (false, "cannot be pulled")] {
        let job = if first {
            job(&["echo @no"])
        } else {
            with_engine(Job::new(&["echo @no"]).task(&["echo @no"]).last_in_image(IMAGE))
        };
        fs::remove_file(image_and_registry(&job).0).unwrap();
        let ran = job.section("always", &["echo @no"]).run();
        ran.is(125, &[])
            .complains(message)
            .complains(IMAGE)
            .complains("hint: the registry cannot be reached");
    }
}

#[test]
fn an_image_without_bash_is_an_error_that_says_so() {
    let job = job(&["echo @no"]);
    fs::write(image_and_registry(&job).0, "/nowhere").unwrap();
    job.run().is(125, &[]).complains("the image has none in its PATH");
}

#[test]
fn without_an_engine_there_is_an_error_that_says_how_to_go_on() {
    let nothing = tempfile::tempdir().unwrap();
    let path = nothing.path().to_str().unwrap();
    let job = || Job::new(&["echo @${TASK_IN_CONTAINER}"]).in_image(IMAGE, "");
    let ran = job().variable("PATH", path).variable("SHIPCTL_CONTAINERS", "").run();
    ran.is(125, &[]).complains("there is no podman or docker in the PATH").complains("--containers never");
    let ran = job().variable("PATH", path).option("--containers", "docker").run();
    ran.is(125, &[]).complains("there is no docker in the PATH");
    let ran = job().option("--containers", "never").run();
    ran.is(0, &["false"]).complains(&format!("names the image {IMAGE}"));
    let ran = job().variable("SHIPCTL_CONTAINERS", "maybe").run();
    ran.is(125, &[]).complains("SHIPCTL_CONTAINERS is auto, never, docker or podman, and not `maybe`");
}

#[test]
fn options_reach_the_engine_or_are_refused() {
    let options = "--network=none -v '/a b:/c' -it";
    let ran = with_engine(Job::new(&["true"]).in_image(IMAGE, options)).run();
    assert_eq!(ran.code(), 0, "{}", ran.stderr);
    assert!(calls(&ran, "run")[0].contains(" --network=none -v /a b:/c --entrypoint "));
    let ran = with_engine(Job::new(&["echo @no"]).in_image(IMAGE, "--rm=false")).run();
    ran.is(125, &[]).complains("`--rm` is not for a TASK").complains("shippable.json.yml:1:");
    assert_eq!(calls(&ran, "run"), [""; 0]);
}

#[test]
fn what_an_engine_says_is_told_with_what_to_do() {
    let job = job(&["echo @no"]).section("always", &["echo @no"]);
    let said = "docker: permission denied while trying to connect to the Docker daemon socket\n";
    fs::write(job.path().join("store/fails"), said).unwrap();
    job.run()
        .is(125, &[])
        .complains("did not start: docker: permission denied")
        .complains("hint: this user may not talk to the daemon");
}

#[test]
fn a_dry_run_shows_the_command_and_starts_nothing() {
    let ran = job(&["echo hello"]).flag("--dry-run").flag("--verbose").run();
    assert_eq!(ran.code(), 0, "{}", ran.stderr);
    ran.shows(&format!("in a container of {IMAGE}")).shows("podman run --rm").shows("TASK_IN_CONTAINER=true");
    assert_eq!((calls(&ran, "run"), calls(&ran, "image")), (vec![], vec![]));
}

#[test]
fn what_runs_that_are_no_more_have_left_is_removed() {
    let job = job(&["true"]);
    let store = job.path().join("store");
    let machine = nix::sys::utsname::uname().unwrap().nodename().to_string_lossy().into_owned();
    let here = job.path().display().to_string();
    for (name, label) in [
        ("gone", format!("{machine}:{here}/no-pipes")),
        ("running", format!("{machine}:{here}")),
        ("elsewhere", format!("not-{machine}:{here}/no-pipes")),
    ] {
        fs::write(store.join(format!("container.{name}")), format!("{name} {label}\n")).unwrap();
    }
    fs::write(store.join("removing"), "").unwrap();
    let ran = job.run();
    assert_eq!(ran.code(), 0, "{}", ran.stderr);
    let mut left = containers(ran.path());
    left.sort();
    assert_eq!(left, ["elsewhere", "running"]);
}

#[test]
fn doctor_looks_at_the_engine() {
    let ran = job(&["true"]).doctor();
    assert_eq!(ran.code(), 0, "{}", ran.stderr);
    ran.shows("podman (containers)\n").shows("bin/podman 4.5.6\n");
    let broken = job(&["true"]);
    let said = "Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?";
    fs::write(broken.path().join("store/fails"), said).unwrap();
    let ran = broken.doctor();
    assert_eq!(ran.code(), 1);
    ran.shows("✗ Cannot connect").shows("fix: start the daemon");
    let ran = Job::new(&["true"]).in_image(IMAGE, "").variable("PATH", "/nowhere").doctor();
    assert_eq!(ran.code(), 1);
    ran.shows("podman or docker (containers)\n  ✗ not in the PATH");
    assert_eq!(Job::new(&["true"]).variable("PATH", "/nowhere").doctor().text(), "");
}

/// `shipctl run ci` in a directory with a CI section that asks for services.
fn ci(services: &str, arguments: &[&str], path: &str) -> (i32, String) {
    let (directory, homes) = (tempfile::tempdir().unwrap(), crate::homes::Homes::new());
    let line = format!(
        "services: {services}\nbuild:\n  ci:\n    - echo @${{TASK_IN_CONTAINER}}\njobs:\n  - {{name: ci, type: runCI}}\n"
    );
    fs::write(directory.path().join("shippable.yml"), line).unwrap();
    let mut command = Command::new(PROGRAM);
    command.args(["run", "ci"]).args(arguments).current_dir(directory.path());
    command.env("PATH", path).env_remove("SHIPCTL_CONTAINERS").stdin(Stdio::null());
    homes.give(&mut command);
    let output = command.output().unwrap();
    let printed = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8_lossy(&printed).into_owned())
}

#[test]
fn services_are_containers_too() {
    let path = std::env::var("PATH").unwrap();
    let (code, text) = ci("[postgres, 'redis:3', docker]", &["--dry-run"], &path);
    assert_eq!(code, 0, "{text}");
    for part in [
        "\nservices\n  postgres: docker.io/library/postgres:latest, at 127.0.0.1:5432\n",
        "  redis:3: docker.io/library/redis:3, at 127.0.0.1:6379\n",
        "warning: `docker` is no service that can be started\n",
    ] {
        assert!(text.contains(part), "no {part} in {text}");
    }
    let nothing = tempfile::tempdir().unwrap();
    let (code, text) = ci("[mysql]", &[], nothing.path().to_str().unwrap());
    assert_eq!(code, 125, "{text}");
    assert!(text.contains(
        "the service mysql runs in the image docker.io/library/mysql:latest, and there is no podman or docker"
    ));
    let (code, text) = ci("[mysql]", &["--containers", "never"], &path);
    assert_eq!(code, 0, "{text}");
    assert!(
        text.contains("\n@false\n")
            && text.contains("services of the CI section are not started here: mysql")
    );
}

#[test]
fn a_docker_integration_is_the_login_for_a_pull() {
    let engine = job(&["true"]);
    let (image, registry) = image_and_registry(&engine);
    fs::rename(image, registry).unwrap();
    let line = engine.path().join("line");
    fs::create_dir(&line).unwrap();
    let text = format!(
        "resources:\n  - {{name: login, type: cliConfig, integration: hub}}\nintegrations:\n  - name: hub\n    type: \
         dockerRegistryLogin\n    fields: {{url: registry.example.com, username: me, password: s3cret-pw, email: a@b.c}}\njobs:\n  \
         - name: job\n    type: runSh\n    steps: [{{IN: login}}, {{TASK: {{script: echo @ran, runtime: {{options: {{imageName: \
         '{IMAGE}'}}}}}}}}]\n"
    );
    fs::write(line.join("shippable.yml"), text).unwrap();
    let ran = engine.start_with(|command| {
        let mut own = Command::new(PROGRAM);
        own.args(["run", "job", "-C"]).arg(&line).stdin(Stdio::null());
        own.stdout(Stdio::piped()).stderr(Stdio::piped());
        let variables = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
        own.envs(variables);
        *command = own;
    });
    let ran = ran.finish();
    ran.is(0, &["ran"]).never_shows("s3cret-pw");
    // me:s3cret-pw
    let auth = r#"AUTH {"auths":{"registry.example.com":{"auth":"bWU6czNjcmV0LXB3"}}}"#;
    assert_eq!(calls(&ran, "AUTH"), [auth]);
    assert!(calls(&ran, "run")[0].starts_with("run --rm --pull never"));
}
