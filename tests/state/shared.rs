//! State in a directory that several machines share.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::json;
use shipctl::state::{
    Change, Ending, Entries, Files, ImportOutcome, ImportedVersion, Progress, Seed, StateErrorKind, Store,
    VersionRef,
};

use crate::support::{Dice, bag, build, entries, line, put, tree, write};

const NAMES: usize = 20;
const VERSIONS: usize = 400;
const PROCESSES: usize = 8;

/// What one process does: versions of names at random, each with a file that says whose it is, until there are enough.
fn work(line: &Path, seed: u64) {
    let (state, own) = (line.join("state"), line.join(format!("files-{seed}-{}", std::process::id())));
    let mut dice = Dice(seed + 1);
    let mut count = 0;
    while !line.join("enough").exists() {
        let mut store = Store::in_directory(&state);
        let name = format!("job-{}", dice.roll(NAMES));
        count += 1;
        let content = format!("{} {count}", std::process::id());
        write(&own.join("content"), &content, 0o640);
        write(&own.join("same"), vec![b'x'; 100_000], 0o600);
        let change = Change::job(&name, entries(&format!("CONTENT={content}\n")), tree(&own));
        build(&mut store, &name, &[change]);
    }
}

#[test]
fn eight_processes_that_are_killed_number_without_gaps_and_tear_nothing() {
    let line = line();
    let spawn = |seed: usize| -> Child {
        Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "shared::one_of_eight"])
            .env("SHIPCTL_TEST_LINE", line.path())
            .env("SHIPCTL_TEST_RUN", seed.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    let mut children: Vec<_> = (0..PROCESSES).map(spawn).collect();
    let store = Store::in_directory(&line.path().join("state"));
    let mut seed = PROCESSES;
    let mut dice = Dice(7);
    loop {
        // A reader sees whole versions alone, at any moment.
        let latest = store.all_latest().unwrap();
        for version in &latest {
            check(&store, version.name.as_str(), version.number, &line.path().join("seen"));
        }
        if latest.iter().map(|version| version.number as usize).sum::<usize>() >= VERSIONS {
            break;
        }
        let victim = dice.roll(PROCESSES);
        children[victim].kill().unwrap();
        children[victim].wait().unwrap();
        children[victim] = spawn(seed);
        seed += 1;
    }
    fs::write(line.path().join("enough"), "").unwrap();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    let mut contents = BTreeMap::new();
    for name in 0..NAMES {
        let name = format!("job-{name}");
        let versions = store.versions(&name, u32::MAX).unwrap();
        let numbers: Vec<_> = versions.iter().rev().map(|version| version.number as usize).collect();
        assert_eq!(numbers, (1..=versions.len()).collect::<Vec<_>>(), "{name}");
        for version in versions {
            let content = check(&store, &name, version.number, &line.path().join("back"));
            assert_eq!(
                contents.insert(content.clone(), version.reference()),
                None,
                "{content} is there twice"
            );
        }
    }
    assert!(contents.len() >= VERSIONS);
}

/// That a version is whole; its content.
fn check(store: &Store, name: &str, number: u32, back: &Path) -> String {
    let version = store.by_number(name, number).unwrap().unwrap();
    store.restore_files(&version, back).unwrap();
    let content = fs::read_to_string(back.join("content")).unwrap();
    assert_eq!(bag(&version), json!({"CONTENT": content}).to_string());
    assert_eq!(fs::read(back.join("same")).unwrap().len(), 100_000);
    fs::remove_dir_all(back).unwrap();
    content
}

#[test]
#[ignore = "one of the processes of the test above"]
fn one_of_eight() {
    let Some(line) = std::env::var_os("SHIPCTL_TEST_LINE") else { return };
    work(Path::new(&line), std::env::var("SHIPCTL_TEST_RUN").unwrap().parse().unwrap());
}

#[test]
fn what_one_machine_stores_another_finds() {
    let line = line();
    let path = line.path().join("state");
    let source = line.path().join("source");
    write(&source.join("deep/run.sh"), "#!/bin/sh\n", 0o750);
    write(&source.join("empty"), "", 0o600);
    symlink("deep/run.sh", source.join("a link")).unwrap();
    fs::create_dir(source.join("nothing")).unwrap();
    let mut one = Store::in_directory(&path);
    let begun = one.begin_build("a/b ü", &[]).unwrap();
    assert_eq!(one.next_build("a/b ü").unwrap(), 2);
    assert_eq!(one.history(None, 9).unwrap()[0].progress, Progress::Started);
    let changes =
        [Change::job("a/b ü", entries("versionName=v1\nX=1\n"), tree(&source)), put("res", "K=1\n")];
    assert_eq!(one.finish(&begun, Ending::Success, 0, &changes).unwrap(), [Some(1), Some(1)]);
    assert_eq!(
        one.finish(&begun, Ending::Success, 0, &changes[1..]).unwrap_err().kind(),
        StateErrorKind::Missing
    );

    let two = Store::in_directory(&path);
    let version = two.by_name("a/b ü", "v1").unwrap().unwrap();
    assert_eq!(version.build.as_ref().map(ToString::to_string).as_deref(), Some("a/b ü #1"));
    assert_eq!(two.files(&version).unwrap(), tree(&source).entries());
    let back = line.path().join("back");
    two.restore_files(&version, &back).unwrap();
    assert_eq!(tree(&back).entries(), tree(&source).entries());
    let history = two.history(Some("a/b ü"), 9).unwrap();
    assert_eq!(history.len(), 1);
    assert_eq!(history[0].outputs, [version.reference(), VersionRef { name: "res".to_owned(), number: 1 }]);
    assert!(two.latest("nobody").unwrap().is_none() && two.by_number("res", 2).unwrap().is_none());
    let names: Vec<_> = two.all_latest().unwrap().into_iter().map(|version| version.name).collect();
    assert_eq!(names, ["a/b ü", "res"]);
}

#[test]
fn a_watcher_is_told_of_each_file_and_of_the_end() {
    let line = line();
    let source = line.path().join("source");
    for name in ["one", "two", "three"] {
        write(&source.join(name), name, 0o600);
    }
    let mut store = Store::in_directory(&line.path().join("state"));
    let (sender, calls) = std::sync::mpsc::channel();
    store.watch_files(Box::new(move |kept, of| sender.send((kept, of)).unwrap()));
    build(&mut store, "job", &[Change::job("job", entries("X=1\n"), tree(&source))]);
    drop(store);
    assert_eq!(calls.iter().collect::<Vec<_>>(), [(1, 3), (2, 3), (3, 3), (3, 3)]);
}

#[test]
fn the_yaml_gives_the_first_version_and_changes_later_ones() {
    let line = line();
    let mut store = Store::in_directory(&line.path().join("state"));
    let seed = |value: &str| Seed {
        version_name: Some("first".to_owned()),
        bag: json!({"K": value, "Y": "1"}).as_object().unwrap().clone(),
    };
    let change = |text: &str| Change { seed: Some(seed("1")), ..put("res", text) };
    assert_eq!(build(&mut store, "job", &[change("K=1\n")]), [None], "nothing is different from the YAML");
    assert_eq!(build(&mut store, "job", &[change("X=2\n")]), [Some(2)]);
    assert_eq!(build(&mut store, "job", &[change("X=2\n")]), [None]);
    assert_eq!(bag(&store.by_number("res", 1).unwrap().unwrap()), r#"{"K":"1","Y":"1"}"#);
    assert!(!store.current("res", &seed("1")).unwrap().unwrap().changed);
    assert!(store.current("res", &seed("9")).unwrap().unwrap().changed);
    assert_eq!(store.adopt("res", &seed("9")).unwrap().unwrap().number, 3);
    assert_eq!(store.adopt("res", &seed("9")).unwrap().unwrap().number, 3);
    let latest = store.latest("res").unwrap().unwrap();
    assert_eq!(
        (bag(&latest).as_str(), latest.version_name.as_deref()),
        (r#"{"K":"9","Y":"1","X":"2"}"#, Some("first"))
    );
    let copy =
        Change { files: Files::Of(VersionRef { name: "no".to_owned(), number: 1 }), ..put("res", "A=1\n") };
    let begun = store.begin_build("job", &[]).unwrap();
    assert_eq!(
        store.finish(&begun, Ending::Success, 0, &[copy]).unwrap_err().kind(),
        StateErrorKind::Missing
    );
}

#[test]
fn pruning_leaves_the_last_ones_and_their_numbers() {
    let line = line();
    let path = line.path().join("state");
    let mut store = Store::in_directory(&path);
    let source = line.path().join("source");
    for n in 0..5 {
        write(&source.join("f"), n.to_string(), 0o600);
        build(&mut store, "job", &[Change::job("job", Entries::default(), tree(&source))]);
    }
    let pruned = store.prune(2).unwrap();
    // Files that nothing names any more are left for a day: somebody may be about to name them.
    assert_eq!((pruned.versions, pruned.builds, pruned.bytes), (3, 3, 0));
    assert_eq!(fs::read_dir(path.join("files")).unwrap().count(), 5);
    for entry in ["files", "trees"].map(|name| fs::read_dir(path.join(name)).unwrap()).into_iter().flatten() {
        let file = fs::File::options().append(true).open(entry.unwrap().path()).unwrap();
        file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    }
    assert_eq!(store.prune(2).unwrap().bytes, 3);
    assert_eq!(fs::read_dir(path.join("files")).unwrap().count(), 2);
    assert_eq!(build(&mut store, "job", &[Change::job("job", Entries::default(), tree(&source))]), [Some(6)]);
    for version in store.versions("job", 9).unwrap() {
        store.restore_files(&version, &line.path().join(version.number.to_string())).unwrap();
    }
}

#[test]
fn what_was_exported_keeps_its_number_wherever_it_is_imported() {
    let line = line();
    let source = line.path().join("source");
    write(&source.join("f"), "content", 0o640);
    let mut from = Store::open(line.path()).unwrap();
    for n in 1..=3 {
        let job = Change::job("job", entries(&format!("versionName=v{n}\nN={n}\n")), tree(&source));
        build(&mut from, "job", &[job]);
    }
    let out = line.path().join("out");
    from.export(&from.by_number("job", 2).unwrap().unwrap(), &out).unwrap();
    let given = ImportedVersion::read(&out).unwrap();
    let elsewhere = line.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    for mut to in [Store::open(&elsewhere).unwrap(), Store::in_directory(&line.path().join("state"))] {
        assert_eq!(to.import(&given).unwrap(), ImportOutcome::Stored);
        assert_eq!(to.import(&given).unwrap(), ImportOutcome::Known);
        let latest = to.latest("job").unwrap().unwrap();
        assert_eq!(
            (latest.number, latest.version_name.as_deref(), bag(&latest).as_str()),
            (2, Some("v2"), r#"{"N":"2"}"#)
        );
        assert_eq!(to.files(&latest).unwrap(), tree(&source).entries());
        let other = ImportedVersion {
            version_name: Some("other".to_owned()),
            ..ImportedVersion::read(&out).unwrap()
        };
        let error = to.import(&other).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot import job #2: another version with this number is stored, its versionName differs"
        );
        assert_eq!(
            build(&mut to, "job", &[Change::job("job", Entries::default(), tree(&source))]),
            [Some(3)]
        );
    }
    assert_eq!(from.import(&given).unwrap(), ImportOutcome::Known);
    fs::write(out.join("version.json"), "{}").unwrap();
    assert_eq!(ImportedVersion::read(&out).err().unwrap().kind(), StateErrorKind::Unfit);
}

#[test]
fn what_else_lies_there_does_no_harm() {
    let line = line();
    let path = line.path().join("state");
    let mut store = Store::in_directory(&path);
    build(&mut store, "job", &[put("res", "K=1\n")]);
    for stray in [".nfs0001", "0-7", "junk", "9999999999-1"] {
        write(&path.join("versions/res").join(stray), "", 0o600);
        write(&path.join("builds/job").join(stray), "", 0o600);
    }
    assert_eq!(build(&mut store, "job", &[put("res", "K=2\n")]), [Some(2)]);
    assert_eq!(store.latest("res").unwrap().unwrap().number, 2);
    assert_eq!(store.versions("res", 1).unwrap()[0].number, 2);
    assert_eq!(store.next_build("job").unwrap(), 3);
    assert_eq!((store.all_latest().unwrap().len(), store.history(None, 1).unwrap().len()), (1, 1));
    assert_eq!(store.prune(1).unwrap().versions, 1);
}
