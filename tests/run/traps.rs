//! A script's own traps.

use crate::support::Job;

#[test]
fn an_exit_trap_runs_once_when_the_script_ends() {
    Job::new(&["trap 'echo @trap $?' EXIT", "echo @a"])
        .sections()
        .run()
        .is(0, &["a", "trap 0", "on_success", "always"]);
    Job::new(&["trap 'echo @trap $?' EXIT", "exit 0", "echo @no"])
        .sections()
        .run()
        .is(0, &["trap 0", "on_success", "always"]);
    Job::new(&["trap 'echo @trap $?' EXIT", "(exit 3)"])
        .sections()
        .run()
        .is(3, &["trap 3", "on_failure", "always"]);
    Job::new(&["trap 'echo @trap $?' EXIT; exit 4"])
        .sections()
        .run()
        .is(4, &["trap 4", "on_failure", "always"]);
    Job::new(&["trap 'echo @trap $?' EXIT", "set +e; (exit 5)"])
        .sections()
        .run()
        .is(5, &["trap 5", "on_failure", "always"]);
}

#[test]
fn an_exit_trap_may_decide() {
    Job::new(&["trap 'exit 6' EXIT", ":"]).sections().run().is(6, &["on_failure", "always"]);
    Job::new(&["trap 'rc=$?; echo @$rc; exit $rc' EXIT", "(exit 3)"])
        .sections()
        .run()
        .is(3, &["3", "on_failure", "always"]);
    Job::new(&["trap 'exit 0' EXIT", "false"]).sections().run().is(0, &["on_success", "always"]);
    Job::new(&["trap 'false; echo @no' EXIT", ":"]).sections().run().is(1, &["on_failure", "always"]);
}

#[test]
fn an_exit_trap_may_be_changed_and_taken_back() {
    Job::new(&["trap 'echo @one' EXIT", "trap 'echo @two' EXIT", ":"]).run().is(0, &["two"]);
    Job::new(&["trap 'echo @one' EXIT", "trap - EXIT", ":"]).run().is(0, &[]);
    Job::new(&["trap '' EXIT", ":"]).sections().run().is(0, &["on_success", "always"]);
    Job::new(&["trap - EXIT; exit 0"]).sections().run().is(0, &["on_success", "always"]);
    Job::new(&["trap - EXIT", "exit 3"]).sections().run().is(3, &["on_failure", "always"]);
}

#[test]
fn an_exit_trap_may_hold_anything() {
    Job::new(&["X=1; trap 'echo \"@it'\\''s $X\"\necho @two; f() { return 3; }; f || echo @$?' EXIT", "X=2"])
        .run()
        .is(0, &["it's 2", "two", "3"]);
}

#[test]
fn a_trap_that_is_extended_still_works() {
    let extend = "old=$(trap -p EXIT | sed \"s/^trap -- '//; s/' EXIT$//\"); trap \"$old; echo @mine\" EXIT";
    Job::new(&[extend, "echo @a"]).sections().run().is(0, &["a", "mine", "on_success", "always"]);
}

#[test]
fn an_exit_trap_runs_when_a_signal_ends_the_script() {
    Job::new(&["trap 'echo @trap' EXIT", "kill $$", "echo @no"])
        .sections()
        .run()
        .is(143, &["trap", "on_failure", "always"]);
}

#[test]
fn other_traps_work() {
    Job::new(&[
        "trap 'echo @usr1' USR1",
        "kill -USR1 $$; :",
        "trap 'exit 5' TERM",
        "kill $$; sleep 0; echo @no",
    ])
    .sections()
    .run()
    .is(5, &["usr1", "on_failure", "always"]);
    Job::new(&["trap 'echo @err' ERR", "false"]).sections().run().is(1, &["err", "on_failure", "always"]);
}

#[test]
fn a_debug_trap_does_not_see_the_driver() {
    let ran = Job::new(&["trap 'echo \"@$BASH_COMMAND\"' DEBUG; :", "echo @a", "false"]).sections().run();
    ran.is(1, &[":", "echo @a", "a", "false", "echo @on_failure", "on_failure", "echo @always", "always"])
        .never_shows("_shipctl");
}

#[test]
fn an_exit_trap_is_traced_as_the_script_was() {
    for (options, lines) in
        [("x", ["++ echo @bye", ""]), ("v", ["echo @bye", ""]), ("xv", ["echo @bye", "+ echo @bye"])]
    {
        let ran = Job::new(&["trap 'echo @bye' EXIT", &format!("set -{options}")]).run();
        ran.is(0, &["bye"]).never_shows("_shipctl");
        for line in lines {
            assert!(ran.text().contains(line), "{options}: {}", ran.text());
        }
    }
}

#[test]
fn functions_with_the_names_of_builtins_change_nothing() {
    let names =
        ["builtin", "read", "printf", "trap", "set", "eval", "exit", "export", "break", "unset", "command"];
    for name in names {
        let define = format!("{name}() {{ echo @fake; return 1; }}");
        Job::new(&[&define, "echo @on; false"]).sections().run().is(1, &["on", "on_failure", "always"]);
        Job::new(&[&define, "echo @on"]).sections().run().is(0, &["on", "on_success", "always"]);
        // This one the script calls itself.
        if name != "set" {
            let trap = format!("trap 'echo @trap $?' EXIT; {define}");
            Job::new(&[&trap, "set -x", "echo @on"]).run().is(0, &["on", "trap 0"]);
        }
    }
    Job::new(&["set -k; command() { echo @fake; }", "echo @on"]).run().is(0, &["on"]);
}

#[test]
fn the_end_of_a_task_that_nothing_follows_is_the_same() {
    Job::new(&["trap 'echo @trap $?' EXIT; :"]).run().is(0, &["trap 0"]);
    Job::new(&["trap 'false; echo @no' EXIT; :"]).run().is(1, &[]);
    Job::new(&["trap 'echo @one' EXIT", "trap 'echo @two; exit 7' EXIT"]).run().is(7, &["two"]);
    Job::new(&["! true"]).run().is(1, &[]);
    Job::new(&["set +e; (exit 5)"]).run().is(5, &[]);
    Job::new(&["trap 'echo \"@$BASH_COMMAND\"' DEBUG; :"]).run().is(0, &[":"]).never_shows("_shipctl");
    Job::new(&["set -xv; echo @a", "echo @b"]).run().is(0, &["a", "b"]).never_shows("_shipctl");
    Job::new(&["set -xu; ! echo @a"]).run().is(1, &["a"]).never_shows("_shipctl");
}

#[test]
fn traps_are_those_of_the_script_in_posix_mode() {
    Job::new(&["set -o posix; trap 'echo @bye' EXIT", "trap - EXIT; echo @one"]).run().is(0, &["one"]);
    Job::new(&["POSIXLY_CORRECT=1", "set -v; echo @one"]).run().is(0, &["one"]).never_shows("trap");
    Job::new(&["set -o posix; trap 'echo @bye' EXIT", "exit 3"])
        .sections()
        .run()
        .is(3, &["bye", "on_failure", "always"]);
}

#[test]
fn an_exit_trap_runs_without_the_variables_of_bash() {
    let entries = ["unset BASHPID LINENO RANDOM SECONDS; trap 'echo @bye' EXIT", "echo @one"];
    Job::new(&entries).sections().run().is(0, &["one", "bye", "on_success", "always"]);
    let entries = ["unset BASHPID LINENO RANDOM SECONDS; trap 'echo @bye' EXIT", "exit 3"];
    Job::new(&entries).sections().run().is(3, &["bye", "on_failure", "always"]);
    Job::new(&["unset BASHPID; set -u"]).sections().run().is(0, &["on_success", "always"]);
}

#[test]
fn a_child_that_is_killed_before_its_program_starts_is_not_taken_for_the_shell() {
    let killed = "sleep 1 < /dev/null > /dev/null 2>&1 & kill $!; wait $! || true; echo @waited";
    Job::new(&[&format!("unset BASHPID; {killed}"), "echo @on"]).run().is(0, &["waited", "on"]);
    Job::new(&[killed, "echo @on"]).run().is(0, &["waited", "on"]);
}
