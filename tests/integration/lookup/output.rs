//! What happens when the result cannot be written.

use std::fs::File;
use std::io::Read;
use std::process::Stdio;

use crate::support::shipctl;

#[test]
fn a_reader_who_leaves_early_is_no_failure() {
    let call = shipctl("get_resource_id").arg("r").env("R_ID", "x");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = call.command().stdout(writer).stderr(Stdio::piped()).output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), vec![]));
}

#[test]
fn a_full_disk_is_an_error() {
    let Ok(full) = File::options().write(true).open("/dev/full") else { return };
    let call = shipctl("get_resource_id").arg("r").env("R_ID", "secret");
    let mut child = call.command().stdout(full).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(99));
    assert_eq!(stderr, "shipctl: cannot write the result: No space left on device (os error 28)\n");
}
