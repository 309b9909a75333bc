//! A disk that is full.

use std::path::Path;
use std::process::Command;

use shipctl::state::{Change, Ending, Entries, Kind, Store};

use crate::support::{build, line, put, tree, write};

#[test]
fn a_full_disk_leaves_the_old_state() {
    let line = line();
    let mut store = Store::open(line.path()).unwrap();
    build(&mut store, "job", &[put("res", "n=1\n")]);
    store.close().unwrap();
    write(
        &line.path().join("files/large"),
        (0..1_000_000).map(|n: u32| (n ^ (n >> 7)) as u8).collect::<Vec<_>>(),
        0o600,
    );
    // A limit on the size of files is the small disk that everybody can have; without `trap` the first byte
    // beyond it would be the end of the process, which is another test.
    let limited = Command::new("bash")
        .args(["-c", "trap '' XFSZ; ulimit -f 400; exec \"$@\"", "bash"])
        .arg(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "full::on_a_small_disk"])
        .env("SHIPCTL_TEST_LINE", line.path())
        .output()
        .unwrap();
    assert!(limited.status.success(), "{}", String::from_utf8_lossy(&limited.stdout));

    let mut store = Store::open(line.path()).unwrap();
    assert!(store.latest("job").unwrap().is_none());
    assert_eq!(store.latest("res").unwrap().unwrap().bag["n"], "3");
    assert_eq!(build(&mut store, "job", &[large(line.path())]), [Some(1)]);
}

fn large(line: &Path) -> Change {
    Change::job("job", Entries::default(), tree(&line.join("files")))
}

#[test]
#[ignore = "the process that `a_full_disk_leaves_the_old_state` limits"]
fn on_a_small_disk() {
    let Some(line) = std::env::var_os("SHIPCTL_TEST_LINE") else { return };
    let line = Path::new(&line);
    let mut store = Store::open(line).unwrap();
    let begun = store.begin_build("job", &[]).unwrap();
    let error = store.finish(&begun, Ending::Success, 0, &[put("res", "n=2\n"), large(line)]).unwrap_err();
    assert!(matches!(error.kind(), Kind::Full | Kind::Io), "{error}");
    assert_eq!(store.latest("res").unwrap().unwrap().bag["n"], "1");
    // What is small still goes in.
    store.finish(&begun, Ending::Failure, 1, &[put("res", "n=3\n")]).unwrap();
    store.close().unwrap();
}
