//! Several jobs of a line in one run.

use std::fs;
use std::io::Read as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::line::{Line, text};

/// Jobs, each `name: what it takes: its script`.
fn jobs(jobs: &[(&str, &str, &str)]) -> String {
    let mut yaml = String::from("jobs:\n");
    for (name, takes, script) in jobs {
        yaml += &format!("  - name: {name}\n    type: runSh\n    steps:\n");
        for input in takes.split_whitespace() {
            yaml += &format!("      - IN: {input}\n");
        }
        yaml += &format!("      - TASK: [{script:?}]\n");
    }
    yaml
}

/// Each job's name, result and exit status, from the last object of the JSON log.
fn results(log: &str) -> Vec<String> {
    let last: Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
    assert_eq!(last["event"], "line-end");
    let job = |job: &Value| {
        let status = job["status"].as_u64().map_or(String::new(), |status| format!(" {status}"));
        format!("{} {}{status}", job["job"].as_str().unwrap(), job["result"].as_str().unwrap())
    };
    last["jobs"].as_array().unwrap().iter().map(job).collect()
}

/// Makes a repository with one commit, and says which.
fn repository(line: &Line) -> String {
    let script = "git init -q -b main app && cd app && git -c user.name=Ada -c user.email=ada@example.com \
                  commit -q --allow-empty -m first && git rev-parse --short HEAD";
    let made = Command::new("sh").arg("-c").arg(script).current_dir(line.path("")).output().unwrap();
    assert!(made.status.success(), "{}", text(&made.stderr));
    text(&made.stdout).trim().to_owned()
}

#[test]
fn long_names_that_begin_alike_are_told_apart() {
    let line = Line::new(&jobs(&[
        ("company-platform-shop-build", "", "echo one"),
        ("company-platform-shop-deploy", "company-platform-shop-build", "echo two"),
    ]));
    let log = text(&line.try_to("run --all -j 1").stdout);
    for part in [
        "\ncompany…tform-shop-build │ one\n",
        "\ncompany…form-shop-deploy │ two\n",
        "\n✓ company…form-shop-deploy ",
    ] {
        assert!(log.contains(part), "{part}: {log}");
    }
}

#[test]
fn a_line_from_a_commit_to_production() {
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/release/shippable.yml");
    let line = Line::new(&fs::read_to_string(fixture).unwrap());
    let commit = repository(&line);
    for round in 1..=2 {
        let ran = line.try_to("run --all --repo app=app --log-format json");
        assert_eq!((ran.status.code(), text(&ran.stderr).as_str()), (Some(3), ""));
        let log = text(&ran.stdout);
        assert_eq!(
            results(&log),
            [
                "build success 0",
                "choose_channel success 0",
                "test success 0",
                "scan failed 3",
                "deploy success 0",
                "promote success 0",
                "announce not-run"
            ]
        );
        let version = format!("1.0.{}", round + 1);
        let said = |what: &str| assert!(log.contains(what), "no {what:?} in {log}");
        said(&format!("builds {commit} of main"));
        said(if round == 1 { "was beta" } else { "was stable" });
        said(&format!("deploys {version} to stable, 2 times; 42 passed"));
        assert!(!log.contains("never said"));
        let shown: Value =
            serde_json::from_str(&line.does("state show image_in_production --format json")).unwrap();
        assert_eq!(shown["versionName"], version.as_str(), "{shown}");
    }
    let history: Value = serde_json::from_str(&line.does("history --format json")).unwrap();
    assert_eq!(history.as_array().unwrap().len(), 12, "{history}");
    line.does("state export deployed out");
    assert_eq!(fs::read_to_string(line.path("out/files/log.txt")).unwrap().lines().last(), Some("1.0.3"));
}

#[test]
fn each_line_of_a_log_says_whose_it_is() {
    let line =
        Line::new(&jobs(&[("long_name", "", "echo one; printf two"), ("b", "long_name", "echo three >&2")]));
    let log = line.does("run --all");
    let body: Vec<&str> = log.lines().filter(|line| line.contains(" │ ") && !line.contains("✓")).collect();
    assert_eq!(
        body,
        [
            "long_name │ ▸ Task 0",
            "long_name │   $ echo one; printf two",
            "long_name │ one",
            "long_name │ two",
            "b         │ ▸ Task 0",
            "b         │   $ echo three >&2",
            "b         │ three",
        ]
    );
    assert!(log.contains("\n✓ 2 of 2 jobs succeeded · "), "{log}");
}

#[test]
fn a_failure_stops_what_depends_on_it_and_nothing_else() {
    let line = Line::new(&jobs(&[
        ("bad", "", "exit 4"),
        ("after_bad", "bad", "echo no"),
        ("after_that", "after_bad", "echo no"),
        ("good", "", "true"),
        ("after_good", "good", "true"),
        ("worse", "", "kill -9 $$"),
    ]));
    let ran = line.try_to("run --all -j 1 --log-format json");
    assert_eq!(ran.status.code(), Some(4), "the status of the first failure");
    assert_eq!(
        results(&text(&ran.stdout)),
        [
            "bad failed 4",
            "after_bad not-run",
            "after_that not-run",
            "good success 0",
            "after_good success 0",
            "worse signalled 137"
        ]
    );
}

#[test]
fn jobs_run_side_by_side_if_they_may() {
    // Each waits until the other is there, too.
    let meet = |own: &str, other: &str| {
        format!("touch $WORK/{own}; until [ -e $WORK/{other} ]; do sleep 0.01; done; exit 0")
    };
    let (one, two) = (meet("1", "2"), meet("2", "1"));
    let line = Line::new(&jobs(&[("one", "", &one), ("two", "", &two)]));
    line.does("run one two -j 2");
    let line = Line::new(&jobs(&[
        ("one", "", "test ! -e $WORK/two; touch $WORK/one"),
        ("two", "", "test -e $WORK/one; touch $WORK/two"),
    ]));
    line.does("run two one -j 1");
}

#[test]
fn others_are_taken_along_if_asked_for() {
    let line =
        Line::new(&jobs(&[("a", "", "true"), ("b", "a", "true"), ("c", "b", "true"), ("other", "", "true")]));
    let ran = |args: &str| -> String {
        let log = line.does(&format!("run {args} --log-format json"));
        results(&log).iter().map(|job| job.split(' ').next().unwrap()).collect::<Vec<_>>().join(" ")
    };
    // At first, so that each has a version for those that take it.
    assert_eq!(ran("--all"), "a b c other");
    assert_eq!(ran("c a"), "a c");
    assert_eq!(ran("b --upstream"), "a b");
    assert_eq!(ran("b --downstream"), "b c");
    assert_eq!(ran("b --upstream --downstream"), "a b c");
}

#[test]
fn what_failed_is_run_again_with_what_comes_after_it() {
    let line = Line::new(&jobs(&[
        ("a", "", "true"),
        ("b", "a", "test -e $WORK/mended"),
        ("c", "b", "true"),
        ("other", "", "true"),
    ]));
    let nothing_failed = || {
        let output = line.try_to("run --failed");
        let said = (output.status.code(), text(&output.stdout), text(&output.stderr));
        assert_eq!(said, (Some(0), String::new(), "shipctl: no job failed when it last ran\n".to_owned()));
    };
    nothing_failed();
    line.fails("run --all", 1);
    line.fails("run --failed", 1);
    assert!(line.does("run --failed --dry-run").contains("job b (runSh)"));
    std::fs::write(line.path("mended"), "").unwrap();
    let log = line.does("run --failed --log-format json");
    assert_eq!(results(&log), ["b success 0", "c success 0"]);
    nothing_failed();
    line.fails("run --failed a", 2);
}

#[test]
fn what_is_missing_is_said_before_anything_begins() {
    let mut yaml = jobs(&[("good", "", "touch $WORK/began"), ("bad", "good", "true")]);
    yaml += "    integrations: [nowhere]\n";
    let line = Line::new(&yaml);
    let message = line.fails("run --all", 125);
    assert!(message.contains("job `bad` needs the integration `nowhere`"), "{message}");
    assert!(!line.path("began").exists());
    assert!(line.fails("run good nobody", 125).starts_with("error: there is no job `nobody`\n"));
    assert!(line.fails("run good bad --workspace w", 125).contains("--workspace is for one job"));
    line.fails("run", 2);
    line.fails("run --all good", 2);
}

#[test]
fn a_dry_run_shows_the_order_and_every_job() {
    let mut yaml = jobs(&[("second", "first", "touch $WORK/began"), ("first", "", "touch $WORK/began")]);
    yaml += "  - {name: m, type: dclDeploy, steps: [{IN: second}]}\n";
    let line = Line::new(&yaml);
    let plan = line.does("run --all -n");
    let overview = "2 jobs · dry run: nothing is started, nothing is written
  1. first
  2. second · after first
  -  m is not run: Docker Cloud no longer exists
";
    assert!(plan.starts_with(overview), "{plan}");
    assert!(plan.contains("\njob first (runSh)") && plan.contains("\njob second (runSh)"));
    assert!(!line.path("began").exists() && !line.path(".shipctl").exists());
}

#[test]
fn a_signal_ends_all_of_it() {
    let line = Line::new(&jobs(&[
        ("one", "", "touch $WORK/1; sleep 60"),
        ("two", "", "touch $WORK/2; sleep 60"),
        ("three", "", "touch $WORK/3"),
        ("after", "one", "touch $WORK/4"),
    ]));
    let mut run = Command::new(env!("CARGO_BIN_EXE_shipctl"));
    run.args(["run", "one", "two", "three", "after", "-j", "2", "--log-format", "json"]);
    run.current_dir(line.path(""))
        .env("WORK", line.path(""))
        .env("TMPDIR", line.path("tmp"))
        .env("SHIPCTL_SHM", line.path("tmp"));
    let mut child = run.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    while !line.path("1").exists() || !line.path("2").exists() {
        std::thread::yield_now();
    }
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    let mut log = String::new();
    child.stdout.take().unwrap().read_to_string(&mut log).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(143));
    assert_eq!(results(&log), ["one cancelled 143", "two cancelled 143", "three not-run", "after not-run"]);
    assert!(!line.path("3").exists() && !line.path("4").exists());
    // Workspaces are cleared, and nothing runs any more that could hold the log open: it has come to its end.
}

#[test]
fn the_runner_of_a_job_may_be_killed() {
    let line = Line::new(&jobs(&[
        ("one", "", "kill -9 $PPID; sleep 60"),
        ("two", "", "true"),
        ("three", "one", "true"),
    ]));
    let ran = line.try_to("run --all -j 1 --log-format json");
    assert_eq!(ran.status.code(), Some(137));
    assert_eq!(results(&text(&ran.stdout)), ["one signalled 137", "two success 0", "three not-run"]);
}

#[test]
fn who_names_no_job_is_told_the_jobs() {
    let line = Line::new(&jobs(&[("build", "", "echo"), ("test", "build", "echo")]));
    let said = "error: say which job to run, or --all for all of them\n  hint: the jobs are: build, test\n";
    assert_eq!(line.fails("run", 2), said);
    assert_eq!(line.fails("run -j2", 2), said);
}
