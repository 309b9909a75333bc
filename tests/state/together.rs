//! Many at once.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use shipctl::state::{Change, Ending, Entries, Store};

use crate::support::{build, line, put, tree, write};

const RUNS: usize = 20;
const BUILDS: usize = 5;

/// What each of them does: it opens the state anew every time, as a run does, and stores a key of its own, a job version
/// with files, and a value that all change.
fn work(line: &Path, run: usize) {
    let own = line.join(format!("files-{run}"));
    for n in 0..BUILDS {
        let mut store = Store::open(line).unwrap();
        write(&own.join("shared"), n.to_string(), 0o600);
        write(&own.join("own"), format!("{run} {n}"), 0o600);
        let changes = [
            put("common", &format!("key_{run}_{n}=1\nlast={run}_{n}\n")),
            Change::job("job", Entries::default(), tree(&own)),
        ];
        build(&mut store, "job", &changes);
        store.close().unwrap();
    }
}

/// That nothing was lost.
fn check(line: &Path) {
    let total = RUNS * BUILDS;
    let store = Store::open(line).unwrap();
    let common = store.latest("common").unwrap().unwrap();
    assert_eq!(common.bag.len(), total + 1);
    assert_eq!(common.number as usize, total);
    let builds = store.history(Some("job"), u32::MAX).unwrap();
    let numbers: BTreeSet<_> = builds.iter().map(|record| record.reference.number as usize).collect();
    assert_eq!(numbers, (1..=total).collect());
    let versions = store.versions("job", u32::MAX).unwrap();
    assert_eq!(versions.len(), total);
    let back = line.join("back");
    let contents: BTreeSet<_> = versions
        .iter()
        .map(|version| {
            store.restore_files(version, &back).unwrap();
            let content = fs::read_to_string(back.join("own")).unwrap();
            fs::remove_dir_all(&back).unwrap();
            content
        })
        .collect();
    assert_eq!(contents.len(), total);
}

#[test]
fn twenty_threads_lose_nothing() {
    let line = line();
    thread::scope(|scope| {
        for run in 0..RUNS {
            let path = line.path();
            scope.spawn(move || work(path, run));
        }
    });
    check(line.path());
}

#[test]
fn twenty_processes_lose_nothing() {
    let line = line();
    let children: Vec<_> = (0..RUNS)
        .map(|run| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--ignored", "--exact", "together::one_of_twenty"])
                .env("SHIPCTL_TEST_LINE", line.path())
                .env("SHIPCTL_TEST_RUN", run.to_string())
                .stdout(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    check(line.path());
}

#[test]
#[ignore = "one of the processes of `twenty_processes_lose_nothing`"]
fn one_of_twenty() {
    let Some(line) = std::env::var_os("SHIPCTL_TEST_LINE") else { return };
    work(Path::new(&line), std::env::var("SHIPCTL_TEST_RUN").unwrap().parse().unwrap());
}

#[test]
fn one_may_prune_while_others_write_and_read() {
    let line = line();
    Store::open(line.path()).unwrap().close().unwrap();
    let source = line.path().join("source");
    write(&source.join("file"), "always the same", 0o600);
    let path = line.path();
    thread::scope(|scope| {
        for run in 0..4 {
            let source = &source;
            scope.spawn(move || {
                let mut store = Store::open(path).unwrap();
                let name = format!("job-{run}");
                for n in 0..20 {
                    build(&mut store, &name, &[Change::job(&name, Entries::default(), tree(source))]);
                    let latest = store.latest(&name).unwrap().unwrap();
                    store.restore_files(&latest, &path.join(format!("back-{run}-{n}"))).unwrap();
                }
            });
        }
        scope.spawn(|| {
            let mut store = Store::open(path).unwrap();
            for _ in 0..40 {
                store.prune(1).unwrap();
            }
        });
    });
    let mut store = Store::open(path).unwrap();
    store.prune(1).unwrap();
    assert_eq!(store.all_latest().unwrap().iter().map(|version| version.number).collect::<Vec<_>>(), [20; 4]);
}

#[test]
fn a_store_may_be_sent_to_another_thread() {
    let line = line();
    let mut store = Store::open(line.path()).unwrap();
    let begun = store.begin_build("job", &[]).unwrap();
    thread::scope(|scope| {
        scope.spawn(move || {
            store.finish(&begun, Ending::Success, 0, &[put("a", "x=1\n")]).unwrap();
            store.close().unwrap();
        });
    });
    assert!(Store::open(line.path()).unwrap().latest("a").unwrap().is_some());
}
