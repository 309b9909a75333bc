//! Which files a line is made of.

use crate::support::shipctl;

const LINE: &str = "jobs:\n  - name: j\n    type: runSh\n    steps:\n      - TASK: [echo hi]\n";

#[test]
fn the_nearest_directory_upwards_is_taken() {
    shipctl("list")
        .args("jobs -C a/b")
        .file("a/shippable.yaml", LINE)
        .file("shippable.yml", "jobs: 7\n")
        .file("a/b/", "")
        .stdout("j  runSh    {WORK}/a/shippable.yaml:2:11\n")
        .run();
}

#[test]
fn given_files_replace_those_that_are_found() {
    shipctl("list")
        .args("jobs -f one.yml -f two.yml")
        .file("shippable.yml", "jobs: 7\n")
        .file("one.yml", LINE)
        .file("two.yml", "jobs:\n  - name: k\n    type: runCLI\n")
        .stdout("j  runSh     one.yml:2:11\nk  runCLI    two.yml:2:11\n")
        .run();
}

#[test]
fn integrations_may_lie_elsewhere() {
    shipctl("list")
        .args("integrations -i keys.yml --format json")
        .file("shippable.yml", LINE)
        .file("keys.yml", "integrations:\n  - name: a\n    type: Slack\n    fields:\n      webhookUrl: {env: HOOK}\n")
        .stdout(
            "[\n  {\n    \"name\": \"a\",\n    \"type\": \"slackKey\",\n    \"display\": \"Slack\",\n    \"fields\": [\n      \"webhookUrl\"\n    ],\n    \"place\": \"keys.yml:2:11\"\n  }\n]\n",
        )
        .run();
}

#[test]
fn every_shape_that_the_original_took_is_read() {
    let tasks = "jobs:\n  - name: j\n    type: runCLI\n    steps:\n      - TASK: echo text\n      - TASK: [echo list, [[echo nested]]]\n      - TASK:\n          - script: echo old\n          - script: [echo a, echo b]\n      - TASK:\n          name: new\n          script: |\n            echo block\n      - TASK: managed\n";
    let output = shipctl("run").args("j -n").file("shippable.yml", tasks).output();
    let plan = String::from_utf8(output.stdout).unwrap();
    let steps = plan.split("steps\n").nth(1).unwrap().split("\n\n").next().unwrap();
    assert_eq!(
        steps.trim_end(),
        "  1. TASK Task 0\n     $ echo text\n  2. TASK Task 1\n     $ echo list\n     $ echo nested\n  3. TASK Task 2\n     $ echo old\n     $ echo a\n     $ echo b\n  4. TASK new\n     $ echo block"
    );
}

#[test]
fn files_in_folders_below_belong_to_the_line() {
    let job = |name: &str| LINE.replace("name: j", &format!("name: {name}"));
    let call = shipctl("list")
        .args("jobs")
        .file("shippable.yml", LINE)
        .file("front.shippable.yml", job("front"))
        .file("database.shippable.yml", "test:\n  user: postgres\n")
        .file("pipelines/shippable.jobs.yml", job("below"))
        .file("pipelines/deep/back.shippable.yml", job("back"))
        // A CI section of another project, somebody else's files, and another repository.
        .file("example/shippable.yml", "language: go\n")
        .file("node_modules/x/shippable.yml", job("foreign"))
        .file("sub/.git/config", "")
        .file("sub/shippable.yml", job("other"));
    call.stdout(
        "j      runSh    shippable.yml:2:11
front  runSh    front.shippable.yml:2:11
below  runSh    pipelines/shippable.jobs.yml:2:11
back   runSh    pipelines/deep/back.shippable.yml:2:11
",
    )
    .run();
}

#[test]
fn what_is_below_changes_nothing_of_the_line() {
    let output = shipctl("check")
        .file("shippable.yml", LINE)
        .file("copy/shippable.yml", "language: go\njobs:\n  - name: j\n    type: runCLI\n")
        .file("broken/shippable.yml", "jobs: [\n")
        .output();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("warning: `j` is declared in the line already: this one is left out\n  --> copy/shippable.yml:3:11\n"), "{said}");
    assert!(said.contains("--> broken/shippable.yml:"), "{said}");
    assert!(said.ends_with("3 files: 0 errors, 2 warnings\n"), "{said}");
}

#[test]
fn references_to_elsewhere_are_told_of() {
    let output = shipctl("check")
        .file("shippable.yml", LINE)
        .file("shippable.templates.yml", "externalReferences:\n  - https://example.com/templates.yml\n")
        .output();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.starts_with("warning: the templates of `externalReferences` are not fetched\n  --> shippable.templates.yml:1:1\n"), "{said}");
}

#[test]
fn a_line_above_that_belongs_to_somebody_else_is_refused() {
    let call =
        shipctl("list").file("shippable.yml", "jobs: [{name: j, type: runSh, steps: [TASK: [true]]}]\n");
    let list = || {
        let mut command = call.command();
        command.current_dir(call.path("below"));
        command
    };
    std::fs::create_dir(call.path("below")).unwrap();
    assert!(list().output().unwrap().status.success());
    // Only root can give a file away.
    if !nix::unistd::Uid::effective().is_root() {
        return;
    }
    std::os::unix::fs::chown(call.path("shippable.yml"), Some(12345), None).unwrap();
    let refused = list().output().unwrap();
    assert_eq!(refused.status.code(), Some(125));
    let (said, directory) = (String::from_utf8(refused.stderr).unwrap(), call.path(""));
    let directory = directory.display().to_string();
    let directory = directory.trim_end_matches('/');
    assert_eq!(
        said,
        format!(
            "error: the line above this directory belongs to another user: {directory}/shippable.yml is of user 12345\n  hint: if you trust it, name it: `-C {directory}`, or -f FILE\n"
        )
    );
    assert!(list().args(["-C", ".."]).output().unwrap().status.success());
    assert!(list().args(["-f", "../shippable.yml"]).output().unwrap().status.success());
    assert!(list().env("SUDO_UID", "12345").output().unwrap().status.success());
}
