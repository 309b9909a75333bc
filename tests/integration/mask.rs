//! Which secrets are masked in the log, and what is said of those that are not, or not well.

use crate::support::{Call, shipctl};

/// A job that prints what it was given in `A` and `B`.
fn call(command: &str, envs: &str) -> Call {
    let line = format!(
        "integrations:\n- name: app\n  type: keyValuePair\n  fields:\n    envs:\n{envs}jobs:\n- name: show\n  type: runSh\n  integrations: [app]\n  steps:\n    - TASK:\n        script: ['echo \"A=$A B=$B\"']\n"
    );
    shipctl(command).arg("show").file("shippable.yml", line).env("TMPDIR", "{WORK}/tmp").file("tmp/", "")
}

#[test]
fn a_value_too_short_to_be_masked_is_told_by_its_field() {
    call("exec", "      A: \"1\"\n      B: \"x7\"\n")
        .args("--mask -- sh -c").arg("echo \"A=$A B=$B\"")
        .stdout("A=1 B=x7\n")
        .stderr(concat!(
            "warning: the value of field `A` of integration `app` is too short to be masked in the log\n",
            "  --> shippable.yml:6:11\n",
            "   6 |       A: ***\n",
            "     |          ^^^\n",
            "  hint: values of less than 3 bytes are in every other word; `mask: false` beside its source says that this is meant\n",
            "warning: the value of field `B` of integration `app` is too short to be masked in the log\n",
            "  --> shippable.yml:7:11\n",
            "   7 |       B: ***\n",
            "     |          ^^^\n",
            "  hint: values of less than 3 bytes are in every other word; `mask: false` beside its source says that this is meant\n",
        ))
        .run();
}

#[test]
fn a_common_value_is_masked_and_told_by_its_field() {
    call("exec", "      A: Prod\n")
        .args("--mask -- sh -c").arg("echo \"A=$A B=$B\"")
        .stdout("A=*** B=\n")
        .stderr(concat!(
            "warning: the value of field `A` of integration `app` is a common one: every place it has in the log is masked\n",
            "  --> shippable.yml:6:10\n",
            "   6 |       A: ***\n",
            "     |          ^^^\n",
            "  hint: if it is no secret, `mask: false` beside its source turns that off: `{value: …, mask: false}`\n",
        ))
        .run();
}

#[test]
fn mask_false_turns_masking_off() {
    call("exec", "      A: {value: prod, mask: false}\n      B: {env: FROM, mask: no}\n")
        .env("FROM", "us-east-1")
        .args("--mask -- sh -c")
        .arg("echo \"A=$A B=$B\"")
        .stdout("A=prod B=us-east-1\n")
        .run();
}

#[test]
fn without_mask_nothing_is_said() {
    call("exec", "      A: \"1\"\n").args("-- true").run();
}

#[test]
fn the_plan_says_what_is_not_masked() {
    let output =
        call("run", "      A: {value: prod, mask: false}\n      B: s3cret\n").arg("--dry-run").output();
    let plan = String::from_utf8(output.stdout).unwrap();
    assert!(plan.contains("envs.A: from the YAML (not masked in the log: mask: false)\n"), "{plan}");
    assert!(plan.contains("envs.B: from the YAML\n"), "{plan}");
    assert!(plan.contains("  A=***  (") && !plan.contains("s3cret"), "{plan}");
}

#[test]
fn mask_is_true_or_false_and_no_source() {
    let hint = "`{value: text, mask: false}` is not masked in the log\n";
    for (written, error) in [
        ("{env: X, mask: maybe}", "`mask` of field `A` of integration `app` is true or false"),
        ("{mask: false}", "field `A` of integration `app` does not say where its value is"),
    ] {
        let output = call("exec", &format!("      A: {written}\n")).args("-- true").output();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.starts_with(&format!("error: {error}\n  --> shippable.yml:6:")), "{said}");
        assert!(said.ends_with(hint) && output.status.code() == Some(125), "{said}");
    }
}
