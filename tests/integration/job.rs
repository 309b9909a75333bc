//! `shipctl run` and `shipctl exec`: a job with its environment and files, and nothing of it left behind.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use nix::fcntl::OFlag;
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, mkfifo};
use regex::Regex;

use crate::support::{Call, shipctl};

/// A job bound to AWS keys, with this script.
fn line(script: &str) -> String {
    let script = script.replace('\n', "\n            ");
    format!(
        "integrations:\n- name: keys\n  type: amazonKeys\n  fields: {{accessKey: AKIAMADEUP, secretKey: \"s3c\\\"r$t\\n'x' \"}}\nresources:\n- {{name: aws, type: integration, integration: keys}}\njobs:\n- name: ship\n  type: runSh\n  steps:\n    - IN: aws\n    - TASK:\n        script:\n          - |\n            {script}\n"
    )
}

/// A call with workspaces in a directory of its own.
fn call(command: &str, arguments: &str, script: &str) -> Call {
    shipctl(command)
        .args(arguments)
        .file("shippable.yml", line(script))
        .env("TMPDIR", "{WORK}/tmp")
        .env("SHIPCTL_SHM", "{WORK}/tmp")
        .file("tmp/", "")
}

/// The output of `run` with every duration replaced by `T`.
fn timeless(bytes: &[u8]) -> String {
    let duration = Regex::new(r"<?(?-u:\b)[0-9]+(\.[0-9]+)? ?(ms|s)(?-u:\b)").unwrap();
    duration.replace_all(&String::from_utf8_lossy(bytes), "T").into_owned()
}

/// All files below a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

/// No file below a directory holds the secret.
fn assert_no_secret(directory: &Path) {
    for file in files(directory) {
        let content = fs::read(&file).unwrap();
        assert!(!String::from_utf8_lossy(&content).contains("s3c"), "{} holds the secret", file.display());
    }
}

#[test]
fn the_first_job_of_a_newcomer() {
    let output = shipctl("run")
        .args("deploy -C")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/aws-keys"))
        .output();
    assert_eq!(
        timeless(&output.stdout),
        "▸ deploy the release\n  $ echo \"release $RELEASE goes to $REGION with the key $AWS_INTEGRATION_ACCESSKEY\"\nrelease 1.10 goes to us-east-1 with the key ***\n  ✓ T\n  $ secret=$(shipctl get_integration_resource_field aws secretKey)  (+1 line)\nthe secret key has 40 characters, and is shown as ***\n  ✓ T\n✓ deploy the release · T\n▸ on_success\n  $ echo \"$JOB_NAME is done\"\ndeploy is done\n  ✓ T\n✓ on_success · T\n▸ always\n  $ echo \"this runs in any case\"\nthis runs in any case\n  ✓ T\n✓ always · T\n\n✓ deploy the release  T\n✓ on_success          T\n✓ always              T\n✓ deploy succeeded · T\n"
    );
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}

#[test]
fn a_job_without_a_task_says_that_it_runs_nothing() {
    let yaml = "resources:\n- {name: r, type: params}\njobs:\n- name: gate\n  type: runSh\n  steps:\n  - IN: r\n- name: ends\n  type: runSh\n  always:\n  - echo end\n";
    let warning = |name: &str, line: u32, runs: &str| {
        format!(
            "warning: job `{name}` has no TASK: it runs {runs}\n  --> shippable.yml:{line}:9\n{line:>4} | - name: {name}\n     |         ^^^^\n  hint: what it is to run stands under `steps:`, as `- TASK:` with a `script:`\n"
        )
    };
    for args in ["gate", "gate --dry-run"] {
        let output = shipctl("run").args(args).file("shippable.yml", yaml).output();
        assert_eq!(String::from_utf8_lossy(&output.stderr), warning("gate", 4, "nothing"));
        assert!(output.status.success());
    }
    let output = shipctl("run").arg("ends").file("shippable.yml", yaml).output();
    assert_eq!(String::from_utf8_lossy(&output.stderr), warning("ends", 8, "only sections"));
    shipctl("check").file("shippable.yml", yaml).stdout("1 file: 2 jobs and 1 resource, no problems\n").run();
}

#[test]
fn the_status_is_that_of_the_failing_script() {
    for (script, status) in
        [("exit 7", 7), ("false", 1), ("no-such-command", 127), ("kill -KILL $$", 137), ("exit 0", 0)]
    {
        assert_eq!(call("run", "ship", script).output().status.code(), Some(status), "{script}");
    }
}

#[test]
fn values_reach_the_script_byte_for_byte_and_the_log_masked() {
    let script = "printf '%s' \"$AWS_INTEGRATION_SECRETKEY\" > \"$OUT\"\necho \"[$AWS_INTEGRATION_SECRETKEY]\"\necho \"$AWS_INTEGRATION_ACCESSKEY\" | base64";
    let call = call("run", "ship -e OUT=out", script);
    let output =
        call.command().arg("-e").arg(format!("OUT={}", call.path("out").display())).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(fs::read(call.path("out")).unwrap(), b"s3c\"r$t\n'x' ");
    let log = String::from_utf8(output.stdout).unwrap();
    assert!(log.contains("[***"), "{log}");
    assert!(!log.contains("s3c") && !log.contains("AKIA") && !log.contains("QUtJQU1"), "{log}");
}

#[test]
fn the_workspace_is_private_and_complete() {
    let script = "cd \"$JOB_PATH\"; find . -printf '%m %y %P\\n' | sort -k3; . IN/aws/integration.env; [ \"$secretKey\" = \"$AWS_INTEGRATION_SECRETKEY\" ]";
    let output = call("run", "ship", script).output();
    let log = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{log}");
    // The commands of the original can be executed, by the same user alone.
    let is_private = |line: &&str| {
        ["700 d ", "600 f ", "700 f scripts/shippable_"].iter().any(|start| line.starts_with(start))
    };
    let found: Vec<_> = log.lines().filter(is_private).collect();
    let all = Regex::new("(?m)^[0-7]{3} [a-z] ").unwrap().find_iter(&log).count();
    assert_eq!(found.len(), all, "nobody else can read any of it: {log}");
    for name in [
        "d IN/aws",
        "f IN/aws/integration.env",
        "f IN/aws/integration.json",
        "d IN/aws/integration",
        "f IN/aws/version.json",
        "d OUT",
        "d integrations",
        "f message.json",
        "d previousState",
        "d scripts",
        "f scripts/integration_envs.env",
        "700 f scripts/shippable_retry",
        "d secrets",
        "d shared",
        "d state",
        "f state/aws.env",
        "f state/ship.env",
    ] {
        assert!(found.iter().any(|line| line.ends_with(name)), "{name}: {log}");
    }
}

#[test]
fn nothing_secret_is_left_however_the_run_ends() {
    for script in ["true", "false", "kill -9 $$", "chmod -R a-w . ; mkdir -p deep/er; chmod 500 deep"] {
        let call = call("run", "ship", script);
        call.output();
        assert_no_secret(&call.path("tmp"));
    }
}

/// Starts a run that says `ready` and then waits, and gives it back once it has said so.
fn started(call: &Call) -> Child {
    let mut child = call.command().stdout(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("ready") {
        line.clear();
        assert_ne!(log.read_line(&mut line).unwrap(), 0, "the run ended early");
    }
    child.stdout = Some(log.into_inner());
    child
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).unwrap())
}

const WAIT: &str = "echo ready\nsleep 600";

#[test]
fn a_signal_ends_the_run_in_order() {
    for (signal, status) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let call = call("run", "ship", WAIT);
        let mut child = started(&call);
        assert!(files(&call.path("tmp")).iter().any(|file| file.ends_with("integration.env")));
        kill(pid(&child), signal).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(status), "{signal}");
        assert_no_secret(&call.path("tmp"));
    }
}

/// What a script may leave in its workspace.
const LEFT: &[&str] = &[
    "touch state/new OUT/.new previousState/ship.env",
    "mkdir -p IN/aws/deep/er; touch IN/aws/deep/er/x; chmod 0 IN/aws/deep",
    "touch -d 2001-01-01 OUT/old OUT shared",
    "mv OUT x; mv x OUT; mv IN/aws x; mkdir IN/aws; mv x IN/aws/aws",
    "rm -r shared; ln -s \"$OUTSIDE\" shared",
    "rm -r IN/aws; ln -s \"$OUTSIDE\" IN/aws",
    "rm state/aws.env; ln -s \"$OUTSIDE/letter\" state/aws.env",
    "echo IT=1 >> state/aws.env",
    "ln -f state/aws.env \"$OUTSIDE/hard\"",
    "rm state/aws.env; mkdir state/aws.env; touch state/aws.env/x",
    "rm -r IN; touch IN",
    "rm message.json; ln -s \"$OUTSIDE/letter\" message.json",
    "ln -f message.json \"$OUTSIDE/hard\"",
    "rm message.json; mkfifo message.json",
    "chmod 400 message.json; rm -f scripts/*; mkfifo 'scripts/Task 0[1]'",
    "rm scripts/*; ln -s \"$OUTSIDE/letter\" 'scripts/Task 0[1]'",
    "seq 9 >> message.json; seq 9 >> IN/aws/version.json",
    "rmdir OUT previousState",
    "chmod 755 state; chmod 644 state/*",
    "rm -r state; mkdir state; touch state/ship.env",
    "touch .shipctl-workspace",
    "rm -r \"$PWD\"",
];

#[test]
fn a_run_finds_nothing_of_the_one_before() {
    let first = call("run", "ship", "true").file("outside/letter", "dear");
    let run = |command: &str, script: &str| {
        let call = match command {
            "run" => call("run", "ship", script),
            _ => call("exec", "ship -- bash -c", "x").arg(format!("cd \"$JOB_PATH\"\n{script}")),
        };
        let call = call.env("TMPDIR", first.path("tmp")).env("OUTSIDE", first.path("outside"));
        String::from_utf8(call.output().stdout).unwrap()
    };
    let look = "find . -printf '%m %y %P\\n' | LC_ALL=C sort; find . -type f -empty | LC_ALL=C sort";
    let found = |log: &str| {
        let lines = log.lines().filter(|line| line.starts_with(['4', '5', '6', '7', '.']));
        lines.collect::<Vec<_>>().join("\n")
    };
    for command in ["run", "exec"] {
        let fresh = found(&run(command, look));
        assert!(fresh.contains("700 d IN/aws\n") && fresh.contains("./state/aws.env"), "{fresh}");
        for left in LEFT {
            // The second time it is in directories that have been there for a while.
            for _ in 0..2 {
                run(command, left);
                assert_eq!(found(&run(command, look)), fresh, "{command}: {left}");
            }
        }
    }
    assert_no_secret(&first.path("tmp"));
    assert_eq!(fs::read_to_string(first.path("outside/letter")).unwrap(), "dear");
}

#[test]
fn what_a_killed_run_left_is_removed_by_the_next_one() {
    let call = call("run", "ship", WAIT);
    let mut child = started(&call);
    kill(pid(&child), Signal::SIGKILL).unwrap();
    // The pipe is closed when the shell is gone too.
    child.stdout.take().unwrap().read_to_end(&mut Vec::new()).unwrap();
    child.wait().unwrap();
    assert!(files(&call.path("tmp")).iter().any(|file| file.ends_with("integration.env")));
    let next = shipctl("run").args("other").env("TMPDIR", call.path("tmp"));
    let next = next.file("shippable.yml", "jobs:\n- {name: other, type: runSh, steps: [TASK: ['true']]}\n");
    assert!(next.output().status.success());
    assert_no_secret(&call.path("tmp"));
}

#[test]
fn two_runs_at_once_have_a_workspace_each() {
    let call = call("run", "ship", "echo \"$JOB_PATH\" >> \"$PATHS\"; echo ready; sleep 600")
        .env("PATHS", "{WORK}/paths");
    for mut child in [started(&call), started(&call)] {
        kill(pid(&child), Signal::SIGTERM).unwrap();
        child.wait().unwrap();
    }
    let paths = fs::read_to_string(call.path("paths")).unwrap();
    let paths: Vec<_> = paths.lines().collect();
    assert_eq!(paths.len(), 2);
    assert_ne!(paths[0], paths[1]);
}

#[test]
fn a_workspace_of_ones_own() {
    let call = call("run", "ship --workspace there/it", "pwd");
    let output = call.output();
    assert!(
        String::from_utf8_lossy(&output.stdout)
            .contains(&format!("\n{}/there/it\n", call.path("").display()).replace("//", "/"))
    );
    assert!(!call.path("there/it").exists());
    let kept = crate::job::call("run", "ship --keep --workspace it", "echo kept > shared/file");
    let output = kept.output();
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("shipctl: the workspace is kept: "));
    assert_eq!(fs::read_to_string(kept.path("it/shared/file")).unwrap(), "kept\n");
    assert!(kept.path("it/message.json").exists() && !kept.path("it/IN/aws/integration.env").exists());
    assert_no_secret(&kept.path("it"));
    let foreign = crate::job::call("run", "ship --workspace home", "true").file("home/letter", "dear");
    let output = foreign.output();
    assert_eq!(output.status.code(), Some(125));
    assert!(String::from_utf8_lossy(&output.stderr).contains("is not empty and no workspace of shipctl"));
    assert_eq!(fs::read_to_string(foreign.path("home/letter")).unwrap(), "dear");
}

#[test]
fn a_dry_run_starts_nothing_and_writes_nothing() {
    let call = call("run", "ship --dry-run", "touch /tmp/never");
    let output = call.output();
    let plan = String::from_utf8(output.stdout).unwrap();
    assert!(
        plan.starts_with("job ship (runSh) · dry run: nothing is started, nothing is written\n"),
        "{plan}"
    );
    assert!(
        plan.contains(
            "  AWS_INTEGRATION_SECRETKEY=***  (integration keys, field secretKey, from the YAML)\n"
        ),
        "{plan}"
    );
    assert!(!plan.contains("s3c"), "{plan}");
    assert_eq!(fs::read_dir(call.path("tmp")).unwrap().count(), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_nothing_half_done() {
    use nix::mount::{MsFlags, mount, umount};

    if !nix::unistd::Uid::effective().is_root() {
        return;
    }
    let call = call("run", "ship --workspace small/ws", "echo never").file("small/", "");
    let small = call.path("small");
    let size = Some("size=16k,mode=700");
    if mount(Some("none"), &small, Some("tmpfs"), MsFlags::empty(), size).is_err() {
        return;
    }
    fs::write(small.join("filler"), vec![0; 8192]).unwrap();
    let output = call.output();
    let left = files(&small);
    umount(&small).unwrap();
    assert_eq!(output.status.code(), Some(125), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stderr).contains("No space left on device"));
    assert_eq!(left, [small.join("filler")]);
}

#[test]
fn exec_gives_the_command_its_environment_and_takes_its_status() {
    let exec = |words: &[&str]| words.iter().fold(call("exec", "ship --", "x"), |call, word| call.arg(word));
    exec(&["sh", "-c", "printf '%s|' \"$1\" \"$AWS_INTEGRATION_ACCESSKEY\"; pwd; exit 7", "sh", "a b"])
        .stdout("a b|AKIAMADEUP|{WORK}\n")
        .status(7)
        .run();
    exec(&["sh", "-c", "kill -TERM $$"]).status(143).run();
    exec(&["no-such-command"]).stderr("error: no-such-command: command not found\n").status(127).run();
    let output = exec(&["./shippable.yml"]).output();
    assert_eq!(output.status.code(), Some(126), "{}", String::from_utf8_lossy(&output.stderr));
    exec(&["shipctl", "get_resource_operation", "aws"]).stdout("IN\n").run();
}

#[test]
fn exec_masks_if_it_is_asked_to() {
    let script = "echo \"$AWS_INTEGRATION_ACCESSKEY\"; echo \"$AWS_INTEGRATION_ACCESSKEY\" >&2";
    for (flag, shown) in [("", "AKIAMADEUP\n"), ("--mask ", "***\n")] {
        call("exec", &format!("ship {flag}-- sh -c"), "x").arg(script).stdout(shown).stderr(shown).run();
    }
}

#[test]
fn masks_are_asked_for_in_github_actions_alone() {
    let masks = "::add-mask::AKIAMADEUP\n::add-mask::s3c\"r$t\n::add-mask::'x' \n";
    for command in ["run ship --add-mask", "exec ship --add-mask -- true"] {
        let (verb, words) = command.split_once(' ').unwrap();
        let output = call(verb, words, "echo done").env("GITHUB_ACTIONS", "true").output();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.starts_with(masks), "{command}: {text}");
        let output = call(verb, words, "echo done").env("GITHUB_ACTIONS", "").output();
        let text = format!("{output:?}");
        assert_eq!(output.status.code(), Some(125));
        assert!(text.contains("--add-mask is for GitHub Actions") && !text.contains("AKIAMADEUP"), "{text}");
    }
}

#[test]
fn the_environment_of_shipctl_itself_stays_out_of_jobs() {
    let call =
        call("exec", "ship -- env", "x").env("SHIPCTL_INTEGRATION_X_TOKEN", "hush").env("FROM_OUTSIDE", "1");
    let text = String::from_utf8(call.output().stdout).unwrap();
    assert!(text.contains("FROM_OUTSIDE=1\n") && !text.contains("SHIPCTL_INTEGRATION"), "{text}");
    let clean =
        crate::job::call("exec", "ship --clean-env -- env", "x").env("FROM_OUTSIDE", "1").env("LC_ALL", "C");
    let text = String::from_utf8(clean.output().stdout).unwrap();
    assert!(
        !text.contains("FROM_OUTSIDE") && text.contains("LC_ALL=C\n") && text.contains("PATH="),
        "{text}"
    );
}

#[test]
fn a_workspace_is_as_new_whatever_the_run_before_did_to_it() {
    let list = "cd $JOB_PATH; find . -mindepth 1 -printf '@%y %m %p\\n' | grep -v scripts/ | sort";
    let line = |input: &str, script: &str| {
        format!(
            "resources: [{{name: a, type: params}}, {{name: b, type: params}}]\njobs: [{{name: j, type: runSh, steps: [IN: {input}, TASK: {script:?}]}}]"
        )
    };
    let call = shipctl("run").file("tmp/", "").file("shippable.yml", "");
    let run = |line: String| {
        fs::write(call.path("shippable.yml"), line).unwrap();
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_shipctl"))
            .args(["run", "j"])
            .current_dir(call.path(""))
            .env("TMPDIR", call.path("tmp"))
            .env("SHIPCTL_SHM", call.path("tmp"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().filter(|line| line.starts_with('@')).collect::<Vec<_>>().join("\n")
    };
    let new = run(line("a", list));
    assert!(new.contains("@d 700 ./IN/a\n") && new.contains("@f 600 ./IN/a/version.json"), "{new}");
    for script in [
        ":",
        "cd $JOB_PATH; touch left IN/left; mkdir -p OUT/left/deep; ln -s / IN/link",
        "cd $JOB_PATH; rm -r IN shared; touch IN",
        "chmod 777 $JOB_PATH/secrets $JOB_PATH/IN",
        "chmod 0 $JOB_PATH/shared",
        "mkdir -p $JOB_PATH/.shipctl-workspace/left",
        "rm -r $JOB_PATH/*",
    ] {
        run(line("a", script));
        assert_eq!(run(line("a", list)), new, "{script}");
    }
    run(line("b", ":"));
    assert_eq!(run(line("a", list)), new);
}

/// What is made for its owner alone from the beginning is that under any umask. Made wider and narrowed then, it would be
/// seen by who looks all the time.
#[test]
fn files_are_never_readable_by_others() {
    let call = call("run", "ship", "read _ <$HOME/go");
    let go = call.path("go");
    mkfifo(&go, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    let mut seen = BTreeSet::new();
    for command in ["run ship", "run ship --workspace tmp/ws", "exec ship -- sh -c 'read _ <go'"].repeat(3) {
        let program = env!("CARGO_BIN_EXE_shipctl");
        let mut child = std::process::Command::new("sh")
            .args(["-c", &format!("umask 0; exec \"$0\" {command} >/dev/null"), program])
            .current_dir(call.path(""))
            .env("TMPDIR", call.path("tmp"))
            .env("SHIPCTL_SHM", call.path("tmp"))
            .env("HOME", call.path(""))
            .spawn()
            .unwrap();
        let status = loop {
            let over = child.try_wait().unwrap();
            // Somebody reads from it once the script runs, and then everything is there.
            let script = OpenOptions::new().write(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(&go);
            for directory in ["tmp", ".shipctl"] {
                look(&call.path(directory), &mut seen);
            }
            let _ = script.map(|mut script| script.write_all(b"\n"));
            if let Some(status) = over {
                break status;
            }
        };
        assert!(status.success(), "{command}");
    }
    assert!(seen.contains("integration.json") && seen.contains("audit.jsonl"), "{seen:?}");
}

/// Notes what is in a directory, which nobody but its owner may read.
fn look(directory: &Path, seen: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let Ok(metadata) = entry.metadata() else { continue };
        let mode = metadata.permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}: {mode:o}", entry.path().display());
        seen.insert(entry.file_name().to_string_lossy().into_owned());
        if metadata.is_dir() {
            look(&entry.path(), seen);
        }
    }
}

/// A job could otherwise take the key of the line, and with it all that is encrypted.
#[test]
#[cfg_attr(feature = "posix", ignore = "only Linux keeps memory from other processes of a user")]
fn a_job_cannot_look_into_shipctl() {
    let see = "cat /proc/$PPID/environ | tr '\\0' '\\n' | grep SHIPCTL_KEY || echo @${SHIPCTL_KEY-none}";
    let line = format!("jobs: [{{name: j, type: runSh, steps: [TASK: {see:?}]}}]");
    let call = shipctl("exec")
        .file("shippable.yml", line)
        .file("tmp/", "")
        .file("see.sh", see)
        .env("TMPDIR", "{WORK}/tmp");
    // Root may look everywhere, unless it gives that up.
    let root = nix::unistd::geteuid().is_root();
    let drop = if root { "setpriv --bounding-set=-all --inh-caps=-all" } else { "exec" };
    for command in ["run j", "exec j -- bash see.sh"] {
        let output = std::process::Command::new("bash")
            .args(["-c", &format!("{drop} \"$0\" {command}"), env!("CARGO_BIN_EXE_shipctl")])
            .current_dir(call.path(""))
            .env("TMPDIR", call.path("tmp"))
            .env("SHIPCTL_SHM", call.path("tmp"))
            .env("SHIPCTL_KEY", "AGE-SECRET-KEY-1NOBODYS")
            .output()
            .unwrap();
        let shown = String::from_utf8(output.stdout).unwrap();
        let said = format!("{shown}{}", String::from_utf8(output.stderr).unwrap());
        assert!(shown.contains("@none\n") && !said.contains("NOBODYS"), "{command}: {said}");
        assert!(said.contains("/environ: Permission denied"), "{command}: {said}");
    }
}

#[test]
fn shipctl_leaves_no_core_dump_and_its_scripts_may() {
    let see = "ulimit -Sc; grep -o 'core file size *[0-9a-z]*' /proc/$PPID/limits | tr -s ' '";
    let line = format!("jobs: [{{name: j, type: runSh, steps: [TASK: {see:?}]}}]");
    let call = shipctl("exec").file("shippable.yml", line).file("tmp/", "").env("TMPDIR", "{WORK}/tmp");
    for command in ["run j".to_owned(), format!("exec j -- bash -c {:?}", see.replace('$', "\\$"))] {
        let script = format!("ulimit -Sc 7; exec \"$0\" {command}");
        let output = std::process::Command::new("bash")
            .args(["-c", &script, env!("CARGO_BIN_EXE_shipctl")])
            .current_dir(call.path(""))
            .env("TMPDIR", call.path("tmp"))
            .env("SHIPCTL_SHM", call.path("tmp"))
            .output()
            .unwrap();
        let shown = String::from_utf8(output.stdout).unwrap();
        assert!(
            shown.contains("7\ncore file size 0\n"),
            "{command}: {shown} {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[test]
fn a_script_that_lies_beside_the_yaml_is_hinted_at() {
    let line = "jobs:\n  - {name: j, type: runSh, steps: [TASK: ['./deploy.sh now']]}\n  - {name: k, type: runSh, steps: [TASK: ['sh \"$SHIPCTL_LINE_DIR/deploy.sh\" now']]}\n";
    let call = |job: &str| {
        shipctl("run")
            .arg(job)
            .file("shippable.yml", line)
            .file("deploy.sh", "echo \"deploys $1\"\n")
            .output()
    };
    let failed = call("j");
    assert_eq!(failed.status.code(), Some(127));
    assert_eq!(
        String::from_utf8(failed.stderr).unwrap(),
        "warning: `deploy.sh` lies beside the YAML, and not in the workspace where the script ran\n  hint: call it as \"$SHIPCTL_LINE_DIR/deploy.sh\", or have the repository go IN\n"
    );
    let good = call("k");
    assert!(String::from_utf8(good.stdout).unwrap().contains("\ndeploys now\n"));
}
