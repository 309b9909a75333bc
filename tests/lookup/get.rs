//! `get_*`: values of a job's environment and workspace.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::support::shipctl;

const OUTSIDE: &str = "\n  this is not inside a job: with `--job JOB` the answer comes from the YAML\n";

#[test]
fn every_variable_of_a_resource_has_its_function() {
    for (function, variable) in [
        ("get_resource_id", "MYRES_ID"),
        ("get_resource_meta", "MYRES_META"),
        ("get_resource_state", "MYRES_STATE"),
        ("get_resource_path", "MYRES_STATE"),
        ("get_resource_operation", "MYRES_OPERATION"),
        ("get_resource_type", "MYRES_TYPE"),
        ("get_resource_version_name", "MYRES_VERSIONNAME"),
        ("get_resource_version_id", "MYRES_VERSIONID"),
        ("get_resource_version_number", "MYRES_VERSIONNUMBER"),
    ] {
        shipctl(function).arg("my-res").env(variable, "it").stdout("it\n").run();
    }
}

#[test]
fn names_become_variables_as_the_runner_makes_them() {
    shipctl("get_resource_name").arg("My.App-Image 2").stdout("MYAPPIMAGE2\n").run();
    shipctl("get_resource_name").arg("1st-resource").stdout("STRESOURCE\n").run();
    shipctl("get_resource_id")
        .arg("12-app")
        .env("APP_ID", "901")
        .env("12APP_ID", "902")
        .stdout("901\n")
        .run();
    shipctl("get_resource_id").arg("---").env("_ID", "under").fails(
        "shipctl: `---` cannot be the name of a resource: no letter or `_` is left of it for its variables\n",
    );
}

#[test]
fn keys_are_sanitized_and_keep_their_leading_digits() {
    shipctl("get_params_resource")
        .args("my-Params k.e-y1")
        .env("MYPARAMS_PARAMS_KEY1", "v")
        .stdout("v\n")
        .run();
    shipctl("get_params_resource").args("p 1st").env("P_PARAMS_1ST", "v").stdout("v\n").run();
    shipctl("get_resource_env")
        .args("r pointer_tag-name")
        .env("R_POINTER_TAGNAME", "latest")
        .stdout("latest\n")
        .run();
    shipctl("get_integration_resource_field")
        .args("i secret-key")
        .env("I_INTEGRATION_SECRETKEY", "s")
        .stdout("s\n")
        .run();
}

#[test]
fn values_come_out_byte_for_byte() {
    for value in ["a  b \t c ", "*", "-n abc", "$HOME `id` \"x' \\n", "two\nlines\n", ""] {
        shipctl("get_params_resource")
            .args("p k")
            .env("P_PARAMS_K", value)
            .stdout(value.to_owned() + "\n")
            .run();
    }
    let bytes = b"caf\xe9 \xff";
    shipctl("get_resource_id").arg("r").env("R_ID", OsStr::from_bytes(bytes)).stdout(b"caf\xe9 \xff\n").run();
}

#[test]
fn bytes_that_are_not_utf8_disturb_nothing() {
    let odd = OsStr::from_bytes(b"\xffr\xfe");
    shipctl("get_resource_id").arg(odd).env(odd, odd).env("R_ID", "1").stdout("1\n").run();
    shipctl("get_resource_id")
        .arg("x")
        .env(odd, odd)
        .fails(&format!("shipctl: `x` has no ID here ($X_ID is not set){OUTSIDE}"));
}

#[test]
fn a_missing_field_is_an_error_that_names_the_fields_there_are() {
    shipctl("get_integration_resource_field")
        .args("my-int accesKey")
        .in_job()
        .env("MYINT_OPERATION", "IN")
        .env("MYINT_INTEGRATION_ACCESSKEY", "hidden")
        .env("MYINT_INTEGRATION_SECRETKEY", "hidden")
        .env("MYINT_INTEGRATION_NAME", "hidden")
        .fails(
            "shipctl: `my-int` has no integration field ACCESKEY here ($MYINT_INTEGRATION_ACCESKEY is not set); \
             it has: ACCESSKEY, NAME, SECRETKEY; did you mean `ACCESSKEY`?\n",
        );
}

#[test]
fn an_unknown_resource_is_an_error_that_names_the_resources_there_are() {
    shipctl("get_resource_id")
        .arg("vcp")
        .in_job()
        .env("VPC_OPERATION", "IN")
        .env("VPC_NAME", "vpc")
        .env("MYINT_OPERATION", "OUT")
        .env("MYINT_NAME", "my-int")
        .fails(
            "shipctl: `vcp` has no ID here ($VCP_ID is not set); the resources of this job: my-int, vpc\n",
        );
}

#[test]
fn a_resource_does_not_show_what_belongs_to_one_whose_name_begins_alike() {
    shipctl("get_resource_env")
        .args("my nope")
        .in_job()
        .env("MY_OPERATION", "IN")
        .env("MY_KEY_OPERATION", "IN")
        .env("MY_KEY_ID", "1")
        .fails("shipctl: `my` has no NOPE here ($MY_NOPE is not set); it has: OPERATION\n");
}

#[test]
fn a_resource_without_an_integration_points_at_those_that_have_one() {
    shipctl("get_integration_resource_field")
        .args("plain token")
        .in_job()
        .env("PLAIN_OPERATION", "IN")
        .env("SLACK_OPERATION", "IN")
        .env("SLACK_NAME", "slack")
        .env("SLACK_INTEGRATION_WEBHOOKURL", "hidden")
        .fails(
            "shipctl: `plain` has no integration field TOKEN here ($PLAIN_INTEGRATION_TOKEN is not set); \
             resources that have some: slack\n",
        );
}

#[test]
fn outside_of_a_job_the_error_says_how_to_ask() {
    shipctl("get_resource_id")
        .arg("vpc")
        .fails(&format!("shipctl: `vpc` has no ID here ($VPC_ID is not set){OUTSIDE}"));
}

#[test]
fn whoever_relies_on_the_empty_line_of_the_original_can_have_it() {
    for allowed in [
        shipctl("get_resource_id").arg("vpc"),
        shipctl("get_integration_resource_keys").arg("vpc"),
        shipctl("get_json_value").args("gone.json a"),
        shipctl("get_json_value").args("p.json a").file("p.json", "{}"),
    ] {
        allowed.env("SHIPCTL_ALLOW_MISSING", "1").stdout("\n").run();
    }
    shipctl("get_resource_id")
        .arg("vpc")
        .env("SHIPCTL_ALLOW_MISSING", "0")
        .fails(&format!("shipctl: `vpc` has no ID here ($VPC_ID is not set){OUTSIDE}"));
    shipctl("get_json_value")
        .args("p.json a")
        .file("p.json", "{")
        .env("SHIPCTL_ALLOW_MISSING", "1")
        .fails("shipctl: p.json is not valid JSON (EOF while parsing an object at line 1 column 1)\n");
}

#[test]
fn a_call_without_its_arguments_is_answered_with_the_usage() {
    for (function, usage) in [
        ("get_resource_id", "RESOURCE_NAME"),
        ("get_resource_env", "RESOURCE_NAME ENV_NAME"),
        ("get_params_resource", "RESOURCE_NAME PARAM_NAME"),
        ("get_integration_field", "INTEGRATION_NAME KEY_NAME"),
        ("get_json_value", "JSON_PATH [FIELD]"),
        ("to_uppercase", "ANY_STRING"),
    ] {
        shipctl(function).fails(&format!("Usage: shipctl {function} {usage}\n"));
        shipctl(function).arg("").fails(&format!("Usage: shipctl {function} {usage}\n"));
    }
    shipctl("get_resource_env").arg("r").fails("Usage: shipctl get_resource_env RESOURCE_NAME ENV_NAME\n");
}

#[test]
fn arguments_too_many_are_ignored_as_ever_but_not_in_silence() {
    shipctl("get_resource_id")
        .args("my res")
        .env("MY_ID", "1")
        .stdout("1\n")
        .stderr("shipctl: warning: get_resource_id ignores `res`\n")
        .run();
}

#[test]
fn the_fields_of_an_integration_are_listed_by_name() {
    let fields =
        "accessKey=\"AK1\"\nkey=\"-----BEGIN\nMIIEow==\n-----END\"\nnodes='\"a\",\"b\"'\nname=\"aws\"\n";
    shipctl("get_integration_resource_keys")
        .arg("my-int")
        .in_job()
        .env("MYINT_META", "{WORK}/IN/my-int")
        .file("IN/my-int/integration.env", fields)
        .stdout("accessKey\nkey\nnodes\nname\n")
        .run();
    shipctl("get_integration_keys")
        .arg("my-AWS")
        .in_job()
        .file("integrations/my-AWS/integration.env", fields)
        .stdout("accessKey\nkey\nnodes\nname\n")
        .run();
}

#[test]
fn a_resource_without_an_integration_has_no_fields_to_list() {
    shipctl("get_integration_resource_keys").arg("r").in_job().env("R_META", "{WORK}/IN/r").fails(
        "shipctl: integration.env not present for resource: r ({WORK}/IN/r/integration.env: no such file)\n",
    );
    shipctl("get_integration_resource_keys")
        .arg("r")
        .in_job()
        .fails("shipctl: there is no resource `r` here ($R_META is not set)\n");
    shipctl("get_integration_keys")
        .arg("i")
        .env("JOB_NAME", "j")
        .fails("shipctl: integration.env not present for integration: i ($JOB_INTEGRATIONS is not set)\n");
}

#[test]
fn a_field_of_an_integration_of_the_job_comes_from_the_environment_or_its_file() {
    let call = || {
        shipctl("get_integration_field").in_job().file(
            "integrations/my-AWS/integration.json",
            "{\"accessKey\": \"of the file\", \"secretKey\": \"s\"}",
        )
    };
    call().args("my-AWS accessKey").env("MYAWS_INTEGRATION_ACCESSKEY", "AK9").stdout("AK9\n").run();
    call().args("my-AWS accessKey").stdout("of the file\n").run();
    call()
        .args("my-AWS nope")
        .fails("shipctl: `my-AWS` has no field `nope`; there is: accessKey, secretKey\n");
    call().args("other accessKey").env("OTHER_INTEGRATION_ACCESSKEY", "x").fails(
        "shipctl: integration.json not present for integration: other \
         ({WORK}/integrations/other/integration.json: no such file)\n",
    );
}

#[test]
fn an_integration_is_printed_as_its_file_stands() {
    let json = "{ \"b\":1,\n\n\"a\" : \"s3=cr=et\"}";
    let call = || {
        shipctl("get_integration_resource")
            .arg("my-int")
            .in_job()
            .env("MYINT_META", "{WORK}/i")
            .file("i/integration.json", json)
    };
    call().stdout(json).run();
    call().arg("a").stdout("s3=cr=et\n").run();
    call().arg("nokey").fails("shipctl: `my-int` has no field `nokey`; there is: a, b\n");
}

#[test]
fn a_version_has_its_own_keys_and_those_of_its_bag() {
    let call = || {
        shipctl("get_resource_version_key").arg("img").in_job().env("IMG_META", "{WORK}/img").file(
            "img/version.json",
            r#"{"version": {"versionName": "v1", "versionNumber": 12, "versionId": "5c",
                "propertyBag": {"a-b": "dash", "nul": null, "sha": {"commitSha": "abc"}, "versionNumber": 7}}}"#,
        )
    };
    call().arg("versionName").stdout("v1\n").run();
    call().arg("versionNumber").stdout("12\n").run();
    call().arg("versionId").stdout("5c\n").run();
    call().arg("a-b").stdout("dash\n").run();
    call().arg("nul").stdout("null\n").run();
    call().arg("sha.commitSha").stdout("abc\n").run();
    call().arg("sha").stdout("{\n  \"commitSha\": \"abc\"\n}\n").run();
    call().arg("sha.nope").fails("shipctl: `img` has no version key `sha.nope`; there is: commitSha\n");
}

#[test]
fn a_pointer_is_what_the_yaml_says_in_either_syntax() {
    for pointer in ["pointer", "versionTemplate"] {
        let json = format!(
            r#"{{"propertyBag": {{"yml": {{"{pointer}": {{"isPull": true, "list": ["a", "b"]}}}}}}}}"#
        );
        let call = |key: &str| {
            let call = shipctl("get_resource_pointer_key").arg("img").arg(key).in_job();
            call.env("IMG_META", "{WORK}/img").file("img/version.json", &json)
        };
        call("isPull").stdout("true\n").run();
        call("list").stdout("[\n  \"a\",\n  \"b\"\n]\n").run();
        call("list[1]").stdout("b\n").run();
        call("none").fails("shipctl: `img` has no pointer key `none`; there is: isPull, list\n");
    }
}

#[test]
fn a_function_that_does_not_exist_is_named_with_its_neighbour() {
    shipctl("get_resource_idx")
        .arg("x")
        .fails("The command get_resource_idx is not supported; did you mean `get_resource_id`?\n");
    shipctl("make_coffee").fails("The command make_coffee is not supported\n");
}
