//! A writer that is killed at any moment. `tests/kill-nine.sh` does it a thousand times.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use shipctl::state::{Change, Files, Progress, Store};

use crate::support::{Dice, build, kills, line, put, tree, write};

#[test]
fn a_kill_leaves_the_old_state_or_the_new() {
    let line = line();
    let mut dice = Dice(0x5eed);
    for _ in 0..kills() {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "--nocapture", "kill::writer"])
            .env("SHIPCTL_TEST_LINE", line.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // The moment is counted in microseconds, from before the state is opened until some versions later.
        let moment = Duration::from_micros(dice.roll(40_000) as u64);
        let reader = thread::spawn(move || {
            lines
                .map_while(Result::ok)
                .filter_map(|line| line.strip_prefix("made ")?.parse::<u32>().ok())
                .last()
        });
        thread::sleep(moment);
        child.kill().unwrap();
        child.wait().unwrap();
        check(line.path(), reader.join().unwrap());
    }
    // They did get somewhere.
    assert!(Store::open(line.path()).unwrap().latest("job").unwrap().is_some());
}

/// That the last version said to be made is there, and that nothing is there by halves.
fn check(line: &Path, acknowledged: Option<u32>) {
    let Some(store) = Store::open_existing(line).unwrap() else {
        assert_eq!(acknowledged, None);
        return;
    };
    let builds = store.history(None, u32::MAX).unwrap();
    assert!(builds.iter().all(|record| record.progress != Progress::Running));
    let number = |name| store.latest(name).unwrap().map_or(0, |version| version.number);
    let latest = number("job");
    assert_eq!(number("res"), latest);
    assert!(acknowledged.is_none_or(|made| latest == made || latest == made + 1));
    assert_eq!(store.versions("res", u32::MAX).unwrap().len(), latest as usize);
    if let Some(version) = store.latest("job").unwrap() {
        let back = line.join("back");
        store.restore_files(&version, &back).unwrap();
        for file in ["large", "small"] {
            let content = fs::read(back.join(file)).unwrap();
            assert!(content.starts_with(format!("{latest} ").as_bytes()), "{file} of {latest}");
        }
        fs::remove_dir_all(&back).unwrap();
        let res = store.latest("res").unwrap().unwrap();
        assert_eq!(res.bag["n"], latest.to_string());
    }
}

#[test]
#[ignore = "the process that `a_kill_leaves_the_old_state_or_the_new` kills"]
fn writer() {
    let Some(line) = std::env::var_os("SHIPCTL_TEST_LINE") else { return };
    let line = Path::new(&line);
    let source = line.join("source");
    loop {
        let mut store = Store::open(line).unwrap();
        for _ in 0..3 {
            // Nobody else writes now.
            let n = store.latest("job").unwrap().map_or(0, |version| version.number) + 1;
            write(&source.join("large"), format!("{n} ").repeat(40_000), 0o600);
            write(&source.join("small"), format!("{n} "), 0o600);
            let job = Change { files: Files::Taken(tree(&source)), even_unchanged: true, ..put("job", "") };
            let made = build(&mut store, "job", &[job, put("res", &format!("n={n}\n"))]);
            assert_eq!(made, [Some(n), Some(n)]);
            // `println!` would go to the test harness.
            writeln!(std::io::stdout(), "made {n}").unwrap();
            if n.is_multiple_of(5) {
                fs::remove_dir_all(&source).unwrap();
            }
        }
        store.close().unwrap();
    }
}
