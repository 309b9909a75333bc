//! `shipctl mask`: what scripts have found out themselves is masked too.

use crate::support::{Job, PROGRAM};

/// The script, with `$shipctl` for the program.
fn job(entries: &[&str]) -> Job {
    Job::new(entries).variable("shipctl", PROGRAM)
}

#[test]
fn a_value_is_masked_from_then_on() {
    let found =
        "x=found''-$((6*7)); echo \"before $x\"; printf %s \"$x\" | \"$shipctl\" mask; echo \"after $x\"";
    let ran = job(&[found, "echo \"again $x\"; echo found-42 >$HERE/file"])
        .task(&["echo \"$(cat $HERE/file)\" | base64; cat $HERE/file >&2"])
        .run();
    ran.is(0, &[]).shows("\nafter ***\n").shows("\nagain ***\n").shows("\n***K\n***\n");
    assert!(ran.text().matches("found-42").count() <= 1, "{}", ran.text());
}

#[test]
fn the_mask_is_in_force_when_the_call_returns() {
    let script =
        "for i in {1000..1040}; do x=to''ken-$i; echo $x | \"$shipctl\" mask; echo $x; echo $x >&2; done";
    job(&[script]).run().is(0, &[]).never_shows("token-1");
    let ran = job(&[":"]).flag("--mask").exec(&["bash", "-c", script], |_| {}).finish();
    ran.is(0, &[]).never_shows("token-1");
    assert_eq!((ran.text(), ran.stderr.clone()), ("***\n".repeat(41), "***\n".repeat(41)));
}

#[test]
fn it_holds_for_all_forms_and_beside_the_secrets_there_were() {
    let script = "printf %s \"$ODD\" | \"$shipctl\" mask; echo second; set -x; : \"$ODD\"; : $SECRET";
    let job = job(&[":"]).variable("ODD", "it's\nsecond").secret("hunter2").flag("--mask");
    let ran = job.exec(&["bash", "-c", script], |_| {}).finish();
    assert_eq!((ran.text().as_str(), ran.stderr.as_str()), ("***\n", "+ : '***'\n+ : ***\n"));
}

#[test]
fn it_is_masked_in_headings_the_summary_and_the_json_log() {
    let entries = ["printf %s al''pha-9 | \"$shipctl\" mask", "echo alpha-9", "sleep 0; exit 3"];
    for format in ["text", "json"] {
        let job = job(&entries).section("on_failure", &["echo alpha-9; exit 1"]);
        let ran = job.option("--log-format", format).run();
        ran.is(3, &[]).never_shows("alpha-9").shows("echo ***");
    }
}

#[test]
fn an_argument_is_refused_without_being_shown() {
    let ran = job(&["\"$shipctl\" mask hun''ter2 more || echo @$?"]).run();
    ran.is(0, &["99"]).shows("mask takes the value from stdin").never_shows("hunter2");
    assert!(!ran.text().contains("`more`"));
}

#[test]
fn what_cannot_be_masked_is_told() {
    let ran = job(&[
        "\"$shipctl\" mask </dev/null || echo @$?",
        "printf '\\377\\377\\377' | \"$shipctl\" mask || echo @$?",
        "printf 'a\\0bcd' | \"$shipctl\" mask || echo @$?",
        "echo ab | \"$shipctl\" mask && echo @short",
    ])
    .run();
    ran.is(0, &["99", "99", "99", "short"]);
    ran.shows("there is no value on stdin")
        .shows("the value is no text")
        .shows("values of less than 3 bytes");
}

#[test]
fn outside_of_a_masked_log_it_fails() {
    let script = "printf %s token-1 | \"$shipctl\" mask";
    let ran = job(&[":"]).exec(&["bash", "-c", script], |_| {}).finish();
    assert_eq!(ran.code(), 99);
    assert!(ran.stderr.contains("not inside `shipctl run` or `shipctl exec --mask`"), "{}", ran.stderr);
}

#[test]
fn nobody_else_can_read_what_was_added() {
    let script = "printf %s token-1 | \"$shipctl\" mask; stat -c @%a $BUILD_SECRETS_DIR/masked";
    let ran = job(&[script]).run();
    ran.is(0, &["600"]);
    assert!(!ran.path().join("root").exists());
}
