//! How a shell ends: what its script meets then, what is waited for, and what counts as the end of a task.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::Job;

#[test]
fn an_exit_trap_meets_no_process_but_those_of_the_script() {
    for (trap, shown) in [
        ("wait; echo @cleaned", "cleaned"),
        ("kill $(jobs -p) 2>/dev/null || echo @killed", "killed"),
        ("echo @jobs-$(jobs -p | wc -l)", "jobs-0"),
        ("echo @last-$!", "last-"),
    ] {
        let trap = format!("trap '{trap}' EXIT");
        Job::new(&[&trap, "exit 3"]).sections().run().is(3, &[shown, "on_failure", "always"]);
        Job::new(&[&format!("{trap}; exit 3")]).sections().run().is(3, &[shown, "on_failure", "always"]);
    }
    let hostile = "setsid -f sleep 200; sleep 100 & trap 'kill -9 $(jobs -p)' EXIT";
    Job::new(&[hostile, "exit 4"]).sections().run().is(4, &["on_failure", "always"]);
}

#[test]
fn a_section_that_exits_does_not_keep_the_next_from_the_variables_of_the_script() {
    Job::new(&["X=1; f() { echo @f-$X; }; exit 2"])
        .section("on_failure", &["f; exit 7"])
        .section("always", &["f"])
        .run()
        .is(2, &["f-1", "f-1"]);
}

#[test]
#[cfg_attr(feature = "posix", ignore = "only Linux tells who reads from a pipe")]
fn what_stands_behind_a_process_substitution_is_waited_for() {
    let log = "exec > >(sed 's/^/@/') 2>&1";
    Job::new(&[&format!("{log}\necho one\necho two")]).run().is(0, &["one", "two"]);
    Job::new(&[log, "echo one; exit 3"]).run().is(3, &["one"]);
    let lines = "seq 20000 | tee >(sort -n > sorted.txt) > /dev/null";
    Job::new(&[lines]).task(&["echo @$(wc -l < sorted.txt)"]).run().is(0, &["20000"]);
    // A shell has both ends of the pipe until it becomes the program that reads.
    let slow = "mkfifo f; exec 8<> f; exec > >(exec 9> /proc/self/fd/0; read -t 0.2 -u 8 || exec 9>&-; sed 's/^/@/')";
    Job::new(&[slow, "echo one"]).run().is(0, &["one"]);
    // What has the other end too is ended before what reads.
    let held = "mkfifo f; exec 8<> f; exec > >(read -t 0.1 -u 8 || sed 's/^/@/'); sleep 300 &";
    Job::new(&[held, "echo one"]).run().is(0, &["one"]).never_shows("did not end in time");
    // What ignores that it is told to end holds the pipe until it is killed.
    let ignores = "exec > >(sed 's/^/@/'); trap '' TERM; sleep 300 &";
    Job::new(&[ignores, "echo one"]).run().is(0, &["one"]);
    Job::new(&[&format!("trap '' TERM; {ignores}"), "echo one"]).run().is(0, &["one"]);
    // What plainly stays is not waited for.
    let ran = Job::new(&["sleep 300 & echo @started"]).run();
    ran.is(0, &["started"]).never_shows("did not end in time");
}

#[test]
fn a_shell_that_did_not_begin_is_no_failed_task() {
    for (text, how) in
        [("exit 0", "succeeded"), ("exit 3", "failed with status 3"), ("kill -9 $$", "ended by SIGKILL")]
    {
        let job = Job::new(&["echo @no"]).sections();
        let bash = job.path().join("bin/bash");
        fs::create_dir(job.path().join("bin")).unwrap();
        fs::write(&bash, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&bash, fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:{}", bash.parent().unwrap().display(), std::env::var("PATH").unwrap());
        let ran = job.start_with(|command| _ = command.env("PATH", path)).finish();
        ran.is(125, &[]).complains(&format!("bash {how} before the first line"));
    }
}

/// A fault in a script of an old bash may end it with status 0, so no script is run by one.
#[test]
fn a_shell_that_is_no_bash_of_today_runs_nothing() {
    let job = Job::new(&["echo @no"]).sections();
    let bash = job.path().join("bin/bash");
    fs::create_dir(job.path().join("bin")).unwrap();
    fs::write(&bash, "#!/bin/sh\nexec dash \"$@\"\n").unwrap();
    fs::set_permissions(&bash, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", bash.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let ran = job.start_with(|command| _ = command.env("PATH", path)).finish();
    ran.is(125, &[])
        .complains("the bash that is first in the PATH of the task is older than 4, or another shell");
}

#[test]
fn settings_of_the_callers_shell_stay_outside() {
    for (name, value) in [
        ("SHELLOPTS", "onecmd"),
        ("SHELLOPTS", "noexec"),
        ("SHELLOPTS", "nounset:pipefail"),
        ("BASH_ENV", "leave"),
    ] {
        let job = Job::new(&["echo @one$NOTHING; false | true", "echo @two"]);
        let file = job.path().join("leave");
        fs::write(&file, "exec true\n").unwrap();
        let value = if name == "BASH_ENV" { file.to_str().unwrap().to_owned() } else { value.to_owned() };
        job.start_with(|command| _ = command.env(name, value)).finish().is(0, &["one", "two"]);
    }
}

#[test]
fn a_task_has_succeeded_when_its_last_entry_has_reported() {
    let ran = Job::new(&["echo @one", "set -n", "echo @two"]).sections().run();
    ran.is(1, &["one", "on_failure", "always"]).shows("bash ended before the last entry of Task 0 reported");
    Job::new(&["exec true"]).run().is(0, &[]);
    Job::new(&["exec bash -c 'echo @bash'"]).run().is(0, &["bash"]);
    Job::new(&["trap 'echo @trap' EXIT; exit 0"]).run().is(0, &["trap"]);
}

#[test]
fn traps_and_options_of_the_script_outlast_an_entry() {
    Job::new(&["readonly IFS", "echo @one", "IFS=x || echo @still"]).run().is(1, &["one"]);
    Job::new(&["set -a", "A=1", "env | sed -n 's/^A=/@/p'; env | grep -c ^_shipctl | sed 's/^/@/'"])
        .run()
        .is(0, &["1", "0"]);
}
