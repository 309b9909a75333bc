//! What stays of a run: its log, and a report for CI servers.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use regex::Regex;

use crate::line::{Line, text};

const LINE: &str = "integrations: [{name: pair, type: keyValuePair, fields: {envs: {TOKEN: s3cret-token}}}]
jobs:
- name: good
  type: runSh
  integrations: [pair]
  steps: [{TASK: {name: say, script: ['echo \"the token is $TOKEN\"']}}]
- name: bad
  type: runSh
  steps: [{TASK: {name: first, script: [echo one]}}, {TASK: {name: second, script: ['echo \"<two>\"', exit 3]}}, {TASK: {name: third, script: [echo three]}}]
- name: after
  type: runSh
  steps: [{IN: bad}, {TASK: [echo never]}]
";

/// Without the durations, which differ from run to run.
fn timeless(log: &str) -> String {
    Regex::new(r"<?[0-9.]+ (ms|s)\b").unwrap().replace_all(log, "T").into_owned()
}

#[test]
fn the_log_of_a_run_can_be_read_again() {
    let line = Line::new(LINE);
    let shown = timeless(&line.does("run good"));
    assert!(shown.contains("the token is ***\n"), "{shown}");
    assert_eq!(timeless(&line.does("logs")), shown);
    assert_eq!(timeless(&line.does("logs good 1")), shown);
    let stamped = line.does("logs good --timestamps");
    let time = Regex::new(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ").unwrap();
    assert!(stamped.lines().all(|line| time.is_match(line)), "{stamped}");
    assert_eq!(line.try_to("run bad").status.code(), Some(3));
    assert!(line.does("logs").contains("\n  ✗ exit 3 · "));
    assert!(line.does("logs good").contains("the token is ***\n"));
    let file = line.path(".shipctl/logs/good/1.log");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!fs::read_to_string(file).unwrap().contains("s3cret"));
}

#[test]
fn git_sees_no_log_of_a_run_whose_state_is_elsewhere() {
    let line = Line::new(LINE);
    line.does("run good --state elsewhere --no-audit");
    assert!(line.path(".shipctl/logs/good/1.log").exists());
    assert_eq!(fs::read_to_string(line.path(".shipctl/.gitignore")).unwrap(), "*\n");
}

#[test]
fn what_is_not_kept_is_said() {
    let line = Line::new(LINE);
    assert_eq!(line.fails("logs", 125), "error: there is no run; `shipctl history` lists them\n");
    line.does("run good --no-log");
    let none = "error: there is no log of good #1: no such run, or one with --no-log, or pruned; `shipctl history` lists the runs\n";
    assert_eq!(line.fails("logs good", 125), none);
    assert_eq!(
        line.fails("logs bad", 125),
        "error: there is no run of job `bad`; `shipctl history` lists them\n"
    );
    for _ in 0..3 {
        line.does("run good");
    }
    line.does("state prune --keep 1");
    let kept = fs::read_dir(line.path(".shipctl/logs/good")).unwrap().map(|log| log.unwrap().file_name());
    assert_eq!(kept.collect::<Vec<_>>(), ["4.log"]);
    line.does("reset --yes");
    assert_eq!(fs::read_dir(line.path(".shipctl/logs/good")).unwrap().count(), 0);
}

#[test]
fn a_link_in_place_of_logs_is_not_followed() {
    let line = Line::new(LINE);
    line.does("run good");
    fs::remove_dir_all(line.path(".shipctl/logs/good")).unwrap();
    fs::create_dir(line.path("elsewhere")).unwrap();
    std::os::unix::fs::symlink(line.path("elsewhere"), line.path(".shipctl/logs/good")).unwrap();
    let ran = line.try_to("run good");
    let said = text(&ran.stderr);
    assert!(ran.status.success() && said.starts_with("warning: the log of good #2 is not kept: "), "{said}");
    assert_eq!(fs::read_dir(line.path("elsewhere")).unwrap().count(), 0);
}

#[test]
fn times_stand_before_each_line() {
    let line = Line::new(LINE);
    let one = line.does("run good --timestamps");
    let time = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z";
    let of_one = Regex::new(&format!("^{time} ")).unwrap();
    assert!(one.lines().count() > 3 && one.lines().all(|line| of_one.is_match(line)), "{one}");
    let several = text(&line.try_to("run --all --timestamps").stdout);
    assert!(
        Regex::new(&format!(r"(?m)^good +│ {time} the token is \*\*\*$")).unwrap().is_match(&several),
        "{several}"
    );
    for arguments in ["run good", "run --all"] {
        let log = text(&line.try_to(&format!("{arguments} --log-format json")).stdout);
        let of_json = Regex::new(&format!("\"time\":\"{time}\"")).unwrap();
        assert!(log.lines().all(|event| of_json.is_match(event)), "{log}");
        let events = log.lines().filter(|event| !event.contains("\"event\":\"line-"));
        assert!(events.into_iter().all(|event| event.contains("\"job\":\"")), "{log}");
    }
}

#[test]
fn a_line_that_failed_ends_with_what_failed() {
    let line = Line::new(LINE);
    let ran = line.try_to("run --all -j 1 --report report.xml");
    let log = timeless(&text(&ran.stdout));
    let end = "
✗ bad failed with status 3 (all of its log: shipctl logs bad 1)
bad   │ ▸ first
bad   │   $ echo one
bad   │ one
bad   │   ✓ T
bad   │ ✓ first · T
bad   │ ▸ second
bad   │   $ echo \"<two>\"
bad   │ <two>
bad   │   ✓ T
bad   │   $ exit 3
bad   │   ✗ exit 3 · T
bad   │ ✗ second · failed with status 3 · T
bad   │ ✗ bad failed with status 3 · T

✓ good   T · #1
✗ bad    failed with status 3 · T · #1
- after  not run: bad failed
✗ 1 of 3 jobs succeeded · 1 failed · 1 not run · T
";
    assert!(log.ends_with(end), "{log}");
    let report = fs::read_to_string(line.path("report.xml")).unwrap();
    for part in [
        "<testsuite name=\"jobs\" tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\" time=\"",
        "    <testcase classname=\"jobs\" name=\"good\" time=\"",
        "      <failure message=\"failed with status 3\">▸ first\n",
        "&lt;two&gt;\n",
        "      <skipped message=\"not run: bad failed\"/>\n",
    ] {
        assert!(report.contains(part), "{part} {report}");
    }
}

#[test]
fn a_report_has_the_steps_of_one_job() {
    let line = Line::new(LINE);
    assert_eq!(line.try_to("run bad --report r.xml").status.code(), Some(3));
    let report = fs::read_to_string(line.path("r.xml")).unwrap();
    let report = Regex::new(r#"time="[0-9.e-]+""#).unwrap().replace_all(&report, "time=\"T\"");
    let expected = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<testsuites>
  <testsuite name=\"bad\" tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\" time=\"T\">
    <testcase classname=\"bad\" name=\"first\" time=\"T\"/>
    <testcase classname=\"bad\" name=\"second\" time=\"T\">
      <failure message=\"failed with status 3\">&lt;two&gt;
</failure>
    </testcase>
    <testcase classname=\"bad\" name=\"third\" time=\"T\">
      <skipped message=\"a step before it failed\"/>
    </testcase>
  </testsuite>
</testsuites>
";
    assert_eq!(report, expected);
    line.does("run good --report r.xml");
    let report = fs::read_to_string(line.path("r.xml")).unwrap();
    assert!(report.contains("failures=\"0\"") && !report.contains("s3cret"), "{report}");
    // A run that cannot begin has a report as well.
    line.write("shippable.yml", &LINE.replace("TOKEN: s3cret-token", "TOKEN: {env: NOT_SET}"));
    for arguments in ["run good", "run --all"] {
        line.fails(&format!("{arguments} --report r.xml"), 125);
        let report = fs::read_to_string(line.path("r.xml")).unwrap();
        assert!(report.contains("$NOT_SET is not set") && report.contains("failures=\"1\""), "{report}");
    }
    let said = line.fails("run bad --report none/r.xml", 125);
    assert!(said.starts_with("error: cannot write none/r.xml: "), "{said}");
}
