//! The time limit.

use std::time::{Duration, Instant};

use crate::support::{Job, state};

#[test]
fn a_job_that_takes_too_long_is_ended() {
    let running =
        Job::new(&["sleep 1000 & echo @$!; wait", "echo @no"]).sections().option("--timeout", "0.3").start();
    let sleep = running.number("@");
    let ran = running.finish();
    ran.is(124, &[&sleep.to_string(), "on_failure", "always"])
        .shows("time limit of 0.3 s reached")
        .shows("timed out");
    assert_eq!(state(sleep), None);
}

#[test]
fn it_may_clean_up_first() {
    Job::new(&["trap 'echo @term; exit 0' TERM; while :; do sleep 0.01; done"])
        .sections()
        .option("--timeout", "0.3")
        .run()
        .is(124, &["term", "on_failure", "always"]);
}

#[test]
fn it_is_killed_when_it_does_not_end() {
    let begun = Instant::now();
    Job::new(&["trap '' TERM; setsid sh -c 'trap \"\" TERM; sleep 1000' & while :; do sleep 0.01; done"])
        .sections()
        .option("--timeout", "0.2")
        .option("--grace", "0.1")
        .run()
        .is(124, &["on_failure", "always"]);
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[test]
fn the_limit_is_one_for_all_tasks_and_sections() {
    Job::new(&["echo @one"])
        .task(&["echo @two; sleep 1000"])
        .option("--timeout", "0.3")
        .sections()
        .run()
        .is(124, &["one", "two", "on_failure", "always"]);
    Job::new(&[":"])
        .sections()
        .section("on_success", &["echo @s; sleep 1000"])
        .option("--timeout", "0.3")
        .run()
        .is(124, &["s", "on_failure", "always"]);
    Job::new(&[":"])
        .section("always", &["echo @a; sleep 1000"])
        .option("--timeout", "0.3")
        .run()
        .is(124, &["a"]);
}

#[test]
fn a_job_in_time_does_not_notice() {
    Job::new(&["echo @a"]).sections().option("--timeout", "1000").run().is(0, &["a", "on_success", "always"]);
}
