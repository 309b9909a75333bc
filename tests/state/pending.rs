//! Builds that end without the database, and are in it for whoever opens it.

use std::fs;
use std::path::{Path, PathBuf};

use shipctl::state::{Build, Change, Ending, Progress, Store, Tree, reset};

use crate::support::{build, entries, line, put};

/// The change that a run of `job` makes which leaves these key-values.
fn version(text: &str) -> Change {
    Change::job("job", entries(text), Tree::default())
}

/// A line that has had a build of `job`, which a build without the database needs.
fn begun_line() -> tempfile::TempDir {
    let line = line();
    build(&mut Store::open(line.path()).unwrap(), "job", &[version("n=1\n")]);
    line
}

/// Runs a build without the database.
fn run(line: &Path, ending: Ending, changes: &[Change]) -> bool {
    let build = Build::begin_unopened(line, "job").unwrap().unwrap();
    build.finish_unopened(line, ending, 0, changes).unwrap()
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
    assert!(run(line.path(), Ending::Success, &[version("n=2\nversionName=v2\n")]));
    assert!(run(line.path(), Ending::Failure, &[]));
    assert!(run(line.path(), Ending::Success, &[version("n=3\n")]));
    assert_eq!(fs::read_to_string(waiting(line.path())).unwrap().matches("\"number\"").count(), 3);
    assert_eq!(found(line.path()), (vec![4, 3, 2, 1], "job #3 n=3".to_owned()));
    assert_eq!(fs::read(waiting(line.path())).unwrap(), b"");
    let store = Store::open(line.path()).unwrap();
    let named = store.versions("job", 2).unwrap().pop().unwrap();
    assert_eq!((named.number, named.version_name.as_deref()), (2, Some("v2")));
    assert_eq!(named.build.unwrap().number, 2);
}

#[test]
fn a_store_that_was_open_takes_them_in_when_it_is_told_to() {
    let line = begun_line();
    let mut store = Store::open(line.path()).unwrap();
    run(line.path(), Ending::Success, &[version("n=2\n")]);
    store.take_in().unwrap();
    assert_eq!(store.latest("job").unwrap().unwrap().number, 2);
    assert_eq!(build(&mut store, "job", &[version("n=3\n")]), [Some(3)]);
}

#[test]
fn what_leaves_more_than_a_version_of_its_job_needs_the_database() {
    let line = begun_line();
    let build = Build::begin_unopened(line.path(), "job").unwrap().unwrap();
    for changes in [vec![put("res", "x=1\n")], vec![version("n=2\n"), put("res", "x=1\n")]] {
        assert!(!build.finish_unopened(line.path(), Ending::Success, 0, &changes).unwrap());
    }
    let mut store = Store::open(line.path()).unwrap();
    store.finish(&build, Ending::Success, 0, &[put("res", "x=1\n")]).unwrap();
    assert!(build.finish_unopened(line.path(), Ending::Success, 0, &[]).is_err());
    assert_eq!(found(line.path()).0, [2, 1]);
}

#[test]
fn nothing_is_taken_in_twice_and_half_a_line_not_at_all() {
    let line = begun_line();
    run(line.path(), Ending::Success, &[version("n=2\n")]);
    let before = fs::read_to_string(waiting(line.path())).unwrap();
    let once = found(line.path());
    assert_eq!(once, (vec![2, 1], "job #2 n=2".to_owned()));
    // As after a kill between the commit and the emptying, and with what a full disk has left of another.
    let half = [before.as_bytes(), &before.as_bytes()[..20], b"\xff"].concat();
    fs::write(waiting(line.path()), &half).unwrap();
    assert_eq!(found(line.path()), once);
    fs::write(waiting(line.path()), &half).unwrap();
    run(line.path(), Ending::Success, &[version("n=3\n")]);
    assert_eq!(found(line.path()), (vec![3, 2, 1], "job #3 n=3".to_owned()));
}

#[test]
fn they_do_not_become_too_many_and_a_reset_forgets_them() {
    let line = begun_line();
    let value = "x".repeat(5000);
    for n in 2..40 {
        run(line.path(), Ending::Success, &[version(&format!("n={n}\nvalue={value}\n"))]);
        assert!(fs::metadata(waiting(line.path())).unwrap().len() < 80_000);
    }
    assert_eq!(found(line.path()).1, "job #39 n=39");
    run(line.path(), Ending::Success, &[version("n=40\n")]);
    reset(line.path()).unwrap();
    assert_eq!(fs::read(waiting(line.path())).unwrap(), b"");
    assert_eq!(Store::open(line.path()).unwrap().history(None, 100).unwrap().len(), 0);
}
