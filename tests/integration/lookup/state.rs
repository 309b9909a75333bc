//! `post_resource_state`, `put_resource_state` and their `_multi` forms.

use crate::support::shipctl;

#[test]
fn post_drops_what_was_stored_and_put_keeps_it() {
    let old = "HERO=BATMAN\nOLD=1";
    let call = |function| shipctl(function).in_job().args("my-res.1 CITY").file("state/my-res.1.env", old);
    call("post_resource_state").arg("v 1  $X \"q\"").run().file("state/my-res.1.env", "CITY=v 1  $X \"q\"\n");
    call("put_resource_state")
        .arg("GOTHAM")
        .run()
        .file("state/my-res.1.env", "HERO=BATMAN\nOLD=1\nCITY=GOTHAM\n");
}

#[test]
fn several_pairs_come_in_one_argument_or_in_several() {
    for (function, args, expected) in [
        ("post_resource_state_multi", &["HERO=SUPERMAN FOO=bar"][..], "HERO=SUPERMAN\nFOO=bar\n"),
        ("post_resource_state_multi", &["A=two words", "B=x"], "A=two words\nB=x\n"),
        ("put_resource_state_multi", &["A=1", "B=2", "A=3"], "OLD=1\nA=1\nB=2\nA=3\n"),
    ] {
        let call = shipctl(function).in_job().arg("vpc").file("state/vpc.env", "OLD=1\n");
        args.iter().fold(call, |call, arg| call.arg(arg)).run().file("state/vpc.env", expected);
    }
}

#[test]
fn a_value_of_several_lines_stays_one_value() {
    shipctl("post_resource_state")
        .in_job()
        .args("r cert")
        .arg("-----BEGIN\n\"x\"=$y\n")
        .file("state/", "")
        .run()
        .file("state/r.env", "cert=\"-----BEGIN\n\\\"x\\\"=\\$y\n\"\n");
}

#[test]
fn what_cannot_be_stored_is_refused_and_nothing_changes() {
    let call = |args| shipctl("post_resource_state_multi").in_job().args(args).file("state/r.env", "OLD=1\n");
    call("r word A=1")
        .fails("shipctl: `word` is not of the form KEY=VALUE; nothing was stored\n")
        .file("state/r.env", "OLD=1\n");
    call("../r A=1").fails("shipctl: `../r` cannot be the name of a resource\n");
    shipctl("put_resource_state")
        .in_job()
        .args("r A=B c")
        .file("state/", "")
        .fails("shipctl: `A=B` cannot be a key: it is empty or has a blank, a quote, `=` or `#` in it\n");
    shipctl("put_resource_state")
        .in_job()
        .args("r K")
        .fails("Usage: shipctl put_resource_state RESOURCE_NAME STATE_NAME STATE_VALUE\n");
}

#[test]
fn without_a_job_there_is_nowhere_to_store() {
    shipctl("put_resource_state")
        .args("r K v")
        .fails("shipctl: $JOB_STATE is not set: this works inside a job only\n");
    shipctl("put_resource_state")
        .in_job()
        .args("r K v")
        .fails("shipctl: cannot write {WORK}/state/r.env: No such file or directory (os error 2)\n");
}
