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
        .stdout("error: cannot read d: it is a directory\n  hint: name the files in it, or go there with -C\n\n0 files: 1 error, 0 warnings\n")
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

/// A job with an entry of a script in its ninth line.
fn with_entry(entry: &str) -> String {
    format!(
        "jobs:\n- name: a\n  type: runSh\n  steps:\n  - TASK:\n      name: t\n      script:\n      - echo 1\n      - {entry}\n      - echo 2\n"
    )
}

const QUOTE: &str =
    "  hint: put the entry into quotes, or write it as a block: `- |`, and the command on the line below\n";

#[test]
fn a_command_that_yaml_reads_as_a_tag_or_a_list_is_a_warning() {
    const TAG: &str =
        "this `!` is a tag to YAML, and is lost: a command behind it is run as if it were not there";
    const LIST: &str =
        "these brackets make a list to YAML: of a test, what is inside is left, and run as a command";
    for (entry, column, message) in [
        ("! grep -q x f", 9, TAG),
        ("! true", 9, TAG),
        ("[ -f x ]", 9, LIST),
        ("[[ $x == y ]]", 9, LIST),
        ("! [ -f x ]", 11, LIST),
    ] {
        let warning = format!(
            "warning: {message}\n  --> shippable.yml:9:{column}\n   9 |       - {entry}\n     | {}^\n{QUOTE}",
            " ".repeat(column - 1)
        );
        let check = shipctl("check").file("shippable.yml", with_entry(entry));
        check.stdout(format!("{warning}  rule: misread-shell\n\n1 file: 0 errors, 1 warning\n")).run();
        let output = shipctl("run").args("a --dry-run").file("shippable.yml", with_entry(entry)).output();
        assert_eq!(String::from_utf8_lossy(&output.stderr), warning);
    }
    for entry in
        ["'! true'", "\"[ -f x ]\"", "|\n          ! true\n          [ -f x ]", "[echo a]", "[ls -l, pwd]"]
    {
        shipctl("check")
            .file("shippable.yml", with_entry(entry))
            .stdout("1 file: 1 job and 0 resources, no problems\n")
            .run();
    }
    // Whoever runs it is told, too, where templates have it, and nobody else.
    let yaml =
        "jobs:\n- {name: a, type: runSh, steps: [TASK: *x]}\n- {name: b, type: runSh, steps: [TASK: *y]}\n";
    for (job, times) in [("a", 1), ("b", 0)] {
        let call = shipctl("run").arg(job).arg("--dry-run").file("shippable.jobs.yml", yaml);
        let output = call.file("shippable.templates.yml", "x: &x\n- ! grep x f\ny: &y [echo]\n").output();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.matches(TAG).count() == times, "{said}");
    }
    // Of an alias it is said once.
    let yaml = "x: &x\n- ! true\njobs:\n- {name: a, type: runSh, steps: [TASK: *x, TASK: *x]}\n";
    let output = shipctl("check").file("shippable.yml", yaml).output();
    assert_eq!(String::from_utf8_lossy(&output.stdout).matches(TAG).count(), 1);
}

#[test]
fn a_command_that_is_no_yaml_is_to_be_quoted() {
    for entry in [
        "[ -f x ] && echo y",
        "[[ -f x ]] || echo y",
        "[ \"$x\" = y ]",
        "&& echo",
        "|| echo",
        "> out.txt echo",
        "\"a\" b",
        "'a b' c",
        "script: \"$x\" y",
    ] {
        let output = shipctl("check").file("shippable.yml", with_entry(entry)).output();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.starts_with("error: this is not YAML: ") && said.contains(QUOTE), "{said}");
    }
    // What is no command has the hints that it had.
    for entry in ["{name: a", "[a, b", "\"a", "\"a\": b\n       c: d"] {
        let output = shipctl("check").file("shippable.yml", with_entry(entry)).output();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.starts_with("error: ") && !said.contains(QUOTE), "{said}");
    }
    let said = shipctl("check").file("shippable.yml", with_entry("{ echo a; }")).output().stdout;
    assert!(String::from_utf8(said).unwrap().contains("  hint: braces around a line make it a map to YAML"));
}

#[test]
fn no_line_at_all() {
    shipctl("run")
        .args("deploy -C")
        .arg("/dev")
        .stderr(
            "error: no assembly line in /dev or any directory above it\n  hint: `shipctl init` writes one; -f FILE names files that are called otherwise, -C DIR looks elsewhere\n",
        )
        .status(125)
        .run();
}

#[test]
fn a_file_whose_name_is_in_capitals_is_named() {
    let checked = shipctl("check").file("Shippable.yml", "jobs: []\n").output();
    let said = String::from_utf8(checked.stdout).unwrap();
    let hint = "  hint: `Shippable.yml` is there: call it `shippable.yml`, or read it with -f\n";
    assert!(said.starts_with("error: no assembly line in ") && said.contains(hint), "{said}");
    shipctl("init")
        .args("--yes")
        .file("Shippable.Jobs.yml", "jobs: []\n")
        .stderr(
            "error: `Shippable.Jobs.yml` is there, and no command reads it: call it `shippable.jobs.yml`\n",
        )
        .status(125)
        .run();
}

#[test]
fn text_that_is_no_line() {
    for (text, error) in [
        (
            "just text",
            "error: a file of an assembly line must be a map, and this is a text\n  --> shippable.yml:1:1\n",
        ),
        (
            "- a\n- b\n",
            "error: a file of an assembly line must be a map, and this is a list\n  --> shippable.yml:1:3\n",
        ),
        ("jobs: 7\n", "error: `jobs` must be a list, and this is a number\n  --> shippable.yml:1:7\n"),
        ("jobs:\n- 7\n", "error: a job must be a map, and this is a number\n  --> shippable.yml:2:3\n"),
        (
            "jobs:\n- name: [a]\n",
            "error: the name of a job must be a text, and this is a list\n  --> shippable.yml:2:10\n",
        ),
        ("jobs:\n- name: ../x\n", "error: the name of a job cannot be `../x`\n  --> shippable.yml:2:9\n"),
        (
            "jobs:\n- name: j\n  steps: go\n",
            "error: `steps` must be a list, and this is a text\n  --> shippable.yml:3:10\n",
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
        "a: &a\n  <<: *a\nb: *a\n".to_owned(),
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
    let line = "resources:\n- {name: a-b, type: params}\n- {name: ab, type: params}\n- {name: \"1\", type: params}\n- {name: k, type: integration, integration: nowhere}\njobs:\n- {name: both, type: runSh, steps: [IN: a-b, IN: ab]}\n- {name: digit, type: runSh, steps: [IN: 1]}\n- {name: self, type: runSh, steps: [IN: self]}\n- {name: keys, type: runSh, steps: [IN: k]}\n- {name: ecs, type: release-train}\n";
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
            "error: job `ecs` is of type `release-train`, and shipctl runs runSh jobs\n  --> shippable.yml:11:21\n",
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

#[test]
fn what_is_no_file_is_an_error_and_not_a_wait() {
    let call = shipctl("check").file("file", "text");
    nix::unistd::mkfifo(&call.path("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    std::os::unix::net::UnixListener::bind(call.path("socket")).unwrap();
    let line = "integrations: [{name: h, type: slackKey, fields: {webhookUrl: {file: pipe}}}]\njobs: [{name: j, type: runSh, integrations: [h], steps: [TASK: [true]]}]\n";
    std::fs::write(call.path("shippable.yml"), line).unwrap();
    for (args, expected) in [
        ("check -f pipe", "error: cannot read pipe: it is a named pipe, not a file\n"),
        ("check -f /dev/zero", "error: cannot read /dev/zero: it is a device, not a file\n"),
        ("run j -f pipe", "error: cannot read pipe: it is a named pipe, not a file\n"),
        ("exec j -- true", "webhookUrl`: cannot read the file pipe: it is a named pipe, not a file\n"),
        ("scan pipe -f file.yml", "error: cannot read pipe: it is a named pipe, not a file\n"),
    ] {
        std::fs::write(
            call.path("file.yml"),
            "integrations: [{name: h, type: slackKey, fields: {webhookUrl: {file: file}}}]\n",
        )
        .unwrap();
        let output = call.also(args).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8(said).unwrap();
        assert!(said.contains(expected), "{args}: {said}");
        assert!(!output.status.success());
    }
    let mut key = call.also("key show");
    let output = key.env("SHIPCTL_KEY_FILE", call.path("pipe")).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("it is a named pipe, not a file"), "{said}");
    let piped = std::process::Command::new("bash")
        .args(["-c", &format!("{} list jobs -f <(cat shippable.yml)", env!("CARGO_BIN_EXE_shipctl"))])
        .current_dir(call.path(""))
        .output()
        .unwrap();
    assert!(piped.status.success(), "{}", String::from_utf8_lossy(&piped.stderr));
}

#[test]
fn a_file_that_grows_too_large_is_an_error_and_the_script_still_has_the_signal() {
    let line = "jobs: [{name: big, type: runSh, steps: [TASK: ['true']]}]\n";
    let call = shipctl("list").file("shippable.yml", line);
    let limited = |args: &str| {
        let script = format!("ulimit -f 8; exec {} {args}", env!("CARGO_BIN_EXE_shipctl"));
        let command = call.command();
        let environment: Vec<_> =
            command.get_envs().map(|(name, value)| (name.to_owned(), value.unwrap().to_owned())).collect();
        let mut command = std::process::Command::new("bash");
        command.args(["-c", &script]).current_dir(call.path("")).env_clear().envs(environment);
        command.output().unwrap()
    };
    let output = limited("exec big -- grep SigIgn /proc/self/status");
    let ignored = String::from_utf8(output.stdout).unwrap();
    let ignored = u64::from_str_radix(ignored.trim_start_matches("SigIgn:").trim(), 16).unwrap();
    assert_eq!(ignored & 1 << (nix::libc::SIGXFSZ - 1), 0);
    let output = limited("run big");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(125), "{said}");
    assert!(said.starts_with("error: cannot open the state: "), "{said}");
}
