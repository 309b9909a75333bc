//! Bad input of every kind: an error that says where and what to do, never a crash, never a hang.

use std::fs;

use crate::support::shipctl;

#[test]
fn files_that_cannot_be_read() {
    let here = shipctl("check")
        .args("no.yml")
        .stdout("error: cannot read no.yml: there is no such file\n\n0 files: 1 error, 0 warnings\n")
        .status(1);
    here.run();
    shipctl("check")
        .args("d")
        .file("d/", "")
        .stdout("error: cannot read d: it is a directory\n\n0 files: 1 error, 0 warnings\n")
        .status(1)
        .run();
    shipctl("check")
        .args("x.yml")
        .file("x.yml", b"jobs:\n  - name: \xff\n")
        .stdout("error: cannot read x.yml: line 2 is not UTF-8 text; save the file as UTF-8\n\n0 files: 1 error, 0 warnings\n")
        .status(1)
        .run();
    let large = shipctl("check").args("x.yml").file("x.yml", "");
    fs::File::options().write(true).open(large.path("x.yml")).unwrap().set_len(1 << 40).unwrap();
    large
        .stdout("error: cannot read x.yml: it is larger than 32 MiB\n\n0 files: 1 error, 0 warnings\n")
        .status(1)
        .run();
}

#[test]
fn no_line_at_all() {
    shipctl("run")
        .args("deploy -C")
        .arg("/dev")
        .stderr(
            "error: no assembly line in /dev or any directory above it\n  hint: it is made of files such as shippable.yml or shippable.jobs.yml; -f FILE names others, -C DIR looks elsewhere\n",
        )
        .status(125)
        .run();
}

#[test]
fn text_that_is_no_line() {
    for (text, error) in [
        (
            "just text",
            "error: a file of an assembly line is a map, and this is a text\n  --> shippable.yml:1:1\n",
        ),
        (
            "- a\n- b\n",
            "error: a file of an assembly line is a map, and this is a list\n  --> shippable.yml:1:3\n",
        ),
        ("jobs: 7\n", "error: `jobs` is a list, and this is a number\n  --> shippable.yml:1:7\n"),
        ("jobs:\n- 7\n", "error: a job is a map, and this is a number\n  --> shippable.yml:2:3\n"),
        (
            "jobs:\n- name: [a]\n",
            "error: the name of a job is a text, and this is a list\n  --> shippable.yml:2:10\n",
        ),
        ("jobs:\n- name: ../x\n", "error: the name of a job cannot be `../x`\n  --> shippable.yml:2:9\n"),
        (
            "jobs:\n- name: j\n  steps: go\n",
            "error: `steps` is a list, and this is a text\n  --> shippable.yml:3:10\n",
        ),
        (
            "jobs:\n- name: j\n  steps:\n  - IN: [a]\n",
            "error: `IN` names one resource or job, and this is a list\n  --> shippable.yml:4:10\n",
        ),
        (
            "jobs:\n- name: j\n  steps:\n  - TASK: {script: {a: b}}\n",
            "error: a script is a text or a list of texts, and this is a map\n",
        ),
        ("a: *b\n", "error: this is not YAML: unknown anchor\n  --> shippable.yml:1:4\n"),
        ("a: \"b\n", "error: this is not YAML: found unexpected end of stream\n  --> shippable.yml:2:1\n"),
    ] {
        // Warnings of what is missing besides are of no interest here.
        let output = shipctl("list").file("shippable.yml", text).output();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.starts_with(error), "{text:?}: {stderr}");
        assert_eq!(output.status.code(), Some(125), "{text:?}");
    }
}

#[test]
fn texts_made_to_take_long() {
    let bomb: String = (1..20)
        .map(|n| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 9].join(", ")))
        .fold("a0: &a0 [x]\n".to_owned(), |text, line| text + &line);
    for text in [
        "{a: ".repeat(100_000),
        "[".repeat(100_000),
        "- ".repeat(100_000),
        "? ".repeat(100_000),
        format!("jobs:\n{}", "  - ".repeat(100_000)),
        bomb,
        format!("jobs:\n  - name: {}\n", "x".repeat(4 << 20)),
        format!("a: &a\n  <<: *a\n{}", "b: *a\n".repeat(1)),
    ] {
        let output = shipctl("list").file("shippable.yml", &text).output();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(125), "{text:.60}: {stderr:.300}");
        assert!(stderr.starts_with("error: ") && stderr.len() < 2000, "{stderr:.300}");
    }
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let output = shipctl("check")
        .file("shippable.yml", "jobs:\n  - name: \"a\\e[31m\\u0007\"\n    \"\\e]0;x\": 1\n")
        .output();
    assert!(
        !output.stdout.iter().any(|byte| *byte == 0x1b || *byte == 7),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}

#[test]
fn jobs_that_cannot_run() {
    let line = "resources:\n- {name: a-b, type: params}\n- {name: ab, type: params}\n- {name: \"1\", type: params}\n- {name: k, type: integration, integration: nowhere}\njobs:\n- {name: both, type: runSh, steps: [IN: a-b, IN: ab]}\n- {name: digit, type: runSh, steps: [IN: 1]}\n- {name: self, type: runSh, steps: [IN: self]}\n- {name: keys, type: runSh, steps: [IN: k]}\n- {name: ecs, type: deploy}\n";
    for (job, error) in [
        ("nope", "error: there is no job `nope`\n  hint: the jobs are: both, digit, self, keys, ecs\n"),
        ("kyes", "error: there is no job `kyes`\n  hint: did you mean `keys`?\n"),
        ("both", "error: `a-b` and `ab` have the same variables: AB_…\n  --> shippable.yml:7:50\n"),
        ("digit", "error: nothing is left of the name `1` for its variables\n  --> shippable.yml:8:42\n"),
        ("self", "error: job `self` takes itself IN\n  --> shippable.yml:9:41\n"),
        (
            "keys",
            "error: resource `k` needs the integration `nowhere`, which is declared nowhere\n  --> shippable.yml:5:45\n",
        ),
        (
            "ecs",
            "error: job `ecs` is of type `deploy`, and shipctl runs runSh jobs\n  --> shippable.yml:11:21\n",
        ),
    ] {
        for command in ["run", "env"] {
            let output = shipctl(command).arg(job).file("shippable.yml", line).output();
            let stderr = String::from_utf8(output.stderr).unwrap();
            assert!(stderr.starts_with(error), "{job}: {stderr}");
            assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(125), &b""[..]), "{job}");
        }
    }
}

#[test]
fn an_environment_that_the_kernel_would_refuse() {
    let large = "x".repeat(200 << 10);
    let line = format!(
        "resources:\n- name: p\n  type: params\n  version: {{params: {{BIG: {large}}}}}\njobs:\n- {{name: j, type: runSh, steps: [IN: p, TASK: [echo hi]]}}\n"
    );
    for arguments in ["j", "j --dry-run"] {
        shipctl("run")
            .args(arguments)
            .file("shippable.yml", &line)
            .stderr("error: the environment is too large for the kernel; its largest variables are P_PARAMS_BIG (200 KiB), BIG (200 KiB), ")
            .starts()
            .status(125)
            .run();
    }
}
