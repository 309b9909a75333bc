//! Databases that somebody else has changed: by accident, or in a repository that a victim is to run.

use std::fs;
use std::path::Path;

use shipctl::state::{Change, Entries, StateErrorKind, Store};

use crate::support::{build, line, tree, write};

/// What restoring a version to `back` says after `sql` has been run.
#[track_caller]
fn restored_after(sql: &str) -> String {
    let line = line();
    write(&line.path().join("files/sub/file"), "content", 0o600);
    let mut store = Store::open(line.path()).unwrap();
    build(&mut store, "job", &[Change::job("job", Entries::default(), tree(&line.path().join("files")))]);
    store.close().unwrap();
    rusqlite::Connection::open(line.path().join(".shipctl/state.db")).unwrap().execute_batch(sql).unwrap();

    let error = Store::open(line.path())
        .and_then(|store| store.restore_files(&store.latest("job")?.unwrap(), &line.path().join("back")))
        .unwrap_err();
    assert_eq!(error.kind(), StateErrorKind::Damaged, "{error}");
    for entry in fs::read_dir(line.path()).unwrap() {
        let name = entry.unwrap().file_name();
        assert!([".shipctl", "back", "files"].iter().any(|known| name == *known), "{name:?}");
    }
    error.to_string()
}

#[test]
fn no_path_leads_out() {
    for path in ["../evil", "/tmp/shipctl-evil", "sub/../../evil", "sub//evil", "."] {
        let said =
            restored_after(&format!("UPDATE entry SET path = CAST('{path}' AS BLOB) WHERE kind = 'file'"));
        assert!(said.contains("a path leads out of its directory"), "{said}");
    }
    assert!(!Path::new("/tmp/shipctl-evil").exists());
}

#[test]
fn a_link_is_no_way_out() {
    let line = line();
    let outside = line.path().join("outside");
    fs::create_dir(&outside).unwrap();
    write(&line.path().join("files/sub/file"), "content", 0o600);
    let mut store = Store::open(line.path()).unwrap();
    build(&mut store, "job", &[Change::job("job", Entries::default(), tree(&line.path().join("files")))]);
    store.close().unwrap();
    rusqlite::Connection::open(line.path().join(".shipctl/state.db"))
        .unwrap()
        .execute(
            "UPDATE entry SET kind = 'symlink', target = CAST(?1 AS BLOB) WHERE kind = 'directory'",
            [outside.to_str().unwrap()],
        )
        .unwrap();
    let store = Store::open(line.path()).unwrap();
    let latest = store.latest("job").unwrap().unwrap();
    store.restore_files(&latest, &line.path().join("back")).unwrap_err();
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
}

#[test]
fn what_is_not_what_was_stored_is_said_to_be() {
    let said = restored_after("UPDATE piece SET bytes = CAST('altered' AS BLOB)");
    assert!(said.contains("the content of sub/file is not what was stored"), "{said}");
    let said = restored_after("DELETE FROM piece");
    assert!(said.contains("the content of sub/file is not what was stored"), "{said}");
    let said = restored_after("UPDATE entry SET content = NULL");
    assert!(said.contains("cannot read the files of job #1"), "{said}");
    let said = restored_after("UPDATE version SET bag = '[1]'");
    assert!(said.contains("its properties are no JSON object"), "{said}");
    let said = restored_after("UPDATE version SET number = -1");
    assert!(said.contains("cannot read the versions"), "{said}");
    let said = restored_after("DROP TABLE entry; CREATE TABLE entry (tree)");
    assert!(said.contains("cannot read the files of job #1"), "{said}");
}
