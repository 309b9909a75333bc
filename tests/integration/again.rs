//! To find out why a job failed: a shell where it ran, and a run from a TASK on; and who ran what.

use std::fs;

use regex::Regex;

use crate::line::{Line, text};
use crate::support::shipctl;
use crate::terminal::Terminal;

const LINE: &str = "integrations:
- {name: pair, type: keyValuePair, fields: {envs: {TOKEN: s3cret-token}}}
jobs:
- name: j
  type: runSh
  integrations: [pair]
  steps:
  - TASK: {name: first, script: ['echo one > \"$JOB_STATE/seen\"']}
  - TASK: {name: second, script: ['echo two; exit 3'], runtime: {options: {env: [STAGE: live]}}}
  - TASK: [echo three]
- name: k
  type: runSh
  steps: [{TASK: [echo]}]
";

#[test]
fn a_shell_stands_in_the_workspace() {
    let call = shipctl("shell").args("j --task second").file("shippable.yml", LINE);
    let call = call.file(
        "shell",
        "#!/bin/sh\n[ \"$PWD\" = \"$JOB_PATH\" ] && echo \"$STAGE $TASK_NAME $TOKEN\"\nexit 4\n",
    );
    fs::set_permissions(call.path("shell"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    call.env("SHELL", "{WORK}/shell").stdout("live second s3cret-token\n").status(4).run();
}

#[test]
fn a_failed_task_can_be_looked_at_before_the_run_ends() {
    let call = shipctl("run")
        .args("j --shell-on-failure --color never")
        .file("shippable.yml", LINE)
        .file("shell", "#!/bin/sh\nprintf 'in %s: ' \"$PWD\"; cat state/seen; echo \"$STAGE of $TASK_NAME\"\nread -r word; echo \"said $word\"\n");
    fs::set_permissions(call.path("shell"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let call = call.env("SHELL", "{WORK}/shell");
    let mut terminal = Terminal::start(&mut call.command());
    terminal.wait_for("live of second");
    terminal.types("enough\n");
    let (seen, status) = terminal.end();
    assert_eq!(status.code(), Some(3), "{seen}");
    assert!(
        seen.contains("said enough")
            && seen.contains(": one")
            && seen.contains("with the variables of TASK second"),
        "{seen}"
    );
    let in_pipe = call.output();
    assert_eq!(in_pipe.status.code(), Some(3));
    let said = text(&in_pipe.stderr);
    assert!(said.starts_with("warning: --shell-on-failure has no effect: there is no terminal\n"), "{said}");
}

#[test]
fn a_run_begins_with_a_task() {
    let line = Line::new(&LINE.replace("exit 3", "true"));
    let log = line.does("run j --from second");
    assert!(!log.contains("first") && log.contains("▸ second\n") && log.contains("\nthree\n"), "{log}");
    assert!(line.does("run j --from 2").starts_with("▸ Task 2\n"));
    let plan = line.does("run j --from second -n");
    assert!(plan.contains("  1. TASK first · not run: --from\n  2. TASK second\n"), "{plan}");
    let said = line.fails("run j --from third", 125);
    assert_eq!(said, "error: job `j` has no TASK `third`; its TASKs are: first, second, Task 2\n");
    let said = line.fails("run j k --from second", 125);
    assert_eq!(said, "error: --from is for one job, and these are 2\n");
}

#[test]
fn the_audit_log_is_read_with_filters() {
    let line = Line::new(LINE);
    assert_eq!(text(&line.try_to("audit").stderr), "shipctl: no run of this kind is in the audit log\n");
    line.try_to("run j");
    line.does("run k");
    line.does("exec k -- true");
    let log = Regex::new("(?m)^[0-9TZ:-]{20} {2}").unwrap().replace_all(&line.does("audit"), "").into_owned();
    let columns: Vec<Vec<_>> = log
        .lines()
        .map(|line| line.split("  ").map(str::trim).filter(|word| !word.is_empty()).collect())
        .collect();
    assert_eq!(columns.len(), 4, "{log}");
    assert_eq!(columns[1][columns[1].len() - 4..], ["run", "j #1", "failed (3)", "pair"], "{log}");
    assert_eq!(columns[3][columns[3].len() - 3..], ["exec true", "k", "success"], "{log}");
    for (filter, count) in [
        ("j", 1),
        ("k", 2),
        ("--failed", 1),
        ("--integration pair", 1),
        ("--limit 1", 1),
        ("--user nobody", 0),
        ("--since 2020-01-01", 3),
        ("--since 2999-01-01T00:00:00Z", 0),
    ] {
        let lines = text(&line.try_to(&format!("audit --format json {filter}")).stdout);
        assert_eq!(lines.lines().count(), count, "{filter}: {lines}");
        assert!(!lines.contains("s3cret"));
    }
    line.fails("audit --since yesterday", 2);
}
