//! Nothing that a job starts outlives it.

use std::time::{Duration, Instant};

use crate::support::{Job, state, wait_gone};
use nix::sys::signal::Signal;

/// Ways to start something that does not want to be found.
const HIDERS: [&str; 6] = [
    "sleep 1000 & echo @$!",
    "setsid sleep 1000 & sleep 0.1; echo @$!",
    "setsid sh -c 'setsid sh -c \"echo @\\$\\$; exec sleep 1000\" & exit 0'; sleep 0.1",
    "(trap '' HUP; exec setsid nohup sleep 1000 >/dev/null 2>&1) & sleep 0.1; echo @$!",
    "sh -c 'trap \"\" TERM INT HUP; echo @$$; while :; do sleep 1000; done' & sleep 0.1",
    "sh -c 'sh -c \"echo @\\$\\$; kill -STOP \\$\\$; sleep 1000\" &'; sleep 0.1",
];

#[test]
#[cfg_attr(feature = "posix", ignore = "only Linux collects orphans")]
fn what_a_task_leaves_behind_is_ended() {
    for script in HIDERS {
        for end in ["", "; exit 0", "; false", "; kill -9 $$"] {
            let begun = Instant::now();
            let running = Job::new(&[&format!("{script}{end}")]).option("--grace", "0.2").start();
            let pid = running.number("@");
            running.finish();
            assert_eq!(state(pid), None, "{script}{end}");
            assert!(begun.elapsed() < Duration::from_secs(10), "{script}{end}");
        }
    }
}

#[test]
fn it_lives_as_long_as_the_sections() {
    Job::new(&["sleep 1000 & pid=$!"])
        .section("on_success", &["kill -0 $pid && echo @alive"])
        .task(&["kill -0 $pid 2>/dev/null && echo @no || :; sleep 1000 & pid=$!"])
        .run()
        .is(0, &["alive"]);
}

#[test]
fn it_has_time_to_say_goodbye() {
    let script =
        "sh -c 'trap \"echo @bye; exit\" TERM; echo ready; while :; do sleep 0.01; done' & sleep 0.2";
    Job::new(&[script]).run().is(0, &["bye"]);
}

#[test]
fn a_process_that_holds_the_pipe_does_not_hold_up_the_job() {
    let begun = Instant::now();
    Job::new(&["setsid sh -c 'trap \"\" TERM; sleep 1000' & :", "echo @a"])
        .option("--grace", "0.2")
        .run()
        .is(0, &["a"]);
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[test]
fn children_that_were_there_before_are_left_alone() {
    // The shell becomes the program, and its child the program's.
    let running = Job::new(&["sleep 1000 & echo @b"]).start_with(|command| {
        let program = command.get_program().to_owned();
        let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
        let mut shell = std::process::Command::new("sh");
        shell
            .args(["-c", "sleep 1000 >/dev/null 2>&1 & echo \"#$!\"; exec \"$@\"", "sh"])
            .arg(program)
            .args(arguments);
        shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        shell.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        *command = shell;
    });
    let stranger = running.number("#");
    running.finish().is(0, &["b"]);
    assert!(state(stranger).is_some());
    nix::sys::signal::kill(stranger, Signal::SIGKILL).unwrap();
}

#[test]
#[cfg_attr(feature = "posix", ignore = "only Linux tells children of the death of their parent")]
fn the_shell_dies_with_the_program() {
    let running = Job::new(&["echo @$$; exec sleep 1000"]).start();
    let shell = running.number("@");
    running.signal(Signal::SIGKILL);
    running.finish();
    wait_gone(shell);
}
