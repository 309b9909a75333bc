//! How jobs end there: as they would here.

use std::fs;

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use crate::support::{Job, Ran, state, wait_gone, wait_until};
use crate::{job, shell};

#[test]
fn the_status_is_the_scripts() {
    job(&["echo @one", "exit 3", "echo @two"])
        .sections()
        .run()
        .is(3, &["one", "on_failure", "always"])
        .shows("✗ Task 0 · failed with status 3");
    job(&["echo @one"]).sections().run().is(0, &["one", "on_success", "always"]);
    job(&["kill -9 $$"]).run().is(137, &[]);
}

#[test]
fn the_log_is_the_same_as_here() {
    let entries = ["printf 'a\\xffb\\n'", "echo err >&2", "false || true", "seq 20000 | md5sum"];
    let without_times = |ran: &Ran| {
        let kept =
            ran.text().lines().map(|line| line.split(" · ").next().unwrap().to_owned()).collect::<Vec<_>>();
        kept.into_iter().filter(|line| !line.contains(" ms")).collect::<Vec<_>>()
    };
    let there = job(&entries).run();
    let here = Job::new(&entries).run();
    assert_eq!(without_times(&there), without_times(&here));
    assert!(there.stdout.windows(3).any(|bytes| bytes == b"a\xffb"));
}

#[test]
fn a_log_of_machines_has_all_events() {
    let names = |ran: Ran| {
        ran.events().iter().map(|event| event["event"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let entries = ["echo one", "exit 4"];
    let there = names(job(&entries).sections().option("--log-format", "json").run());
    assert_eq!(there, names(Job::new(&entries).sections().option("--log-format", "json").run()));
}

#[test]
fn what_is_printed_comes_at_once_through_what_hands_on_whole_lines() {
    let on = shell("\"$@\" | LC_ALL=C sed -u \"\"");
    let entry = "printf \"prompt> \"; until [ -e $HERE/go ]; do sleep 0.01; done; printf end; exit 3";
    let running = Job::new(&[entry]).option("--on", &on).start();
    running.wait_for("prompt> ");
    fs::write(running.path().join("go"), "").unwrap();
    running.finish().is(3, &[]).shows("prompt> end");
}

#[test]
fn a_large_log_comes_whole() {
    let ran = job(&["seq 1000000"]).run();
    ran.is(0, &[]).shows("\n1000000\n");
    assert_eq!(ran.text().lines().filter(|line| line.parse::<u32>().is_ok()).count(), 1_000_000);
}

#[test]
fn a_signal_cancels_the_job() {
    let running = job(&["echo pid $$", "echo @begun; sleep 1000"]).sections().start();
    let pid = running.number("pid ");
    running.wait_for("@begun");
    running.signal(Signal::SIGTERM);
    running.finish().is(143, &["begun", "on_cancel", "always"]);
    wait_gone(pid);
}

#[test]
fn a_signal_before_the_job_has_begun_ends_all() {
    let on = shell("echo $$ >$HERE/pid; exec sleep 1000");
    let running = Job::new(&["echo @ran"]).option("--on", &on).start();
    let pid = || fs::read_to_string(running.path().join("pid")).unwrap_or_default();
    wait_until(|| pid().ends_with('\n'), || "the command".to_owned());
    let pid = Pid::from_raw(pid().trim().parse().unwrap());
    running.signal(Signal::SIGINT);
    running.finish().is(130, &[]);
    wait_gone(pid);
}

#[test]
fn other_signals_reach_the_script() {
    let running =
        job(&["trap 'echo @usr1; exit 0' USR1", "echo @begun; while :; do sleep 0.01; done"]).start();
    running.wait_for("@begun");
    running.signal(Signal::SIGUSR1);
    running.finish().is(0, &["begun", "usr1"]);
}

#[test]
fn a_job_stops_and_goes_on_with_us() {
    let running =
        job(&["echo pid $$", "echo @begun; while [ ! -e $HERE/go ]; do sleep 0.01; done; echo @done"])
            .start();
    let pid = running.number("pid ");
    running.wait_for("@begun");
    running.signal(Signal::SIGTSTP);
    let ours = running.pid();
    wait_until(|| state(ours) == Some('T'), || "our stop".to_owned());
    wait_until(|| state(pid) == Some('T'), || "the stop of the job".to_owned());
    fs::write(running.path().join("go"), "").unwrap();
    running.signal(Signal::SIGCONT);
    running.finish().is(0, &["begun", "done"]);
}

#[test]
fn the_time_limit_holds_there() {
    job(&["echo @begun; sleep 1000"])
        .option("--timeout", "1s")
        .sections()
        .run()
        .is(124, &["begun", "on_failure", "always"]);
}

#[test]
fn what_a_job_leaves_behind_is_ended() {
    let ran = job(&["sleep 1000 & echo pid $!"]).run();
    ran.is(0, &[]);
    let text = ran.text();
    let pid = text.lines().find_map(|line| line.strip_prefix("pid ")?.parse().ok()).unwrap();
    wait_gone(Pid::from_raw(pid));
}
