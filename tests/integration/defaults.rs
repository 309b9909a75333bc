//! Options that files give: beside the line, and in the user's configuration directory.

use crate::support::{Call, shipctl};

const LINE: &str = "jobs:
- {name: a, type: runSh, steps: [{TASK: ['echo \"$WHO $MORE\"']}]}
- {name: b, type: runSh, steps: [{TASK: [echo]}]}
";

fn call(command: &str, beside: &str, own: &str) -> Call {
    shipctl(command)
        .file("line/shippable.yml", LINE)
        .file("line/.shipctlrc", beside)
        .file("config/shipctl/config", own)
        .env("XDG_CONFIG_HOME", "{WORK}/config")
        .args("-C line")
}

#[test]
fn files_give_options_and_the_command_line_wins() {
    let beside = "# for all\n--env WHO=line -e 'MORE=a b' # said\nrun --dry-run\nlist --format json\n";
    let plan =
        String::from_utf8(call("run", beside, "-e WHO=own\nrun --timeout=5m\n").arg("a").output().stdout)
            .unwrap();
    for shown in [
        "  time limit: 300 s\n",
        "  option: -e WHO=own ({WORK}/config/shipctl/config:1)\n",
        "  option: --env WHO=line (.shipctlrc:2)\n",
        "  option: --dry-run (.shipctlrc:3)\n",
        "  WHO=line  (-e)\n",
        "  MORE=a b  (-e)\n",
    ] {
        let shown = shown.split("{WORK}").collect::<Vec<_>>();
        assert!(shown.iter().all(|part| plan.contains(part)), "{shown:?} {plan}");
    }
    let plan =
        call("run", "run -n -e WHO=line --timeout 5m", "").args("--timeout 1m -e WHO=me a").output().stdout;
    let plan = String::from_utf8(plan).unwrap();
    assert!(plan.contains("  time limit: 60 s\n") && plan.contains("  WHO=me  (-e)\n"), "{plan}");
    let plan = String::from_utf8(call("run", "run -n", "").arg("--all").output().stdout).unwrap();
    assert!(plan.contains("  option: -n (.shipctlrc:1)\n"), "{plan}");
    // A command that has no such option goes without.
    call("list", "--env WHO=line\nlist --format json\n", "").args("jobs").starts().stdout("[\n  {\n").run();
    call("exec", "--env WHO=line", "").args("a printenv WHO").stdout("line\n").run();
    // Options of the line may stand before the command.
    for options in ["--state kept", "--color never"] {
        let (first, rest) = options.split_once(' ').unwrap();
        shipctl(first)
            .file("line/shippable.yml", LINE)
            .file("line/.shipctlrc", "list --format json\n")
            .args(&format!("{rest} -C line list jobs"))
            .starts()
            .stdout("[\n  {\n")
            .run();
    }
}

#[test]
fn what_is_dangerous_counts_in_the_user_s_own_file_alone() {
    let reveal = |beside, own| {
        call("env", beside, own)
            .args("a --format dotenv --secret-file s.env")
            .file("line/s.env", "S=hidden\n")
    };
    let left_out =
        "warning: .shipctlrc:2: --reveal is left out: only your own configuration file may give it\n";
    let output = reveal("\nenv --reveal", "").output();
    assert_eq!(String::from_utf8_lossy(&output.stderr), left_out);
    assert!(String::from_utf8_lossy(&output.stdout).contains("\nS='***'\n"));
    let output = reveal("", "env --reveal").output();
    assert!(output.stderr.is_empty() && String::from_utf8_lossy(&output.stdout).contains("\nS=hidden\n"));
    let output =
        call("run", "--notify\n--no-audit\n--allow-secrets-in-state\n--add-mask\n", "").args("a -n").output();
    assert_eq!(String::from_utf8_lossy(&output.stderr).matches(" is left out: ").count(), 4);
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn what_is_no_option_is_an_error_with_its_place() {
    for (text, why) in [
        (
            "\nrun --dry-rum",
            ".shipctlrc:2:1: no command has an option `--dry-rum`; did you mean `--dry-run`?",
        ),
        ("-e 'A=1", ".shipctlrc:1:1: its quotes do not pair up"),
        ("rum -n", ".shipctlrc:1:1: `rum` is no command of shipctl, and no option: options begin with `-`"),
        ("run a", ".shipctlrc:1:1: an argument that is no option: files give options alone"),
        ("--timeout", ".shipctlrc:1:1: `--timeout` needs a value"),
        ("-C elsewhere", ".shipctlrc:1:1: `-C` is for the command line alone: the file is found with it"),
    ] {
        call("list", text, "").status(125).stderr(&format!("error: {why}\n")).run();
    }
}
