//! A disk that is full.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use shipctl::state::{Change, Ending, Entries, StateErrorKind, Store};
use tempfile::TempDir;

use crate::support::{build, line, put, tree, write};

/// A line with a version of `res`, and beside it files that are more than the disks of these tests hold.
fn line_with_files() -> TempDir {
    let line = line();
    let mut store = Store::open(line.path()).unwrap();
    build(&mut store, "job", &[put("res", "n=1\n")]);
    store.close().unwrap();
    let noise: Vec<_> = (0..1_000_000).map(|n: u32| (n ^ (n >> 7)) as u8).collect();
    write(&line.path().join("files/large"), noise, 0o600);
    line
}

fn large(line: &Path) -> Change {
    Change::job("job", Entries::default(), tree(&line.join("files")))
}

/// Runs an ignored test of this file in a shell that has run `prelude` before.
fn run(prelude: &str, test: &str, line: &Path) -> Output {
    Command::new("bash")
        .args(["-c", &format!("{prelude} && exec \"$@\""), "bash"])
        .arg(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", test])
        .env("SHIPCTL_TEST_LINE", line)
        .output()
        .unwrap()
}

#[track_caller]
fn passed(output: &Output) {
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[test]
fn a_limit_on_the_size_of_files_leaves_the_old_state() {
    let line = line_with_files();
    // Without `trap` the first byte beyond the limit would be the end of the process, which is another test.
    passed(&run("trap '' XFSZ; ulimit -f 400", "full::with_a_limit", line.path()));
    let mut store = Store::open(line.path()).unwrap();
    assert!(store.latest("job").unwrap().is_none());
    assert_eq!(store.latest("res").unwrap().unwrap().bag["n"], "3");
    assert_eq!(build(&mut store, "job", &[large(line.path())]), [Some(1)]);
}

#[test]
#[ignore = "the process that `a_limit_on_the_size_of_files_leaves_the_old_state` limits"]
fn with_a_limit() {
    let Some(line) = std::env::var_os("SHIPCTL_TEST_LINE") else { return };
    let line = Path::new(&line);
    let mut store = Store::open(line).unwrap();
    let begun = store.begin_build("job", &[]).unwrap();
    let error = store.finish(&begun, Ending::Success, 0, &[put("res", "n=2\n"), large(line)]).unwrap_err();
    assert_eq!(error.kind(), StateErrorKind::Io);
    assert!(error.to_string().contains("a quota or a limit on the size of files"), "{error}");
    assert_eq!(store.latest("res").unwrap().unwrap().bag["n"], "1");
    // What is small still goes in.
    store.finish(&begun, Ending::Failure, 1, &[put("res", "n=3\n")]).unwrap();
    store.close().unwrap();
}

/// Runs an ignored test of this file on a disk of its own that holds this much.
fn run_on_a_disk(size: &str, test: &str) {
    let line = line();
    // A mount of one's own needs no rights where the system lets people have them.
    let unshare = ["--mount", "--map-root-user", "mount", "-t", "tmpfs", "none"];
    if !Command::new("unshare").args(unshare).arg(line.path()).status().is_ok_and(|status| status.success()) {
        eprintln!("skipped: nobody may mount a file system of their own here");
        return;
    }
    let output = Command::new("unshare")
        .args(["--mount", "--map-root-user", "bash", "-c"])
        .arg(format!("mount -t tmpfs -o size={size} none \"$0\" && exec \"$@\""))
        .arg(line.path())
        .arg(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", test])
        .env("SHIPCTL_TEST_LINE", line.path())
        .output()
        .unwrap();
    passed(&output);
}

#[test]
fn a_full_disk_leaves_the_old_state() {
    run_on_a_disk("2500k", "full::on_a_tiny_disk");
}

#[test]
fn what_pruning_says_on_a_full_disk_is_true() {
    run_on_a_disk("2500k", "full::pruned_on_a_tiny_disk");
}

#[test]
#[ignore = "the process that `what_pruning_says_on_a_full_disk_is_true` gives a tiny disk"]
fn pruned_on_a_tiny_disk() {
    let Some(line) = std::env::var_os("SHIPCTL_TEST_LINE") else { return };
    let line = Path::new(&line);
    let mut store = Store::open(line).unwrap();
    for n in 1..=6_u8 {
        let noise: Vec<_> = (0..60_000).map(|i: u32| (i ^ (i >> 7)) as u8 ^ n).collect();
        write(&line.join("files/large"), noise, 0o600);
        build(&mut store, "job", &[large(line)]);
    }
    let filler = line.join("filler");
    let mut file = OpenOptions::new().create(true).append(true).open(&filler).unwrap();
    while file.write_all(&[0; 1024]).is_ok() {}
    let mut refused = 0;
    loop {
        let pruned = store.prune(1);
        let left = store.versions("job", 10).unwrap().len();
        match pruned {
            Ok(_) => {
                assert_eq!(left, 1);
                break;
            }
            Err(error) => {
                assert_eq!(error.kind(), StateErrorKind::Full, "{error}");
                let is_dropped = error.to_string().starts_with("old versions and runs are dropped, but");
                assert_eq!(left, if is_dropped { 1 } else { 6 }, "{error}");
            }
        }
        refused += 1;
        let size = file.metadata().unwrap().len();
        file.set_len(size.checked_sub(4096).expect("it was never pruned")).unwrap();
    }
    assert!(refused > 0);
    store.close().unwrap();
    assert_eq!(build(&mut Store::open(line).unwrap(), "job", &[large(line)]), [Some(7)]);
}

#[test]
#[ignore = "the process that `a_full_disk_leaves_the_old_state` gives a tiny disk"]
fn on_a_tiny_disk() {
    let Some(line) = std::env::var_os("SHIPCTL_TEST_LINE") else { return };
    let line = Path::new(&line);
    write(&line.join("files/large"), b"0123456789abcdef".repeat(16_000), 0o600);
    let mut store = Store::open(line).unwrap();
    build(&mut store, "job", &[put("res", "n=1\n")]);
    store.close().unwrap();

    let filler = line.join("filler");
    let mut file = OpenOptions::new().create(true).append(true).open(&filler).unwrap();
    while file.write_all(&[0; 1024]).is_ok() {}
    // Opening needs some room for what its processes share.
    let mut unopened = 0;
    let (mut store, begun) = loop {
        let opened = Store::open(line);
        match opened.and_then(|mut store| store.begin_build("job", &[]).map(|begun| (store, begun))) {
            Ok(opened) => break opened,
            Err(error) => assert_eq!(error.kind(), StateErrorKind::Full, "{error}"),
        }
        unopened += 1;
        file.set_len(file.metadata().unwrap().len() - 4096).unwrap();
    };
    assert!(unopened > 0);
    while file.write_all(&[0; 1024]).is_ok() {}
    let mut refused = 0;
    // Room comes back page by page, so that it ends at every place that a transaction has.
    loop {
        match store.finish(&begun, Ending::Success, 0, &[put("res", "n=2\n"), large(line)]) {
            Ok(made) => {
                assert_eq!(made, [Some(2), Some(1)]);
                break;
            }
            Err(error) => assert_eq!(error.kind(), StateErrorKind::Full, "{error}"),
        }
        assert_eq!(store.latest("res").unwrap().unwrap().bag["n"], "1");
        for opened in [Store::open(line).map(Some), Store::open_existing(line)] {
            match opened.and_then(|store| store.unwrap().latest("res")) {
                Ok(version) => assert_eq!(version.unwrap().bag["n"], "1"),
                Err(error) => panic!("{error}"),
            }
        }
        refused += 1;
        let size = file.metadata().unwrap().len();
        file.set_len(size.checked_sub(4096).expect("it never went in")).unwrap();
    }
    assert!(refused > 10);
    let back = line.join("back");
    file.set_len(0).unwrap();
    store.restore_files(&store.latest("job").unwrap().unwrap(), &back).unwrap();
    assert_eq!(tree(&back).entries(), tree(&line.join("files")).entries());
}
