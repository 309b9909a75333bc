//! Hostile scripts, as a TASK of shipctl and by bash alone: the output, the files and the exit status are the same.
//!
//! Case N of a run has the seed N, which makes the script; `tests/soak.sh 1 N` repeats that one. The entries of a TASK come out
//! as if bash had read them from one file, one behind the other, under `set -e`.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod bash;
#[path = "../shared/dice.rs"]
mod dice;
mod fragments;
#[path = "../shared/marker.rs"]
mod marker;
mod script;
mod task;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use script::Script;

/// What came of a script.
#[derive(Clone, Debug, PartialEq)]
struct Result {
    /// The exit status; 128 + N if signal N ended it; `None` if it did not end in time.
    status: Option<i32>,
    /// What was printed, in a form that does not depend on how the script was started.
    output: Vec<u8>,
    /// The files that it left.
    files: Vec<(String, Vec<u8>)>,
}

/// A number from the environment.
fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

/// How often a case is tried whose lines come out in another order.
const TRIES: usize = 6;

/// Says what is wrong with a case; `None` if nothing is.
fn fault(script: &Script) -> Option<String> {
    let mut fault = None;
    for _ in 0..TRIES {
        let alone = bash::run(script);
        // A script that never ends by itself says nothing about shipctl.
        alone.status?;
        let task = task::run(script);
        fault = task::compare(script, &alone, &task);
        let is_same = unordered(&alone) == unordered(&task.result);
        if is_same && script.writes_at_once() {
            fault = task::compare(script, &Result { output: task.result.output.clone(), ..alone }, &task);
        }
        if fault.is_none() || !is_same {
            break;
        }
    }
    fault
}

/// The same without the order of its output: processes that write at once have none, and break into the lines of each other.
fn unordered(result: &Result) -> Result {
    let mut output = result.output.clone();
    output.sort_unstable();
    Result { output, ..result.clone() }
}

#[test]
#[ignore = "takes some minutes; tests/soak.sh runs it"]
fn hostile_scripts_do_as_in_bash() {
    let (count, first) = (number("SHIPCTL_SOAK_COUNT", 200), number("SHIPCTL_SOAK_SEED", 1));
    let (next, faults) = (AtomicU64::new(first), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count {
                        break;
                    }
                    let script = Script::new(seed);
                    if let Some(fault) = fault(&script) {
                        println!("==== seed {seed}\n{}\n{fault}", script.shown());
                        faults.lock().unwrap().push(seed);
                    }
                }
            });
        }
    });
    let mut faults = faults.into_inner().unwrap();
    faults.sort_unstable();
    assert!(faults.is_empty(), "{} of {count} differ, seeds {faults:?}", faults.len());
}
