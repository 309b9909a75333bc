//! Where values come from: the tools that people keep secrets with, through programs that stand in for them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use crate::support::{Call, shipctl};

/// A call with programs of these names and contents in front of the others.
fn with_programs(args: &str, envs: &str, programs: &[(&str, &str)]) -> Call {
    let yaml = format!(
        "integrations:\n- name: kv\n  type: keyValuePair\n  fields:\n    envs:\n{envs}jobs:\n- {{name: j, type: runSh, integrations: [kv], steps: [TASK: [echo]]}}\n- {{name: other, type: runSh, steps: [TASK: [echo]]}}\n"
    );
    let (command, rest) = args.split_once(' ').unwrap();
    let mut call = shipctl(command).args(rest).file("line/shippable.yml", yaml).file("bin/", "");
    for (name, script) in programs {
        call = call.file(&format!("bin/{name}"), format!("#!/bin/sh\n{script}"));
        let path = call.path(&format!("bin/{name}"));
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    call.env("PATH", "{WORK}/bin:/usr/bin:/bin").env("SHIPCTL_KEY", "x").env("SHIPCTL_KEY_FILE", "y")
}

#[test]
fn each_tool_is_called_through_its_own_command_line() {
    let envs = "      OP: {op: \"op://team/aws/key\"}
      VAULT: {vault: \"secret/data/app#password\"}
      AWS: {aws_secret: \"prod/db#user\"}
      AWS_ALL: {aws_secret: prod/db}
      PASS: {pass: web/shop}
      SOPS: {sops: \"secrets.yml#db.0.password\"}
      KEYRING: {keyring: https://example.com/ann}
";
    let echo = "echo \"$(basename \"$0\") $*${SHIPCTL_KEY}${SHIPCTL_KEY_FILE}\"; echo 'second line'";
    let script = "printf '%s|' \"$OP\" \"$VAULT\" \"$AWS\" \"$AWS_ALL\" \"$PASS\" \"$SOPS\" \"$KEYRING\"";
    with_programs(
        "exec j -C line --",
        envs,
        &[
            ("op", echo),
            ("pass", echo),
            ("sops", echo),
            ("secret-tool", echo),
            ("vault", "[ \"$*\" = 'read -format=json secret/data/app' ] && printf %s '{\"data\": {\"data\": {\"password\": \"p\\nw\"}, \"metadata\": {}}}'"),
            ("aws", "echo called >> \"$(dirname \"$0\")/calls\"; echo '{\"user\": \"ann\", \"port\": 1.50}'"),
        ],
    )
    .arg("sh")
    .arg("-c")
    .arg(script)
    .stdout(
        "op read op://team/aws/key\nsecond line|p\nw|ann|{\"user\": \"ann\", \"port\": 1.50}|pass show web/shop|sops --decrypt --extract [\"db\"][0][\"password\"] secrets.yml\nsecond line|secret-tool lookup service https://example.com username ann\nsecond line|",
    )
    .run()
    .file("bin/calls", "called\n");
}

#[test]
fn the_stores_of_clouds_and_teams_are_called_through_their_own_command_lines() {
    let envs = "      PARAMETER: {aws_parameter: /prod/db}
      GCP: {gcp_secret: shop/db}
      AZURE: {azure_secret: shop/db}
      BITWARDEN: {bitwarden: \"web shop\"}
      BITWARDEN_USER: {bitwarden: \"web shop#username\"}
      BITWARDEN_SECRET: {bitwarden_secret: be8e0ad8}
";
    let echo = "echo \"$(basename \"$0\") $*\"";
    let json = "[ \"$5\" = --name -o \"$5\" = json -o \"$6\" = --name ] && echo '{\"id\": 1, \"value\": \"of '$(basename $0)'\"}'";
    let script = "printf '%s|' \"$PARAMETER\" \"$GCP\" \"$AZURE\" \"$BITWARDEN\" \"$BITWARDEN_USER\" \"$BITWARDEN_SECRET\"";
    with_programs(
        "exec j -C line --",
        envs,
        &[("aws", echo), ("gcloud", echo), ("az", json), ("bw", echo), ("bws", json)],
    )
    .arg("sh")
    .arg("-c")
    .arg(script)
    .stdout(
        "aws ssm get-parameter --with-decryption --name /prod/db --query Parameter.Value --output text|gcloud secrets versions access latest --quiet --project shop --secret db|of az|bw get password web shop --nointeraction|bw get username web shop --nointeraction|of bws|",
    )
    .run();
}

#[test]
fn a_tool_that_is_missing_or_fails_says_what_to_do() {
    let envs = "      A: {op: \"op://team/aws/key\"}\n      B: {pass: web}\n      C: {vault: \"kv/x#y\"}\n";
    with_programs(
        "run j -C line",
        envs,
        &[
            ("pass", "echo 'web is not in the password store.' >&2; exit 1"),
            ("vault", "echo '{\"data\": {\"z\": 1}}'"),
        ],
    )
    .status(125)
    .stderr(
        "error: integration `kv`, field `A`: cannot run op: there is no such program here
  --> shippable.yml:6:16
   6 |       A: {op: \"op://team/aws/key\"}
     |                ^^^^^^^^^^^^^^^^^
  hint: it comes with 1Password: https://developer.1password.com/docs/cli; PATH has to name its directory
error: integration `kv`, field `B`: pass failed (exit status: 1): web is not in the password store.
  --> shippable.yml:7:17
   7 |       B: {pass: web}
     |                 ^^^
  hint: run the command by hand to see what it needs
error: integration `kv`, field `C`: what vault gives for kv/x#y cannot be used: it has no `y`
  --> shippable.yml:8:19
   8 |       C: {vault: \"kv/x#y\"}
     |                   ^^^^^^
  hint: `vault` is written `secret/data/PATH#FIELD`
",
    )
    .run();
}

#[test]
fn a_reference_is_checked_before_anything_runs() {
    let said = with_programs("check -C line", "      A: {op: team/aws/key}\n", &[]).output();
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(
        said.starts_with("error: `op` of field `A` of integration `kv` is written `op://VAULT/ITEM/FIELD`"),
        "{said}"
    );
}

#[test]
fn a_tool_that_hangs_is_ended_when_its_time_is_up() {
    let started = Instant::now();
    let envs = "      A: {op: \"op://team/aws/key\"}\n      B: {command: [sleep, \"60\"]}\n      C: {command: \"exec sleep 60\"}\n";
    let call = with_programs("run j -C line --fetch-timeout 1", envs, &[("op", "exec sleep 60")]);
    let said = String::from_utf8(call.status(125).output().stderr).unwrap();
    for program in ["op", "sleep", "sh"] {
        assert!(said.contains(&format!(": {program} printed no value within 1 s\n")), "{said}");
    }
    assert!(said.contains("--fetch-timeout"));
    assert!(started.elapsed() < Duration::from_secs(30));
}

#[test]
fn programs_run_side_by_side() {
    // Each waits until the other has begun.
    let meet = |own: &str, other: &str| {
        format!(
            "cd \"$(dirname \"$0\")\"; touch {own}.here; until [ -e {other}.here ]; do sleep 0.01; done; echo {own}"
        )
    };
    with_programs(
        "exec j -C line --",
        "      A: {op: \"op://team/aws/key\"}\n      B: {pass: web}\n",
        &[("op", &meet("op", "pass")), ("pass", &meet("pass", "op"))],
    )
    .arg("sh")
    .arg("-c")
    .arg("echo $A $B")
    .stdout("op pass\n")
    .run();
}

#[test]
fn nothing_runs_for_a_job_that_does_not_need_it_nor_for_a_dry_run() {
    let envs = "      A: {op: \"op://team/aws/key\"}\n";
    let leave = [("op", "touch \"$0.ran\"; echo x")];
    with_programs("exec other -C line -- true", envs, &leave).run().no_file("bin/op.ran");
    let call = with_programs("run j --dry-run -C line", envs, &leave);
    let shown = String::from_utf8(call.output().stdout).unwrap();
    assert!(shown.contains("envs.A: from op op://team/aws/key, which a dry run does not start\n"), "{shown}");
    assert!(!call.path("bin/op.ran").exists());
}

#[test]
fn what_a_program_leaves_in_the_background_does_not_hold_up_its_value() {
    let envs = "      A: {pass: web}\n";
    with_programs("exec j -C line -- printenv A", envs, &[("pass", "sleep 20 & echo value")])
        .stdout("value\n")
        .run();
}

#[test]
fn one_program_alone_has_stdin() {
    let call =
        with_programs("exec j -C line -- printenv A", "      A: {pass: web}\n", &[("pass", "head -n 1")]);
    let mut command = call.command();
    let file = call.path("typed");
    fs::write(&file, "typed\n").unwrap();
    let output = command.stdin(fs::File::open(file).unwrap()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "typed\n");
}
