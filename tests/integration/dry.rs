//! `run --dry-run`: the whole plan, whatever is missing.

use crate::support::shipctl;

const LINE: &str = "resources:
- {name: aws, type: integration, integration: keys}
- {name: chat, type: integration, integration: nowhere}
- {name: app, type: gitRepo, integration: github, pointer: {sourceName: example/app}}
integrations:
- name: keys
  type: amazonKeys
  fields: {accessKey: {env: AWS_KEY}, secretKey: {file: secret.txt}}
- {name: github, type: github, fields: {url: 'https://api.github.com', token: {env: TOKEN}}}
jobs:
- name: build
  type: runSh
  steps:
  - {IN: aws}
  - {IN: chat}
  - {IN: gone}
  - {TASK: [echo one]}
- name: ship
  type: runSh
  integrations: [keys]
  steps:
  - {IN: build}
  - {IN: aws}
  - {TASK: {name: go, script: [echo two], runtime: {options: {env: [STAGE: live]}}}}
  always: [echo end]
";

const PLAN: &str = "2 jobs · dry run: nothing is started, nothing is written
  1. build
  2. ship · after build

job build (runSh) · dry run: nothing is started, nothing is written

integrations
  keys (AWS Keys)
    accessKey: ✗ $AWS_KEY is not set
    secretKey: ✗ cannot read the file secret.txt: No such file or directory (os error 2)

steps
  1. IN aws (integration) · integration keys
  2. IN chat (integration) · ✗ resource `chat` needs the integration `nowhere`, which is declared nowhere
  3. IN gone · ✗ `gone` is declared nowhere
  4. TASK Task 0
     $ echo one

environment · and 51 more, which --verbose shows
  AWS_INTEGRATION_NAME=keys  (integration keys)
  AWS_INTEGRATION_ACCESSKEY=✗  (integration keys, field accessKey: $AWS_KEY is not set)
  AWS_INTEGRATION_SECRETKEY=✗  (integration keys, field secretKey: cannot read the file secret.txt: No such file or directory (os error 2))
";

#[test]
fn everything_is_shown_whatever_is_missing() {
    let output = shipctl("run").args("--all --dry-run").file("shippable.yml", LINE).output();
    let (plan, said) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(125), "{said}");
    assert!(plan.starts_with(PLAN), "{plan}");
    for shown in [
        "\njob ship (runSh)",
        "     $ echo two\n",
        "\nalways\n     $ echo end\n",
        "  STAGE=live  (TASK go)\n",
    ] {
        assert!(plan.contains(shown), "{shown} {plan}");
    }
    // What two jobs lack is said once.
    let errors: Vec<_> = said.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 4, "{said}");
    assert!(said.contains(
        "error: integration `keys`, field `accessKey`: $AWS_KEY is not set\n  --> shippable.yml:8:29\n"
    ));
    let one = shipctl("run").args("ship -n").file("shippable.yml", LINE).env("AWS_KEY", "AKIA").output();
    assert_eq!(one.status.code(), Some(125));
    assert!(String::from_utf8_lossy(&one.stdout).contains("    accessKey: from $AWS_KEY\n    secretKey: ✗ "));
}

#[test]
fn verbose_shows_the_whole_environment() {
    let call = shipctl("run").args("ship -n").file("shippable.yml", LINE);
    let short = String::from_utf8(call.output().stdout).unwrap();
    let all = String::from_utf8(call.arg("--verbose").output().stdout).unwrap();
    assert!(!short.contains("\n  JOB_NAME=ship") && !short.contains("TASK_NAME="), "{short}");
    for variable in ["JOB_NAME=ship  (the job)", "AWS_PATH=", "TASK_NAME=go  (the task)"] {
        assert!(all.contains(&format!("\n  {variable}")), "{all}");
    }
}

#[test]
fn a_line_of_seven_jobs_fits_two_screens() {
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/release");
    let output = shipctl("run").args("--all -n -C").arg(fixture).output();
    let plan = String::from_utf8(output.stdout).unwrap();
    assert!(plan.lines().count() <= 80, "{plan}");
    assert_eq!(plan.matches("\njob ").count(), 7, "{plan}");
}

#[test]
fn a_field_that_is_missing_is_no_reason_to_show_nothing() {
    let line = LINE.replace(", secretKey: {file: secret.txt}", "");
    for arguments in ["ship -n", "--all -n"] {
        let output =
            shipctl("run").args(arguments).file("shippable.yml", &line).env("AWS_KEY", "AKIA").output();
        let (plan, said) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert_eq!(output.status.code(), Some(125), "{said}");
        assert!(plan.contains("    accessKey: from $AWS_KEY\n    secretKey: ✗ it is not given\n"), "{plan}");
        let error = "error: integration `keys` lacks the field `secretKey`, which AWS Keys has to have\n";
        assert_eq!(said.matches(error).count(), 1, "{said}");
    }
    let broken = shipctl("run").args("ship -n").file("shippable.yml", "jobs: [}\n").output();
    assert!(broken.status.code() == Some(125) && broken.stdout.is_empty());
}
