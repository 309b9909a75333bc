//! Builds and their history, pruning, and starting over.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use shipctl::state::{
    Build, Ending, Progress, Reset, StateErrorKind, Store, VersionRef, append_audit, reset,
};

use crate::support::{build, line, put};

#[test]
fn history_tells_what_went_in_and_came_out() {
    let line = line();
    let mut store = Store::open(line.path()).unwrap();
    build(&mut store, "first", &[put("a", "x=1\n"), put("b", "x=1\n")]);
    let used = [("b", 1), ("a", 1)].map(|(name, number)| VersionRef { name: name.to_owned(), number });
    let second = store.begin_build("second", &used).unwrap();
    store.finish(&second, Ending::Failure, 42, &[put("a", "x=2\n")]).unwrap();
    build(&mut store, "first", &[put("a", "x=2\n")]);

    let history = store.history(None, 10).unwrap();
    let shown: Vec<_> = history
        .iter()
        .map(|record| {
            let list = |versions: &[VersionRef]| {
                versions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            };
            let Progress::Ended(ended) = record.progress else { panic!("not ended") };
            assert!(ended.at >= record.started);
            let (used, made) = (list(&record.used), list(&record.outputs));
            format!("{} {} {} [{used}] [{made}]", record.reference, ended.ending.word(), ended.status)
        })
        .collect();
    assert_eq!(
        shown,
        [
            "first #2 success 0 [] []",
            "second #1 failure 42 [b #1, a #1] [a #2]",
            "first #1 success 0 [] [a #1, b #1]"
        ]
    );
    assert_eq!(store.history(Some("first"), 1).unwrap().len(), 1);
    assert_eq!(store.history(Some("nobody"), 1).unwrap().len(), 0);
    let last = |each| -> Vec<_> {
        store.last_builds(each).unwrap().iter().map(|record| record.reference.to_string()).collect()
    };
    assert_eq!(last(1), ["first #2", "second #1"]);
    assert_eq!(last(2), ["first #2", "second #1", "first #1"]);
    let error = store.finish(&second, Ending::Success, 0, &[]).unwrap_err();
    assert_eq!(error.kind(), StateErrorKind::Missing);
}

#[test]
fn a_build_that_has_not_ended_is_running_or_was_interrupted() {
    let line = line();
    let mut store = Store::open(line.path()).unwrap();
    let begun = store.begin_build("job", &[]).unwrap();
    let other = Store::open_existing(line.path()).unwrap().unwrap();
    let progress = || other.history(Some("job"), 1).unwrap()[0].progress;
    assert_eq!(progress(), Progress::Running);
    assert_eq!(other.last_builds(1).unwrap()[0].progress, Progress::Running);
    store.prune(1).unwrap();
    drop(begun);
    assert_eq!(progress(), Progress::Interrupted);
    build(&mut store, "job", &[]);
    assert_eq!(store.prune(1).unwrap().builds, 1);
    drop(other);
    store.close().unwrap();
    // Its file is gone, too.
    let left = fs::read_dir(line.path().join(".shipctl/builds/job")).unwrap();
    let left: BTreeSet<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["last"].map(Into::into).into());
}

#[test]
fn pruning_keeps_the_last_versions_and_gives_no_number_twice() {
    let line = line();
    let mut store = Store::open(line.path()).unwrap();
    for n in 1..=5 {
        build(&mut store, "job", &[put("a", &format!("n={n}\n"))]);
    }
    build(&mut store, "job", &[put("b", "n=1\n")]);
    let pruned = store.prune(2).unwrap();
    assert_eq!((pruned.versions, pruned.builds, pruned.bytes), (3, 3, 0));
    let numbers = |name| store.versions(name, 10).unwrap().iter().map(|v| v.number).collect::<Vec<_>>();
    assert_eq!((numbers("a"), numbers("b")), (vec![5, 4], vec![1]));
    assert_eq!(store.prune(0).unwrap().versions, 1);
    assert_eq!(build(&mut store, "job", &[put("a", "n=6\n")]), [Some(6)]);
    assert_eq!(store.history(None, 10).unwrap()[0].reference.number, 7);
    // What was made is still told when it is gone.
    store.prune(1).unwrap();
    assert_eq!(store.history(None, 10).unwrap()[0].outputs[0].to_string(), "a #6");
}

#[test]
fn reset_starts_over() {
    let line = line();
    assert_eq!(reset(line.path()).unwrap(), Reset::Nothing);
    assert!(!line.path().join(".shipctl").exists());
    let mut store = Store::open(line.path()).unwrap();
    build(&mut store, "job", &[put("a", "n=1\n")]);
    assert_eq!(reset(line.path()).unwrap(), Reset::Emptied);
    assert!(store.latest("a").unwrap().is_none());
    assert_eq!(build(&mut store, "job", &[put("a", "n=1\n")]), [Some(1)]);
}

#[test]
fn a_state_is_not_reset_while_a_build_is_running() {
    let line = line();
    let mut store = Store::open(line.path()).unwrap();
    build(&mut store, "job", &[put("a", "n=1\n")]);
    let running = store.begin_build("slow", &[]).unwrap();
    let error = reset(line.path()).unwrap_err();
    assert_eq!(error.kind(), StateErrorKind::Busy);
    assert!(error.to_string().contains("slow #1 is running"), "{error}");
    store.finish(&running, Ending::Success, 0, &[put("a", "n=2\n")]).unwrap();
    assert_eq!(store.latest("a").unwrap().unwrap().bag["n"], "2");
    // One that was killed is no reason to refuse.
    drop(store.begin_build("slow", &[]).unwrap());
    assert_eq!(reset(line.path()).unwrap(), Reset::Emptied);
}

#[test]
fn a_state_that_is_a_symbolic_link_is_not_touched() {
    let victim = line();
    build(&mut Store::open(victim.path()).unwrap(), "job", &[put("a", "n=1\n")]);
    let of_victim = |name: &str| victim.path().join(".shipctl").join(name);
    fs::write(of_victim("ended.jsonl"), "dear").unwrap();
    for name in ["", "state.db", "ended.jsonl", "audit.jsonl", "builds"] {
        let line = crate::support::line();
        let link = line.path().join(".shipctl").join(name);
        if !name.is_empty() {
            fs::create_dir(line.path().join(".shipctl")).unwrap();
        }
        std::os::unix::fs::symlink(of_victim(name), link.components().collect::<PathBuf>()).unwrap();
        let opened = [Store::open(line.path()).err(), Store::open_existing(line.path()).err()];
        let audited = append_audit(line.path(), &serde_json::Value::Null).err();
        for error in opened.into_iter().chain([reset(line.path()).err(), audited]) {
            let error = error.unwrap();
            assert_eq!(error.kind(), StateErrorKind::Unfit, "{name}: {error}");
            assert!(error.to_string().contains("is a symbolic link"), "{error}");
        }
        assert!(Build::begin_unopened(line.path(), "job").is_err());
    }
    assert_eq!(fs::read(of_victim("ended.jsonl")).unwrap(), b"dear");
    fs::remove_file(of_victim("ended.jsonl")).unwrap();
    assert_eq!(Store::open(victim.path()).unwrap().latest("a").unwrap().unwrap().number, 1);
}

#[test]
fn the_number_of_the_last_build_is_not_written_through_a_symbolic_link() {
    let (line, victim) = (crate::support::line(), crate::support::line());
    let mut store = Store::open(line.path()).unwrap();
    build(&mut store, "job", &[]);
    let letter = victim.path().join("letter");
    fs::write(&letter, "dear").unwrap();
    let last = line.path().join(".shipctl/builds/job/last");
    fs::remove_file(&last).unwrap();
    std::os::unix::fs::symlink(&letter, &last).unwrap();
    assert!(store.begin_build("job", &[]).is_err());
    let jobs = line.path().join(".shipctl/builds/other");
    std::os::unix::fs::symlink(victim.path(), jobs).unwrap();
    assert!(store.begin_build("other", &[]).is_err());
    assert_eq!(fs::read(&letter).unwrap(), b"dear");
    assert_eq!(fs::read_dir(victim.path()).unwrap().count(), 1);
}

#[test]
fn reset_sets_a_damaged_state_aside() {
    let line = line();
    let database = line.path().join(".shipctl/state.db");
    drop(Store::open(line.path()).unwrap());
    let garbage = b"this is no database, and never was one; ".repeat(500);
    fs::write(&database, &garbage).unwrap();
    let Reset::SetAside(aside) = reset(line.path()).unwrap() else { panic!("not set aside") };
    assert_eq!(fs::read(aside).unwrap(), garbage);
    assert!(Store::open_existing(line.path()).unwrap().is_none());
    build(&mut Store::open(line.path()).unwrap(), "job", &[put("a", "n=1\n")]);
}
