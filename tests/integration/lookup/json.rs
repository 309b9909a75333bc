//! `get_json_value`, and the functions of strings.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::support::shipctl;

const DOCUMENT: &str = r#"{"name": "app", "servers": [{"ip": "10.0.0.1", "tags": []}], "ratio": 1.50, "big": 12345678901234567890,
    "none": null, "text": "two\nlines", "sp ace": "x", "d-ash": "y", "dots.a.b": 1, "u": "\u00e9\u2603"}"#;

fn value_of(path: &str) -> crate::support::Call {
    shipctl("get_json_value").arg("p.json").arg(path).file("p.json", DOCUMENT)
}

#[test]
fn a_path_leads_to_a_value_and_keys_may_hold_anything() {
    value_of("name").stdout("app\n").run();
    value_of("servers[0].ip").stdout("10.0.0.1\n").run();
    value_of("servers[0].tags").stdout("[]\n").run();
    value_of("text").stdout("two\nlines\n").run();
    value_of("sp ace").stdout("x\n").run();
    value_of("d-ash").stdout("y\n").run();
    value_of("dots.a.b").stdout("1\n").run();
    value_of("u").stdout("é☃\n").run();
    value_of("none").stdout("null\n").run();
}

#[test]
fn numbers_stay_as_written() {
    value_of("ratio").stdout("1.50\n").run();
    value_of("big").stdout("12345678901234567890\n").run();
}

#[test]
fn the_whole_document_keeps_the_order_of_its_keys() {
    shipctl("get_json_value")
        .arg("p.json")
        .file("p.json", "\u{feff}{\"b\":1,\"a\":[]}\n")
        .stdout("{\n  \"b\": 1,\n  \"a\": []\n}\n")
        .run();
    shipctl("get_json_value").args("list.json [1]").file("list.json", "[1, \"two\"]").stdout("two\n").run();
}

#[test]
fn what_is_missing_is_an_error_with_what_there_is() {
    value_of("missing.deeper").fails(
        "shipctl: p.json has no `missing.deeper`; there is: \
         big, d-ash, dots.a.b, name, none, ratio, servers, sp ace, text, u\n",
    );
    value_of("servers[1]").fails("shipctl: p.json has no `servers[1]`; there is a list of 1\n");
    value_of("name.first")
        .fails("shipctl: p.json has no `name.first`; there is a single value without keys\n");
    shipctl("get_json_value").args("gone.json a").fails("shipctl: gone.json: there is no such file\n");
    shipctl("get_json_value")
        .args("dir a")
        .file("dir/", "")
        .fails("shipctl: cannot read dir: Is a directory (os error 21)\n");
}

#[test]
fn what_is_no_json_is_an_error_that_shows_the_place_and_no_value() {
    shipctl("get_json_value")
        .args("p.json a")
        .file("p.json", "{\"a\": secret}")
        .fails("shipctl: p.json is not valid JSON (expected value at line 1 column 7)\n");
    let deep = "[".repeat(100_000);
    shipctl("get_json_value")
        .arg("p.json")
        .file("p.json", deep)
        .fails("shipctl: p.json is not valid JSON (recursion limit exceeded at line 1 column 128)\n");
}

#[test]
fn a_string_is_sanitized_to_letters_digits_and_underscores() {
    for (from, to) in
        [("foo!@#", "foo"), ("123abc", "123abc"), ("café-ñ", "caf"), ("a\nb-c", "abc"), ("!!!", "")]
    {
        shipctl("sanitize_shippable_string").arg(from).stdout(format!("{to}\n")).run();
    }
}

#[test]
fn a_string_becomes_upper_case_letter_by_letter() {
    for (from, to) in
        [("foo!@#", "FOO!@#"), ("Mixed  Two", "MIXED  TWO"), ("straße é", "STRAßE É"), ("ﬁ", "ﬁ")]
    {
        shipctl("to_uppercase").arg(from).stdout(format!("{to}\n")).run();
    }
    shipctl("to_uppercase").arg(OsStr::from_bytes(b"a\xffb")).stdout(b"A\xffB\n").run();
}

#[cfg(feature = "full")]
#[test]
fn what_is_more_than_a_key_is_a_filter_of_jq() {
    let call = |path: &str| {
        let document = r#"{"servers": [{"ip": "10.0.0.1", "n": 1.50}, {"ip": "10.0.0.2"}], "a-b": {"c": [1]}, "s": "x y"}"#;
        shipctl("get_json_value").arg("d.json").arg(path).file("d.json", document)
    };
    call("servers[].ip").stdout("10.0.0.1\n10.0.0.2\n").run();
    call(".servers[].ip").stdout("10.0.0.1\n10.0.0.2\n").run();
    call("\"a-b\"").stdout("{\n  \"c\": [\n    1\n  ]\n}\n").run();
    call("\"a-b\".c[0]").stdout("1\n").run();
    call("servers | length").stdout("2\n").run();
    call("servers[0] | .n, .ip").stdout("1.50\n10.0.0.1\n").run();
    call("servers[] | select(.ip | endswith(\".2\")).ip").stdout("10.0.0.2\n").run();
    call("gone // \"other\"").stdout("other\n").run();
    call("servers[].gone").fails("shipctl: d.json has no `servers[].gone`; there is a list of 2\n");
    // A message of jq would quote the value.
    call("s | keys(").fails("shipctl: d.json has no `s | keys(`; there is: a-b, s, servers\n");
    call("s | keys[]").fails("shipctl: d.json has no `s | keys[]`; there is: a-b, s, servers\n");
}
