//! What a build without the feature `full` leaves out, said by what would need it.

use std::fs;

use crate::support::Job;

#[test]
fn what_is_left_out_is_said() {
    let job = Job::new(&[
        "shipctl decrypt secret.enc || echo \"decrypt: $?\"",
        "shipctl get_json_value \"$HERE/document.json\" 'list[].key' || echo \"jq: $?\"",
        "shipctl get_json_value \"$HERE/document.json\" 'list[0].key'",
    ]);
    fs::write(job.path().join("document.json"), r#"{"list": [{"key": "found"}]}"#).unwrap();
    let ran = job.run();
    ran.is(0, &[]);
    let text = ran.text();
    for said in [
        "shipctl: RSA is not in this build of shipctl: build it without --no-default-features, or take a release",
        "decrypt: 99",
        "shipctl: jq, which reads what is more than a key, is not in this build of shipctl: ",
        "jq: 99",
        "found",
    ] {
        assert!(text.contains(said), "{said}:\n{text}");
    }
}
