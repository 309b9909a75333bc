//! `shipctl init`: a line from nothing, and what an old line lacks.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::support::shipctl;
use crate::terminal::Terminal;

const OLD: &str = "resources:
- {name: aws-cli, type: cliConfig, integration: prod account, pointer: {region: us-east-1}}
- {name: app, type: image, integration: hub, pointer: {sourceName: 'acme/app'}, seed: {versionName: latest}}
- {name: ecr-app, type: image, integration: registry, pointer: {sourceName: 1.dkr.ecr.us-east-1.amazonaws.com/app}}
- {name: token, type: integration, integration: vault}
- {name: deploy_key, type: integration, integration: login}
jobs:
- name: build
  type: runSh
  integrations: [chat-slack]
  steps:
  - {IN: aws-cli}
  - {IN: app}
  - {IN: ecr-app}
  - {IN: token}
  - {IN: deploy_key}
  - {IN: tools_repo}
  - {IN: shared-params}
  - TASK:
    - script: shipctl get_integration_resource_field token VAULT_TOKEN
    - script: echo \"$DEPLOY_KEY_INTEGRATION_PRIVATEKEY\"
  - {OUT: build-state}
";

const NEW: &str = "# Credentials of this line, and stubs for what it uses and does not declare. Written by `shipctl init`: check it,
# and change what it could not know. A value is a text, or says where it is: {env: VARIABLE}, {file: path},
# {command: [program, argument]}, or {secure: …} as `shipctl encrypt` prints it.

integrations:
  # AWS Keys: used by resource aws-cli
  - name: \"prod account\"
    type: amazonKeys
    fields:
      accessKey: {env: PRODACCOUNT_ACCESSKEY}
      secretKey: {env: PRODACCOUNT_SECRETKEY}

  # Docker Registry: used by resource app
  - name: hub
    type: dockerRegistryLogin
    fields:
      username: {env: HUB_USERNAME}
      password: {env: HUB_PASSWORD}
      email: {env: HUB_EMAIL}

  # AWS Keys: used by resource ecr-app
  - name: registry
    type: amazonKeys
    fields:
      accessKey: {env: REGISTRY_ACCESSKEY}
      secretKey: {env: REGISTRY_SECRETKEY}

  # Key-Value pair: used by resource token
  - name: vault
    type: keyValuePair
    fields:
      envs:
        VAULT_TOKEN: {env: VAULT_VAULT_TOKEN}

  # SSH Key: used by resource deploy_key
  - name: login
    type: sshKey
    fields:
      publicKey: {env: LOGIN_PUBLICKEY}
      privateKey: {env: LOGIN_PRIVATEKEY}

  # Slack: used by job build
  - name: chat-slack
    type: slackKey
    fields:
      webhookUrl: {env: CHATSLACK_WEBHOOKURL}

  # GitHub: used by resource tools_repo
  - name: tools_repo_credentials
    type: github
    fields:
      url: https://api.github.com
      token: {env: TOOLS_REPO_CREDENTIALS_TOKEN}

resources:
  # declared in another repository, so this is a guess: IN of build
  - name: tools_repo
    type: gitRepo
    integration: tools_repo_credentials
    versionTemplate: {sourceName: OWNER/REPOSITORY}

  # declared in another repository, so this is a guess: IN of build
  - name: shared-params
    type: params
    version:
      params: {}

  # declared in another repository, so this is a guess: OUT of build
  - name: build-state
    type: state
";

#[test]
fn an_empty_directory_gets_a_line_that_runs() {
    let call = shipctl("init").stdout("wrote shippable.yml\nnext: shipctl run hello\n");
    let (check, run) = (call.also("check"), call.also("run hello --color never"));
    let _done = call.run();
    succeeds(check, "1 file: 1 job and 1 resource, no problems\n");
    succeeds(run, "hello from hello, run 1\n");
}

#[test]
fn an_old_line_gets_what_it_uses_and_does_not_declare() {
    let summary = "wrote shippable.integrations.yml: 7 integrations, 3 stubs
  prod account            AWS Keys: PRODACCOUNT_ACCESSKEY, PRODACCOUNT_SECRETKEY
  hub                     Docker Registry: HUB_USERNAME, HUB_PASSWORD, HUB_EMAIL
  registry                AWS Keys: REGISTRY_ACCESSKEY, REGISTRY_SECRETKEY
  vault                   Key-Value pair: VAULT_VAULT_TOKEN
  login                   SSH Key: LOGIN_PUBLICKEY, LOGIN_PRIVATEKEY
  chat-slack              Slack: CHATSLACK_WEBHOOKURL
  tools_repo_credentials  GitHub: TOOLS_REPO_CREDENTIALS_TOKEN
next: shipctl run --all --dry-run
";
    let call = shipctl("init").arg("--yes").file("shippable.yml", OLD).stdout(summary);
    let (check, again) = (call.also("check"), call.also("init"));
    let done = call.run().file("shippable.yml", OLD).file("shippable.integrations.yml", NEW);
    succeeds(check, "2 files: 1 job and 8 resources, no problems\n");
    succeeds(again, "nothing is missing");
    let mode = fs::metadata(done.path("shippable.integrations.yml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn the_kinds_of_a_ci_section_are_those_it_writes() {
    shipctl("init")
        .file(
            "shippable.yml",
            "language: none\nbuild: {ci: [make]}\nintegrations:\n  generic: [{integrationName: where, type: AWS Keys}]\n",
        )
        .stdout("wrote shippable.integrations.yml: 1 integration, 0 stubs\n  where  AWS Keys: WHERE_ACCESSKEY")
        .starts()
        .run();
}

#[test]
fn what_jobs_without_scripts_lack_is_guessed_from_what_they_need() {
    let line = "resources:
- {name: prod, type: cluster, integration: keys, pointer: {sourceName: prod, region: us-east-1}}
jobs:
- {name: ship, type: deploy, steps: [{IN: app-man}, {IN: app-img-options-prod}, {IN: prod}]}
- {name: door, type: provision, steps: [{IN: app-alb}]}
- {name: go, type: deploy, steps: [{IN: shop}, {IN: test-env}]}
- {name: shop, type: manifest, steps: [{IN: app}, {IN: shop-opts}]}
- {name: final, type: release, bump: final, steps: [{IN: ship-beta}]}
- {name: next, type: release, bump: patch, steps: [{IN: shop}, {IN: ver}]}
- {name: files, type: manifest, steps: [{IN: app_file}]}
- {name: far, type: deploy, steps: [{IN: shop}, {IN: there}, {IN: more}]}
";
    let call = shipctl("init").arg("--yes").file("shippable.yml", line).starts();
    let (check, list) = (call.also("check"), call.also("list"));
    let dry = call.also("run --all --dry-run");
    let _done = call.stdout("wrote shippable.integrations.yml: 4 integrations, 13 stubs\n").run();
    succeeds(check, "2 files: 10 jobs and 12 resources, no problems\n");
    let expected = [
        ("app-man", "manifest"),
        ("app-man_image", "image"),
        ("app-img-options-prod", "dockerOptions"),
        ("app-alb", "loadBalancer"),
        ("test-env", "cluster"),
        ("app", "image"),
        ("shop-opts", "dockerOptions"),
        ("ship-beta", "release"),
        ("ship-beta_version", "version"),
        ("ver", "version"),
        ("there", "cluster"),
        ("more", "params"),
        ("app_file", "file"),
    ];
    lists(list, &expected);
    lacks_only_values(dry);
}

#[test]
fn what_the_name_of_a_later_step_says_is_not_guessed_of_an_earlier_one() {
    let line = "jobs:
- {name: ship, type: deploy, steps: [{IN: provision_cluster_job}, {IN: extra}, {IN: test_env}, {IN: test_cluster}, {IN: app_service_def}]}
- {name: door, type: provision, steps: [{IN: front}]}
- {name: back, type: deploy, steps: [{IN: shop}, {IN: there}, {IN: app_lb, applyTo: [{manifest: shop, image: front_image, port: 80}]}]}
- {name: next, type: release, steps: [{IN: parts}, {IN: app_version}]}
- {name: shown, type: manifest, steps: [{IN: site}, {IN: site_env}, {IN: site_labels}]}
";
    let call = shipctl("init").arg("--yes").file("shippable.yml", line).starts();
    let (list, dry) = (call.also("list"), call.also("run --all --dry-run"));
    let _done = call.stdout("wrote shippable.integrations.yml: ").run();
    let expected = [
        ("provision_cluster_job", "params"),
        ("extra", "params"),
        ("test_env", "params"),
        ("test_cluster", "cluster"),
        ("app_service_def", "manifest"),
        ("front", "loadBalancer"),
        ("shop", "manifest"),
        ("front_image", "image"),
        ("there", "cluster"),
        ("app_lb", "loadBalancer"),
        ("parts", "manifest"),
        ("app_version", "version"),
        ("site", "image"),
        ("site_env", "params"),
        ("site_labels", "dockerOptions"),
    ];
    lists(list, &expected);
    lacks_only_values(dry);
}

#[test]
fn jobs_of_other_repositories_are_guessed_by_their_names() {
    let line = "language: none
build: {ci: ['true']}
integrations: {notifications: [{integrationName: told, type: webhook}]}
jobs:
- {name: test, type: runSh, steps: [{IN: app_deploy}, {IN: app-release-beta}, {IN: app_runCI}, {IN: server_pem}, {IN: deploy_params}, {IN: app_img_1.2}, {TASK: 'true'}]}
- {name: ship, type: deploy, steps: [{IN: app-release}, {IN: prod_cluster}, {IN: app-alb, applyTo: [{manifest: app-man, image: app-img, port: 80}]}]}
- {name: back, type: deploy, steps: [{IN: release-of-old}, {IN: prod_cluster}]}
";
    let call = shipctl("init").arg("--yes").file("shippable.yml", line).starts();
    let (list, dry) = (call.also("list"), call.also("run --all --dry-run"));
    let done = call.stdout("wrote shippable.integrations.yml: ").run();
    let written = fs::read_to_string(done.path("shippable.integrations.yml")).unwrap();
    assert!(written.contains("  - name: told\n    type: webhookV2\n"), "{written}");
    let expected = [
        ("app_deploy", "runSh"),
        ("app-release-beta", "release"),
        ("app-release-beta_version", "version"),
        ("app_runCI", "runCI"),
        ("server_pem", "integration"),
        ("deploy_params", "params"),
        ("app_img_1.2", "image"),
        ("app-release", "release"),
        ("app-man", "manifest"),
        ("app-img", "image"),
        ("release-of-old", "release"),
        ("release-of-old_manifest", "manifest"),
        ("prod_cluster", "cluster"),
    ];
    lists(list, &expected);
    lacks_only_values(dry);
}

#[test]
fn the_kind_of_a_cluster_is_told_by_what_its_pointer_says() {
    let cluster = |name: &str, pointer: &str| {
        format!("- {{name: {name}, type: cluster, integration: {name}, pointer: {{{pointer}}}}}\n")
    };
    let line = [
        ("one", "sourceName: prod, region: us-east-1"),
        ("two", "groupName: group, sourceName: prod"),
        ("three", ""),
        ("four-tripub", "region: us-east-1"),
        ("five-ddc", ""),
        ("six-dcl", "sourceName: nodes"),
    ];
    let line: String = line.into_iter().map(|(name, pointer)| cluster(name, pointer)).collect();
    shipctl("init")
        .arg("--yes")
        .file("shippable.yml", format!("resources:\n{line}"))
        .stdout(
            "wrote shippable.integrations.yml: 6 integrations, 0 stubs
  one          AWS Keys: ONE_ACCESSKEY, ONE_SECRETKEY
  two          Azure Keys: TWO_APPID, TWO_PASSWORD, TWO_TENANT
  three        Kubernetes: THREE_KUBECONFIGCONTENT
  four-tripub  Joyent Triton: FOURTRIPUB_USERNAME, FOURTRIPUB_URL, FOURTRIPUB_VALIDITYPERIOD
  five-ddc     Docker DataCenter: FIVEDDC_USERNAME, FIVEDDC_PASSWORD, FIVEDDC_URL
  six-dcl      Docker Cloud: SIXDCL_USERNAME, SIXDCL_TOKEN, SIXDCL_URL
next: shipctl check
",
        )
        .run();
}

#[test]
fn nothing_is_overwritten() {
    let own = "integrations: []\n";
    shipctl("init")
        .file("shippable.yml", OLD)
        .file("shippable.integrations.yml", own)
        .status(125)
        .starts()
        .stderr("error: shippable.integrations.yml is there already, and init overwrites nothing\n  hint: add this to it:\n    # Cred")
        .run()
        .file("shippable.integrations.yml", own);
    shipctl("init")
        .file("shippable.yml", "jobs: [}\n")
        .status(125)
        .starts()
        .stderr("error: ")
        .run()
        .no_file("shippable.integrations.yml");
}

#[test]
fn on_a_terminal_it_asks() {
    let call = shipctl("init");
    let mut terminal = Terminal::start(&mut call.command());
    terminal.wait_for("(Enter for none): ");
    terminal.types("9x\n");
    terminal.wait_for("begins with no digit");
    terminal.wait_for("(Enter for none): ");
    terminal.types("API_TOKEN\n");
    let (seen, status) = terminal.end();
    assert!(status.success() && seen.contains("next: shipctl run hello"), "{seen}");
    let mut run = call.also("run hello --color never");
    run.env("API_TOKEN", "s3cret-value");
    succeeds(run, "the secret API_TOKEN has 12 characters, and the log hides it - ***\n");
}

/// `list` shows each of these names with its type.
fn lists(mut list: Command, expected: &[(&str, &str)]) {
    let output = list.output().unwrap();
    let listed = String::from_utf8_lossy(&output.stdout);
    for (name, kind) in expected {
        let is_listed = |line: &str| line.split_whitespace().take(2).eq([*name, *kind]);
        assert!(listed.lines().any(is_listed), "{name} {kind}\n{listed}");
    }
}

/// All that a dry run says is to be mended are values that are not set.
fn lacks_only_values(mut dry: Command) {
    let output = dry.output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    let others = |line: &&str| line.starts_with("error: ") && !line.ends_with("is not set");
    assert_eq!(text.lines().find(others), None, "{text}");
}

fn succeeds(mut command: Command, expected: &str) {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains(expected), "{text}");
}

#[test]
fn kinds_and_their_fields_are_listed() {
    let list = shipctl("integration").arg("types");
    let output = list.output();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("amazonKeys") && text.contains("AWS Keys"), "{text}");
    shipctl("integration")
        .args("types amazonKeys")
        .stdout("amazonKeys (AWS Keys)\n  accessKey     required  secret\n  secretKey     required  secret\n  sessionToken  optional  secret\n")
        .run();
    shipctl("integration")
        .args("types amazonKey")
        .status(125)
        .starts()
        .stderr("error: there is no type of integrations `amazonKey`\n  hint: did you mean `amazonKeys`")
        .run();
}
