//! `shipctl scan`: secrets are found where they should not be, and never shown.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::line::text;
use crate::support::{Call, shipctl};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG";

fn line(args: &str) -> Call {
    shipctl("scan").args(args).env("SECRET", SECRET).file(
        "shippable.yml",
        "integrations:\n- name: my_aws\n  type: amazonKeys\n  fields:\n    accessKey: {env: UNSET}\n    secretKey: {env: SECRET}\n- {name: kv, type: keyValuePair, fields: {envs: {A: short, B: inTheYaml}}}\n",
    )
}

const WARNINGS: &str = "warning: not looked for: integration `my_aws`, field `accessKey`: $UNSET is not set\n  --> shippable.yml:5:22\n   5 |     accessKey: {env: UNSET}\n     |                      ^^^^^\n  hint: set it before you start shipctl\nwarning: not looked for: integration kv, field envs.A: it is shorter than 8 bytes\n";

fn git(call: &Call, args: &str) {
    let done = Command::new("git")
        .args(["-c", "user.name=n", "-c", "user.email=e@example.com"])
        .args(args.split(' '))
        .current_dir(call.path(""))
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", text(&done.stderr));
}

#[test]
fn every_form_is_found_in_any_file() {
    let mut binary = vec![0, 159, 146, 150, b'\n', 0];
    binary.extend(SECRET.as_bytes());
    line("d")
        .file("d/a.txt", format!("first\né {SECRET}\n"))
        .file("d/b", binary)
        .file("d/c.json", "{\"k\": \"d0phbHJYVXRuRkVNSS9LN01ERU5H\"}\n")
        .file("d/e/url", "https://x/?k=wJalrXUtnFEMI%2FK7MDENG\n")
        .file("d/ok", "nothing here\n")
        .stdout("d/a.txt:2:3  integration my_aws, field secretKey\nd/b:2:2  integration my_aws, field secretKey\nd/c.json:1:8  integration my_aws, field secretKey (base64)\nd/e/url:1:14  integration my_aws, field secretKey (URL)\n")
        .stderr(WARNINGS)
        .status(1)
        .run();
    line("d").file("d/ok", "nothing here\n").stderr(WARNINGS).run();
}

#[test]
fn the_place_in_the_yaml_is_told_apart() {
    line("shippable.yml")
        .stdout("shippable.yml:7:63  integration kv, field envs.B: the line has it from here; encrypt it, or say where it is\n")
        .stderr(WARNINGS)
        .status(1)
        .run();
}

#[test]
fn files_that_git_tracks_are_the_default() {
    let call = line("").file("notes", SECRET).file("ignored", SECRET).file(".gitignore", "shippable.yml\n");
    git(&call, "init -q .");
    git(&call, "add notes .gitignore");
    call.stdout("notes:1:1  integration my_aws, field secretKey\n").stderr(WARNINGS).status(1).run();
    line("")
        .stderr(&format!(
            "{WARNINGS}error: {{WORK}} is in no git repository\n  hint: say which files to look through\n"
        ))
        .status(125)
        .run();
}

#[test]
fn what_is_staged_is_looked_at_as_it_is_staged() {
    let call =
        line("--staged").file("d/notes", format!("x\n{SECRET}")).file("other", SECRET).file("clean", "");
    git(&call, "init -q .");
    git(&call, "add other");
    git(&call, "commit -qm first");
    git(&call, "add d clean");
    let call = call.file("d/notes", "taken out again").file("clean", SECRET);
    call.stdout("d/notes:2:1  integration my_aws, field secretKey\n").stderr(WARNINGS).status(1).run();
    let call = line("--staged").file("shown", "x");
    git(&call, "init -q .");
    git(&call, "add shown");
    call.stderr(WARNINGS).run();
}

#[test]
fn the_history_remembers() {
    let call = line("--history --format json").file("d/notes", format!("\nx {SECRET}"));
    git(&call, "init -q .");
    git(&call, "add d");
    git(&call, "commit -qm first");
    git(&call, "rm -q d/notes");
    git(&call, "commit -qm second");
    let output = call.output();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found.as_array().unwrap().len(), 1);
    assert!(found[0]["file"].as_str().unwrap().ends_with(":d/notes"), "{found}");
    assert_eq!((found[0]["line"].as_u64(), found[0]["column"].as_u64()), (Some(2), Some(3)));
    assert!(!text(&output.stdout).contains(SECRET));
}

#[test]
fn a_file_that_cannot_be_read_is_a_failure() {
    line("missing")
        .stderr(&format!("{WARNINGS}error: cannot read missing: No such file or directory (os error 2)\n"))
        .status(125)
        .run();
}

#[test]
fn what_was_not_looked_for_is_no_clean_result() {
    let line = |values: &str| {
        shipctl("scan").arg(".").file(
            "shippable.yml",
            format!(
                "integrations:\n- name: kv\n  type: keyValuePair\n  fields:\n    envs:\n      A: {{env: SECRET}}\n- name: hook\n  type: slackKey\n  fields: {{webhookUrl: {values}}}\n"
            ),
        )
    };
    let unknown = line("{file: nowhere}");
    assert_eq!(unknown.output().status.code(), Some(3));
    let output = line("{file: nowhere}").env("SECRET", SECRET).output();
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stderr).contains("warning: not looked for: integration `hook`"));
    let found = line("{file: nowhere}").env("SECRET", SECRET).file("notes", SECRET).output();
    assert_eq!(found.status.code(), Some(1));
}

#[test]
fn a_plain_secret_that_git_tracks_gets_a_warning_from_check() {
    let call = shipctl("check").file(
        "shippable.yml",
        "integrations:\n- name: my_aws\n  type: amazonKeys\n  fields:\n    accessKey: {env: AK}\n    secretKey: hunter2hunter2\n",
    );
    // Whether others can get there is a matter of the directory, too, which is as private as the umask has it.
    fs::set_permissions(call.path(""), fs::Permissions::from_mode(0o755)).unwrap();
    let mode =
        |mode| fs::set_permissions(call.path("shippable.yml"), fs::Permissions::from_mode(mode)).unwrap();
    mode(0o644);
    let others = text(&call.output().stdout);
    assert!(
        others.contains("in plain, and others on this machine may read it: `secretKey` of `my_aws`"),
        "{others}"
    );
    mode(0o640);
    let silent = call.output();
    assert_eq!(text(&silent.stdout), "1 file: 0 jobs and 0 resources, no problems\n");
    git(&call, "init -q .");
    git(&call, "add shippable.yml");
    call.stdout("warning: secrets stand in shippable.yml in plain, and git tracks it: `secretKey` of `my_aws`\n  --> shippable.yml:6:16\n   6 |     secretKey: ***\n     |                ^^^\n  hint: encrypt them, or say where they are: `{env: VARIABLE}`, `{file: path}` or `{command: [program]}`; and change them where they come from, for git keeps what it once had\n  rule: plain-secret\n\n1 file: 0 errors, 1 warning\n")
        .run();
}
