//! What a command may do instead of starting `shipctl`.

use crate::support::Job;
use crate::{history, job, shell};

/// A job that must not run, on what `on` starts.
fn unbegun(on: &str) -> crate::support::Ran {
    let ran = Job::new(&["echo @ran"]).option("--on", on).run();
    ran.is(125, &[]);
    ran
}

#[test]
fn there_is_no_such_command() {
    unbegun("no-such-command --flag").complains(
        "error: the job was not begun: `no-such-command`, which is to start the job, cannot be started: \
         no-such-command: command not found\n",
    );
}

#[test]
fn the_history_has_a_job_that_could_not_begin() {
    let history = history(&unbegun("no-such-command"));
    assert!(history.contains("failure (125)"), "{history}");
}

#[test]
fn it_is_no_command_at_all() {
    unbegun("").complains("error: --on names no command");
    unbegun("ssh 'host").complains("its quotes do not pair up");
}

#[test]
fn shipctl_is_not_there() {
    let ran = unbegun("/usr/bin/env -i PATH=/nowhere");
    ran.complains(
        "`/usr/bin/env -i PATH=/nowhere` ended with status 127 before shipctl answered on the other side",
    );
    ran.complains("hint: shipctl has to be there too");
    ran.complains("warning: /usr/bin/env -i PATH=/nowhere: /usr/bin/env: ");
}

#[test]
fn shipctl_there_says_that_it_cannot_run_it() {
    let on = shell("TMPDIR=/nowhere SHIPCTL_SHM=/nowhere exec \"$@\"");
    let ran = unbegun(&on);
    ran.complains("error: /nowhere is not there, and workspaces are to lie in it: make it, or ");
    ran.complains(&format!("hint: this is said by shipctl on the machine where `{on}` starts jobs\n"));
}

#[test]
fn it_fails_by_itself() {
    let ran = unbegun("sh -c 'echo no route to host >&2; exit 255'");
    ran.complains("no route to host\n").complains("ended with status 255 before shipctl answered");
}

#[test]
fn another_version_is_there() {
    let ran = unbegun(r#"sh -c 'printf "\001shipctl remote-job 0.0.9\n"; cat >/dev/null'"#);
    ran.complains("starts shipctl 0.0.9, and this one is");
    ran.complains("both must have the same version");
}

#[test]
fn a_terminal_is_between_the_two() {
    let ran = unbegun(&format!(
        r#"sh -c 'printf "\001shipctl remote-job {}\r\n"; cat >/dev/null'"#,
        env!("CARGO_PKG_VERSION")
    ));
    ran.complains("has a terminal between the two sides");
}

#[test]
fn something_else_answers() {
    unbegun("yes").complains("`yes` prints something else than shipctl does");
    unbegun("true").complains("`true` ended with status 0 before shipctl answered");
    let ran = unbegun(&format!(
        r#"sh -c 'printf "\001shipctl remote-job {}\nSegmentation fault\n"; cat >/dev/null'"#,
        env!("CARGO_PKG_VERSION")
    ));
    ran.complains("printed something between what shipctl writes there");
}

#[test]
fn a_login_script_may_print() {
    let on = shell("echo Welcome; printf \"last login: today\"; echo mail >&2; exec \"$@\"");
    let ran = Job::new(&["echo @ran"]).option("--on", &on).run();
    ran.is(0, &["ran"]);
    ran.complains(": Welcome\n").complains(": last login: today\n").complains(": mail\n");
}

#[test]
fn a_job_is_started_once() {
    let job = Job::new(&["echo x >> $HERE/begun", "kill -9 $PPID"]).option("--on", &crate::here());
    let ran = job.run();
    ran.is(125, &[]);
    assert_eq!(std::fs::read_to_string(ran.path().join("begun")).unwrap(), "x\n");
}

#[test]
fn a_dry_run_says_where_it_would_run() {
    let ran = job(&["echo @ran"]).flag("--dry-run").run();
    ran.is(0, &[]).shows("  runs where this starts it: env PATH=");
}

#[test]
fn there_is_no_terminal_for_a_shell() {
    let ran = Job::new(&["echo @ran"]).option("--on", "ssh build").flag("--shell-on-failure").run();
    ran.is(2, &[]).complains(
        "error: --shell-on-failure does not go with --on: a job that `ssh build` starts has no terminal\n  \
         hint: run the job with --shell-on-failure on that machine itself, or keep its workspace there with --keep\n",
    );
}
