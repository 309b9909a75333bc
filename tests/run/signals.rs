//! Signals to the program.

use std::os::unix::process::CommandExt;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::support::{Job, state, wait_until};

#[test]
fn int_and_term_cancel_the_job() {
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let running = Job::new(&["X=1; sleep 1000 & echo @$!; wait", "echo @no"])
            .task(&["echo @no"])
            .sections()
            .start();
        let sleep = running.number("@");
        running.signal(signal);
        let ran = running.finish();
        ran.is(code, &[&sleep.to_string(), "on_cancel", "always"]).shows(&format!("cancelled by {signal}"));
        assert_eq!(state(sleep), None);
    }
}

#[test]
fn a_cancelled_script_may_clean_up() {
    // A bash that hears of the signal between two commands in the foreground, and then that the second was ended by it, may die
    // without its trap.
    let running = Job::new(&["trap 'echo @exit' EXIT", "sleep 1000 & echo @ready; wait"]).sections().start();
    running.wait_for("@ready");
    running.signal(Signal::SIGTERM);
    running.finish().is(143, &["ready", "exit", "on_cancel", "always"]);
    let running =
        Job::new(&["trap 'echo @term; exit 0' TERM; echo @ready; while :; do sleep 0.01; done"]).start();
    running.wait_for("@ready");
    running.signal(Signal::SIGINT);
    running.finish().is(130, &["ready", "term"]);
}

#[test]
fn a_script_that_survives_term_does_not_go_on() {
    let running = Job::new(&["trap : TERM; echo @ready; sleep 1000 || :", "echo @no"]).sections().start();
    running.wait_for("@ready");
    running.signal(Signal::SIGINT);
    running.finish().is(130, &["ready", "on_cancel", "always"]);
}

#[test]
fn what_ignores_term_is_killed_after_the_grace() {
    let job = Job::new(&["trap '' TERM; echo @ready; while :; do sleep 0.01 || :; done"]).sections();
    let running = job.option("--grace", "0.1").start();
    running.wait_for("@ready");
    running.signal(Signal::SIGINT);
    running.finish().is(130, &["ready", "on_cancel", "always"]);
}

#[test]
fn a_second_signal_skips_the_rest() {
    let begun = Instant::now();
    let running = Job::new(&["trap '' TERM; echo @ready; while :; do sleep 1000; done"]).sections().start();
    running.wait_for("@ready");
    running.signal(Signal::SIGINT);
    running.wait_for("cancelled by SIGINT");
    running.signal(Signal::SIGINT);
    running.finish().is(130, &["ready"]);

    let running =
        Job::new(&["echo @ready; sleep 1000"]).section("always", &["echo @always; sleep 1000"]).start();
    running.wait_for("@ready");
    running.signal(Signal::SIGTERM);
    running.wait_for("@always");
    running.signal(Signal::SIGINT);
    running.finish().is(143, &["ready", "always"]);
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[test]
fn sections_can_be_cancelled() {
    let job = Job::new(&[":"]).sections().section("on_success", &["echo @ready; sleep 1000"]);
    let running = job.start();
    running.wait_for("@ready");
    running.signal(Signal::SIGINT);
    running.finish().is(130, &["ready", "on_cancel", "always"]);
}

#[test]
fn other_signals_reach_the_script() {
    for (signal, name) in [
        (Signal::SIGUSR1, "USR1"),
        (Signal::SIGUSR2, "USR2"),
        (Signal::SIGHUP, "HUP"),
        (Signal::SIGQUIT, "QUIT"),
        (Signal::SIGWINCH, "WINCH"),
    ] {
        let script = format!(
            "trap 'echo @{name}; exit 0' {name}; echo @ready; while :; do read -rt 0.01 <> <(:) || :; done"
        );
        let running = Job::new(&[&script]).sections().start();
        running.wait_for("@ready");
        running.signal(signal);
        running.finish().is(0, &["ready", name, "on_success", "always"]);
    }
}

#[test]
fn a_signal_the_script_does_not_expect_ends_it() {
    let running = Job::new(&["sleep 1000 & echo @ready; wait"]).sections().start();
    running.wait_for("@ready");
    running.signal(Signal::SIGHUP);
    running.finish().is(129, &["ready", "on_failure", "always"]);
}

#[test]
fn a_child_that_bash_has_just_forked_does_not_ask_in_its_place() {
    // It inherits the EXIT trap, and runs it when a signal comes before it executes its program.
    for _ in 0..20 {
        let running = Job::new(&["sleep 1000 & echo @ready; wait"]).sections().start();
        running.wait_for("@ready");
        running.signal(Signal::SIGHUP);
        running.finish().is(129, &["ready", "on_failure", "always"]);
    }
}

#[test]
fn usr1_does_not_end_what_the_script_waits_for() {
    let running = Job::new(&[
        "trap 'echo @usr1; touch $HERE/got' USR1",
        "echo @ready; sh -c 'while [ ! -e $HERE/go ]; do sleep 0.01; done'",
        "until [ -e $HERE/got ]; do sleep 0.01; done; echo @end",
    ]);
    let running = running.start();
    running.wait_for("@ready");
    running.signal(Signal::SIGUSR1);
    std::fs::write(running.path().join("go"), "").unwrap();
    running.finish().is(0, &["ready", "usr1", "end"]);
}

#[test]
fn what_a_trap_prints_between_two_entries_is_in_the_log() {
    let running = Job::new(&[
        "trap 'echo @usr1; echo @stderr >&2; touch $HERE/got' USR1; echo @$$; until [ -e $HERE/go ]; do sleep 0.01; done",
        "echo @end",
    ])
    .start();
    let shell = running.number("@");
    running.signal(Signal::SIGSTOP);
    wait_until(|| state(running.pid()) == Some('T'), || "shipctl to stop".to_owned());
    std::fs::write(running.path().join("go"), "").unwrap();
    let asks = || {
        let stdin = std::fs::read_link(format!("/proc/{shell}/fd/0"));
        stdin.is_ok_and(|path| path.to_string_lossy().ends_with(".answers"))
    };
    wait_until(asks, || "the shell to wait for an answer".to_owned());
    nix::sys::signal::kill(shell, Signal::SIGUSR1).unwrap();
    wait_until(|| running.path().join("got").exists(), || "the trap to run".to_owned());
    running.signal(Signal::SIGCONT);
    running.finish().is(0, &[&shell.to_string(), "usr1", "stderr", "end"]);
}

#[test]
fn ignored_signals_stay_ignored() {
    let running =
        Job::new(&["echo @ready; while [ ! -e $HERE/go ]; do sleep 0.01; done; kill -HUP $$; echo @end"])
            .start_with(|command| {
                // SAFETY: `signal` is async-signal-safe.
                unsafe {
                    command.pre_exec(|| {
                        nix::libc::signal(nix::libc::SIGHUP, nix::libc::SIG_IGN);
                        nix::libc::signal(nix::libc::SIGINT, nix::libc::SIG_IGN);
                        Ok(())
                    });
                }
            });
    running.wait_for("@ready");
    running.signal(Signal::SIGHUP);
    running.signal(Signal::SIGINT);
    std::fs::write(running.path().join("go"), "").unwrap();
    running.finish().is(0, &["ready", "end"]);
}

#[test]
fn the_script_has_the_signals_of_the_caller() {
    let script = "grep -E 'SigBlk|SigIgn' /proc/self/status | tr -d '\\t' | sed s/^/@/";
    let plain = std::process::Command::new("sh").args(["-c", script]).output().unwrap().stdout;
    let plain = String::from_utf8(plain).unwrap();
    let plain: Vec<&str> = plain.lines().map(|line| &line[1..]).collect();
    Job::new(&[script]).run().is(0, &plain);
}

#[test]
fn a_stopped_program_stops_its_job() {
    let running = Job::new(&["echo @$$; while [ ! -e $HERE/go ]; do sleep 0.01; done; echo @end"]).start();
    let shell = running.number("@");
    running.signal(Signal::SIGTSTP);
    wait_until(
        || state(shell) == Some('T') && state(running.pid()) == Some('T'),
        || "both to stop".to_owned(),
    );
    running.signal(Signal::SIGCONT);
    std::fs::write(running.path().join("go"), "").unwrap();
    running.finish().is(0, &[&shell.to_string(), "end"]);
}
