//! `shipctl check`: every problem at once, with its place, its line and what to do.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::shipctl;

#[test]
fn a_good_line_has_no_problems() {
    shipctl("check")
        .file(
            "shippable.yml",
            "resources:\n  - name: r\n    type: params\njobs:\n  - name: j\n    type: runSh\n    steps:\n      - IN: r\n      - TASK:\n          script: echo hi\n",
        )
        .stdout("1 file: 1 job and 1 resource, no problems\n")
        .run();
}

#[test]
fn a_wrong_key_is_a_warning_that_says_what_was_meant() {
    shipctl("check")
        .file("shippable.yml", "resources:\n  - name: r\n    type: params\n    intergration: x\n")
        .stdout(
            "warning: unknown key `intergration` of resource `r`\n  --> shippable.yml:4:5\n   4 |     intergration: x\n     |     ^^^^^^^^^^^^\n  hint: did you mean `integration`?\n  rule: unknown-key\n\n1 file: 0 errors, 1 warning\n",
        )
        .run();
}

#[test]
fn a_type_that_is_almost_right_is_a_warning_and_cannot_run() {
    let yaml = "jobs:\n  - {name: a, type: runsh, steps: [TASK: [echo]]}\n  - {name: b, type: rSync}\n";
    shipctl("check")
        .file("shippable.yml", yaml)
        .stdout(
            "warning: job `a` is of type `runsh`, which is unknown\n  --> shippable.yml:2:21\n   2 |   - {name: a, type: runsh, steps: [TASK: [echo]]}\n     |                     ^^^^^\n  hint: did you mean `runSh`?\n  rule: unknown-type\n\n1 file: 0 errors, 1 warning\n",
        )
        .run();
    shipctl("run")
        .arg("a")
        .file("shippable.yml", yaml)
        .stderr(
            "error: job `a` is of type `runsh`, and shipctl runs runSh jobs\n  --> shippable.yml:2:21\n   2 |   - {name: a, type: runsh, steps: [TASK: [echo]]}\n     |                     ^^^^^\n  hint: did you mean `runSh`?\n",
        )
        .status(125)
        .run();
}

#[test]
fn a_type_of_a_resource_that_is_almost_right_is_a_warning_in_a_run_too() {
    let yaml = "resources:\n  - {name: r, type: parms, version: {params: {A: b}}}\n  - {name: own, type: recipe}\n\
                jobs:\n  - {name: a, type: runSh, steps: [IN: r, IN: own, TASK: ['true']]}\n";
    let warning = "warning: resource `r` is of type `parms`, which is unknown\n  --> shippable.yml:2:21\n   2 |   - {name: r, type: parms, version: {params: {***: ***}}}\n     |                     ^^^^^\n  hint: did you mean `params`?\n";
    shipctl("check")
        .file("shippable.yml", yaml)
        .stdout(format!("{warning}  rule: unknown-type\n\n1 file: 0 errors, 1 warning\n"))
        .run();
    let output = shipctl("run").args("a --dry-run").file("shippable.yml", yaml).output();
    assert_eq!(String::from_utf8_lossy(&output.stderr), warning);
}

#[test]
fn a_step_in_other_letters_is_a_warning_that_says_how_it_is_written() {
    shipctl("check")
        .file("shippable.yml", "jobs:\n  - {name: a, type: runSh, steps: [In: r, TASK: ['true']]}\n")
        .stdout(
            "warning: unknown key `In` of a step\n  --> shippable.yml:2:36\n   2 |   - {name: a, type: runSh, steps: [In: r, TASK: ['true']]}\n     |                                    ^^\n  hint: did you mean `IN`?\n  rule: unknown-key\n\n1 file: 0 errors, 1 warning\n",
        )
        .run();
}

#[test]
fn a_name_declared_twice_is_an_error_that_shows_both_places() {
    shipctl("check")
        .file("shippable.jobs.yml", "jobs:\n  - name: a\n    type: runSh\n")
        .file("shippable.resources.yml", "resources:\n  - name: a\n    type: params\n")
        .stdout(
            "error: name `a` is declared twice\n  --> shippable.jobs.yml:2:11\n   2 |   - name: a\n     |           ^\n  --> shippable.resources.yml:2:11: the first\n   2 |   - name: a\n     |           -\n  hint: rename or remove one of them\n  rule: declared-twice\n\n2 files: 1 error, 0 warnings\n",
        )
        .status(1)
        .run();
}

#[test]
fn jobs_that_wait_for_each_other_are_an_error() {
    shipctl("check")
        .file(
            "shippable.yml",
            "jobs:\n- {name: a, type: runSh, steps: [IN: c]}\n- {name: b, type: runSh, steps: [IN: a]}\n- {name: c, type: runSh, steps: [IN: b]}\n",
        )
        .stdout(
            "error: jobs wait for each other: a → c → b → a\n  --> shippable.yml:2:38\n   2 | - {name: a, type: runSh, steps: [IN: c]}\n     |                                      ^\n",
        )
        .starts()
        .status(1)
        .run();
}

#[test]
fn what_may_live_elsewhere_is_a_warning() {
    shipctl("check")
        .file(
            "shippable.yml",
            "resources:\n  - name: settings\n    type: params\njobs:\n  - name: j\n    type: runSh\n    steps:\n      - IN: setings\n      - TASK: [echo]\n",
        )
        .stdout(
            "warning: job `j` takes `setings` IN, which is declared nowhere\n  --> shippable.yml:8:13\n   8 |       - IN: setings\n     |             ^^^^^^^\n  hint: did you mean `settings`?\n  rule: undeclared\n\n1 file: 0 errors, 1 warning\n",
        )
        .run();
}

#[test]
fn replicas_of_what_does_not_go_in_are_errors() {
    shipctl("check")
        .file(
            "shippable.yml",
            "resources:\n- {name: r, type: state}\njobs:\n- name: j\n  type: runSh\n  steps:\n  - TASK: [echo]\n  - {OUT: r, replicate: q}\n",
        )
        .stdout(
            "error: `r` is to be a replica of `q`, which is no IN of job `j`\n  --> shippable.yml:8:25\n   8 |   - {OUT: r, replicate: q}\n     |                         ^\n  hint: add the step `- IN: q`\n  rule: replica\n\n1 file: 1 error, 0 warnings\n",
        )
        .status(1)
        .run();
}

#[test]
fn a_resource_that_starts_its_own_job_is_a_warning_and_state_is_not() {
    let line = |kind: &str| {
        format!(
            "resources:\n- {{name: r, type: {kind}}}\njobs:\n- name: j\n  type: runSh\n  steps:\n  - IN: r\n  - TASK: [echo]\n  - OUT: r\n"
        )
    };
    shipctl("check")
        .file("shippable.yml", line("state"))
        .stdout("1 file: 1 job and 1 resource, no problems\n")
        .run();
    shipctl("check")
        .file("shippable.yml", line("params"))
        .stdout("warning: job `j` takes `r` IN and puts it OUT: each new version starts it again\n  --> shippable.yml:7:9\n")
        .starts()
        .run();
}

#[test]
fn values_of_integrations_are_never_shown() {
    let call = shipctl("check").file(
        "shippable.integrations.yml",
        "integrations:\n  - name: a\n    type: amazonKeys\n    fields:\n      accessKey: hunter2\n      secretKye: hunter3\n",
    );
    // That others may read them is a warning of its own.
    fs::set_permissions(call.path("shippable.integrations.yml"), fs::Permissions::from_mode(0o600)).unwrap();
    call.stdout(
        "error: integration `a` has a field `secretKye` that AWS Keys does not know\n  --> shippable.integrations.yml:6:7\n   6 |       secretKye: ***\n     |       ^^^^^^^^^\n  hint: did you mean `secretKey`?\n  rule: integration-field\n\n1 file: 1 error, 0 warnings\n",
    )
    .status(1)
    .run();
}

#[test]
fn machines_get_json() {
    shipctl("check")
        .args("--format json line.yml")
        .file("line.yml", "jobs:\n  - type: runSh\n")
        .stdout(
            "{\n  \"errors\": 1,\n  \"warnings\": 0,\n  \"diagnostics\": [\n    {\n      \"rule\": \"invalid\",\n      \"severity\": \"error\",\n      \"message\": \"a job without a name\",\n      \"hint\": \"add `name: …`\",\n      \"related\": [],\n      \"file\": \"line.yml\",\n      \"line\": 2,\n      \"column\": 5\n    }\n  ]\n}\n",
        )
        .status(1)
        .run();
}

#[test]
fn merge_keys_and_anchors_of_templates_work_across_files() {
    shipctl("check")
        .file("shippable.templates.yml", "script: &script\n  - echo one\n  - echo two\nbase: &base\n  type: runSh\n  stepz: []\n")
        .file("shippable.jobs.yml", "jobs:\n  - name: j\n    <<: *base\n    steps:\n      - TASK:\n          script: *script\n")
        .stdout(
            "warning: unknown key `stepz` of job `j`\n  --> shippable.templates.yml:6:3\n   6 |   stepz: []\n     |   ^^^^^\n  hint: did you mean `steps`?\n  rule: unknown-key\n\n2 files: 0 errors, 1 warning\n",
        )
        .run();
}

#[test]
fn an_anchor_of_a_list_stands_among_the_parts_of_a_task_and_of_a_section() {
    let ran = shipctl("run")
        .args("j")
        .file("shippable.templates.yml", "common: &common\n  - script: echo one\n  - script: [echo two]\n")
        .file("shippable.jobs.yml", "jobs:\n- name: j\n  type: runSh\n  steps:\n  - TASK:\n    - *common\n    - script: echo three\n  always:\n  - *common\n")
        .output();
    let log = String::from_utf8(ran.stdout).unwrap();
    let said: Vec<_> = log.lines().filter(|line| matches!(*line, "one" | "two" | "three")).collect();
    assert_eq!(said, ["one", "two", "three", "one", "two"], "{log}");
}

#[test]
fn a_task_whose_script_is_misspelt_does_not_run_as_a_success() {
    let line = |task: &str| {
        shipctl("run")
            .arg("j")
            .file("shippable.yml", format!("jobs:\n- name: j\n  type: runSh\n  steps:\n  - TASK: {task}\n"))
    };
    line("{scripts: [echo hi]}")
        .stderr("error: a TASK of job `j` has no script\n  --> shippable.yml:5:5\n")
        .starts()
        .status(125)
        .run();
    assert!(line("{script: []}").output().status.success());
}

#[test]
fn integrations_that_are_declared_nowhere_are_one_warning() {
    shipctl("check")
        .file("shippable.yml", "resources:\n- {name: a, type: integration, integration: keys}\n- {name: b, type: integration, integration: more}\n")
        .stdout("warning: no integrations are declared; jobs need: keys, more\n  --> shippable.yml:2:45\n")
        .starts()
        .run();
}

#[test]
fn a_run_tells_of_what_has_no_effect_in_its_own_yaml() {
    let line = "resources:\n- {name: a, type: params, verison: {}}\n- {name: b, type: params, seeds: {}}\njobs:\n- name: j\n  type: runSh\n  steps:\n  - IN: a\n  - TASK: [echo hi]\n  on_sucess: [echo]\n";
    let output = shipctl("run").arg("j").file("shippable.yml", line).output();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let warnings: Vec<_> = stderr.lines().filter(|line| line.starts_with("warning: ")).collect();
    assert_eq!(
        warnings,
        ["warning: unknown key `verison` of resource `a`", "warning: unknown key `on_sucess` of job `j`"]
    );
}

#[test]
fn a_line_of_a_script_that_became_a_map_is_an_error_everywhere() {
    for steps in [
        "  steps:\n  - TASK:\n    - echo one\n    - notify finished: yes\n",
        "  steps:\n  - TASK:\n    - script: echo one\n    - echo finished: yes\n",
        "  steps: [TASK: [echo]]\n  on_success:\n  - echo finished: yes\n",
        "  steps: [TASK: [echo]]\n  always:\n    echo finished: yes\n",
        "  steps: [TASK: [echo]]\n  on_failure:\n  - script:\n    - echo finished: yes\n",
    ] {
        for command in ["check", "run"] {
            let call = shipctl(command).args(if command == "run" { "j --workspace w" } else { "" });
            let output =
                call.file("shippable.yml", format!("jobs:\n- name: j\n  type: runSh\n{steps}")).output();
            let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
            assert!(
                said.contains("is a text or a list of texts, and this is a map\n  --> shippable.yml:"),
                "{said}"
            );
            assert!(
                said.contains("hint: a line with `: ` in it is a map to YAML: put it into quotes"),
                "{said}"
            );
            assert_eq!(output.status.code(), Some(if command == "run" { 125 } else { 1 }), "{said}");
        }
    }
    // What is misspelt is no line of a script.
    shipctl("check")
        .file(
            "shippable.yml",
            "jobs:\n- {name: j, type: runSh, steps: [TASK: [{script: echo}, {scripts: echo}]]}\n",
        )
        .stdout("warning: unknown key `scripts` of a TASK\n")
        .starts()
        .run();
}

#[test]
fn keys_that_come_out_the_same_are_an_error_that_shows_both_places() {
    for (yaml, error, places) in [
        (
            "integrations:\n- name: k\n  type: keyValuePair\n  fields:\n    envs:\n      db-pass: a1\n      dbpass: {env: X}\njobs:\n- {name: j, type: runSh, integrations: [k], steps: [TASK: [echo]]}\n",
            "error: the keys `db-pass` and `dbpass` of `envs` of integration `k` have the same variable: …_DBPASS\n",
            ["  --> shippable.yml:7:7\n", "  --> shippable.yml:6:7: `db-pass`\n"],
        ),
        (
            "resources:\n- name: p\n  type: params\n  version:\n    params:\n      a.b: 1\n      ab: 2\njobs:\n- {name: j, type: runSh, steps: [IN: p, TASK: [echo]]}\n",
            "error: the keys `a.b` and `ab` of the params of `p` have the same variable: …_AB\n",
            ["  --> shippable.yml:7:7\n", "  --> shippable.yml:6:7: `a.b`\n"],
        ),
        (
            "resources:\n- name: p\n  type: image\n  pointer:\n    a:\n      b: [1]\n    a_b_0: 2\njobs:\n- {name: j, type: runSh, steps: [IN: p, TASK: [echo]]}\n",
            "error: the keys `a.b.0` and `a_b_0` of the pointer of `p` have the same variable: …_A_B_0\n",
            ["  --> shippable.yml:7:5\n", "  --> shippable.yml:6:7: `a.b.0`\n"],
        ),
    ] {
        for command in ["check", "run", "env"] {
            let args = if command == "check" { "" } else { "j" };
            let output = shipctl(command).args(args).file("shippable.yml", yaml).output();
            let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
            assert!(said.contains(error) && places.iter().all(|place| said.contains(place)), "{said}");
            assert_eq!(output.status.code(), Some(if command == "check" { 1 } else { 125 }));
            assert!(!said.contains("a1"), "{said}");
        }
    }
}

#[test]
fn a_key_of_two_integrations_of_a_job_is_a_warning() {
    let yaml = "integrations:\n- {name: a, type: keyValuePair, fields: {envs: {TOKEN: one1, X: two2}}}\n- {name: b, type: keyValuePair, fields: {envs: {TOKEN: three3}}}\njobs:\n- {name: j, type: runSh, integrations: [a, b], steps: [TASK: [echo]]}\n- {name: k, type: runSh, integrations: [a], steps: [TASK: [echo]]}\n";
    let warning = "warning: `TOKEN` is a key of integration `a` and of `b`: job `j` gets one of the two\n  --> shippable.yml:3:49\n";
    for call in ["check", "env j", "run j --dry-run"] {
        let (command, args) = call.split_once(' ').unwrap_or((call, ""));
        let output = shipctl(command).args(args).file("shippable.yml", yaml).output();
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        assert!(said.contains(warning) && output.status.success(), "{said}");
    }
    let output = shipctl("env").args("k").file("shippable.yml", yaml).output();
    assert!(output.stderr.is_empty());
}

#[test]
fn check_tells_what_a_run_would_warn_of() {
    let yaml = "resources:\n- name: p\n  type: params\n  version:\n    params:\n      secure: abcdefghijklmnopqrstuvwxyz0123456789\n      PATH: /bin\n      JOB_NAME: x\n- {name: i, type: image, pointer: {sourceName: \"a/$NOWHERE\"}}\njobs:\n- {name: j, type: runSh, steps: [IN: p, TASK: [echo]]}\n- {name: k, type: runSh, steps: [IN: i, TASK: [echo]]}\n- {name: l, type: runSh, steps: [IN: p, TASK: [echo]]}\n";
    let output = shipctl("check").file("shippable.yml", yaml).output();
    let said = String::from_utf8(output.stdout).unwrap();
    for warning in [
        "warning: the encrypted params of `p` cannot be opened: their variables are not set\n  --> shippable.yml:6:",
        "warning: `PATH` of params p replaces $PATH, which changes how programs run\n  --> shippable.yml:7:7\n",
        "warning: `JOB_NAME` of params p has the name of a variable of the job\n  --> shippable.yml:8:7\n",
        "warning: `i` refers to $NOWHERE, which is not set: it becomes empty\n  --> shippable.yml:9:",
        "1 file: 0 errors, 4 warnings\n",
    ] {
        assert!(said.contains(warning), "{warning}: {said}");
    }
}

#[test]
fn a_directory_is_no_file() {
    shipctl("check")
        .args("-f .")
        .status(1)
        .stdout("error: cannot read .: it is a directory\n  hint: name the files in it, or go there with -C\n\n0 files: 1 error, 0 warnings\n")
        .run();
}

#[test]
fn one_mistake_is_told_once() {
    let yaml = "jobs:\n- name: j\n  type: runSh\n  steps:\n  - TASK: [echo]\n  - on_success: [echo]\n";
    shipctl("check")
        .file("shippable.yml", yaml)
        .stdout("warning: unknown key `on_success` of a step\n  --> shippable.yml:6:5\n   6 |   - on_success: [echo]\n     |     ^^^^^^^^^^\n  hint: it belongs to the job: it stands in the column of `steps:`\n  rule: unknown-key\n\n1 file: 0 errors, 1 warning\n")
        .run();
}

#[test]
fn a_hint_is_not_given_up_for_a_name_that_was_not_meant() {
    let yaml = "resources:\n- {name: app-man, type: params}\njobs:\n- {name: j, type: runSh, steps: [{IN: app-img}, {TASK: [echo]}]}\n";
    let output = shipctl("run").arg("j").file("shippable.yml", yaml).output();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("hint: declare it under `resources:` or `jobs:`, or add the file that does with -f\n"),
        "{said}"
    );
}

#[test]
fn a_name_that_is_written_openly_is_shown() {
    // The comment stands where values are secret; the name stands in another file as well.
    let output = shipctl("run")
        .args("ship -n")
        .file("shippable.integrations.yml", "integrations:\n# of production-cluster\n- name: keys\n  type: aws\n  fields: {accessKey: AKIAMADEUP, secretKey: s3cret-key}\n")
        .file("shippable.yml", "resources:\n- {name: production-cluster, type: cluster, integration: keys, pointer: {sourceName: x}}\n- {name: i, type: image, pointer: {sourceName: a/b}, seed: {versionName: '1'}}\njobs:\n- {name: m, type: manifest, steps: [{IN: i}]}\n- {name: ship, type: deploy, steps: [{IN: m}, {IN: production-cluster}]}\n")
        .output();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("`production-cluster`") && !said.contains("***"), "{said}");
}
