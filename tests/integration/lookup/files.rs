//! The functions that copy files, and `replicate`.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::support::{Call, shipctl};

fn mode(call: &Call, path: &str, mode: u32) {
    fs::set_permissions(call.path(path), fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_file_goes_into_the_state_with_its_permissions() {
    let call =
        shipctl("copy_file_to_state").in_job().arg("out/run.sh").file("state/", "").file("out/run.sh", "x");
    mode(&call, "out/run.sh", 0o750);
    let done = call.stderr("'out/run.sh' -> '{WORK}/state/run.sh'\n").run().file("state/run.sh", "x");
    assert_eq!(fs::metadata(done.path("state/run.sh")).unwrap().permissions().mode() & 0o777, 0o750);
}

#[test]
fn a_directory_goes_with_all_that_is_in_it() {
    let call = shipctl("copy_file_to_state")
        .in_job()
        .arg("dir")
        .file("state/", "")
        .file("dir/a", "1")
        .file("dir/sub/b", "2");
    symlink("a", call.path("dir/link")).unwrap();
    mode(&call, "dir/sub", 0o500);
    let done = call
        .stderr(
            "'dir' -> '{WORK}/state/dir'\n'dir/a' -> '{WORK}/state/dir/a'\n'dir/link' -> '{WORK}/state/dir/link'\n\
             'dir/sub' -> '{WORK}/state/dir/sub'\n'dir/sub/b' -> '{WORK}/state/dir/sub/b'\n",
        )
        .run()
        .file("state/dir/a", "1")
        .file("state/dir/sub/b", "2");
    assert_eq!(fs::read_link(done.path("state/dir/link")).unwrap().to_str(), Some("a"));
    for path in ["dir/sub", "state/dir/sub"] {
        fs::set_permissions(done.path(path), fs::Permissions::from_mode(0o700)).unwrap();
    }
}

#[test]
fn what_cannot_be_copied_is_an_error() {
    let call = |args: &str| shipctl("copy_file_to_state").in_job().args(args).file("state/", "");
    call("nofile").fails("shipctl: cannot copy nofile: No such file or directory (os error 2)\n");
    call(".").file("a", "1").fails("shipctl: cannot copy . into itself ({WORK}/state)\n").no_file("state/a");
    call("state/a")
        .file("state/a", "1")
        .fails("shipctl: cannot copy state/a to {WORK}/state/a: they are the same file\n");
    shipctl("copy_file_to_state")
        .in_job()
        .arg("a")
        .file("a", "1")
        .fails("shipctl: there is no directory {WORK}/state\n");
    shipctl("copy_file_to_state")
        .arg("a")
        .file("a", "1")
        .fails("shipctl: $JOB_STATE is not set: this works inside a job only\n");
}

#[test]
fn a_file_of_last_time_comes_back_if_there_is_one() {
    let call = |name: &str| {
        shipctl("copy_file_from_prev_state")
            .in_job()
            .args(name)
            .arg(".")
            .file("previousState/config.json", "{}")
    };
    call("config.json")
        .stderr("'{WORK}/previousState/config.json' -> './config.json'\n")
        .run()
        .file("config.json", "{}");
    call("none.json").stderr("{WORK}/previousState/none.json does not exist, nothing is copied\n").run();
}

#[test]
fn a_refreshed_file_is_the_new_one_or_that_of_last_time() {
    let call = || shipctl("refresh_file_to_state").in_job().arg("out/tf.state").file("state/", "");
    call()
        .file("out/tf.state", "new")
        .file("previousState/tf.state", "old")
        .stderr("'out/tf.state' -> '{WORK}/state/tf.state'\n")
        .run()
        .file("state/tf.state", "new");
    call()
        .file("previousState/tf.state", "old")
        .stderr(
            "out/tf.state does not exist, looking in {WORK}/previousState\n\
             '{WORK}/previousState/tf.state' -> '{WORK}/state/tf.state'\n",
        )
        .run()
        .file("state/tf.state", "old");
    call()
        .stderr(
            "out/tf.state does not exist, looking in {WORK}/previousState\n\
             {WORK}/previousState/tf.state does not exist, nothing is copied\n",
        )
        .run();
}

#[test]
fn files_of_a_resource_come_in_and_go_out() {
    for function in ["copy_file_from_resource_state", "copy_resource_file_from_state"] {
        shipctl(function)
            .in_job()
            .env("VPC_TYPE", "params")
            .args("vpc vpc.conf .")
            .file("IN/vpc/params/vpc.conf", "cidr=10/8")
            .stderr("'{WORK}/IN/vpc/params/vpc.conf' -> './vpc.conf'\n")
            .run()
            .file("vpc.conf", "cidr=10/8");
    }
    for function in ["copy_file_to_resource_state", "refresh_file_to_out_path"] {
        let call = || shipctl(function).in_job().args("vpc.conf vpc").file("OUT/vpc/state/", "");
        call()
            .file("vpc.conf", "new")
            .stderr("'vpc.conf' -> '{WORK}/OUT/vpc/state/vpc.conf'\n")
            .run()
            .file("OUT/vpc/state/vpc.conf", "new");
        call()
            .file("IN/vpc/state/vpc.conf", "old")
            .stderr(
                "vpc.conf does not exist, looking in {WORK}/IN/vpc/state\n\
                 '{WORK}/IN/vpc/state/vpc.conf' -> '{WORK}/OUT/vpc/state/vpc.conf'\n",
            )
            .run()
            .file("OUT/vpc/state/vpc.conf", "old");
    }
}

fn replicate(args: &str) -> Call {
    shipctl("replicate")
        .in_job()
        .args(args)
        .env("A_TYPE", "state")
        .env("B_TYPE", "state")
        .env("GA_TYPE", "gitRepo")
        .env("GB_TYPE", "syncRepo")
        .env("CI_TYPE", "ciRepo")
        .file("IN/A/state/f1", "one")
        .file("IN/A/state/sub/f2", "two")
        .file("IN/A/version.json", r#"{"version": {"propertyBag": {"k": "v", "a": 1.0}}}"#)
        .file("OUT/B/state/old/x", "x")
        .file("OUT/B/version.json", r#"{"version": {"versionName": "n", "propertyBag": {"b": 2}}, "id": 9}"#)
        .file(
            "IN/gA/version.json",
            r#"{"version": {"propertyBag": {"shaData": {"branchName": "dev", "commitSha": "c1"}, "branch": "dev"}}}"#,
        )
}

const REPLICATED: &str = "{\n  \"version\": {\n    \"versionName\": \"n\",\n    \"propertyBag\": {\n      \"k\": \"v\",\n      \
    \"a\": 1.0\n    }\n  },\n  \"id\": 9\n}\n";

#[test]
fn replicate_copies_files_and_property_bag() {
    replicate("A B")
        .run()
        .file("OUT/B/state/f1", "one")
        .file("OUT/B/state/sub/f2", "two")
        .no_file("OUT/B/state/old")
        .file("OUT/B/version.json", REPLICATED);
    replicate("--metadata-only A B").run().file("OUT/B/version.json", REPLICATED).no_file("OUT/B/state/f1");
    replicate("A B --files-only --bogus")
        .stderr("Warning: Unrecognized flag \"--bogus\"\n")
        .run()
        .file("OUT/B/state/f1", "one")
        .file("OUT/B/version.json", r#"{"version": {"versionName": "n", "propertyBag": {"b": 2}}, "id": 9}"#);
}

#[test]
fn replicate_to_the_job_keeps_what_is_stored_for_others() {
    replicate("A my_job")
        .file("state/B.env", "K=V\n")
        .file("state/keep.txt", "k")
        .run()
        .file("state/f1", "one")
        .file("state/B.env", "K=V\n")
        .no_file("state/keep.txt")
        .file(
            "state/outputVersion.json",
            "{\n  \"propertyBag\": {\n    \"k\": \"v\",\n    \"a\": 1.0\n  }\n}\n",
        );
}

#[test]
fn replicate_of_a_repository_copies_what_the_settings_match() {
    let call = |args: &str, bag: &str| {
        replicate(args).file("OUT/gB/version.json", format!(r#"{{"version":{{"propertyBag":{bag}}}}}"#))
    };
    let has = |bag: &str| {
        let value: serde_json::Value = serde_json::from_str(bag).unwrap();
        serde_json::to_string_pretty(&serde_json::json!({ "version": { "propertyBag": value } })).unwrap()
            + "\n"
    };
    let sha_data = r#""shaData":{"branchName":"dev","commitSha":"c1"}"#;
    call("gA gB", "{\"x\":1}")
        .run()
        .file("OUT/gB/version.json", has(&format!("{{{sha_data},\"branch\":\"dev\"}}")));
    call("gA gB --webhook-data-only", "{\"x\":1}")
        .run()
        .file("OUT/gB/version.json", has(&format!("{{\"x\":1,{sha_data}}}")));
    for fits in
        ["\"branch\":\"dev\"", "\"branches\":{\"only\":[\"d*\"]}", "\"branches\":{\"except\":[\"master\"]}"]
    {
        call("gA gB --match-settings", &format!("{{{fits}}}"))
            .run()
            .file("OUT/gB/version.json", has(&format!("{{{fits},{sha_data}}}")));
    }
    for misses in
        ["\"branch\":\"master\"", "\"branches\":{\"only\":[\"x*\"]}", "\"branches\":{\"except\":[\"d?v\"]}"]
    {
        call("gA gB --match-settings", &format!("{{{misses}}}"))
            .stderr("FROM shaData does not match TO settings. skipping replicate\n")
            .run()
            .file("OUT/gB/version.json", format!("{{\"version\":{{\"propertyBag\":{{{misses}}}}}}}"));
    }
}

#[test]
fn replicate_of_what_a_webhook_brought_leaves_all_else() {
    let webhook = r#"{"version": {"propertyBag": {"k": "v", "shaData": {"branchName": "dev"}}}}"#;
    replicate("A B --webhook-data-only").file("IN/A/version.json", webhook).run().file("OUT/B/state/f1", "one").file(
        "OUT/B/version.json",
        "{\n  \"version\": {\n    \"versionName\": \"n\",\n    \"propertyBag\": {\n      \"b\": 2,\n      \"shaData\": {\n        \"branchName\": \"dev\"\n      }\n    }\n  },\n  \"id\": 9\n}\n",
    );
    replicate("gA my_job --webhook-data-only")
        .file("state/outputVersion.json", r#"{"versionName": "7", "propertyBag": {"own": 1}}"#)
        .run()
        .file(
            "state/outputVersion.json",
            "{\n  \"versionName\": \"7\",\n  \"propertyBag\": {\n    \"own\": 1,\n    \"shaData\": {\n      \"branchName\": \"dev\",\n      \"commitSha\": \"c1\"\n    }\n  }\n}\n",
        );
    let nothing = "shipctl: Error: FROM resource does not contain shaData.\n";
    replicate("A B --webhook-data-only").fails(nothing).no_file("OUT/B/state/f1");
    for flag in ["--webhook-data-only", "--match-settings"] {
        replicate(&format!("gA gB {flag}"))
            .file("IN/gA/version.json", r#"{"version": {"propertyBag": {}}}"#)
            .fails(nothing);
    }
}

#[test]
fn replicate_refuses_what_does_not_fit() {
    let unchanged = r#"{"version": {"versionName": "n", "propertyBag": {"b": 2}}, "id": 9}"#;
    for (args, error) in [
        ("my_job B", "Error: current job cannot be the FROM argument"),
        ("gA CI", "Error: cannot replicate to ciRepo"),
        ("A gB", "Error: resources must be the same type."),
        ("A B --match-settings", "Error: --match-settings flag not supported for the specified resources."),
        (
            "A B --files-only --metadata-only",
            "Error: --files-only excludes --metadata-only and --webhook-data-only.",
        ),
        ("nope B", "there is no resource `nope` here"),
        ("A nope", "there is no resource `nope` here"),
        ("nope my_job", "there is no resource `nope` here"),
        ("B A", "`B` has nothing to replicate: it did not come in"),
    ] {
        replicate(args).fails(&format!("shipctl: {error}\n")).file("OUT/B/version.json", unchanged);
    }
    replicate("A").fails(
        "Usage: shipctl replicate FROM_resource_name TO_resource_name \
         [--files-only|--metadata-only] [--webhook-data-only] [--match-settings]\n",
    );
}
