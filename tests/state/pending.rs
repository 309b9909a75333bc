//! Builds that an older shipctl has left beside the database: they are in it for whoever opens it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};
use shipctl::state::{Change, Progress, Store, Tree, reset};

use crate::support::{build, entries, line};

/// The change that a run of `job` makes which leaves these key-values.
fn version(text: &str) -> Change {
    Change::job("job", entries(text), Tree::default())
}

/// A line that has had a build of `job`.
fn begun_line() -> tempfile::TempDir {
    let line = line();
    build(&mut Store::open(line.path()).unwrap(), "job", &[version("n=1\n")]);
    line
}

/// What an older shipctl has left of a build.
fn left(number: u32, result: &str, version: Json) -> String {
    let build = json!({
        "job": "job", "number": number, "started": 1_700_000_000_000_u64 + u64::from(number), "ended": 1_700_000_001_000_u64,
        "duration": 900, "result": result, "status": 0, "version": version
    });
    format!("\n{build}\n")
}

fn waiting(line: &Path) -> PathBuf {
    line.join(".shipctl/ended.jsonl")
}

/// The builds and the latest value of `n`, as they are for whoever comes.
fn found(line: &Path) -> (Vec<u32>, String) {
    let store = Store::open_existing(line).unwrap().unwrap();
    let history = store.history(None, 100).unwrap();
    assert!(history.iter().all(|record| matches!(record.progress, Progress::Ended(_))));
    let numbers = history.iter().map(|record| record.reference.number).collect();
    let latest = store.latest("job").unwrap().unwrap();
    (numbers, format!("{} n={}", latest.reference(), latest.bag["n"].as_str().unwrap()))
}

#[test]
fn they_are_there_for_whoever_opens_it() {
    let line = begun_line();
    let text = left(2, "success", json!({"name": "v2", "bag": {"n": "2"}}))
        + &left(3, "failure", Json::Null)
        + &left(4, "success", json!({"name": null, "bag": {"n": "3"}}));
    fs::write(waiting(line.path()), text).unwrap();
    assert_eq!(found(line.path()), (vec![1, 4, 3, 2], "job #3 n=3".to_owned()));
    assert_eq!(fs::read(waiting(line.path())).unwrap(), b"");
    let mut store = Store::open(line.path()).unwrap();
    let named = store.versions("job", 2).unwrap().pop().unwrap();
    assert_eq!((named.number, named.version_name.as_deref()), (2, Some("v2")));
    assert_eq!(named.build.unwrap().number, 2);
    assert_eq!(build(&mut store, "job", &[version("n=4\n")]), [Some(4)]);
}

#[test]
fn nothing_is_taken_in_twice_and_half_a_line_not_at_all() {
    let line = begun_line();
    let before = left(2, "success", json!({"name": null, "bag": {"n": "2"}}));
    fs::write(waiting(line.path()), &before).unwrap();
    let once = found(line.path());
    assert_eq!(once, (vec![1, 2], "job #2 n=2".to_owned()));
    // As after a kill between the commit and the emptying, and with what a full disk has left of another.
    let half = [before.as_bytes(), &before.as_bytes()[..20], b"\xff"].concat();
    for _ in 0..2 {
        fs::write(waiting(line.path()), &half).unwrap();
        assert_eq!(found(line.path()), once);
    }
}

#[test]
fn a_reset_forgets_them() {
    let line = begun_line();
    fs::write(waiting(line.path()), left(2, "success", Json::Null)).unwrap();
    reset(line.path()).unwrap();
    assert_eq!(fs::read(waiting(line.path())).unwrap(), b"");
    assert_eq!(Store::open(line.path()).unwrap().history(None, 100).unwrap().len(), 0);
}
