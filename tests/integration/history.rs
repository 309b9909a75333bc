//! `shipctl history`, `shipctl state` and `shipctl reset`: looking at what runs left, and forgetting it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use regex::Regex;
use serde_json::Value as Json;

use crate::line::{Line, job};

/// A resource that a job changes in each of its runs; its second run fails.
fn line() -> Line {
    Line::new(&format!(
        "resources:\n- {{name: res, type: state, version: {{versionName: v0}}}}\njobs:\n{}{}",
        job(
            "put",
            "",
            "shipctl put_resource_state res versionName v$BUILD_NUMBER\nshipctl put_resource_state res N $BUILD_NUMBER\necho 'a file' > $RES_STATE/f\nchmod 751 $RES_STATE/f\n[ $BUILD_NUMBER != 2 ]",
            "    - OUT: res\n"
        ),
        job("see", "    - IN: res\n", "echo $RES_VERSIONNUMBER > $WORK/seen", "")
    ))
}

/// With every moment and duration replaced by `T`.
fn timeless(text: &str) -> String {
    let time = Regex::new(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]+Z|(?-u:\b)[0-9.]+ m?s(?-u:\b)").unwrap();
    let spaces = Regex::new("  +").unwrap();
    spaces.replace_all(&time.replace_all(text, "T"), "  ").into_owned()
}

#[test]
fn the_history_tells_of_every_run() {
    let line = line();
    line.run("put");
    line.fails("run put", 1);
    line.run("see");
    assert_eq!(
        timeless(&line.does("history")),
        "RUN  RESULT  STARTED  TOOK  MADE\nsee #1  success  T  T  see #1\nput #2  failure (1)  T  T\nput #1  success  T  T  put #1, res #2\n"
    );
    let json: Json = serde_json::from_str(&line.does("history see --format json")).unwrap();
    assert_eq!(json.as_array().unwrap().len(), 1);
    assert_eq!(json[0]["used"].to_string(), r#"[{"name":"res","number":2}]"#);
    assert_eq!((json[0]["result"].as_str(), json[0]["status"].as_u64()), (Some("success"), Some(0)));
    assert_eq!(line.does("history put --limit 1").lines().count(), 2);
    let stderr = line.fails("history putt", 125);
    assert_eq!(stderr, "error: there is no job `putt`\n  hint: did you mean `put`?\n");
}

#[test]
fn where_nothing_has_run_there_is_no_history_and_no_trace_of_having_looked() {
    let line = line();
    let output = line.try_to("history");
    assert_eq!((output.status.code(), &*output.stdout), (Some(0), &b""[..]));
    assert_eq!(output.stderr, b"shipctl: there have been no runs yet\n");
    assert_eq!(line.does("history --format json"), "[]\n");
    assert_eq!(line.does("state prune --keep 1"), "nothing is stored\n");
    assert_eq!(line.does("reset --yes"), "nothing is stored\n");
    assert_eq!(
        line.fails("state show res", 125),
        "error: no version of `res` is stored: no run has changed it, so it is as the YAML has it\n"
    );
    assert!(!line.path(".shipctl").exists());
}

#[test]
fn versions_are_shown_and_exported() {
    let line = line();
    line.run("put");
    assert_eq!(
        timeless(&line.does("state show res")),
        "res #2 · v1\n  made: T by put #1\n  N: 1\n  751  7  f\n"
    );
    assert_eq!(timeless(&line.does("state show res --number 1")), "res #1 · v0\n  made: T by the YAML\n");
    let json: Json = serde_json::from_str(&line.does("state show res --format json")).unwrap();
    assert_eq!(json["files"].to_string(), r#"[{"path":"f","type":"file","mode":"751","size":7}]"#);
    assert_eq!(json["propertyBag"].to_string(), r#"{"N":"1"}"#);
    assert_eq!(
        timeless(&line.does("state versions res")),
        "VERSION  NAME  MADE  BY\n2  v1  T  put #1\n1  v0  T  the YAML\n"
    );
    assert_eq!(line.does("state export res there"), "res #2 is in there\n");
    let file = line.path("there/files/f");
    assert_eq!(fs::read(&file).unwrap(), b"a file\n");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o751);
    assert!(line.fails("state export res there", 125).contains("it is not empty, so name a new directory"));
    assert_eq!(
        line.fails("state show res --number 9", 125),
        "error: `res` has no version number 9: its last one is 2; `shipctl state versions res` lists them\n"
    );
    assert_eq!(
        line.fails("state show rse", 125),
        "error: no version of `rse` is stored: did you mean `res`?\n"
    );
}

#[test]
fn what_is_old_can_be_dropped_and_numbers_go_on() {
    let line = line();
    line.run("put");
    line.fails("run put", 1);
    line.run("put");
    assert_eq!(line.does("state prune --keep 1"), "dropped: versions 3, runs 2, bytes of files 0\n");
    assert_eq!(line.does("state versions res").lines().count(), 2);
    assert_eq!(line.run("see"), "3\n");
    line.fails("state prune --keep 0", 2);
}

#[test]
fn a_reset_wants_somebody_to_agree() {
    let line = line();
    line.run("put");
    assert_eq!(
        line.fails("reset", 2),
        "error: this forgets all versions and runs of the line, and there is no terminal to ask on: add --yes\n"
    );
    assert_eq!(line.run("see"), "2\n");
    assert_eq!(line.does("reset --yes"), "all versions and runs are forgotten\n");
    assert_eq!(line.run("see"), "1\n");
    assert!(line.does("history").contains("see #1 "), "numbers begin again");
}

#[test]
fn a_state_that_came_as_a_symbolic_link_is_refused() {
    let (line, victim) = (line(), line());
    victim.run("put");
    std::os::unix::fs::symlink(victim.path(".shipctl"), line.path(".shipctl")).unwrap();
    for command in ["reset --yes", "history", "run put", "exec see -- true"] {
        let said = line.fails(command, 125);
        assert!(
            said.contains(".shipctl is a symbolic link, which shipctl does not follow"),
            "{command}: {said}"
        );
    }
    assert!(victim.does("history").contains("put #1 "));
}

#[test]
fn state_can_be_looked_at_while_the_yaml_is_broken() {
    let line = line();
    line.run("put");
    line.write("shippable.yml", "jobs: [");
    assert!(line.does("history").contains("put #1 "));
    assert_eq!(line.does("reset --yes"), "all versions and runs are forgotten\n");
}
