//! Workspaces of commands that were killed, and of scripts that do as they like with them.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::unistd::Uid;

use crate::support::{Call, shipctl};

const SECRET: &str = "workspaceSECRET1234";

/// A line with a job `secret` that has this script and secrets, and a job `other` without any.
fn line(script: &str) -> String {
    format!(
        "integrations:
  - {{name: kv, type: keyValuePair, fields: {{envs: {{K: {SECRET}}}}}}}
  - {{name: sk, type: sshKey, fields: {{publicKey: p, privateKey: KEY {SECRET}}}}}
resources:
  - {{name: r, type: integration, integration: kv}}
  - {{name: s, type: integration, integration: sk}}
jobs:
  - {{name: secret, type: runSh, steps: [IN: r, IN: s, TASK: [{script:?}]]}}
  - {{name: other, type: runSh, steps: [TASK: ['echo \"other in $JOB_PATH\"']]}}
"
    )
}

/// A call with its workspaces, on disk and in memory, in directories of its own.
fn call(arguments: &str, script: &str) -> Call {
    let (command, arguments) = arguments.split_once(' ').unwrap();
    shipctl(command)
        .args(arguments)
        .file("shippable.yml", line(script))
        .file("tmp/", "")
        .file("shm/", "")
        .env("TMPDIR", "{WORK}/tmp")
        .env("SHIPCTL_SHM", "{WORK}/shm")
}

/// All files below the directories of workspaces, and whether a secret is in one of them.
fn left(call: &Call) -> (Vec<PathBuf>, bool) {
    let mut found = Vec::new();
    let mut directories = vec![call.path("tmp"), call.path("shm")];
    while let Some(directory) = directories.pop() {
        // What a command that still clears has removed meanwhile is not left.
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            match entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                true => directories.push(entry.path()),
                false => found.push(entry.path()),
            }
        }
    }
    let has_secret = ["tmp", "shm"].iter().any(|home| holds_secret(&call.path(home)));
    (found, has_secret)
}

/// Says that it has come so far, and waits until `go` is there.
const WAIT: &str = "echo ready; while [ ! -e $HOME/go ]; do sleep 0.01; done";

/// Starts it, waits until its script says `ready`, and kills it.
fn killed(mut command: Command) {
    let (mut child, _) = started(&mut command);
    child.kill().unwrap();
    child.wait().unwrap();
}

fn started(command: &mut Command) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.trim_end().ends_with("ready") {
        line.clear();
        assert_ne!(log.read_line(&mut line).unwrap(), 0, "it ended early");
    }
    (child, log)
}

fn succeed(mut command: Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn whichever_command_was_killed_the_next_one_of_any_kind_removes_what_it_left() {
    let commands =
        ["run secret", "exec secret -- sh -c", "run secret --workspace mine", "run secret other -j2"];
    for first in commands {
        for next in ["run other", "exec other -- true", "run other secret --upstream"] {
            let call = call(first, WAIT).env("HOME", "{WORK}");
            let mut command = call.command();
            if first.starts_with("exec") {
                command.arg(WAIT);
            }
            killed(command);
            fs::write(call.path("go"), "").unwrap();
            succeed(call.also(next));
            // The worker of a line whose main process was killed ends its job, and then removes its workspace itself.
            let until = Instant::now() + Duration::from_secs(20);
            while first.contains("-j2") && !left(&call).0.is_empty() && Instant::now() < until {
                thread::yield_now();
            }
            let (files, has_secret) = left(&call);
            assert!(files.is_empty() && !has_secret, "{first}, {next}: {files:?}");
            assert!(!call.path("mine").exists(), "{first}, {next}");
        }
    }
}

#[test]
fn a_command_leaves_nothing_and_disturbs_none_that_runs() {
    let script = format!("{WAIT}; cat IN/r/integration.env >/dev/null && echo whole");
    let call = call("run secret", &script).env("HOME", "{WORK}");
    let (mut child, mut log) = started(&mut call.command());
    succeed(call.also("run other"));
    succeed(call.also("exec other -- true"));
    assert!(left(&call).1, "it still runs");
    fs::write(call.path("go"), "").unwrap();
    assert!(std::io::read_to_string(&mut log).unwrap().contains("whole"));
    assert!(child.wait().unwrap().success());
    assert_eq!(left(&call), (vec![], false));
}

#[test]
fn what_a_killed_worker_leaves_is_removed_while_the_others_run() {
    let script = "echo ready; kill -9 $PPID; sleep 600";
    let call = call("run secret other -j2", script);
    let output = call.output();
    assert!(!output.status.success());
    assert_eq!(left(&call), (vec![], false));
}

#[test]
fn what_a_script_puts_in_place_of_its_workspace_is_not_followed() {
    for script in [
        "cd /; rm -rf $JOB_PATH; ln -s $HOME/victim $JOB_PATH",
        "mv $JOB_PATH $JOB_PATH.old; ln -s $HOME/victim $JOB_PATH",
        "mv $JOB_PATH $HOME/moved; ln -s $HOME/victim $JOB_PATH",
        "rmdir shared; ln -s $HOME/victim shared",
        "rm -r secrets; ln -s $HOME/victim secrets",
        "rm -r IN; ln -s $HOME/victim IN",
        "rm -r state; ln -s $HOME/victim state; chmod 0 .",
        "ln -s $HOME/victim link; ln -s $HOME/victim IN/r/link; chmod 500 IN/r IN",
    ] {
        for arguments in ["run secret", "run secret --keep", "run secret --workspace mine"] {
            let call = call(arguments, script).env("HOME", "{WORK}").file("victim/keep", "dear");
            let mine = call.path("mine");
            fs::set_permissions(call.path("victim"), fs::Permissions::from_mode(0o755)).unwrap();
            call.output();
            succeed(call.also("run other"));
            assert_eq!(
                fs::read_to_string(call.path("victim/keep")).unwrap(),
                "dear",
                "{arguments}: {script}"
            );
            assert_eq!(fs::metadata(call.path("victim")).unwrap().permissions().mode() & 0o777, 0o755);
            let all = [left(&call).1, holds_secret(&call.path("moved")), holds_secret(&mine)];
            assert_eq!(all, [false; 3], "{arguments}: {script}");
        }
    }
}

fn holds_secret(directory: &Path) -> bool {
    fs::read_dir(directory).into_iter().flatten().flatten().any(|entry| match entry.file_type().unwrap() {
        kind if kind.is_dir() => holds_secret(&entry.path()),
        // To read from a pipe would take what is meant for a shell.
        kind if !kind.is_file() => false,
        _ => fs::read_to_string(entry.path()).is_ok_and(|text| text.contains(SECRET)),
    })
}

#[test]
fn deep_and_unwritable_directories_are_removed() {
    let script =
        "for i in $(seq 400); do mkdir d; cd d; touch f; done; mkdir -p x/y; chmod 500 x; chmod 0 x/y";
    let call = call("run secret", script);
    succeed(call.command());
    assert_eq!(left(&call), (vec![], false));
    assert!(fs::read_dir(call.path("tmp")).unwrap().all(|home| {
        fs::read_dir(home.unwrap().path()).unwrap().all(|entry| entry.unwrap().file_name() == ".busy")
    }));
}

/// Only root can make files that somebody else cannot remove.
#[test]
fn a_file_that_cannot_be_removed_keeps_no_secret_and_blocks_no_job() {
    if !Uid::effective().is_root() {
        return;
    }
    let call = call("run secret", &format!("mkdir shared/dock; {WAIT}")).env("HOME", "{WORK}");
    let user = 65534;
    for path in ["", "tmp", "shm"] {
        chown(call.path(path), Some(user), Some(user)).unwrap();
    }
    chown(call.path("shippable.yml"), Some(user), Some(user)).unwrap();
    let run = || {
        let (mut child, mut log) = started(call.command().uid(user).gid(user).stderr(Stdio::piped()));
        // As a container would that has the workspace mounted.
        let home = call.path(&format!("tmp/shipctl-{user}"));
        let dock = |name: &str| home.join(name).join("shared/dock");
        let dock = if dock("secret.2").exists() { dock("secret.2") } else { dock("secret") };
        fs::write(dock.join("file"), "").unwrap();
        chown(&dock, Some(0), Some(0)).unwrap();
        fs::write(call.path("go"), "").unwrap();
        std::io::read_to_string(&mut log).unwrap();
        fs::remove_file(call.path("go")).unwrap();
        let said = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
        assert!(child.wait().unwrap().success(), "{said}");
        (dock, said)
    };
    let (first, said) = run();
    assert!(said.contains("warning: cannot remove all of the workspace"), "{said}");
    assert!(said.contains("shared/dock/file: Permission denied"), "{said}");
    assert!(!left(&call).1);
    let (second, said) = run();
    assert_ne!(first, second);
    assert!(said.contains("secret is not used: what a run has left there cannot be removed"), "{said}");
    assert!(said.contains("shared/dock/file"), "{said}");
    assert!(!left(&call).1);
}

#[test]
fn a_directory_for_temporary_files_that_is_not_there_is_not_made() {
    for (variable, command) in [("TMPDIR", "run secret"), ("SHIPCTL_SHM", "exec secret -- true")] {
        let call = call(command, "true").env(variable, "{WORK}/gone");
        let output = call.output();
        assert_eq!(output.status.code(), Some(125));
        let said = String::from_utf8(output.stderr).unwrap();
        let gone = call.path("gone");
        let begins = format!("error: {} is not there, and workspaces are to lie in it", gone.display());
        assert!(said.contains(&begins) && said.contains(variable), "{said}");
        assert!(!gone.exists());
    }
}

#[test]
fn a_directory_of_workspaces_that_is_a_symbolic_link_is_refused() {
    let call = call("run secret", "true").file("elsewhere/keep", "dear");
    symlink(call.path("elsewhere"), call.path(&format!("tmp/shipctl-{}", Uid::effective()))).unwrap();
    let output = call.output();
    assert_eq!(output.status.code(), Some(125));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("is not a private directory of yours"), "{said}");
    assert_eq!(fs::read_dir(call.path("elsewhere")).unwrap().count(), 1);
}
