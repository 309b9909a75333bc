//! The keys of a CI section: at `/tmp/ssh`, and in an ssh-agent of the job's own.

use std::fs;
use std::process::{Command, Output};

use tempfile::TempDir;

/// Two keys, not in the order of their names, and one with a passphrase.
const LINE: &str = "language: none
integrations:
  key:
    - integrationName: second
      type: sshKey
    - integrationName: first
      type: pemKey
    - {integrationName: closed, type: pemKey}
build:
  ci:
    - stat -L -c '%a %n' /tmp/ssh/first /tmp/ssh/second; stat -L -c %a /tmp/ssh/
    - diff /tmp/ssh/second $SECOND_KEYPATH && echo same
    - ssh-add -l | cut -d ' ' -f 3
    - echo $SSH_AUTH_SOCK > $HERE/socket; eval \"$WAIT\"
jobs: [{name: app_runCI, type: runCI}]
";

const INTEGRATIONS: &str = "integrations:
- {name: first, type: pemKey, fields: {key: {file: one}}}
- {name: second, type: sshKey, fields: {privateKey: {file: two}, publicKey: {file: two.pub}}}
- {name: closed, type: pemKey, fields: {key: {file: three}}}
";

/// Executes commands with a `/tmp` of their own, in which they and all that the job needs lie.
const OWN_TMP: &str = r#"set -e
new=$(mktemp -d)
mount -t tmpfs -o mode=1777 none "$new"
mkdir "$new/here"
mount --bind "$PWD" "$new/here"
mount --rbind "$new" /tmp
cd /tmp/here
export HERE=$PWD TMPDIR=$PWD/tmp SHIPCTL_SHM=$PWD/tmp GIT_CEILING_DIRECTORIES=/tmp
mkdir -p tmp
for key in one two; do [ -e $key ] || ssh-keygen -q -t ed25519 -N '' -C $key -f $key; done
[ -e three ] || ssh-keygen -q -t ed25519 -N secret -C three -f three
run() { timeout 60 "$SHIPCTL" run app_runCI; }
has_no_agent() { status=0; SSH_AUTH_SOCK=$(cat socket) ssh-add -l > out 2>&1 || status=$?; [ $status = 2 ] || { cat out; false; }; }
"#;

/// Runs commands there; `None` where nobody may have such a place.
fn run(commands: &str) -> Option<Output> {
    let unshared = |command: &mut Command| command.args(["--user", "--map-root-user", "--mount"]).output();
    if !unshared(Command::new("unshare").arg("true")).is_ok_and(|tried| tried.status.success()) {
        eprintln!("no user namespaces here: nothing is tried");
        return None;
    }
    let line = TempDir::new().unwrap();
    fs::write(line.path().join("shippable.yml"), LINE).unwrap();
    fs::write(line.path().join("shippable.integrations.yml"), INTEGRATIONS).unwrap();
    let script = format!("{OWN_TMP}{commands}");
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "bash", "-c", &script]);
    command
        .current_dir(line.path())
        .env("SHIPCTL", env!("CARGO_BIN_EXE_shipctl"))
        .env_remove("SSH_AUTH_SOCK");
    Some(command.output().unwrap())
}

/// Checks that all went well, what must be in the log, and whether there is a warning of what lies at `/tmp/ssh`.
fn check(output: &Output, lines: &str, warning: Option<&str>) {
    let [stdout, stderr] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert_eq!(output.status.code(), Some(0), "{stdout}{stderr}");
    assert!(stdout.contains(lines), "{stdout}{stderr}");
    let closed = "warning: the ssh-agent of the job does not take the key `closed`: ";
    assert!(stderr.contains(closed), "{stderr}");
    match warning {
        Some(why) => {
            let whole = format!("warning: the keys of the job are not at /tmp/ssh: {why}\n");
            assert!(stderr.contains(&whole), "{stderr}");
        }
        None => assert!(!stderr.contains("are not at /tmp/ssh"), "{stderr}"),
    }
}

#[test]
fn keys_are_at_their_place_and_in_an_agent_while_the_job_runs() {
    let Some(output) = run("run; [ ! -L /tmp/ssh ]; has_no_agent") else { return };
    check(&output, "600 /tmp/ssh/first\n600 /tmp/ssh/second\n700\n", None);
    check(&output, "\nsame\n", None);
    check(&output, "\none\ntwo\n", None);
}

#[test]
fn an_agent_is_found_without_a_path() {
    // As `srun --export=NONE` starts jobs.
    let run = r#"run() { timeout 60 "$SHIPCTL" run app_runCI --on "sh -c 'unset PATH; exec $SHIPCTL remote-job'"; }"#;
    let Some(output) = self::run(&format!("{run}; run; has_no_agent")) else { return };
    check(&output, "\none\ntwo\n", None);
}

#[test]
fn what_lies_at_the_place_stays() {
    let agent = "sed -i /stat/d shippable.yml; sed -i /diff/d shippable.yml;";
    for (before, after, why) in [
        ("mkdir /tmp/ssh", "[ -d /tmp/ssh ]", Some("something else is there")),
        ("ln -s /tmp/here /tmp/ssh", "[ -L /tmp/ssh ]", Some("another run has its own there")),
        ("ln -s /tmp/nowhere /tmp/ssh", "[ ! -L /tmp/ssh ]", None),
    ] {
        let Some(output) = run(&format!("{agent}{before}; run; {after}; has_no_agent")) else { return };
        check(&output, "\none\ntwo\n", why);
    }
}

#[test]
fn a_killed_run_leaves_no_agent_and_no_key() {
    let commands = r#"
export WAIT='echo $PPID > $HERE/pid; sleep 600'
run & pid=$!
until [ -s pid ]; do sleep 0.01; done
kill -KILL $(cat pid)
! wait $pid
until has_no_agent > /dev/null; do sleep 0.01; done
export WAIT=
rm socket
run
has_no_agent
[ ! -L /tmp/ssh ]
! grep -rl 'PRIVATE KEY' tmp
"#;
    let Some(output) = run(commands) else { return };
    check(&output, "\none\ntwo\n", None);
}
