//! One shell per task, and a driver in it that no script notices.

use crate::support::Job;

#[test]
fn entries_share_one_shell() {
    Job::new(&["cd shared", "X=1; f() { echo @$X$1; }", "f 2", "echo @${PWD##*/}"])
        .sections()
        .run()
        .is(0, &["12", "shared", "on_success", "always"]);
}

#[test]
fn tasks_share_nothing_but_files() {
    Job::new(&["X=1; export Y=2; cd /; echo 3 > \"$OLDPWD/z\""])
        .task(&["echo @${X-unset}${Y-unset}$(cat z)"])
        .run()
        .is(0, &["unsetunset3"]);
}

#[test]
fn a_failing_command_ends_the_task() {
    for entry in
        ["false", "false; :", "(false); :", "f() { false; :; }; f", "x=$(false); :", "nosuch_command; :"]
    {
        Job::new(&[entry, "echo @no"])
            .task(&["echo @no"])
            .section("on_failure", &["echo @yes"])
            .run()
            .is(if entry.starts_with("nosuch") { 127 } else { 1 }, &["yes"]);
    }
}

#[test]
fn so_does_an_entry_whose_last_status_is_not_0() {
    for entry in ["! true", "false && :", "set +e; false", "if true; then ! :; fi", "return 1"] {
        Job::new(&[entry, "echo @no"]).section("on_failure", &["echo @yes"]).run().is(1, &["yes"]);
    }
}

#[test]
fn conditions_are_no_failures() {
    Job::new(&[
        "! true; :",
        "false || :",
        "while false; do :; done",
        "if false; then :; fi",
        "set +e\nfalse\n:",
    ])
    .run()
    .is(0, &[]);
}

#[test]
fn exit_ends_the_task_with_its_status() {
    Job::new(&["exit 0", "echo @no"]).task(&["echo @two"]).run().is(0, &["two"]);
    Job::new(&["echo @one; exit 7", "echo @no"]).sections().run().is(7, &["one", "on_failure", "always"]);
    Job::new(&["f() { exit 3; }; f; echo @no", "echo @no"]).run().is(3, &[]);
    Job::new(&["(exit 3) || exit"]).run().is(3, &[]);
}

#[test]
fn return_ends_its_entry() {
    Job::new(&["return 0; echo @no", "echo @yes", "return 4"]).run().is(4, &["yes"]);
}

#[test]
fn a_task_without_entries_is_fine() {
    Job::new(&[]).sections().run().is(0, &["on_success", "always"]);
}

#[test]
fn declare_is_global() {
    Job::new(&["declare -A m=([k]=v); declare -i n=3; local l=1 || true", "echo @${m[k]}$((n + 1))"])
        .run()
        .is(0, &["v4"]);
}

#[test]
fn a_stray_break_finds_no_loop() {
    Job::new(&["break", "continue", "for i in 1 2; do break; done; break 3; echo @here", "echo @end"])
        .run()
        .is(0, &["here", "end"]);
}

#[test]
fn entries_reach_bash_unchanged() {
    Job::new(&[
        "echo '@%s \\n \"q\"' $'\\'' `echo b`",
        "cat <<EOF\n@one $((1 + 1))\nEOF",
        "cat <<'EOF'\n@$two\nEOF",
        "echo @back\\",
        "echo @a # comment",
        "  \n\n  echo @blank\n\n",
        "echo @caf\u{e9} \u{1f600}",
    ])
    .run()
    .is(0, &["%s \\n \"q\" ' b", "one 2", "$two", "back", "a", "blank", "caf\u{e9} \u{1f600}"]);
}

#[test]
fn messages_of_bash_name_entry_and_line() {
    Job::new(&[":", ":\n\nnosuch_command"])
        .run()
        .is(127, &[])
        .shows("/scripts/Task 0[2]: line 3: nosuch_command: ");
    Job::new(&["set -x; :", ":\n:\nnosuch_command"])
        .run()
        .shows("/scripts/Task 0[2]: line 3: nosuch_command: ");
    Job::new(&["echo @$LINENO ${BASH_SOURCE[0]##*/} ${0##*/}"]).run().is(0, &["1 Task 0[1] Task 0"]);
}

#[test]
fn a_syntax_error_fails_its_entry() {
    Job::new(&["echo @a", "if true; then echo @b", "echo @c"])
        .sections()
        .run()
        .is(2, &["a", "on_failure", "always"]);
    Job::new(&["set -o posix", "if"]).sections().run().is(2, &["on_failure", "always"]);
}

#[test]
fn shell_options_change_nothing_but_what_they_say() {
    for options in [
        "set -u",
        "set -e",
        "set -C",
        "set -f",
        "set -k",
        "set -a",
        "set -m",
        "set -b",
        "set -p",
        "set -E -T",
    ] {
        Job::new(&[options, "echo @a", "exit 0"]).sections().run().is(0, &["a", "on_success", "always"]);
    }
    for options in [
        "set -o posix",
        "set -o pipefail",
        "shopt -s extdebug",
        "shopt -s nullglob failglob",
        "shopt -u sourcepath",
        "shopt -s expand_aliases lastpipe inherit_errexit",
    ] {
        Job::new(&[options, "echo @a", "exit 0"]).sections().run().is(0, &["a", "on_success", "always"]);
    }
}

#[test]
fn unset_variables_fail_under_set_u() {
    Job::new(&["set -u", "echo $nope", "echo @no"]).sections().run().is(1, &["on_failure", "always"]);
}

#[test]
fn a_trace_shows_the_script_alone() {
    let ran = Job::new(&["set -x", "echo @a", "false"]).sections().run();
    ran.is(1, &["a", "on_failure", "always"]).never_shows("_shipctl").never_shows("builtin");
    ran.shows("+ echo @a\n")
        .shows("+ false\n")
        .shows("+ echo @always\n")
        .never_shows("+ \\.")
        .never_shows(". /");
    let ran = Job::new(&["set -v", "echo @a\necho @b", "echo @c"]).sections().run();
    ran.is(0, &["a", "b", "c", "on_success", "always"]).never_shows("_shipctl");
    ran.shows("echo @a\n").shows("echo @b\n").shows("\necho @c\n");
    // Nor does it show that the file of an entry was that of a longer one.
    for verbose in ["set -v", "set -ev", "set -o verbose", "shopt -so verbose"] {
        let ran = Job::new(&["echo @a; : a longer entry", &format!("{verbose}; :\n:"), ":", "set +v"]).run();
        ran.is(0, &["a"]).never_shows("\n\n\n").shows(":\n  ✓");
    }
}

#[test]
fn functions_that_are_called_like_builtins_do_no_harm() {
    let redefine = "for f in read printf echo exit trap set eval source return test kill wait; do
        eval \"$f() { command echo called $f; }\"; done";
    Job::new(&[redefine, "command echo @a", "builtin exit 3"])
        .section("always", &["command echo @b"])
        .run()
        .is(3, &["a", "b"]);
    Job::new(&["shopt -s expand_aliases; alias builtin=false .=false eval=false", "\\echo @a", "false"])
        .sections()
        .run()
        .is(1, &["a", "on_failure", "always"]);
}

#[test]
fn odd_separators_do_no_harm() {
    for ifs in ["IFS=", "IFS=0123456789", "IFS=\"' \"", "IFS=' \n\t_-'", "unset IFS"] {
        Job::new(&[ifs, "echo \"@a\"", "set +e; false"])
            .sections()
            .run()
            .is(1, &["a", "on_failure", "always"]);
    }
}

#[test]
fn a_redirected_shell_stays_redirected() {
    let ran = Job::new(&[
        "exec >$HERE/out 2>&1",
        "echo @hidden; nosuch_command || :",
        "exec 7>&1",
        "echo @seven >&7",
    ])
    .section("always", &["echo @always"])
    .run();
    assert_eq!(ran.code(), 0);
    let out = std::fs::read_to_string(ran.path().join("out")).unwrap();
    assert!(
        out.starts_with("@hidden\n") && out.contains("not found") && out.ends_with("@seven\n@always\n"),
        "{out}"
    );
}

#[test]
fn closed_descriptors_do_no_harm() {
    for close in [
        "exec <&-",
        "exec >&-",
        "exec 2>&-",
        "exec <&- >&- 2>&-",
        "for i in {3..255}; do eval \"exec $i>&-\"; done",
    ] {
        let ran = Job::new(&[close, "set +e; touch $HERE/here; false"])
            .section("always", &["touch $HERE/always"])
            .run();
        assert_eq!(ran.code(), 1, "{close}: {}", ran.text());
        assert!(ran.path().join("here").exists() && ran.path().join("always").exists(), "{close}");
    }
}

#[test]
fn no_descriptor_of_ours_is_open_in_a_script() {
    let plain = std::process::Command::new("ls").arg("/proc/self/fd").output().unwrap().stdout;
    let plain = String::from_utf8(plain).unwrap().replace('\n', " ");
    Job::new(&["ls /proc/self/fd | tr '\\n' ' ' | sed 's/^/@/'"]).run().is(0, &[plain.as_str()]);
}

#[test]
fn a_script_may_empty_its_workspace() {
    Job::new(&["rm -rf ./* .[!.]*", "echo @a", "exit 0"])
        .sections()
        .run()
        .is(0, &["a", "on_success", "always"]);
    Job::new(&["rm -rf \"$PWD\"", "echo @a"]).sections().run().is(0, &["a", "on_success", "always"]);
}

#[test]
fn a_process_that_replaces_the_shell_is_the_tasks_result() {
    Job::new(&["exec sh -c 'echo @sh; exit 5'", "echo @no"])
        .sections()
        .run()
        .is(5, &["sh", "on_failure", "always"]);
    Job::new(&["exec true", "echo @no"]).sections().run().is(0, &["on_success", "always"]);
    Job::new(&["exec nosuch_command"]).sections().run().is(127, &["on_failure", "always"]);
}

#[test]
fn a_signal_ends_the_task() {
    for (signal, number) in [("TERM", 15), ("KILL", 9), ("INT", 2), ("HUP", 1), ("USR1", 10), ("SEGV", 11)] {
        let script = format!("X=1; kill -{signal} $$; echo @no");
        Job::new(&[&script, "echo @no"]).sections().run().is(128 + number, &["on_failure", "always"]);
    }
}

#[test]
fn nothing_printed_is_a_result() {
    Job::new(&["set; declare -p; echo 'between 0 ehB'; printf 'leaving 0 ehB\\n\\0'; trap -p", "false"])
        .section("on_success", &["echo @no"])
        .run()
        .is(1, &[]);
}

#[test]
fn the_environment_is_the_tasks_alone() {
    Job::new(&["echo \"@$MINE\"; export -p | grep -q '^declare -x _shipctl' && echo @leak || :"])
        .variable("MINE", "a  b\u{e9}'\"$x")
        .run()
        .is(0, &["a  b\u{e9}'\"$x"]);
}

#[test]
fn bash_that_cannot_start_is_an_error_of_ours() {
    let ran = Job::new(&["echo @no"]).variable("PATH", "/nowhere").run();
    ran.is(125, &[]);
    assert!(ran.stderr.contains("bash"), "{}", ran.stderr);
    let ran = Job::new(&["echo @no"]).variable("LARGE", &"x".repeat(130_000)).variable("HUGE", "").run();
    ran.is(0, &["no"]);
}
