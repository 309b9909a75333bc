//! Where state lies, and states that are not as they should be.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::Duration;

use nix::unistd::Uid;
use shipctl::state::{Ending, StateErrorKind, Store};

use crate::support::{bag, build, line, mode, put};

#[test]
fn it_is_private_and_invisible_to_git() {
    let line = line();
    let directory = line.path().join(".shipctl");
    let mut store = Store::open(line.path()).unwrap();
    build(&mut store, "job", &[put("a", "x=1\n")]);
    assert_eq!(mode(&directory), 0o700);
    for file in fs::read_dir(&directory).unwrap() {
        let path = file.unwrap().path();
        let wanted = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&path), wanted, "{}", path.display());
    }
    assert_eq!(fs::read_to_string(directory.join(".gitignore")).unwrap(), "*\n");
    store.close().unwrap();
    let mut names: Vec<_> = fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, [".gitignore", "builds", "state.db"]);
    let git = |args: &[&str]| {
        let output = Command::new("git").args(args).current_dir(line.path()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    git(&["init", "-q"]);
    assert_eq!(git(&["status", "--porcelain"]), "");
}

#[test]
fn looking_makes_nothing() {
    let line = line();
    assert!(Store::open_existing(line.path()).unwrap().is_none());
    assert!(Store::open_existing(&line.path().join("not/there")).unwrap().is_none());
    assert_eq!(fs::read_dir(line.path()).unwrap().count(), 0);
    drop(Store::open(line.path()).unwrap());
    assert!(Store::open_existing(line.path()).unwrap().is_some());
}

#[test]
#[cfg_attr(
    feature = "posix",
    ignore = "only Linux tells whether a file system is of this machine, which a log needs"
)]
fn the_log_does_not_grow_with_the_number_of_runs() {
    let line = line();
    for n in 0..60 {
        // As a run that is killed right after its end leaves it, or one that does not wait for the disk.
        build(&mut Store::open(line.path()).unwrap(), "job", &[put("a", &format!("x={n}\n"))]);
    }
    let log = fs::metadata(line.path().join(".shipctl/state.db-wal")).unwrap();
    assert!(log.len() < 250 * 4096, "{}", log.len());
}

#[test]
fn a_path_with_anything_in_it_will_do() {
    let line = line();
    let odd = line.path().join("a?b=c&d#e%20 \"ü\n");
    fs::create_dir(&odd).unwrap();
    build(&mut Store::open(&odd).unwrap(), "job", &[put("a", "x=1\n")]);
    assert!(odd.join(".shipctl/state.db").exists());
    assert_eq!(Store::open_existing(&odd).unwrap().unwrap().latest("a").unwrap().unwrap().number, 1);
}

#[test]
fn a_newer_state_is_refused() {
    let line = line();
    drop(Store::open(line.path()).unwrap());
    let database = line.path().join(".shipctl/state.db");
    // The header's `user_version`.
    let mut bytes = fs::read(&database).unwrap();
    bytes[60..64].copy_from_slice(&99_u32.to_be_bytes());
    fs::write(&database, &bytes).unwrap();
    for error in [Store::open(line.path()).err(), Store::open_existing(line.path()).err()] {
        let error = error.unwrap();
        assert_eq!(error.kind(), StateErrorKind::Newer);
        let text = error.to_string();
        assert!(
            text.contains("was written by a newer shipctl (its format is 99, this one knows up to 4)"),
            "{text}"
        );
    }
}

#[test]
fn a_damaged_state_is_said_to_be() {
    let line = line();
    let database = line.path().join(".shipctl/state.db");
    drop(Store::open(line.path()).unwrap());
    let whole = fs::read(&database).unwrap();
    let mut foreign = whole.clone();
    foreign[68..72].copy_from_slice(b"othr");
    for broken in [b"garbage\n".repeat(1000), foreign, whole[..whole.len() / 2].to_vec()] {
        fs::write(&database, &broken).unwrap();
        let error = Store::open_existing(line.path())
            .and_then(|store| store.unwrap().latest("a").map(|_| ()))
            .unwrap_err();
        assert_eq!(error.kind(), StateErrorKind::Damaged, "{error}");
        assert!(error.to_string().contains("or start over with `shipctl reset`"), "{error}");
    }
}

#[test]
fn waiting_for_another_has_an_end() {
    let line = line();
    let mut store = Store::open(line.path()).unwrap();
    let build = store.begin_build("job", &[]).unwrap();
    let other = rusqlite::Connection::open(line.path().join(".shipctl/state.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    store.set_patience(Duration::from_millis(20)).unwrap();
    let error = store.finish(&build, Ending::Success, 0, &[put("a", "x=1\n")]).unwrap_err();
    assert_eq!(error.kind(), StateErrorKind::Busy);
    assert!(error.to_string().starts_with("cannot store what job #1 made: another shipctl"), "{error}");
    assert!(error.to_string().contains("for more than 0.02 s"), "{error}");
    // Reading waits for nobody.
    assert!(store.latest("a").unwrap().is_none());
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(store.finish(&build, Ending::Success, 0, &[put("a", "x=1\n")]).unwrap(), [Some(1)]);
}

#[test]
fn a_state_that_is_removed_meanwhile_is_noticed() {
    let line = line();
    let mut store = Store::open(line.path()).unwrap();
    let build = store.begin_build("job", &[]).unwrap();
    fs::remove_dir_all(line.path().join(".shipctl")).unwrap();
    let error = store.finish(&build, Ending::Success, 0, &[put("a", "x=1\n")]).unwrap_err();
    assert_eq!(error.kind(), StateErrorKind::Missing);
    assert!(error.to_string().contains("was removed or replaced while it was in use"), "{error}");
}

#[test]
fn a_checkout_that_cannot_be_written_to_can_be_read() {
    // To root everything can be written to.
    if Uid::effective().is_root() {
        return;
    }
    let line = line();
    let directory = line.path().join(".shipctl");
    let mut store = Store::open(line.path()).unwrap();
    build(&mut store, "job", &[put("a", "x=1\n")]);
    store.close().unwrap();
    fs::set_permissions(directory.join("state.db"), fs::Permissions::from_mode(0o400)).unwrap();
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o500)).unwrap();
    let mut store = Store::open_existing(line.path()).unwrap().unwrap();
    assert_eq!(bag(&store.latest("a").unwrap().unwrap()), r#"{"x":"1"}"#);
    assert_eq!(store.begin_build("job", &[]).unwrap_err().kind(), StateErrorKind::Denied);
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).unwrap();
}
