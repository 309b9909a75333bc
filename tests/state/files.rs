//! State files: taken in, given back.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use nix::sys::stat::Mode;
use nix::unistd::{Uid, mkfifo};
use shipctl::state::{
    Base, Change, Ending, Entries, EntryKind, Files, MAX_BYTES, StateErrorKind, Store, Tree,
};

use crate::support::{build, line, mode, put, tree, write};

fn job(directory: &Path) -> Change {
    Change::job("job", Entries::default(), tree(directory))
}

/// Stores a directory and gives it back as `back`.
#[track_caller]
fn round_trip(line: &Path, source: &Path) -> std::path::PathBuf {
    let mut store = Store::open(line).unwrap();
    build(&mut store, "job", &[job(source)]);
    let latest = store.latest("job").unwrap().unwrap();
    let back = line.join("back");
    store.restore_files(&latest, &back).unwrap();
    // What is on disk is what the version says.
    assert_eq!(tree(&back).entries(), store.files(&latest).unwrap());
    assert_eq!(tree(&back).entries(), tree(source).entries());
    back
}

#[test]
fn permissions_links_and_empty_directories_come_back() {
    let line = line();
    let source = line.path().join("state");
    write(&source.join("plain"), "text", 0o644);
    write(&source.join("tool/run"), "#!/bin/sh\n", 0o755);
    write(&source.join("tool/key"), "private", 0o400);
    write(&source.join("empty"), "", 0o600);
    write(&source.join("locked/inside"), "x", 0o600);
    fs::create_dir_all(source.join("hollow/inner")).unwrap();
    fs::set_permissions(source.join("locked"), fs::Permissions::from_mode(0o500)).unwrap();
    symlink("plain", source.join("link")).unwrap();
    symlink("/nowhere/at all", source.join("dangling")).unwrap();
    symlink("tool", source.join("directory link")).unwrap();
    let odd = source.join(OsStr::from_bytes(b"odd \xff\n'name"));
    fs::write(&odd, "odd").unwrap();

    let back = round_trip(line.path(), &source);
    assert_eq!(fs::read_to_string(back.join("link")).unwrap(), "text");
    assert_eq!(fs::read_link(back.join("dangling")).unwrap(), Path::new("/nowhere/at all"));
    assert_eq!((mode(&back.join("tool/key")), mode(&back.join("locked"))), (0o400, 0o500));
    assert_eq!(mode(&back), 0o700);
    for directory in [source.join("locked"), back.join("locked")] {
        fs::set_permissions(directory, fs::Permissions::from_mode(0o700)).unwrap();
    }
}

#[test]
fn large_contents_come_in_pieces_and_are_kept_once() {
    let line = line();
    let source = line.path().join("state");
    // Around the size of a piece, where mistakes are made.
    for size in [(1 << 20) - 1, 1 << 20, (1 << 20) + 1, (3 << 20) + 7] {
        let bytes: Vec<u8> = (0..size).map(|n: u32| (n ^ (n >> 8) ^ size) as u8).collect();
        write(&source.join(size.to_string()), &bytes, 0o600);
        write(&source.join(format!("{size} again")), &bytes, 0o600);
    }
    round_trip(line.path(), &source);
    let mut store = Store::open(line.path()).unwrap();
    let database = line.path().join(".shipctl/state.db");
    for n in 0..20 {
        write(&source.join("small"), n.to_string(), 0o600);
        build(&mut store, "job", &[job(&source)]);
    }
    store.close().unwrap();
    let size = fs::metadata(&database).unwrap().len();
    assert!(size < 8 << 20, "{size}");

    let mut store = Store::open(line.path()).unwrap();
    build(&mut store, "job", &[Change::job("job", Entries::default(), Tree::default())]);
    let pruned = store.prune(1).unwrap();
    assert_eq!(pruned.bytes, (6 << 20) + 7 + 10 + 10 * 2);
    store.close().unwrap();
    let size = fs::metadata(&database).unwrap().len();
    assert!(size < 1 << 20, "{size}");
}

#[test]
fn the_same_files_are_no_change() {
    let line = line();
    let source = line.path().join("state");
    write(&source.join("a/b"), "1", 0o600);
    let mut store = Store::open(line.path()).unwrap();
    let change = || Change { files: Files::Taken(tree(&source)), ..put("res", "") };
    assert_eq!(build(&mut store, "job", &[change()]), [Some(1)]);
    assert_eq!(build(&mut store, "job", &[change()]), [None]);
    write(&source.join("a/b"), "1", 0o700);
    assert_eq!(build(&mut store, "job", &[change()]), [Some(2)]);
    assert_eq!(build(&mut store, "job", &[put("res", "k=v\n")]), [Some(3)]);
    assert_eq!(store.files(&store.latest("res").unwrap().unwrap()).unwrap().len(), 2);

    let source = store.latest("res").unwrap().unwrap();
    let given = Base::Given { version_name: None, bag: source.bag.clone() };
    let replicate = Change { base: given, files: Files::Of(source.reference()), ..put("copy", "") };
    assert_eq!(build(&mut store, "job", &[replicate]), [Some(1)]);
    let copy = store.latest("copy").unwrap().unwrap();
    assert_eq!(store.files(&copy).unwrap(), store.files(&source).unwrap());

    assert_eq!(build(&mut store, "job", &[Change { files: Files::Empty, ..put("res", "") }]), [Some(4)]);
    assert!(!store.latest("res").unwrap().unwrap().has_files());
}

#[test]
fn what_is_left_out_is_not_looked_into() {
    let line = line();
    let source = line.path().join("state");
    write(&source.join("keep/a"), "1", 0o600);
    write(&source.join("drop/a"), "1", 0o600);
    let taken = Tree::collect(&source, MAX_BYTES, |path| !path.starts_with("drop")).unwrap();
    let paths: Vec<_> = taken.entries().iter().map(|entry| entry.path.to_str().unwrap()).collect();
    assert_eq!(paths, ["keep", "keep/a"]);
    assert!(Tree::collect(&line.path().join("missing"), MAX_BYTES, |_| true).unwrap().entries().is_empty());
}

#[test]
fn special_unreadable_and_too_large_files_are_named() {
    let line = line();
    let refused = |kind: StateErrorKind, limit: u64, part: &str, fill: &dyn Fn(&Path)| {
        let source = line.path().join("state");
        fs::create_dir(&source).unwrap();
        fill(&source);
        let error = Tree::collect(&source, limit, |_| true).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(part), "{error}");
        fs::remove_dir_all(&source).unwrap();
    };
    refused(StateErrorKind::Unfit, MAX_BYTES, "state/pipe into the state: it is a named pipe", &|source| {
        mkfifo(&source.join("pipe"), Mode::S_IRWXU).unwrap();
    });
    refused(StateErrorKind::Unfit, MAX_BYTES, "state/s into the state: it is a socket", &|source| {
        UnixListener::bind(source.join("s")).unwrap();
    });
    refused(StateErrorKind::Unfit, 10, "more than 10 bytes together, reached at", &|source| {
        write(&source.join("a"), "123456", 0o600);
        write(&source.join("b"), "123456", 0o600);
    });
    // Nothing is unreadable to root.
    if !Uid::effective().is_root() {
        refused(
            StateErrorKind::Denied,
            MAX_BYTES,
            "state/secret into the state: Permission denied",
            &|source| {
                write(&source.join("secret"), "", 0o000);
            },
        );
    }
}

#[test]
fn a_file_that_changes_while_it_is_taken_stops_the_run() {
    let line = line();
    let source = line.path().join("state");
    write(&source.join("log"), "one", 0o600);
    let taken = tree(&source);
    write(&source.join("log"), "two", 0o600);
    let mut store = Store::open(line.path()).unwrap();
    let build = store.begin_build("job", &[]).unwrap();
    let change = Change::job("job", Entries::default(), taken);
    let error = store.finish(&build, Ending::Success, 0, &[put("res", "a=1\n"), change]).unwrap_err();
    assert!(error.to_string().contains("state/log changed while it was taken"), "{error}");
    assert!(store.latest("res").unwrap().is_none());
}

#[test]
fn nothing_is_overwritten_and_no_link_followed() {
    let line = line();
    let source = line.path().join("state");
    write(&source.join("a/b"), "new", 0o600);
    let mut store = Store::open(line.path()).unwrap();
    build(&mut store, "job", &[job(&source)]);
    let latest = store.latest("job").unwrap().unwrap();

    let elsewhere = line.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let target = line.path().join("target");
    fs::create_dir(&target).unwrap();
    symlink(&elsewhere, target.join("a")).unwrap();
    let error = store.restore_files(&latest, &target).unwrap_err();
    assert!(error.to_string().starts_with("cannot restore the files of job #1 to "), "{error}");
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
}

#[test]
fn an_export_is_complete() {
    let line = line();
    let source = line.path().join("state");
    write(&source.join("file"), "content", 0o640);
    let mut store = Store::open(line.path()).unwrap();
    build(
        &mut store,
        "job",
        &[Change { files: Files::Taken(tree(&source)), ..put("res", "versionName=v\nk=1\n") }],
    );
    let version = store.latest("res").unwrap().unwrap();
    let target = line.path().join("export");
    store.export(&version, &target).unwrap();
    assert_eq!(fs::read_to_string(target.join("files/file")).unwrap(), "content");
    let document: serde_json::Value =
        serde_json::from_slice(&fs::read(target.join("version.json")).unwrap()).unwrap();
    assert_eq!(document["propertyBag"]["k"], "1");
    assert_eq!((&document["versionName"], &document["build"]["number"]), (&"v".into(), &1.into()));
    assert_eq!((mode(&target), mode(&target.join("version.json"))), (0o700, 0o600));
    let error = store.export(&version, &target).unwrap_err();
    assert!(error.to_string().contains("is not empty, so name a new directory"), "{error}");
}

#[test]
fn entries_tell_size_and_kind() {
    let line = line();
    write(&line.path().join("a"), "abc", 0o640);
    let entries = tree(line.path());
    assert!(matches!(entries.entries()[0].kind, EntryKind::File { size: 3, .. }));
    assert_eq!(entries.entries()[0].mode, 0o640);
}
