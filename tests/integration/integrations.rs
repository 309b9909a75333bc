//! `shipctl integration`: adding, showing, removing and renaming.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Stdio;

use crate::support::shipctl;
use crate::terminal::Terminal;

const LINE: &str = "resources:
- {name: aws, type: integration, integration: my_aws}
jobs:
- name: deploy
  type: runSh
  integrations: [my_aws]
  steps:
  - IN: aws
  - TASK: [echo $MY_AWS_INTEGRATION_ACCESSKEY]
";

const INTEGRATIONS: &str = "integrations:
  - name: my_aws   # ours
    type: amazonKeys
    fields:
      accessKey: {env: AK}
      secretKey: hunter2hunter2
";

#[test]
fn adding_keeps_the_rest_of_the_file() {
    let yaml = "# top\nintegrations:\n- name: 'a'  # why\n  type: Slack\n  fields: {webhookUrl: {env: A}}\n\n# the end";
    shipctl("integration")
        .args("add b --type AWS\u{20}Keys")
        .file("shippable.yml", yaml)
        .status(2)
        .starts()
        .stderr("error: unexpected argument 'Keys'")
        .run();
    shipctl("integration")
        .args("add b --type amazonKeys --env-field accessKey=AK --file-field secretKey=~/key")
        .file("shippable.yml", yaml.replace('\n', "\r\n"))
        .stdout("added b (AWS Keys) to shippable.yml\n")
        .run()
        .file("shippable.yml", "# top\r\nintegrations:\r\n- name: 'a'  # why\r\n  type: Slack\r\n  fields: {webhookUrl: {env: A}}\r\n- name: b\r\n  type: amazonKeys\r\n  fields:\r\n    accessKey: {env: AK}\r\n    secretKey: {file: \"~/key\"}\r\n\r\n# the end");
}

#[test]
fn the_first_one_goes_to_a_file_of_its_own() {
    let done = shipctl("integration")
        .args("add hook --type Slack --env-field webhookUrl=HOOK")
        .file("shippable.yml", "jobs: []\n")
        .stdout("added hook (Slack) to shippable.integrations.yml\n")
        .run()
        .file(
            "shippable.integrations.yml",
            "integrations:\n  - name: hook\n    type: slackKey\n    fields:\n      webhookUrl: {env: HOOK}\n",
        )
        .file("shippable.yml", "jobs: []\n");
    let mode = fs::metadata(done.path("shippable.integrations.yml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn mode_and_link_of_a_file_stay() {
    let call = shipctl("integration")
        .args("add hook --type Slack --command-field")
        .arg("webhookUrl=pass show 'a b'")
        .file("real/it.yml", "\u{feff}integrations: [] # none\n")
        .stdout("added hook (Slack) to shippable.integrations.yml\n");
    symlink("real/it.yml", call.path("shippable.integrations.yml")).unwrap();
    fs::set_permissions(call.path("real/it.yml"), fs::Permissions::from_mode(0o640)).unwrap();
    let done = call.run().file(
        "real/it.yml",
        "\u{feff}integrations: # none\n  - name: hook\n    type: slackKey\n    fields:\n      webhookUrl: {command: \"pass show 'a b'\"}\n",
    );
    assert!(fs::symlink_metadata(done.path("shippable.integrations.yml")).unwrap().is_symlink());
    assert_eq!(fs::metadata(done.path("real/it.yml")).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(fs::read_dir(done.path("real")).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn flow_style_stays_flow_style() {
    shipctl("integration")
        .args("add b --type github --field url=https://api.github.com --env-field token=T")
        .file("shippable.yml", "{\"integrations\": [\n  {\"name\": \"a\", \"type\": \"Slack\", \"fields\": {\"webhookUrl\": \"x\"}}\n]}\n")
        .stdout("added b (GitHub) to shippable.yml\n")
        .run()
        .file("shippable.yml", "{\"integrations\": [\n  {\"name\": \"a\", \"type\": \"Slack\", \"fields\": {\"webhookUrl\": \"x\"}},\n  {\"name\":\"b\",\"type\":\"github\",\"fields\":{\"url\":\"https://api.github.com\",\"token\":{\"env\":\"T\"}}}\n]}\n");
}

#[test]
fn a_list_that_cannot_be_edited_is_left_alone_and_what_to_paste_is_said() {
    let yaml = "other: &list\n- {name: a, type: Slack, fields: {webhookUrl: x}}\nintegrations: *list\n";
    shipctl("integration")
        .args("add b --type Slack --env-field webhookUrl=B")
        .file("shippable.yml", yaml)
        .stderr("error: cannot edit shippable.yml: `integrations:` is an alias\n  hint: put it there by hand:\n  integrations:\n    - name: b\n      type: slackKey\n      fields:\n        webhookUrl: {env: B}\n")
        .status(125)
        .run()
        .file("shippable.yml", yaml);
}

#[test]
fn the_list_of_the_ci_section_is_another_one() {
    let yaml = "language: node_js\nintegrations:\n  - integrationName: hub\n    type: docker\n";
    let call = |args: &str| {
        let add = format!("add b --type Slack --env-field webhookUrl=B {args}");
        shipctl("integration").args(&add).file("shippable.yml", yaml)
    };
    call("").stdout("added b (Slack) to shippable.integrations.yml\n").run().file("shippable.yml", yaml);
    call("--to shippable.yml")
        .stderr("error: cannot edit shippable.yml: its `integrations:` are those of the CI section\n")
        .starts()
        .status(125)
        .run()
        .file("shippable.yml", yaml);
}

#[test]
fn secrets_are_not_taken_from_arguments() {
    shipctl("integration")
        .args("add b --type amazonKeys --field accessKey=hunter2")
        .file("shippable.yml", LINE)
        .stderr("error: `accessKey` of AWS Keys is a secret, and the process list and the shell's history show arguments\n  hint: leave it out to be asked for it, or use --stdin-field accessKey, or say where it is: --env-field, --file-field, --command-field\n")
        .status(2)
        .run();
    shipctl("integration")
        .args("add b --type keyValuePair --field envs.A=hunter2")
        .file("shippable.yml", LINE)
        .stderr("error: `envs.A` of Key-Value pair is a secret")
        .starts()
        .status(2)
        .run();
}

#[test]
fn what_is_wrong_with_fields_is_said() {
    for (args, stderr) in [
        ("--type amazonKeys", "error: AWS Keys has to have: accessKey, secretKey\n"),
        (
            "--type amazonKeys --env-field acessKey=A",
            "error: AWS Keys has no field `acessKey`\n  hint: did you mean `accessKey`?\n",
        ),
        ("--type keyValuePair --env-field envs=A", "error: write envs.KEY: `envs` holds keys and values\n"),
        (
            "--type keyValuePair --stdin-field TOKEN",
            "error: Key-Value pair has no field `TOKEN`\n  hint: its keys are in `envs`: write `envs.TOKEN`\n",
        ),
        (
            "--type Slack --env-field webhookUrl=A --file-field webhookUrl=b",
            "error: `webhookUrl` is given twice\n",
        ),
    ] {
        let call = shipctl("integration").args(&format!("add b {args}")).file("shippable.yml", LINE);
        call.stderr(stderr).starts().status(2).run().file("shippable.yml", LINE);
    }
}

#[test]
fn names_that_are_taken_are_refused() {
    for (name, stderr) in [
        (
            "my_aws",
            "error: there is an integration `my_aws` already\n  hint: to change one value, put what `shipctl encrypt --one-line` prints in its place; to begin anew, `shipctl integration remove --force my_aws` first\n",
        ),
        ("my-_aws", "error: `my-_aws` would have the same variables as the integration `my_aws`: MY_AWS_…\n"),
        ("12", "error: nothing is left of the name `12` for its variables\n"),
        ("a:b", "error: an integration cannot be called `a:b`\n"),
    ] {
        shipctl("integration")
            .args(&format!("add {name} --type Slack --env-field webhookUrl=A"))
            .file("shippable.yml", INTEGRATIONS)
            .stderr(stderr)
            .starts()
            .status(125)
            .run()
            .file("shippable.yml", INTEGRATIONS);
    }
}

#[test]
fn list_and_show_tell_of_sources_and_never_of_secrets() {
    let text = "my_aws  amazonKeys (AWS Keys)  shippable.integrations.yml:2:11\n  accessKey  ($AK)\n  secretKey  ***  (the YAML, in plain)\n  used by: resource aws, job deploy\n";
    let call = |args: &str| {
        shipctl("integration")
            .args(args)
            .file("shippable.yml", LINE)
            .file("shippable.integrations.yml", INTEGRATIONS)
    };
    call("list").stdout(text).run();
    call("show my_aws").stdout(format!("{text}  without: sessionToken\n")).run();
    let json = call("show my_aws --format json").output().stdout;
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(
        json["fields"][1],
        serde_json::json!({"name": "secretKey", "secret": true, "source": "yaml", "origin": "the YAML, in plain", "value": "***"})
    );
    call("show my-aws")
        .stderr("error: there is no integration `my-aws`\n  hint: did you mean `my_aws`?\n")
        .status(125)
        .run();
}

#[test]
fn used_by_shows_resources_and_jobs_with_their_places() {
    let call = |args: &str| {
        shipctl("integration")
            .args(args)
            .file("shippable.yml", LINE)
            .file("shippable.integrations.yml", INTEGRATIONS)
    };
    call("used-by my_aws")
        .stdout("resource aws                shippable.yml:2:47\n  IN of job deploy          shippable.yml:8:9\nintegrations of job deploy  shippable.yml:6:18\n")
        .run();
    let json: serde_json::Value =
        serde_json::from_slice(&call("used-by my_aws --format json").output().stdout).unwrap();
    assert_eq!(json["resources"][0]["jobs"][0]["place"], "shippable.yml:8:9");
    assert_eq!(json["jobs"][0]["name"], "deploy");
}

#[test]
fn what_is_in_use_is_not_removed() {
    let call = |args: &str| {
        shipctl("integration")
            .args(args)
            .file("shippable.yml", LINE)
            .file("shippable.integrations.yml", INTEGRATIONS)
    };
    let users = "  resource aws                shippable.yml:2:47\n    IN of job deploy          shippable.yml:8:9\n  integrations of job deploy  shippable.yml:6:18\n";
    call("remove my_aws")
        .stderr(&format!("error: my_aws is in use\n{users}  hint: take it away there first, or remove it all the same with --force\n"))
        .status(1)
        .run()
        .file("shippable.integrations.yml", INTEGRATIONS);
    call("remove my_aws --force")
        .stdout(format!("removed my_aws from shippable.integrations.yml\nwhat needs it now:\n{users}"))
        .run()
        .file("shippable.integrations.yml", "integrations: []\n");
}

#[test]
fn removing_takes_the_comment_right_above_and_no_other() {
    let yaml = |of_b: &str| {
        format!(
            "integrations:\n# all\n\n# of a\n- {{name: a, type: Slack, fields: {{webhookUrl: x}}}}\n\n{of_b}# of c\n- {{name: c, type: Slack, fields: {{webhookUrl: x}}}}\n"
        )
    };
    shipctl("integration")
        .args("remove b")
        .file("shippable.yml", yaml("# of b\n- name: b\n  type: Slack\n  fields: {webhookUrl: x}\n\n"))
        .stdout("removed b from shippable.yml\n")
        .run()
        .file("shippable.yml", yaml(""));
}

#[test]
fn renaming_changes_every_file_and_says_which_variables_change() {
    shipctl("integration")
        .args("rename my_aws prod-aws")
        .file("shippable.yml", LINE)
        .file("shippable.integrations.yml", INTEGRATIONS)
        .stdout("renamed my_aws to prod-aws in shippable.yml, shippable.integrations.yml\nvariables of job deploy: MY_AWS_INTEGRATION_… are now PRODAWS_INTEGRATION_…\n  shippable.yml:9:18 says MY_AWS_INTEGRATION_… still\n")
        .run()
        .file("shippable.integrations.yml", INTEGRATIONS.replace("my_aws", "prod-aws"))
        .file("shippable.yml", LINE.replace("my_aws", "prod-aws"));
}

#[test]
fn a_name_with_which_a_job_could_not_run_is_refused() {
    shipctl("integration")
        .args("rename my_aws Aws")
        .file("shippable.yml", LINE)
        .file("shippable.integrations.yml", INTEGRATIONS)
        .starts()
        .stderr("error: `aws` and `Aws` of job `deploy` have the same variables")
        .status(125)
        .run()
        .file("shippable.yml", LINE);
}

#[test]
fn on_a_terminal_each_field_is_asked_for() {
    let call = shipctl("integration").args("add chat --type ircCreds").file("shippable.yml", "jobs: []\n");
    let mut terminal = Terminal::start(&mut call.command());
    terminal.wait_for("server (Enter to skip): ");
    terminal.types("\n");
    terminal.wait_for("nick: ");
    terminal.types("\n");
    terminal.wait_for("nick is required");
    terminal.wait_for("nick: ");
    terminal.types("ship: it\n");
    terminal.wait_for("password (Enter to skip) (not shown): ");
    terminal.types("\n");
    let (seen, status) = terminal.end();
    assert!(
        status.success() && seen.contains("added chat (IRC Credentials) to shippable.integrations.yml"),
        "{seen}"
    );
    assert_eq!(
        fs::read_to_string(call.path("shippable.integrations.yml")).unwrap(),
        "integrations:\n  - name: chat\n    type: ircCreds\n    fields:\n      nick: \"ship: it\"\n"
    );
}

#[test]
fn on_a_terminal_the_kind_is_asked_for_and_a_key_is_offered() {
    let call = shipctl("integration")
        .args("add my_github")
        .env("HOME", "{WORK}/home")
        .file("home/", "")
        .file("shippable.yml", "jobs: []\n");
    let mut terminal = Terminal::start(&mut call.command());
    terminal.wait_for("kinds: airBrakeKey, ");
    terminal.wait_for("kind [github]: ");
    terminal.types("gitlb\n");
    terminal.wait_for("there is no kind `gitlb`; did you mean `gitlab`?");
    terminal.wait_for("kind [github]: ");
    terminal.types("\n");
    terminal.wait_for("`token` is stored encrypted, and you have no key. Make one? [Y/n]: ");
    terminal.types("\n");
    terminal.wait_for("shipctl: your key is in ");
    terminal.wait_for("url [https://api.github.com]: ");
    terminal.types("\n");
    terminal.wait_for("token (not shown): ");
    terminal.types("s3cret\n");
    let (seen, status) = terminal.end();
    assert!(status.success() && !seen.contains("s3cret"), "{seen}");
    let yaml = fs::read_to_string(call.path("shippable.integrations.yml")).unwrap();
    assert!(yaml.contains("type: github\n") && yaml.contains("url: https://api.github.com\n"), "{yaml}");
    assert!(yaml.contains("token:\n        secure: |\n"), "{yaml}");
}

#[test]
fn without_a_terminal_the_kind_has_to_be_said() {
    shipctl("integration")
        .args("add my_github")
        .file("shippable.yml", "jobs: []\n")
        .stderr("error: which kind is it?\n  hint: say it with --type KIND; `shipctl integration types` lists them, and on a terminal you are asked\n")
        .status(2)
        .run();
}

#[test]
fn a_kind_that_is_not_there_is_no_part_of_a_word() {
    let output = shipctl("integration").args("types git").command().output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("did you mean `gitCredential` (Git Credential) or `github`"), "{stderr}");
}

#[test]
fn a_secret_is_not_shown_when_it_is_typed_and_ctrl_c_leaves_the_terminal_as_it_was() {
    let call = shipctl("integration")
        .args("add chat --type ircCreds --field nick=n --field server=s")
        .file("shippable.yml", "jobs: []\n");
    let mut terminal = Terminal::start(&mut call.command());
    terminal.wait_for("password (Enter to skip) (not shown): ");
    terminal.types("hunter2\x7f3\x03");
    let (seen, status) = terminal.end();
    assert_eq!(status.code(), Some(130));
    assert!(!seen.contains("hunt") && seen.contains("nothing was written"), "{seen}");
    assert!(!call.path("shippable.integrations.yml").exists());
}

#[test]
fn the_file_can_be_chosen() {
    let hook = "add hook --type Slack --env-field webhookUrl=HOOK";
    shipctl("integration")
        .args(&format!("{hook} -f line.yml"))
        .file("line.yml", "jobs: []\n")
        .stderr("error: none of the files has a list of integrations\n  hint: say which one gets it with --to FILE\n")
        .status(125)
        .run();
    shipctl("integration")
        .args(&format!("{hook} -f line.yml --to line.yml"))
        .file("line.yml", "jobs: []\n")
        .stdout("added hook (Slack) to line.yml\n")
        .run()
        .file("line.yml", "jobs: []\n\nintegrations:\n  - name: hook\n    type: slackKey\n    fields:\n      webhookUrl: {env: HOOK}\n");
    shipctl("integration")
        .args(&format!("{hook} --to team.yml"))
        .file("shippable.yml", "jobs: []\n")
        .stdout("added hook (Slack) to team.yml\n")
        .stderr("shipctl: team.yml is no file of the line by itself: read it with -i team.yml\n")
        .run()
        .file(
            "team.yml",
            "integrations:\n  - name: hook\n    type: slackKey\n    fields:\n      webhookUrl: {env: HOOK}\n",
        );
}

#[test]
fn what_is_typed_is_stored_encrypted_and_comes_back() {
    let job = "jobs: [{name: j, type: runSh, integrations: [chat], steps: [TASK: [echo]]}]\n";
    let call = shipctl("integration")
        .args("add chat --type ircCreds --field nick=n --field server=s")
        .env("HOME", "{WORK}/home")
        .file("home/", "")
        .file("shippable.yml", job);
    assert!(call.also("key new").output().unwrap().status.success());
    let mut terminal = Terminal::start(&mut call.command());
    terminal.wait_for("password (Enter to skip) (not shown): ");
    terminal.types("\x1b[200~two\rlines\x1b[201~\r");
    let (seen, status) = terminal.end();
    assert!(status.success() && !seen.contains("lines"), "{seen}");
    let yaml = fs::read_to_string(call.path("shippable.integrations.yml")).unwrap();
    assert!(yaml.contains("      password:\n        secure: |\n") && !yaml.contains("lines"), "{yaml}");
    let output = call.also("exec j -- printenv CHAT_INTEGRATION_PASSWORD").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "two\nlines\n");
    let mut piped = call.also("integration add hook --type Slack --stdin-field webhookUrl");
    let mut child = piped.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"https://hooks.example.com/x\n").unwrap();
    assert!(child.wait().unwrap().success());
    let shown = call.also("integration show hook").output().unwrap();
    assert!(String::from_utf8_lossy(&shown.stdout).contains("  webhookUrl  (the YAML, encrypted)\n"));
}

#[test]
fn edits_at_the_same_time_wait_for_each_other() {
    const COUNT: usize = 12;
    for list in [None, Some("integrations: []\n")] {
        let mut place = shipctl("integration").args("list").file("shippable.yml", "jobs: []\n");
        if let Some(list) = list {
            place = place.file("shippable.integrations.yml", list);
        }
        let children: Vec<_> = (0..COUNT)
            .map(|number| {
                let mut command = place
                    .also(&format!("integration add hook{number} --type Slack --env-field webhookUrl=HOOK"));
                command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
            })
            .collect();
        for child in children {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        let text = fs::read_to_string(place.path("shippable.integrations.yml")).unwrap();
        assert_eq!(text.matches("- name: hook").count(), COUNT, "{text}");
    }
}
