//! `/build/…` in scripts: where the workspace of a job was in the original.

use std::fs;
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::homes::Homes;

const LINE: &str = "jobs:
- name: j
  type: runSh
  steps:
  - TASK:
    - script:
      - echo kept > /build/state/file; cat $JOB_STATE/file; pwd
";

/// Builds a root of the directories of this machine and an empty `/build`, in a mount namespace of its own, and executes
/// its arguments there.
const WITH_BUILD: &str = r#"set -e
root=$1; shift
mount -t tmpfs none "$root"
for each in /*; do
    if [ -L "$each" ]; then cp -P "$each" "$root$each"
    elif [ -d "$each" ] && [ "$each" != /build ]; then mkdir "$root$each"; mount --rbind "$each" "$root$each"
    fi
done
mkdir "$root/build"
eval "$BEFORE"
here=$PWD
# Ordinary users often have no sbin in their PATH.
PATH=$PATH:/usr/sbin:/sbin
exec chroot "$root" sh -c 'cd "$0"; "$@"; status=$?; echo "after: $(ls -A /build)"; exit $status' "$here" "$@"
"#;

/// Runs the job where `/build` is an empty directory, after these commands; `None` where nobody may have such a place.
fn run(before: &str, options: &str) -> Option<Output> {
    let unshared = |command: &mut Command| command.args(["--user", "--map-root-user", "--mount"]).output();
    if !unshared(Command::new("unshare").arg("true")).is_ok_and(|tried| tried.status.success()) {
        eprintln!("no user namespaces here: nothing is tried");
        return None;
    }
    let (line, homes, root) = (TempDir::new().unwrap(), Homes::new(), TempDir::new().unwrap());
    fs::write(line.path().join("shippable.yml"), LINE).unwrap();
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", WITH_BUILD, "sh"]).arg(root.path());
    command.args([env!("CARGO_BIN_EXE_shipctl"), "run", "j"]).args(options.split_whitespace());
    command.current_dir(line.path()).env("BEFORE", before);
    homes.give(&mut command);
    Some(command.output().unwrap())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
#[cfg_attr(feature = "posix", ignore = "only Linux mounts something for some processes alone")]
fn an_empty_build_is_the_workspace_of_the_job_alone() {
    let Some(output) = run("", "") else { return };
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!((output.status.code(), stderr.as_str()), (Some(0), ""), "{stdout}");
    assert!(stdout.contains("\nkept\n") && stdout.ends_with("\nafter: \n"), "{stdout}");
}

#[test]
fn what_lies_in_build_is_not_hidden() {
    let Some(output) = run("touch \"$root/build/mine\"", "") else { return };
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{stdout}{stderr}");
    assert!(stderr.starts_with("warning: a script of job `j` names a path below /build"), "{stderr}");
    assert!(stdout.ends_with("after: mine\n"), "{stdout}");
}

#[test]
fn a_workspace_that_is_asked_for_there_is_there() {
    let Some(output) = run("", "--workspace /build --keep") else { return };
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{stdout}{stderr}");
    assert!(stdout.contains("\nkept\n/build\n") && !stderr.contains("warning"), "{stdout}{stderr}");
}
