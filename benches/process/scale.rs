//! Large lines, and lines whose jobs or whose state are elsewhere, against the same line here. Asked for with `SCALE=1`;
//! `SCALE_ON` is what `--on` is to start (such as `srun -Q -n1 --export=NONE`), and `SCALE_STATE` where state is shared (a
//! directory, or `s3://bucket/prefix`).

use std::fs;
use std::path::Path;

use crate::{command, compare, generate};

/// Prints a row for each.
pub fn run(shipctl: &str, directory: &Path, runs: usize) {
    let at = |name: &str| directory.join(name).to_str().unwrap().to_owned();
    let (line, makefile) = generate::random(2_000);
    fs::write(at("random.yml"), line).unwrap();
    fs::write(at("Makefile"), makefile).unwrap();
    let line = ["run", "--all", "-j2", "-f", &at("random.yml")].map(str::to_owned);
    let mut make = command(&["make", "-s", "-j2", "-C", &at("")]);
    let mut here = command(&[shipctl]);
    here.args(&line);
    compare("2,000 jobs, a random graph, against `make -j2`", runs, &mut here, &mut make);
    for (chain, how) in [(true, "in a chain"), (false, "side by side")] {
        let file = at(how);
        fs::write(&file, generate::jobs(200, chain)).unwrap();
        for (option, variable) in [("--on", "SCALE_ON"), ("--state", "SCALE_STATE")] {
            let Ok(value) = std::env::var(variable) else { continue };
            let mut there = command(&[shipctl, "run", "--all", "-j2", "-f", &file, option, &value]);
            let mut here = command(&[shipctl, "run", "--all", "-j2", "-f", &file]);
            let what = format!("200 jobs {how} with `{option} {value}` against here");
            compare(&what, runs, &mut there, &mut here);
        }
    }
}
