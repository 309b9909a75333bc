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
        steps,
        "  1. TASK Task 0\n     $ echo text\n  2. TASK Task 1\n     $ echo list\n     $ echo nested\n  3. TASK Task 2\n     $ echo old\n     $ echo a\n     $ echo b\n  4. TASK new\n     $ echo block"
    );
}
