//! Whole processes against their rivals, A B A B …, medians of many:
//! `cargo run --release --manifest-path benches/process/Cargo.toml SHIPCTL`.
//!
//! `SHIPCTL` is the binary to measure, as packaging/build-musl.sh builds it; `RUNS` in the environment sets how often a short
//! command is run; `SCALE=1` measures large lines instead, see `scale`. A rival that is not installed is left out. Quote ratios,
//! not times: machines differ, and are busy.

#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark may panic")]

mod generate;
mod scale;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How often a short command is run, without `RUNS` in the environment.
const RUNS: usize = 200;

fn main() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let shipctl = std::env::args().nth(1).expect("the argument is the shipctl to measure");
    let shipctl = shipctl.as_str();
    let runs = std::env::var("RUNS").map_or(RUNS, |runs| runs.parse().expect("RUNS is a number"));
    let line_runs = runs.min(11);
    println!("| what | shipctl | rival | ratio |\n|---|---|---|---|");
    if std::env::var_os("SCALE").is_some() {
        return scale::run(shipctl, directory.path(), runs.min(3));
    }

    let mut lookup = command(&[shipctl, "get_params_resource", "p", "key"]);
    let mut printenv = command(&["printenv", "P_PARAMS_KEY"]);
    for command in [&mut lookup, &mut printenv] {
        command.env("P_PARAMS_KEY", "value");
    }
    compare("a lookup inside a job against `printenv NAME`", runs, &mut lookup, &mut printenv);

    let variables = generate::variables(200);
    fs::write(at("variables.yml"), generate::params(&variables[..100])).unwrap();
    let mut exec = command(&[shipctl, "exec", "job", "-f", &at("variables.yml"), "--", "/bin/true"]);
    let mut env = command(&["env"]);
    env.args(variables.iter().map(|(name, value)| format!("{name}={value}"))).arg("/bin/true");
    compare("`exec /bin/true` with 200 variables against `env` with 200", runs, &mut exec, &mut env);

    fs::write(at("one.yml"), generate::script(1)).unwrap();
    fs::write(at("justfile"), "job:\n    @echo line 0\n").unwrap();
    let mut run = command(&[shipctl, "run", "job", "-f", &at("one.yml")]);
    let mut just = command(&["just", "-f", &at("justfile")]);
    compare("`run` of one line against `just` with one recipe of one line", runs, &mut run, &mut just);

    fs::write(at("many.yml"), generate::script(1000)).unwrap();
    fs::write(at("many.sh"), generate::lines(1000)).unwrap();
    let mut run = command(&[shipctl, "run", "job", "-f", &at("many.yml")]);
    let mut bash = command(&["bash", "-e", &at("many.sh")]);
    compare("`run` of 1,000 entries against bash with the same lines", runs.min(20), &mut run, &mut bash);

    fs::create_dir(at("scripts")).unwrap();
    for i in 0..200 {
        fs::write(at(&format!("scripts/{i}.sh")), format!("echo line {i}\n")).unwrap();
    }
    for (chain, how) in [(true, "in a chain"), (false, "side by side")] {
        fs::write(at("jobs.yml"), generate::jobs(200, chain)).unwrap();
        fs::write(at("Makefile"), generate::makefile(200, chain)).unwrap();
        let mut run = command(&[shipctl, "run", "--all", "-f", &at("jobs.yml")]);
        let mut make = command(&["make", "-s", "-j2", "-C", &at("")]);
        run.arg("-j2");
        compare(&format!("200 jobs {how} against `make -j2`"), line_runs, &mut run, &mut make);
    }

    for (resources, jobs) in [(10_000, 2_000), (20_000, 4_000)] {
        let line = generate::line(resources, jobs);
        fs::write(at("line.yml"), &line).unwrap();
        let mut check = command(&[shipctl, "check", &at("line.yml")]);
        let (checked, parsed): (Vec<_>, Vec<_>) =
            (0..line_runs).map(|_| (time(&mut check), parse(&line))).unzip();
        let (checked, parsed) = (median(checked), median(parsed));
        let what = format!(
            "`check` of {resources} resources and {jobs} jobs ({} MB) against the bare parse",
            line.len() / 1_000_000
        );
        row(&what, checked, parsed);
    }
}

fn command(words: &[&str]) -> Command {
    let mut command = Command::new(words[0]);
    // Cargo sets it, and programs that are linked dynamically would begin by looking there.
    command.args(&words[1..]).env_remove("LD_LIBRARY_PATH");
    command
}

/// Prints a row, unless the rival is not installed.
fn compare(what: &str, runs: usize, ours: &mut Command, rival: &mut Command) {
    if !installed(rival) {
        println!("| {what} | | {} is not installed | |", rival.get_program().to_string_lossy());
        return;
    }
    if runs > 1 {
        time(ours);
    }
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        a.push(time(ours));
        b.push(time(rival));
    }
    row(what, median(a), median(b));
}

fn installed(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

fn time(command: &mut Command) -> Duration {
    let start = Instant::now();
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    let took = start.elapsed();
    assert!(status.success(), "{:?}: {status}", Path::new(command.get_program()));
    took
}

fn parse(line: &str) -> Duration {
    let start = Instant::now();
    let value: serde_yaml::Value = serde_yaml::from_str(line).unwrap();
    let took = start.elapsed();
    assert!(value.is_mapping());
    took
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn row(what: &str, ours: Duration, rival: Duration) {
    let ratio = ours.as_secs_f64() / rival.as_secs_f64();
    let ms = |time: Duration| format!("{:.2} ms", time.as_secs_f64() * 1000.0);
    println!("| {what} | {} | {} | {ratio:.2} |", ms(ours), ms(rival));
}
