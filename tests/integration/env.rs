//! `shipctl env` and the lookups outside of a job.

use std::process::Command;

use crate::homes::Homes;
use crate::support::{Call, shipctl};

/// A line whose values are made to break.
fn awkward(function: &str) -> Call {
    shipctl(function)
        .file(
            "shippable.yml",
            "integrations:\n- name: kv\n  type: keyValuePair\n  fields:\n    envs:\n      A: {env: SOURCE_A}\n      B: {file: b.txt}\n      C: {command: [printf, ' c\\n\\n']}\n      D: {command: \"echo 'd'; echo noise >&2\"}\nresources:\n- {name: r, type: integration, integration: kv}\njobs:\n- {name: j, type: runSh, steps: [IN: r, TASK: [echo]]}\n",
        )
        .file("b.txt", "line 1\n  line '2' \"x\" $HOME `id` \\n \\\n\n")
        .env("SOURCE_A", "täglich \u{1f40e} ")
}

#[test]
fn every_value_survives_a_shell_byte_for_byte() {
    let call = awkward("env").args("j --format shell --reveal");
    let script = call.output().stdout;
    let printed = Command::new("bash")
        .arg("-c")
        .arg(format!("eval \"$1\"; {}", "printf '%s|' \"$A\" \"$B\" \"$C\" \"$D\" \"$R_INTEGRATION_B\""))
        .arg("bash")
        .arg(String::from_utf8(script).unwrap())
        .output()
        .unwrap();
    let b = "line 1\n  line '2' \"x\" $HOME `id` \\n \\\n";
    assert_eq!(String::from_utf8(printed.stdout).unwrap(), format!("täglich \u{1f40e} |{b}| c\n|d|{b}|"));
}

#[test]
fn secrets_are_masked_unless_they_are_asked_for() {
    for format in ["table", "shell", "dotenv", "json"] {
        let text = String::from_utf8(awkward("env").args("j --format").arg(format).output().stdout).unwrap();
        assert!(!text.contains("täglich") && !text.contains("line 1"), "{format}: {text}");
        assert!(text.contains("***"), "{format}: {text}");
    }
}

#[test]
fn json_holds_every_value() {
    let text = awkward("env").args("j --format json --reveal").output().stdout;
    let json: serde_json::Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(json["R_INTEGRATION_A"], "täglich \u{1f40e} ");
    assert_eq!(json["C"], " c\n");
    assert_eq!(json["R_OPERATION"], "IN");
    assert_eq!(json["JOB_NAME"], "j");
    assert_eq!(json["TASK_NAME"], "Task 0");
}

#[test]
fn a_lookup_outside_of_a_job_answers_from_the_yaml() {
    awkward("get_integration_resource_field").args("--job j r a").stdout("täglich \u{1f40e} \n").run();
    awkward("get_integration_resource_keys").args("r --job=j").stdout("name\nA\nB\nC\nD\n").run();
    awkward("get_resource_type").args("r --job j").stdout("integration\n").run();
}

#[test]
fn values_that_cannot_be_fetched_name_integration_field_and_place() {
    let line = |source: &str| {
        shipctl("env").args("--reveal j").file(
            "shippable.yml",
            format!(
                "integrations:\n- name: hook\n  type: slackKey\n  fields:\n    webhookUrl: {source}\njobs:\n- {{name: j, type: runSh, integrations: [hook], steps: [TASK: [echo]]}}\n"
            ),
        )
    };
    for (source, error) in [
        ("{env: NOT_SET}", "$NOT_SET is not set"),
        ("{file: none.txt}", "cannot read the file none.txt: No such file or directory (os error 2)"),
        ("{file: .}", "cannot read the file .: it is a directory"),
        ("{command: [none-such]}", "cannot run none-such: there is no such program here"),
        ("{command: 'echo s3cret; echo sorry >&2; exit 3'}", "sh failed (exit status: 3): sorry"),
        ("{secure: abc}", "what `secure:` holds is no text in the age format"),
    ] {
        let output = line(source).output();
        let stderr = String::from_utf8(output.stderr).unwrap();
        let expected =
            format!("error: integration `hook`, field `webhookUrl`: {error}\n  --> shippable.yml:5:");
        assert!(stderr.starts_with(&expected), "{stderr}");
        assert!(!stderr.contains("s3cret"), "{stderr}");
        assert_eq!(output.status.code(), Some(125));
    }
}

#[test]
fn a_command_of_the_line_runs_only_where_its_value_is_wanted() {
    let line = |command: &str| {
        shipctl(command).env("AK", "AKIA").file(
            "shippable.yml",
            "resources:
- {name: aws, type: integration, integration: keys}
integrations:
- name: keys
  type: amazonKeys
  fields: {accessKey: {env: AK}, secretKey: {command: 'echo x >> ran; echo s3cret'}}
jobs:
- {name: j, type: runSh, steps: [IN: aws, TASK: [echo]]}
",
        )
    };
    for (command, args) in [
        ("env", "j"),
        ("env", "j --format dotenv"),
        ("get_resource_name", "--job j aws"),
        ("get_integration_resource_field", "--job j aws accessKey"),
        ("policy", "j"),
        ("run", "j --dry-run"),
        ("check", ""),
        ("list", ""),
    ] {
        let call = line(command).args(args);
        call.output();
        assert!(!call.path("ran").exists(), "{command} {args}");
    }
    line("env").args("j").output();
    line("get_integration_resource_field").args("--job j aws secretKey").stdout("s3cret\n").run();
    for command in ["doctor", "scan ran"] {
        let (command, args) = command.split_once(' ').unwrap_or((command, ""));
        let call = line(command).args(args).file("ran", "");
        let said = String::from_utf8(call.output().stderr).unwrap();
        assert!(said.contains("shipctl: running sh, as shippable.yml:6:56 says\n"), "{said}");
        assert_eq!(std::fs::read_to_string(call.path("ran")).unwrap(), "x\n");
    }
}

#[test]
fn integrations_come_from_the_environment_where_no_file_has_them() {
    let line = "resources:\n- {name: aws, type: integration, integration: my-keys}\njobs:\n- {name: j, type: runSh, steps: [IN: aws]}\n";
    shipctl("get_integration_resource_field")
        .args("aws secretKey --job j")
        .file("shippable.yml", line)
        .env("SHIPCTL_INTEGRATION_MYKEYS_TYPE", "AWS Keys")
        .env("SHIPCTL_INTEGRATION_MYKEYS_ACCESSKEY", "AKIA")
        .env("SHIPCTL_INTEGRATION_MYKEYS_SECRETKEY", "s3cret")
        .stdout("s3cret\n")
        .run();
    let output = shipctl("env")
        .arg("j")
        .file("shippable.yml", line)
        .env("SHIPCTL_INTEGRATION_MYKEYS_TYPE", "amazonKeys")
        .env("SHIPCTL_INTEGRATION_MYKEYS_ACCESSKEY", "AKIA")
        .output();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("lacks the field `secretKey`"), "{stderr}");
    assert!(stderr.contains("hint: set SHIPCTL_INTEGRATION_MYKEYS_SECRETKEY"), "{stderr}");
}

#[test]
fn names_that_replace_others_get_a_warning() {
    let output = shipctl("env")
        .args("j --format json")
        .file(
            "shippable.yml",
            "resources:\n- {name: p, type: params, version: {params: {PATH: /x, LD_PRELOAD: y.so, JOB_NAME: z, FINE: 1}}}\njobs:\n- {name: j, type: runSh, steps: [IN: p]}\n",
        )
        .output();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let warnings: Vec<_> = stderr.lines().filter(|line| line.starts_with("warning: ")).collect();
    assert_eq!(
        warnings,
        [
            "warning: `PATH` of params p replaces $PATH, which changes how programs run",
            "warning: `LD_PRELOAD` of params p replaces $LD_PRELOAD, which changes how programs run",
            "warning: `JOB_NAME` of params p has the name of a variable of the job",
        ]
    );
}

#[test]
fn scripts_find_shipctl_along_the_path() {
    let (directory, homes) = (tempfile::tempdir().unwrap(), Homes::new());
    let at = |name: &str| directory.path().join(name);
    std::fs::write(at("shippable.yml"), "jobs:\n- {name: j, type: runSh, steps: [TASK: [echo]]}\n").unwrap();
    std::fs::create_dir(at("bin")).unwrap();
    let real = env!("CARGO_BIN_EXE_shipctl");
    for link in ["bin/shipctl", "ship"] {
        std::os::unix::fs::symlink(real, at(link)).unwrap();
    }
    let path = |program: &str, path: &str| {
        let mut command = Command::new(program);
        homes.give(&mut command);
        let command =
            command.args(["exec", "j", "--", "printenv", "JOB_PATH", "PATH"]).current_dir(directory.path());
        let output = command.env("PATH", path).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        let printed = String::from_utf8(output.stdout).unwrap();
        let (job_path, path) = printed.trim_end().split_once('\n').unwrap();
        // What `source shipctl` means comes first.
        path.strip_prefix(&format!("{job_path}/scripts:")).unwrap().to_owned()
    };
    let (usual, bin) = ("/usr/bin:/bin", at("bin").display().to_string());
    let own = std::path::Path::new(real).parent().unwrap().display();
    // Its directory comes last, unless it is there already; a link along the path will do.
    assert_eq!(path(real, usual), format!("{usual}:{own}"));
    assert_eq!(path(real, &format!("{own}:{usual}")), format!("{own}:{usual}"));
    assert_eq!(path("shipctl", &format!("{bin}/:{usual}")), format!("{bin}/:{usual}"));
    assert_eq!(path(&format!("{bin}/shipctl"), usual), format!("{usual}:{bin}"));
    // Called otherwise, or by a path that means nothing elsewhere, it looks where it really lies.
    assert_eq!(path(at("ship").to_str().unwrap(), usual), format!("{usual}:{own}"));
    assert_eq!(path("./ship", usual), format!("{usual}:{own}"));
    assert_eq!(path("bin/shipctl", usual), format!("{usual}:{own}"));
}

#[test]
fn a_variable_that_bash_reads_for_itself_is_a_warning_wherever_it_is_set() {
    let yaml = "resources:\n- {name: p, type: params, version: {params: {SHELLOPTS: xtrace}}}\njobs:\n- name: j\n  type: runSh\n  steps:\n  - IN: p\n  - TASK: {runtime: {options: {env: [BASHOPTS: nullglob]}}, script: [echo]}\n";
    let output = shipctl("env").args("j -e BASH_ENV=x").file("shippable.yml", yaml).output();
    let said = String::from_utf8(output.stderr).unwrap();
    for part in [
        "`SHELLOPTS` of params p replaces $SHELLOPTS, which changes how programs run\n  --> shippable.yml:2:",
        "-e BASH_ENV=… sets $BASH_ENV, which changes how bash runs the scripts\n",
        "`BASHOPTS` of a TASK's `env` sets $BASHOPTS, which changes how bash runs the scripts\n  --> shippable.yml:8:",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn a_scalar_seed_is_one_variable() {
    let yaml = "resources:\n- {name: v, type: version, seed: 1.10}\njobs:\n- {name: j, type: runSh, steps: [IN: v, TASK: [echo]]}\n";
    let output = shipctl("env").args("j --format json").file("shippable.yml", yaml).output();
    let values: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(values["V_SEED"], "1.10");
}

#[test]
fn no_server_is_asked_for_what_is_masked() {
    // Nobody listens there: to ask would fail.
    let yaml = "resources:\n- {name: repo, type: gitRepo, pointer: {sourceName: acme/nowhere}, integration: gh}\n- {name: p, type: params, version: {params: {REGION: eu}}}\nintegrations:\n- {name: gh, type: github, fields: {token: {value: ghp_example0001}, url: \"http://127.0.0.1:1\"}}\njobs:\n- {name: j, type: runSh, steps: [IN: repo, IN: p, TASK: [echo]]}\n";
    let output = shipctl("env").args("j --format shell").file("shippable.yml", yaml).output();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8(output.stdout).unwrap().contains("export REGION='eu'\n"));
}
