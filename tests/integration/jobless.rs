//! Integrations without a job, shells, and the variables that the caller gives.

use crate::support::{Call, shipctl};

const LINE: &str = "resources:
- {name: aws, type: integration, integration: my_aws}
integrations:
- {name: my_aws, type: aws, fields: {accessKey: AKIAMADEUP, secretKey: s3cret-key}}
- {name: hub, type: docker, fields: {username: me, password: hunter2, email: me@example.com}}
- {name: pairs, type: keyValuePair, fields: {envs: {MODE: fast}}}
jobs:
- {name: j, type: runSh, steps: [{IN: aws}, {TASK: [echo]}]}
";

fn exec(words: &[&str]) -> Call {
    words.iter().fold(shipctl("exec").file("shippable.yml", LINE), |call, word| call.arg(word))
}

#[test]
fn a_command_gets_an_integration_without_a_job() {
    let show =
        "echo \"$MY_AWS_INTEGRATION_ACCESSKEY $MODE\"; grep -c AKIAMADEUP \"$AWS_SHARED_CREDENTIALS_FILE\"";
    exec(&["--integration", "my_aws", "--integration", "pairs", "--", "sh", "-c", show])
        .stdout("AKIAMADEUP fast\n2\n")
        .run();
    exec(&["--integration", "hub", "printenv", "HUB_INTEGRATION_USERNAME"]).stdout("me\n").run();
    exec(&["--integration=hub", "--", "ls", "-d", "/"]).stdout("/\n").run();
    exec(&["--integration", "hook", "printenv", "HOOK_INTEGRATION_WEBHOOKURL"])
        .env("SHIPCTL_INTEGRATION_HOOK_TYPE", "slack")
        .env("SHIPCTL_INTEGRATION_HOOK_WEBHOOKURL", "https://hooks.example.com/x")
        .stdout("https://hooks.example.com/x\n")
        .run();
    exec(&["--integration", "other", "true"])
        .stderr("error: there is no integration `other`\n  hint: the integrations are: my_aws, hub, pairs; or set SHIPCTL_INTEGRATION_OTHER_TYPE and one SHIPCTL_INTEGRATION_OTHER_<FIELD> for each field\n")
        .status(125)
        .run();
}

#[test]
fn functions_answer_from_an_integration() {
    shipctl("get_integration_resource_field")
        .args("--integration my_aws my_aws secretKey")
        .file("shippable.yml", LINE)
        .stdout("s3cret-key\n")
        .run();
    let both =
        shipctl("get_integration_resource_field").args("--integration my_aws --job j my_aws secretKey");
    assert_eq!(both.file("shippable.yml", LINE).output().status.code(), Some(2));
}

#[test]
fn the_command_needs_no_dashes_before_it_and_may_be_a_shell() {
    exec(&["j", "printenv", "AWS_INTEGRATION_ACCESSKEY"]).stdout("AKIAMADEUP\n").run();
    exec(&["j", "sh", "-c", "echo $1", "--", "--mask"]).stdout("--mask\n").run();
    exec(&["j", "--mask", "printenv", "AWS_INTEGRATION_ACCESSKEY"]).stdout("***\n").run();
    let shell = |call: Call| {
        let call = call.file("shell", "#!/bin/sh\necho \"shell of $JOB_NAME\"\nexit 7\n");
        std::fs::set_permissions(call.path("shell"), std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .unwrap();
        call.env("SHELL", "{WORK}/shell").status(7)
    };
    shell(exec(&["j"])).stdout("shell of j\n").run();
    shell(exec(&["--integration", "hub"])).stdout("shell of exec\n").run();
    exec(&["j"]).run();
    exec(&[])
        .status(2)
        .starts()
        .stderr("error: the following required arguments were not provided:\n  <JOB>\n")
        .run();
}

#[test]
fn files_give_variables_and_secrets() {
    let files = |call: Call| {
        call.file("plain.env", "# said\nA=one\nexport B='two words'\n")
            .file("secret.env", "B=hidden-b\nTOKEN=\"t0ken value\"\n")
    };
    let show = "echo \"$A, $B, $TOKEN, $C\"";
    let options = ["--env-file", "plain.env", "--secret-file", "secret.env", "-e", "A=given"];
    let words = [&["j", "--mask", "-e", "C=c"], &options[..], &["--", "sh", "-c", show]].concat();
    files(exec(&words)).stdout("given, ***, ***, c\n").run();
    let run = shipctl("run").arg("j").file(
        "shippable.yml",
        "jobs: [{name: j, type: runSh, steps: [{TASK: ['echo \"$A, $B, $TOKEN\"']}]}]\n",
    );
    let run = files(options.iter().fold(run, |call, word| call.arg(word)));
    let log = String::from_utf8(run.output().stdout).unwrap();
    assert!(log.contains("\ngiven, ***, ***\n") && !log.contains("t0ken"), "{log}");
    let plan = String::from_utf8(run.arg("--dry-run").output().stdout).unwrap();
    for variable in
        ["A=given  (-e)", "B=***  (--secret-file secret.env)", "TOKEN=***  (--secret-file secret.env)"]
    {
        assert!(plan.contains(&format!("\n  {variable}\n")), "{plan}");
    }
    for (text, error) in [
        ("A=1\nhunter2\n", "error: cannot read bad.env:2:1: write NAME=value\n"),
        ("A='1\n", "error: cannot read bad.env:1:1: its quote is not closed\n"),
    ] {
        exec(&["j", "--secret-file", "bad.env", "true"])
            .file("bad.env", text)
            .status(125)
            .stderr(error)
            .run();
    }
    let missing = "error: cannot read none.env: there is no such file\n";
    exec(&["j", "--env-file", "none.env", "true"]).status(125).stderr(missing).run();
}
