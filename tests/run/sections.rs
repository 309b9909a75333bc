//! Sections: in the shell of the task as long as it lives, and whatever happens.

use crate::support::Job;

/// Sections that show whether they are in the shell of the task.
fn with_memory(job: Job) -> Job {
    job.section("on_success", &["echo @success-$X; X=$X-s"])
        .section("on_failure", &["echo @failure-$X; X=$X-f"])
        .section("always", &["echo @always-$X"])
}

#[test]
fn sections_see_the_variables_of_the_task() {
    with_memory(Job::new(&["X=1"])).run().is(0, &["success-1", "always-1-s"]);
    with_memory(Job::new(&["X=1; exit 0"])).run().is(0, &["success-1", "always-1-s"]);
    with_memory(Job::new(&["X=1; false"])).run().is(1, &["failure-1", "always-1-f"]);
    with_memory(Job::new(&["X=1; exit 9"])).run().is(9, &["failure-1", "always-1-f"]);
    with_memory(Job::new(&["X=1; set +e; false"])).run().is(1, &["failure-1", "always-1-f"]);
    with_memory(Job::new(&["X=1; kill $$; :"])).run().is(143, &["failure-1", "always-1-f"]);
    with_memory(Job::new(&["X=1; trap 'exit 3' EXIT"])).run().is(3, &["failure-1", "always-1-f"]);
}

#[test]
fn sections_get_a_fresh_shell_when_that_of_the_task_is_gone() {
    with_memory(Job::new(&["X=1; exec false"])).run().is(1, &["failure-", "always--f"]);
    with_memory(Job::new(&["X=1; kill -9 $$"])).run().is(137, &["failure-", "always--f"]);
    with_memory(Job::new(&["X=1; trap - EXIT; exit 0"])).run().is(0, &["success-", "always--s"]);
    Job::new(&["cd /; X=1; exec true"])
        .section("always", &["[ \"$PWD\" = \"$BUILD_DIR\" ] && echo @root"])
        .run()
        .is(0, &["root"]);
}

#[test]
fn an_exit_in_a_section_ends_that_section_alone() {
    let all = |first: &str| {
        Job::new(&["X=1"])
            .section("on_success", &["Y=2; echo @s", first, "echo @no"])
            .section("always", &["echo @always-$X$Y", "exit 0", "echo @no"])
    };
    all("exit 0").run().is(0, &["s", "always-12"]);
    all("exit 3").run().is(3, &["s", "always-12"]);
    all("exec true").run().is(0, &["s", "always-"]);
    all("kill -9 $$").run().is(137, &["s", "always-"]);
    let failing = Job::new(&["X=1; exit 2"])
        .section("on_failure", &["exit 0"])
        .section("always", &["echo @$X; exit 5"]);
    failing.run().is(2, &["1"]);
    Job::new(&[":"]).section("always", &["exit 4"]).run().is(4, &[]);
}

#[test]
fn a_failing_command_in_a_section_changes_nothing() {
    for prefix in ["", "set -e\n", "set -eu\n", "set -o posix\n"] {
        let entry = format!("{prefix}false\necho @on");
        Job::new(&[":"])
            .section("on_success", &[&entry, "false", "! true", "return 3", "nosuch_command", "echo @after"])
            .section("always", &[&entry, "false"])
            .run()
            .is(0, &["on", "after", "on"]);
        Job::new(&["exit 0"])
            .section("on_success", &[&entry])
            .section("always", &[&entry])
            .run()
            .is(0, &["on", "on"]);
        Job::new(&["exit 8"])
            .section("on_failure", &[&entry])
            .section("always", &[&entry])
            .run()
            .is(8, &["on", "on"]);
    }
}

#[test]
fn but_it_is_reported() {
    let ran = Job::new(&[":"]).section("on_success", &["false", ":", "(exit 4)"]).run();
    ran.is(0, &[]).shows("✗ exit 1").shows("✗ exit 4").shows("! on_success · 2 entries failed");
}

#[test]
fn on_start_runs_before_the_first_task() {
    Job::new(&["echo @task-${X-}"])
        .section("on_start", &["X=1; false; echo @start"])
        .run()
        .is(0, &["start", "task-"]);
    Job::new(&["echo @no"])
        .sections()
        .section("on_start", &["exit 3"])
        .run()
        .is(3, &["on_failure", "always"]);
}

#[test]
fn sections_may_set_traps_of_their_own() {
    Job::new(&[":"])
        .section("on_success", &["trap 'echo @trap' EXIT", "echo @s"])
        .section("always", &["echo @always"])
        .run()
        .is(0, &["s", "trap", "always"]);
}

#[test]
fn a_section_reads_stdin_like_a_task() {
    let mut running = Job::new(&["read -r a; echo @$a; exit 0"])
        .section("always", &["read -r b; echo @$b"])
        .start_with(|command| {
            command.stdin(std::process::Stdio::piped());
        });
    std::io::Write::write_all(&mut running.stdin(), b"one\ntwo\n").unwrap();
    running.finish().is(0, &["one", "two"]);
}
