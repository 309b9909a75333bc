//! How the cost of the scheduler grows: lines of up to 100,000 jobs over 1,000 slots, in which no job does anything.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use super::Schedule;
use crate::model::files;
use crate::order::{Order, Selection};
use crate::run::Outcome;
use crate::run::worker_pool::{Stage, Update};
use crate::source::Sources;

/// How many jobs run at a time.
const SLOTS: usize = 1000;

/// Numbers that look random, the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// A line in which each job takes up to three of the thousand before it.
fn line(jobs: u64) -> String {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut text = "jobs:\n".to_owned();
    for job in 0..jobs {
        let _ = write!(text, "  - name: j{job}\n    type: runSh\n    steps:\n");
        let before = job.min(1000);
        let inputs: BTreeSet<u64> =
            (0..dice.roll(4).min(before)).map(|_| job - 1 - dice.roll(before)).collect();
        for input in inputs {
            let _ = writeln!(text, "      - IN: j{input}");
        }
        text.push_str("      - TASK: {script: [\"true\"]}\n");
    }
    text
}

/// Runs all jobs, each of which takes a while that only the simulation knows; returns how many ran.
fn simulate(order: &Order) -> usize {
    let mut schedule = Schedule::new(order);
    let follows = schedule.follows().to_vec();
    let mut dice = Dice(7);
    let (mut now, mut ended) = (0, 0);
    let mut running = BinaryHeap::new();
    while schedule.is_open() {
        while running.len() < SLOTS
            && let Some(job) = schedule.next()
        {
            schedule.started(job, job as usize % SLOTS);
            running.push(Reverse((now + 1 + dice.roll(1000), job)));
        }
        let Some(Reverse((at, job))) = running.pop() else { break };
        now = at;
        ended += 1;
        schedule.ended(Update { job, build: 1, took: 1, stage: Stage::Ended(Outcome::Success) });
        if let Some(next) = follows[job as usize] {
            schedule.started(next, job as usize % SLOTS);
            running.push(Reverse((now + 1 + dice.roll(1000), next)));
        }
    }
    ended
}

fn timed<T>(what: impl FnOnce() -> T) -> (T, Duration) {
    let started = Instant::now();
    let done = what();
    (done, started.elapsed())
}

/// How long it takes to read, order and schedule so many jobs: the best of three, as other programs run, too.
fn measure(jobs: u64) -> [Duration; 3] {
    let mut sources = Sources::default();
    sources.add("shippable.yml".into(), line(jobs)).unwrap();
    let (pipeline, read) = timed(|| files::pipeline(&sources, Path::new("/"), &mut Vec::new()));
    let selection = Selection { all: true, ..Selection::default() };
    let (order, ordered) = timed(|| Order::of(&pipeline, &selection));
    let runs = (0..3).map(|_| timed(|| simulate(&order)));
    let scheduled = runs.map(|(ended, took)| {
        assert_eq!(ended as u64, jobs);
        took
    });
    [read, ordered, scheduled.min().unwrap()]
}

#[test]
fn all_jobs_of_a_simulated_line_run() {
    measure(2_000);
}

/// Prints the times, and the slopes: the exponents with which they grow with the number of jobs. 1 is linear.
#[test]
#[ignore = "a measurement, for a release build"]
fn the_cost_grows_with_the_number_of_jobs_alone() {
    const SIZES: [u64; 3] = [1_000, 10_000, 100_000];
    let times = SIZES.map(measure);
    for (part, name) in ["read", "ordered", "scheduled"].into_iter().enumerate() {
        let seconds = times.map(|times| times[part].as_secs_f64());
        let slope = (seconds[2] / seconds[1]).log10();
        println!(
            "{name}: {:.1} ms, {:.1} ms, {:.1} ms; slope {slope:.2}",
            seconds[0] * 1e3,
            seconds[1] * 1e3,
            seconds[2] * 1e3
        );
        assert!(slope < 1.4, "{name} grows with a power of {slope:.2}");
    }
}
