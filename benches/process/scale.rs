//! Large lines, here and elsewhere, asked for with `SCALE=1`: 200 jobs in a chain and side by side, and a random graph of 2,000.
//!
//! `SCALE_ON` is what `--on` is to start, by default `srun` as a user of Slurm calls it; its rival is that command alone, as often
//! and as many at a time. `SCALE_STATE` is where state is shared (a directory, or `s3://bucket/prefix`); its rival is
//! the same line with its state beside it. What is not there is left out, with a word. With `RUNS=1` it takes some minutes.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::{command, compare, generate};

/// How jobs are started elsewhere, without `SCALE_ON` in the environment.
const SRUN: &str = "srun -Q -n1 --export=NONE";

/// Prints a row for each.
pub fn run(shipctl: &str, directory: &Path, runs: usize) {
    let at = |name: &str| directory.join(name).to_str().unwrap().to_owned();
    let (random, makefile) = generate::random(2_000);
    fs::write(at("Makefile"), makefile).unwrap();
    let on = std::env::var("SCALE_ON").unwrap_or_else(|_| SRUN.to_owned());
    let starts = works(&on);
    let state = std::env::var("SCALE_STATE").ok();
    let lines = [
        (generate::jobs(200, true), 200, 1, "in a chain"),
        (generate::jobs(200, false), 200, 2, "side by side"),
        (random, 2_000, 2, "in a random graph"),
    ];
    for (number, (line, count, at_once, how)) in lines.into_iter().enumerate() {
        let what = format!("{count} jobs {how}");
        // Once is enough of the largest, which takes minutes.
        let runs = if count > 200 { 1 } else { runs };
        let file = at(&format!("{number}.yml"));
        fs::write(&file, line).unwrap();
        let ours = |options: &[&str]| {
            let mut ours = command(&[shipctl, "run", "--all", "-j2", "-f", &file]);
            ours.args(options);
            ours
        };
        if count > 200 {
            let mut make = command(&["make", "-s", "-j2", "-C", &at("")]);
            compare(&format!("{what} against `make -j2`"), runs, &mut ours(&[]), &mut make);
        }
        let what_there = format!("{what} with `--on` against as many times `{on} /bin/bash -c true`");
        if starts {
            let script = format!("seq {count} | xargs -P{at_once} -I_ {on} /bin/bash -c true");
            compare(&what_there, runs, &mut ours(&["--on", &on]), &mut command(&["sh", "-c", &script]));
        } else {
            println!("| {what_there} | | it does not work here | |");
        }
        let what_shared = format!("{what} with shared state against state beside the line");
        match &state {
            Some(state) => {
                let state = format!("{}/{number}", state.trim_end_matches('/'));
                compare(&what_shared, runs, &mut ours(&["--state", &state]), &mut ours(&[]));
            }
            None => println!("| {what_shared} | | SCALE_STATE is not set | |"),
        }
    }
}

/// Whether a command starts others.
fn works(on: &str) -> bool {
    let mut tried = Command::new("sh");
    tried.args(["-c", &format!("{on} /bin/bash -c true")]).stdin(Stdio::null());
    tried.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
