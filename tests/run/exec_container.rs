//! `exec --container`: a command in the image of a TASK.

use std::io::Write as _;
use std::process::Stdio;

use nix::sys::signal::Signal;

use crate::containers::{IMAGE, job, with_engine};
use crate::support::{Job, Ran};

fn run(words: &[&str]) -> Ran {
    job(&[":"]).flag("--container").exec(words, |_| {}).finish()
}

#[test]
fn it_runs_in_the_image_with_the_variables_of_the_task() {
    let script = "echo @$OF_IMAGE $TASK_IN_CONTAINER ${HERE:-none}; [ $PWD = $JOB_PATH ] && echo @root; shippable_retry true && echo @function";
    let ran = run(&["bash", "-c", script]);
    ran.is(0, &["yes true none", "root", "function"]);
    assert_eq!(ran.stderr, "");
}

#[test]
fn streams_and_status_are_the_commands() {
    let words = ["sh", "-c", "echo \"$1|$2\"; cat; echo err >&2; exit 7", "sh", "a  b", "$x'\""];
    let mut running = job(&[":"]).flag("--container").exec(&words, |command| {
        command.stdin(Stdio::piped());
    });
    running.stdin().write_all(b"in\xff\n").unwrap();
    let ran = running.finish();
    assert_eq!((ran.stdout.as_slice(), ran.stderr.as_str()), (b"a  b|$x'\"\nin\xff\n".as_slice(), "err\n"));
    assert_eq!(ran.code(), 7);
    run(&["sh", "-c", "kill -9 $$"]).is(137, &[]);
    let ran = job(&[":"]).secret("hunter2").flag("--container").flag("--mask");
    let ran = ran.exec(&["sh", "-c", "echo $SECRET; echo $SECRET >&2"], |_| {}).finish();
    assert_eq!((ran.stdout.as_slice(), ran.stderr.as_str()), (b"***\n".as_slice(), "***\n"));
}

#[test]
fn a_command_that_cannot_run_says_why() {
    for (command, status, why) in [
        ("nosuch_command", 127, "nosuch_command: command not found"),
        ("/etc/passwd", 126, "Permission denied"),
        ("/no/such/file", 127, "command not found"),
    ] {
        let ran = run(&[command]);
        ran.is(status, &[]).complains(&format!("error: in the container of {IMAGE}: ")).complains(why);
    }
}

#[test]
fn signals_reach_it() {
    let script = "trap 'echo caught; exit 3' TERM; echo @$$; while :; do sleep 0.01; done";
    let running = job(&[":"]).flag("--container").exec(&["bash", "-c", script], |_| {});
    running.number("@");
    running.signal(Signal::SIGTERM);
    running.finish().shows("caught\n");
    let running = job(&[":"]).flag("--container").exec(&["sh", "-c", "echo @$$; exec sleep 1000"], |_| {});
    running.number("@");
    running.signal(Signal::SIGINT);
    assert_eq!(running.finish().code(), 130);
}

#[test]
fn it_takes_the_first_task_with_an_image_or_the_one_that_is_chosen() {
    let several = || with_engine(Job::new(&[":"]).task(&[":"]).last_in_image(IMAGE)).flag("--container");
    several().exec(&["sh", "-c", "echo @$TASK_NAME"], |_| {}).finish().is(0, &["Task 1"]);
    let ran = several().option("--task", "0").exec(&["true"], |_| {}).finish();
    ran.is(125, &[]).complains("error: --container: TASK `Task 0` of job `job` names no image\n");
    let ran = with_engine(Job::new(&[":"])).flag("--container").exec(&["true"], |_| {}).finish();
    ran.is(125, &[]).complains("error: --container: no TASK of job `job` names an image\n  hint: ");
    let ran = several().variable("SHIPCTL_CONTAINERS", "never").exec(&["true"], |_| {}).finish();
    ran.is(125, &[]).complains("SHIPCTL_CONTAINERS says that nothing runs in containers");
}
