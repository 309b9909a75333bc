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
- {name: list, type: deploy, steps: [{IN: first}, {IN: app}]}
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
            "#   - job list: job `list` deploys to no cluster\n",
        ],
    );
    for text in [&yaml, &said] {
        assert!(!text.contains("hunter2"), "{text}");
    }
    holds(
        &said,
        &[
            "warning: job `list`: job `list` deploys to no cluster\n  --> shippable.yml:22:10\n",
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
    let line = Line::new("jobs: [{name: list, type: manifest, steps: []}]\n");
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
        "bump_version v1.2.3 beta",
        "bump_version 1.2.3-rc rc",
        "bump_version 1.2.3-rc.9 rc",
        "bump_version 1.2.3-alpha.beta alpha",
        "bump_version 1.2.3-alpha.4 rc",
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
    if !has_yaml() {
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
    run_in_gitlab(&line, &[("a", 0), ("b", 0), ("bad", 7), ("d", 0)], "");
    let told = line.path("checkout-bad/states/bad/state");
    assert_eq!(fs::read_to_string(told.join("told")).unwrap(), "bad\n");
    assert!(!told.join("not").exists());
}

/// What the user has set of [`UNDECLARED`].
const SET: [(&str, &str); 6] = [
    ("BOX_IMG_SOURCENAME", "acme/box:7"),
    ("TEST_ECS_SOURCENAME", "the $cluster"),
    ("TEST_ECS_POINTER_REGION", "us-east-1"),
    ("TEST_ECS_CREDENTIALS_ACCESSKEY", "access"),
    ("SETTINGS_STAGE", "beta"),
    ("MADE_IMAGE_SOURCENAME", "acme/made"),
];

/// Shippable let one repository take what another declared.
const UNDECLARED: &str = "jobs:
- {name: box, type: manifest, steps: [{IN: box_img}, {IN: box_opts}]}
- {name: rel, type: release, bump: patch, steps: [{IN: box}, {IN: box_version}]}
- {name: to_test, type: deploy, method: upgrade, steps: [{IN: rel}, {IN: test_ecs}]}
- {name: last, type: runSh, steps: [{IN: to_test}, {IN: settings}, {TASK: ['test \"$SETTINGS_STAGE\" = beta']}]}
- {name: where, type: deploy, steps: [{IN: rel}, {IN: env_prod}]}
- {name: third, type: manifest, steps: [{IN: other_image}]}
- {name: build, type: runSh, steps: [{OUT: made_image}, {TASK: ['shipctl put_resource_state made_image versionName 9']}]}
- {name: fourth, type: manifest, steps: [{IN: made_image}]}
- {name: fifth, type: runSh, steps: [{IN: code}, {TASK: ['true']}]}
resources:
- {name: code, type: gitRepo, integration: github, pointer: {sourceName: acme/code}}
";

/// What another repository declared is asked for by name where a job cannot do without it, and left out otherwise; each
/// job says so.
#[test]
fn what_is_declared_nowhere_is_to_be_set() {
    if !has_yaml() {
        return;
    }
    let line = Line::new(UNDECLARED);
    let (yaml, said) = export(&line, "gitlab");
    holds(
        &said,
        &[
            "warning: job `box`: `box_img` is declared nowhere: it is taken for an image, which BOX_IMG_SOURCENAME names\n  --> shippable.yml:2:44\n",
            "job `box`: `box_opts`, probably of type dockerOptions, is declared nowhere: it is left out\n",
            "job `rel`: `box_version` is declared nowhere: it is taken for version 0.0.0, which releases count from\n",
            "job `to_test`: `test_ecs` is declared nowhere: it is taken for a cluster of Amazon ECS, which TEST_ECS_SOURCENAME and TEST_ECS_POINTER_REGION name\n",
            "job `last`: `settings`, probably of type params, is declared nowhere: it is left out\n",
            // Nothing tells what runs it.
            "job `where`: job `where` deploys to no cluster\n",
            "shipctl: turned 8 of 9 jobs, 0 of them whole\n",
            "  GITHUB_TOKEN                    integration github, field token\n",
            "  MADE_IMAGE_SOURCENAME           where image made_image is\n",
            "  BOX_IMG_SOURCENAME              where image box_img is, with its version\n",
            "  SETTINGS_STAGE                  what scripts read of settings\n",
        ],
    );
    holds(
        &yaml,
        &["# `box_img` is declared nowhere: it is taken for an image, which BOX_IMG_SOURCENAME names\n"],
    );
    let jobs =
        [("box", 0), ("rel", 0), ("to_test", 0), ("last", 0), ("third", 1), ("build", 0), ("fourth", 0)];
    run_in_gitlab(&line, &jobs, TOOLS);
    let state = line.path("checkout-to_test/states/to_test/state/to_test.env");
    assert_eq!(fs::read_to_string(state).unwrap(), "BOX.BOX_IMG=acme/box:7\nversionName=0.0.4\n");
    let state = line.path("checkout-fourth/states/fourth/state/fourth.env");
    assert_eq!(fs::read_to_string(state).unwrap(), "FOURTH.MADE_IMAGE=acme/made:9\n");
    let log = fs::read_to_string(line.path("aws.log")).unwrap();
    holds(
        &log,
        &[
            "\"image\": \"acme/box:7\"",
            "ecs describe-services --cluster the $cluster --services to_test-box ",
            "ecs wait services-stable --cluster the $cluster --services to_test-box\n",
        ],
    );
    let (yaml, said) = export(&line, "github");
    // GitHub has its own token of that name, and takes no secret that is called so.
    holds(&said, &["  LINE_GITHUB_TOKEN               integration github, field token\n"]);
    holds(
        &yaml,
        &[
            "#   LINE_GITHUB_TOKEN               integration github, field token\n",
            "          GITHUB_TOKEN: ${{ secrets.LINE_GITHUB_TOKEN }}\n",
            "      TEST_ECS_SOURCENAME: \"${{ secrets.TEST_ECS_SOURCENAME }}\"\n",
            "      AWS_ACCESS_KEY_ID: \"${{ secrets.TEST_ECS_CREDENTIALS_ACCESSKEY }}\"\n",
            "      AWS_DEFAULT_REGION: \"${{ secrets.TEST_ECS_POINTER_REGION }}\"\n",
            "      SETTINGS_STAGE: \"${{ secrets.SETTINGS_STAGE }}\"\n",
        ],
    );
    // A run needs it.
    let run = line.try_to("run box --dry-run");
    assert!(text(&run.stderr).contains("`box_img` is declared nowhere"), "{}", text(&run.stderr));
    assert_ne!(run.status.code(), Some(0));
}

/// Lines were moved from the first syntax to the next one, and the old files were left.
#[test]
fn of_what_is_declared_twice_the_first_counts() {
    let line = Line::new(
        "resources:
- {name: res, type: params, version: {params: {A: first}}}
- {name: res, type: params, version: {params: {A: second}}}
jobs:
- {name: one, type: runSh, steps: [{IN: res}, {TASK: ['echo $A']}]}
- {name: other, type: runSh, steps: [{TASK: [true]}]}
- {name: other, type: runSh, steps: [{TASK: [false]}]}
",
    );
    let (yaml, said) = export(&line, "gitlab");
    holds(
        &said,
        &[
            "warning: job `one`: `res` is declared twice: the first one counts\n  --> shippable.yml:5:41\n",
            "warning: job `other`: `other` is declared twice: the first one counts\n",
            "shipctl: turned 2 of 2 jobs, 0 of them whole\n",
        ],
    );
    holds(&yaml, &["      export A=first\n", "      true\n"]);
    assert!(!yaml.contains("second") && !yaml.contains("      false\n"), "{yaml}");
    let refused = line.try_to("export gitlab");
    assert!(text(&refused.stderr).contains("resource `res` is declared twice"), "{}", text(&refused.stderr));
    assert_eq!(refused.status.code(), Some(125));
}

fn has_yaml() -> bool {
    let has_it =
        Command::new("python3").args(["-c", "import yaml"]).status().is_ok_and(|status| status.success());
    if !has_it {
        eprintln!("python3 has no yaml: not run");
    }
    has_it
}

/// Runs jobs of the pipeline for GitLab, each in a checkout of its own, and expects how they end. `tools` are functions in place
/// of programs that they call.
fn run_in_gitlab(line: &Line, jobs: &[(&str, i32)], tools: &str) {
    let (yaml, _) = export(line, "gitlab");
    fs::write(line.path("pipeline.yml"), &yaml).unwrap();
    let read = "import json, sys, yaml; print(json.dumps(yaml.safe_load(open('pipeline.yml'))))";
    let read = Command::new("python3").args(["-c", read]).current_dir(line.path("")).output().unwrap();
    let pipeline: Value = serde_json::from_slice(&read.stdout).unwrap();
    for &(name, status) in jobs {
        let job = &pipeline[name];
        let checkout = line.path(&format!("checkout-{name}"));
        fs::create_dir_all(&checkout).unwrap();
        let needs = job["needs"].as_array().unwrap().iter().map(|need| need.as_str().unwrap());
        let mut script: String = needs
            .map(|need| format!("mkdir -p states; cp -r ../checkout-{need}/states/{need} states/\n"))
            .collect();
        script += &format!("set -eo pipefail\n{tools}");
        for part in job["before_script"].as_array().unwrap().iter().chain(job["script"].as_array().unwrap()) {
            script += part.as_str().unwrap();
            script.push('\n');
        }
        let output = Command::new("bash")
            .args(["--noprofile", "--norc", "-c", &script])
            .current_dir(&checkout)
            .envs([("CI_PIPELINE_IID", "4"), ("GITLAB_USER_LOGIN", "me"), ("KUBE", "the kubeconfig")])
            .envs(SET)
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
}

const DEPLOYED: &str = r#"
integrations:
- {name: aws, type: amazonKeys, fields: {accessKey: {env: A_KEY}, secretKey: {env: A_SECRET}}}
- {name: kube, type: kubernetesConfig, fields: {kubeConfigContent: {env: KUBE}}}
resources:
- {name: web_img, type: image, pointer: {sourceName: acme/web}, seed: {versionName: '1.0'}}
- {name: settings, type: params, version: {params: {PRICE: '5 $ "x" `y` \z'}}}
- {name: options, type: dockerOptions, version: {memory: 100}}
- {name: first, type: version, seed: {versionName: v1.0.0}}
- {name: ecs, type: cluster, integration: aws, pointer: {sourceName: main, region: us-east-1}}
- {name: k8s, type: cluster, integration: kube, pointer: {sourceName: main, namespace: shop}}
- {name: front, type: loadBalancer, integration: kube, version: {ports: [{port: 80}]}}
jobs:
- {name: build, type: runSh, steps: [{OUT: web_img}, {TASK: [{script: shipctl put_resource_state web_img versionName 2.0}]}]}
- {name: web, type: manifest, steps: [{IN: build}, {IN: web_img}, {IN: settings}, {IN: options}]}
- {name: rel, type: release, steps: [{IN: web}, {IN: first}]}
- {name: candidate, type: release, bump: rc, steps: [{IN: rel}]}
- {name: to_ecs, type: deploy, steps: [{IN: rel}, {IN: ecs}]}
- {name: up_ecs, type: deploy, method: upgrade, steps: [{IN: web}, {IN: ecs}]}
- {name: to_k8s, type: deploy, steps: [{IN: candidate}, {IN: k8s}]}
- {name: on_k8s, type: deploy, method: replace, steps: [{IN: to_k8s}, {IN: k8s}]}
- {name: provide, type: provision, steps: [{IN: front}]}
- {name: sync, type: rSync, steps: [{IN: web}]}
"#;

/// Stand-ins for the programs of clusters: they note how they are called, with the files that they are given, and answer.
const TOOLS: &str = r#"
aws() { tool aws "$@"; }
kubectl() { tool kubectl "$@"; }
tool() {
    local log=../../$1.log last=${*: -1}
    echo "$*" >>"$log"
    case "$*" in
    *register-task*) cat secrets/task.json >>"$log"; echo arn:task ;;
    *describe-services*up_ecs*) echo ACTIVE ;;
    *describe-services*) echo None ;;
    *list-services*) printf 'arn:x/main/%s\t' to_ecs-web-3 to_ecs-web-4 other-web-3 ;;
    *apply*) cat "${last##*=}" "$KUBECONFIG" >>"$log" ;;
    *"get deployments"*) printf 'deployment.apps/to-k8s-web-%s\n' 3 4 ;;
    esac
}
"#;

/// Manifests, releases and deployments go on from job to job, and what a deployment sends is what it would send here.
#[test]
fn a_turned_deployment_calls_the_programs_of_the_cluster() {
    if !has_yaml() {
        return;
    }
    let line = Line::new(DEPLOYED);
    let jobs =
        ["build", "web", "rel", "candidate", "to_ecs", "up_ecs", "to_k8s", "on_k8s", "provide", "sync"];
    run_in_gitlab(&line, &jobs.map(|job| (job, 0)), TOOLS);
    let state =
        |job: &str| fs::read_to_string(line.path(&format!("checkout-{job}/states/{job}/state/{job}.env")));
    for (job, held) in [
        ("web", "WEB.WEB_IMG=acme/web:2.0\n"),
        ("rel", "WEB.WEB_IMG=acme/web:2.0\nversionName=v1.4.0\n"),
        ("candidate", "WEB.WEB_IMG=acme/web:2.0\nversionName=v1.4.0-rc\n"),
        ("to_k8s", "WEB.WEB_IMG=acme/web:2.0\nversionName=v1.4.0-rc\n"),
    ] {
        assert_eq!(state(job).unwrap(), held, "{job}");
    }
    let log = |tool: &str| fs::read_to_string(line.path(&format!("{tool}.log"))).unwrap();
    let calls = |tool: &str| {
        let start = format!("{tool} ");
        log(tool).lines().filter_map(|line| line.strip_prefix(&start)).map(str::to_owned).collect::<Vec<_>>()
    };
    let register = "ecs register-task-definition --cli-input-json file://secrets/task.json --query taskDefinition.taskDefinitionArn --output text";
    let status = "--query services[0].status --output text";
    assert_eq!(
        calls("aws"),
        [
            register,
            &format!("ecs describe-services --cluster main --services to_ecs-web-4 {status}"),
            "ecs create-service --cli-input-json file://secrets/service.json --service-name to_ecs-web-4 --task-definition arn:task",
            "ecs wait services-stable --cluster main --services to_ecs-web-4",
            "ecs list-services --cluster main --query serviceArns[] --output text",
            "ecs delete-service --cluster main --force --service to_ecs-web-3",
            register,
            &format!("ecs describe-services --cluster main --services up_ecs-web {status}"),
            "ecs update-service --cli-input-json file://secrets/update.json --service up_ecs-web --task-definition arn:task",
            "ecs wait services-stable --cluster main --services up_ecs-web",
        ]
    );
    assert_eq!(
        calls("kubectl"),
        [
            "--namespace=shop apply --filename=secrets/deployment.json",
            "--namespace=shop rollout status deployment/to-k8s-web-4 --timeout=600s",
            "--namespace=shop get deployments --selector=shippable.manifestName=web,shippable.jobName=to_k8s --output=name",
            "--namespace=shop delete deployment.apps/to-k8s-web-3 --timeout=600s",
            "--namespace=shop delete deployment/on-k8s-web --ignore-not-found --timeout=600s",
            "--namespace=shop apply --filename=secrets/deployment.json",
            "--namespace=shop rollout status deployment/on-k8s-web --timeout=600s",
            "apply --filename=secrets/service.json",
        ]
    );
    // The task definition is that which a dry run shows here, with the image of the pipeline.
    let sent = log("aws");
    let sent = sent.split_once('{').unwrap().1.split_once("\n}\n").unwrap().0;
    let sent: Value = serde_json::from_str(&format!("{{{sent}}}")).unwrap();
    let container = &sent["containerDefinitions"][0];
    assert_eq!(container["image"], "acme/web:2.0");
    assert_eq!(container["environment"][0]["value"], "5 $ \"x\" `y` \\z");
    assert_eq!((&sent["family"], &container["memory"]), (&Value::from("to_ecs-web"), &Value::from(100)));
    holds(
        &log("kubectl"),
        &[
            "\"name\": \"to-k8s-web-4\"",
            "\"image\": \"acme/web:2.0\"",
            "\"kind\": \"Service\"",
            "}\nthe kubeconfig\n",
        ],
    );
}

/// A release counts the pipelines as `bump_version` would.
#[test]
fn a_turned_release_is_counted_as_here() {
    for seed in ["v1.2.3", "0.0.0", "1.0.0-rc.5", "1.0.0-rc", "1.0.5-alpha.beta"] {
        for bump in ["major", "minor", "patch", "alpha", "beta", "rc", "final"] {
            let line = Line::new(&format!(
                "resources: [{{name: first, type: version, seed: {{versionName: '{seed}'}}}}]\njobs: [{{name: rel, type: release, bump: {bump}, steps: [{{IN: first}}]}}]\n"
            ));
            let (yaml, _) = export(&line, "gitlab");
            let counted = yaml.split_once("echo \"versionName=").unwrap().1.split_once("\" | tee").unwrap().0;
            let mut expected = seed.to_owned();
            for number in 1..=3 {
                let output = Command::new(env!("CARGO_BIN_EXE_shipctl"))
                    .args(["bump_version", &expected, bump])
                    .output()
                    .unwrap();
                expected = text(&output.stdout).trim().to_owned();
                let output = Command::new("bash")
                    .args(["-c", &format!("echo \"{counted}\"")])
                    .env("BUILD_NUMBER", number.to_string())
                    .output()
                    .unwrap();
                assert_eq!(text(&output.stdout).trim(), expected, "{seed} {bump} {number}");
            }
        }
    }
}

#[test]
fn what_is_only_guessed_of_a_cluster_is_said() {
    let line = |cluster: &str| {
        Line::new(&format!(
            "resources: [{{name: img, type: image, pointer: {{sourceName: a/b}}, seed: {{versionName: '1'}}}}, {{name: where, {cluster}}}]
jobs: [{{name: web, type: manifest, steps: [{{IN: img}}]}}, {{name: out, type: deploy, steps: [{{IN: web}}, {{IN: where}}]}}]\n"
        ))
    };
    let ecs = line("type: cluster, integration: keys, pointer: {sourceName: main, region: eu-west-1}");
    let (yaml, said) = export(&ecs, "github");
    holds(
        &said,
        &[
            "integration keys is declared nowhere: cluster where is taken to be one of Amazon ECS",
            "turned 2 of 2",
        ],
    );
    holds(&yaml, &["      AWS_DEFAULT_REGION: eu-west-1\n", "    container: \"amazon/aws-cli:latest\"\n"]);
    let gke = line("type: gkeCluster, integration: keys, pointer: {sourceName: main, region: us-east1-b}");
    let (yaml, said) = export(&gke, "gitlab");
    holds(&said, &["taken to be one of Google Kubernetes Engine", "turned 2 of 2"]);
    holds(
        &yaml,
        &[
            "gcloud container clusters get-credentials main --location us-east1-b --project \"$project\" --quiet\n",
        ],
    );
    let unknown = line("type: cluster, integration: keys, pointer: {sourceName: main}");
    let (_, said) = export(&unknown, "gitlab");
    holds(&said, &["cluster `where` has no integration", "turned 1 of 2"]);
}

#[test]
fn every_function_for_scripts_is_there_or_known_to_be_lacking() {
    let script = include_str!("../../src/export/standalone/functions.sh");
    let (_, cases) = script.split_once("case $function in\n").unwrap();
    let patterns: Vec<&str> = cases
        .lines()
        .filter_map(|line| line.split_once(')'))
        .flat_map(|(patterns, _)| patterns.split('|').map(str::trim))
        .filter(|pattern| *pattern != "*")
        .collect();
    let lacking = include_str!("../../src/export/standalone/functions.rs");
    for function in shipctl::lookup::FUNCTIONS {
        let name = function.name;
        let is_there = patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => *pattern == name,
        });
        assert!(is_there || lacking.contains(&format!("\"{name}\",")), "{name}");
    }
}
