//! The line as a pipeline of another system that needs no shipctl there.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::line::{Line, text};

const LINE: &str = "integrations:
- {name: hooks, type: webhook, fields: {webhookURL: {env: HOOK_URL}, authorization: hunter2-token}}
resources:
- {name: hook, type: integration, integration: hooks}
- {name: lost, type: integration, integration: elsewhere}
- {name: res, type: params, version: {params: {STAGE: none, PRICE: '5 ${{ x }} $HOME'}}}
- {name: app, type: image, pointer: {sourceName: acme/app}, seed: {versionName: '1'}}
- {name: code, type: gitRepo, integration: hub, pointer: {sourceName: acme/code, branch: main}}
jobs:
- name: first
  type: runSh
  runtime: {timeoutMinutes: 30}
  steps:
  - {IN: hook}
  - {IN: lost}
  - {OUT: res}
  - TASK:
    - script: 'curl $HOOK_INTEGRATION_WEBHOOKURL -u $LOST_INTEGRATION_PASSWORD'
    - script: 'shipctl put_resource_state res STAGE made; echo ${{ not }}'
  on_failure: ['echo failed']
  always: ['echo always']
- {name: list, type: manifest, steps: [{IN: first}, {IN: app}]}
- {name: last, type: runSh, steps: [{IN: list}, {IN: res}, {IN: code}, {TASK: {runtime: {options: {imageName: acme/tools, imageTag: 2}}, script: 'cat version.json'}}]}
- {name: gone, type: dclDeploy, steps: [{IN: last}]}
";

/// What is printed for a system, the same each time, and what is said.
fn export(line: &Line, system: &str) -> (String, String) {
    let first = line.try_to(&format!("export {system} --standalone"));
    let second = line.try_to(&format!("export {system} --standalone"));
    assert_eq!(first.status.code(), Some(0), "{}", text(&first.stderr));
    assert_eq!(first.stdout, second.stdout);
    (text(&first.stdout), text(&first.stderr))
}

fn holds(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
}

#[test]
fn jobs_become_jobs_that_do_without_us() {
    let (yaml, said) = export(&Line::new(LINE), "github");
    holds(
        &yaml,
        &[
            "\n  first:\n    runs-on: ubuntu-latest\n    timeout-minutes: 30\n",
            "      HOOK_INTEGRATION_WEBHOOKURL: \"${{ secrets.HOOK_URL }}\"\n",
            "      HOOK_INTEGRATION_AUTHORIZATION: \"${{ secrets.HOOKS_AUTHORIZATION }}\"\n",
            "      LOST_INTEGRATION_PASSWORD: \"${{ secrets.ELSEWHERE_PASSWORD }}\"\n",
            "echo ${{ '${{' }} not }}\n",
            "        if: ${{ failure() }}\n        run: |\n          echo failed\n",
            "        if: ${{ always() }}\n        run: |\n          echo always\n",
            // What cannot be turned stands in between like air.
            "\n  last:\n    runs-on: ubuntu-latest\n    needs: [first]\n    container: \"acme/tools:2\"\n",
            "          name: state-first\n          path: states/first\n",
            "      PRICE: \"5 ${{ '${{' }} x }} $HOME\"\n",
            "clone -q --branch main 'https://github.com/acme/code.git' \"$root\"/IN/code/gitRepo\n",
            "#   - job list: what a job of type manifest does, the service did itself\n",
        ],
    );
    for text in [&yaml, &said] {
        assert!(!text.contains("hunter2"), "{text}");
    }
    holds(
        &said,
        &[
            "warning: job `list`: what a job of type manifest does, the service did itself\n  --> shippable.yml:22:22\n",
            "warning: job `last`: its scripts read version.json, which is not there\n",
            "warning: job `gone`: Docker Cloud no longer exists\n",
            "shipctl: turned 2 of 4 jobs, 0 of them whole\n",
            "  HOOK_URL             integration hooks, field webhookURL\n",
            "  ELSEWHERE_PASSWORD   integration elsewhere, field PASSWORD\n",
        ],
    );
    let (yaml, _) = export(&Line::new(LINE), "gitlab");
    holds(
        &yaml,
        &[
            "\nfirst:\n  timeout: 30m\n  needs: []\n",
            "      export HOOK_INTEGRATION_WEBHOOKURL=\"${HOOK_URL-}\"\n",
            "      export PRICE='5 ${{ x }} $HOME'\n",
            "      if [ $status != 0 ]; then (\n",
            "\nlast:\n  image: \"acme/tools:2\"\n  needs: [first]\n",
        ],
    );
    assert!(!yaml.contains("hunter2"), "{yaml}");
}

#[test]
fn a_line_of_which_nothing_can_be_turned_is_an_error() {
    let line = Line::new(
        "resources: [{name: app, type: image, version: {versionName: '1'}}]\njobs: [{name: list, type: manifest, steps: [{IN: app}]}]\n",
    );
    for (args, said) in [
        ("export gitlab --standalone", "error: no job of the line can be turned"),
        ("export buildkite --standalone", "error: --standalone writes pipelines of GitHub and GitLab"),
    ] {
        let output = line.try_to(args);
        assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(125), ""));
        assert!(text(&output.stderr).contains(said), "{}", text(&output.stderr));
    }
}

#[test]
fn the_matrix_of_a_build_is_one_there() {
    let yaml = "language: none\nenv:\n  global: [ALL=1]\n  matrix: [N=1, N=2]\nmatrix: {allow_failures: [{env: N=2}]}\nbuild: {ci: ['echo $N']}\njobs: [{name: app_runCI, type: runCI, steps: [{IN: app_repo}]}]\nresources: [{name: app_repo, type: ciRepo}]\n";
    let line = Line::new(yaml);
    let (github, _) = export(&line, "github");
    holds(
        &github,
        &[
            "          - entry: \"N=2\"\n            may_fail: true\n",
            "            N: \"2\"\n",
            "    continue-on-error: ${{ matrix.may_fail == true }}\n",
            "      ALL: \"1\"\n",
            "      N: ${{ matrix.N }}\n",
            "          path: job/IN/app_repo/gitRepo\n",
            "        working-directory: job/IN/app_repo/gitRepo\n",
        ],
    );
    let (gitlab, _) = export(&line, "gitlab");
    holds(&gitlab, &["\napp_runCI_2:\n  needs: []\n  allow_failure: true\n", "      export N=2\n"]);
}

/// The script that stands in for shipctl, as the pipeline writes it.
fn stand_in(line: &Line) -> String {
    let (yaml, _) = export(line, "gitlab");
    let script =
        yaml.split_once("<<'END_OF_FUNCTIONS'\n").unwrap().1.split_once("END_OF_FUNCTIONS").unwrap().0;
    script.lines().map(|line| line.strip_prefix("  ").unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

#[test]
fn its_functions_do_what_ours_do() {
    let line = Line::new(LINE);
    fs::write(line.path("stand-in"), stand_in(&line)).unwrap();
    for directory in ["state", "previousState", "IN/res/params", "OUT/res/params"] {
        fs::create_dir_all(line.path(directory)).unwrap();
    }
    let document = r#"{"version": {"propertyBag": {"params": {"STAGE": "made", "A": "b=c"}}}}"#;
    fs::write(line.path("IN/res/version.json"), document).unwrap();
    fs::write(line.path("IN/res/version.env"), "STAGE=none\nA=b=c\nSTAGE=made\n").unwrap();
    fs::write(line.path("template"), "a $STAGE ${STAGE} $5 ${STAGE:-x} $none-\n").unwrap();
    fs::write(line.path("IN/res/params/old"), "old").unwrap();
    let root = line.path("").display().to_string();
    let run = |program: &[&str], call: &str| {
        let state = line.path("state/res.env");
        _ = fs::remove_file(&state);
        fs::write(line.path("state/res.env"), "K=1\n").unwrap();
        fs::copy(line.path("template"), line.path("filled")).unwrap();
        let output = Command::new("sh")
            .args(["-c", &format!("\"$@\" {call}"), "sh"])
            .args(program)
            .current_dir(line.path(""))
            .envs([("JOB_PATH", root.as_str()), ("JOB_NAME", "x"), ("RES_META", &format!("{root}/IN/res"))])
            .envs([
                ("JOB_STATE", format!("{root}/state")),
                ("JOB_PREVIOUS_STATE", format!("{root}/previousState")),
            ])
            .envs([
                ("RES_TYPE", "params"),
                ("RES_STATE", "/s"),
                ("RES_VERSIONNAME", "v 1"),
                ("STAGE", "s/'$1"),
            ])
            .envs([("RES_PARAMS_STAGE", "made"), ("RES_INTEGRATION_WEBHOOKURL", "u"), ("RES_POINTER_A", "p")])
            .output()
            .unwrap();
        let copied = fs::read_to_string(line.path("OUT/res/params/old")).unwrap_or_default();
        _ = fs::remove_file(line.path("OUT/res/params/old"));
        let stored = fs::read_to_string(state).unwrap();
        let filled = fs::read_to_string(line.path("filled")).unwrap();
        (output.status.code(), text(&output.stdout), stored, filled, copied)
    };
    let stand_in = line.path("stand-in").display().to_string();
    for call in [
        "get_resource_name my-res.1",
        "get_resource_meta res",
        "get_resource_path res",
        "get_resource_type res",
        "get_resource_version_name res",
        "get_resource_version_number res",
        "get_resource_version_key res params.STAGE",
        "get_resource_version_key res params.A",
        "get_params_resource res stage",
        "get_params_resource res none",
        "get_integration_resource_field res webhookURL",
        "get_resource_env res pointer_a",
        "sanitize_shippable_string 'a-b c_1'",
        "to_uppercase 'a-b c_1'",
        "put_resource_state res KEY 'two words'",
        "post_resource_state res KEY value",
        "put_resource_state_multi res 'A=1 B=two words C=3'",
        "post_resource_state_multi res A=1 B=2",
        "copy_file_from_resource_state res old OUT/res/params",
        "copy_file_to_resource_state old res",
        "bump_version v1.2.3 minor",
        "bump_version 1.2.3-rc.1 final",
        "bump_version 1.2 minor",
        "replace filled",
        "retry false",
        "retry true",
    ] {
        let ours = run(&[env!("CARGO_BIN_EXE_shipctl")], call);
        assert_eq!(run(&["bash", &stand_in], call), ours, "{call}");
    }
}

/// Jobs that were turned end as they do here, with the same values: each in a checkout of its own.
#[test]
fn a_turned_line_ends_as_the_line_does() {
    let has_yaml =
        Command::new("python3").args(["-c", "import yaml"]).status().is_ok_and(|status| status.success());
    if !has_yaml {
        eprintln!("python3 has no yaml: not run");
        return;
    }
    let line = Line::new(
        "resources: [{name: res, type: params, version: {params: {A: none}}}]
jobs:
- {name: a, type: runSh, steps: [{TASK: ['exit 0', 'echo not'] }, {TASK: ['shipctl put_resource_state a versionName v7; echo one > $JOB_STATE/file; false | true']}]}
- {name: b, type: runSh, steps: [{IN: a}, {TASK: ['shipctl put_resource_state res A $(cat $A_STATE/file)']}, {OUT: res}], on_success: ['echo good > $JOB_STATE/good'], always: ['exit 3']}
- {name: bad, type: runSh, steps: [{IN: a}, {TASK: [exit 7]}, {TASK: ['touch $JOB_STATE/not']}], on_failure: ['echo bad > $JOB_STATE/told'], on_success: ['touch $JOB_STATE/not']}
- {name: d, type: runSh, steps: [{IN: b}, {IN: res}, {TASK: ['test \"$A $RES_PARAMS_A $A_VERSIONNAME\" = \"one one \"; test \"$(cat $B_STATE/good)\" = good; test \"$(pwd)\" = \"$JOB_PATH\"']}]}
",
    );
    let (yaml, _) = export(&line, "gitlab");
    fs::write(line.path("pipeline.yml"), &yaml).unwrap();
    let read = "import json, sys, yaml; print(json.dumps(yaml.safe_load(open('pipeline.yml'))))";
    let read = Command::new("python3").args(["-c", read]).current_dir(line.path("")).output().unwrap();
    let pipeline: Value = serde_json::from_slice(&read.stdout).unwrap();
    for (name, status) in [("a", 0), ("b", 0), ("bad", 7), ("d", 0)] {
        let job = &pipeline[name];
        let checkout = line.path(&format!("checkout-{name}"));
        fs::create_dir_all(&checkout).unwrap();
        let needs = job["needs"].as_array().unwrap().iter().map(|need| need.as_str().unwrap());
        let mut script: String = needs
            .map(|need| format!("mkdir -p states; cp -r ../checkout-{need}/states/{need} states/\n"))
            .collect();
        script += "set -eo pipefail\n";
        for part in job["before_script"].as_array().unwrap().iter().chain(job["script"].as_array().unwrap()) {
            script += part.as_str().unwrap();
            script.push('\n');
        }
        let output = Command::new("bash")
            .args(["--noprofile", "--norc", "-c", &script])
            .current_dir(&checkout)
            .envs([("CI_PIPELINE_IID", "4"), ("GITLAB_USER_LOGIN", "me")])
            .output()
            .unwrap();
        assert_eq!(
            output.status.code(),
            Some(status),
            "{name}: {}{}",
            text(&output.stdout),
            text(&output.stderr)
        );
    }
    let told = line.path("checkout-bad/states/bad/state");
    assert_eq!(fs::read_to_string(told.join("told")).unwrap(), "bad\n");
    assert!(!told.join("not").exists());
}
