//! Completion in a shell: commands, options, and the names of the line.

use std::process::{Command, Stdio};

use crate::support::{Call, shipctl};
use crate::terminal::Terminal;

const LINE: &str = "resources:
- {name: aws, type: integration, integration: my_aws}
integrations:
- {name: my_aws, type: amazonKeys, fields: {accessKey: AKIAMADEUP, secretKey: s3cret-key}}
jobs:
- {name: deploy, type: runSh, steps: [{IN: aws}, {TASK: {name: roll out, script: [echo]}}]}
- {name: describe, type: runSh, steps: [{TASK: [echo]}]}
";

/// What a completion script gets for these words, the last of which is being typed.
fn candidates(call: Call, words: &[&str]) -> Vec<String> {
    let index = words.len();
    let call = call
        .arg("shipctl")
        .env("_SHIPCTL_COMPLETE", "bash")
        .env("_CLAP_COMPLETE_INDEX", index.to_string())
        .env("_CLAP_IFS", "\n");
    let output = words.iter().fold(call, |call, word| call.arg(word)).output();
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn of_line(words: &[&str]) -> Vec<String> {
    candidates(shipctl("--").file("shippable.yml", LINE), words)
}

#[test]
fn names_of_the_line_are_offered() {
    assert_eq!(of_line(&["run", "de"]), ["deploy", "describe"]);
    assert_eq!(of_line(&["exec", "dep"]), ["deploy"]);
    assert_eq!(of_line(&["exec", "--integration", "my"]), ["my_aws"]);
    assert_eq!(of_line(&["integration", "show", ""])[0], "my_aws");
    assert_eq!(of_line(&["run", "deploy", "--from", "r"]), ["roll out"]);
    assert_eq!(of_line(&["state", "show", "a"]), ["aws"]);
    assert_eq!(of_line(&["integration", "add", "x", "--type", "amazonK"]), ["amazonKeys"]);
    assert_eq!(of_line(&["get_integration_resource_field", "a"]), ["aws", "accessKey"]);
    assert_eq!(of_line(&["explain", "unknown-"]), ["unknown-key", "unknown-type"]);
    assert!(of_line(&["get_int"]).contains(&"get_integration_resource".to_owned()));
    assert!(of_line(&["run", "--ti"]).contains(&"--timeout".to_owned()));
    let elsewhere = shipctl("--").file("line/shippable.yml", LINE);
    assert_eq!(candidates(elsewhere, &["run", "-C", "line", "dep"]), ["deploy"]);
}

#[test]
fn a_line_that_cannot_be_read_is_no_matter_for_the_prompt() {
    let broken = shipctl("--").file("shippable.yml", "jobs: [}\n");
    assert_eq!(candidates(broken, &["run", "dep"]), [""; 0]);
    assert_eq!(candidates(shipctl("--"), &["run", "dep"]), [""; 0]);
}

#[test]
fn bash_completes_with_the_script() {
    let call = shipctl("completions").arg("bash").file("shippable.yml", LINE);
    let script = String::from_utf8(call.output().stdout).unwrap();
    let ask = "COMP_WORDS=(shipctl run de); COMP_CWORD=2; COMP_TYPE=9; _clap_complete_shipctl shipctl de run; printf '%s\\n' \"${COMPREPLY[@]}\"";
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_shipctl")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let output = Command::new("bash")
        .args(["-c", &format!("{script}\n{ask}")])
        .current_dir(call.path(""))
        .env("PATH", path)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "deploy\ndescribe\n",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn a_tab_in_a_terminal_completes_the_word() {
    let call = shipctl("--").file("shippable.yml", LINE).file("home/", "");
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_shipctl")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let mut bash = Command::new("bash");
    bash.args(["--norc", "--noprofile", "-i"])
        .current_dir(call.path(""))
        .env_clear()
        .envs([("PATH", path.as_str()), ("TERM", "dumb"), ("PS1", "ready> "), ("LC_ALL", "C.UTF-8")])
        .env("HOME", call.path("home"))
        .env("INPUTRC", "/dev/null");
    let mut terminal = Terminal::start(&mut bash);
    terminal.wait_for("ready> ");
    terminal
        .types("bind 'set enable-bracketed-paste off'; source <(shipctl completions bash); echo loa''ded\n");
    terminal.wait_for("loaded");
    terminal.wait_for("ready> ");
    for (typed, shown) in [
        ("shipctl run dep\t", "shipctl run deploy "),
        ("shipctl exec --integration my\t", "shipctl exec --integration my_aws "),
        ("shipctl integration add x --type amazonK\t", "shipctl integration add x --type amazonKeys "),
        ("shipctl get_integration_resource_f\t", "shipctl get_integration_resource_field "),
        ("shipctl completi\t", "shipctl completions "),
    ] {
        terminal.types(typed);
        terminal.wait_for(shown);
        // Ctrl-U takes the line away.
        terminal.types("\u{15}echo next''line\n");
        terminal.wait_for("nextline");
        terminal.wait_for("ready> ");
    }
    // Where several fit, the second Tab lists them.
    terminal.types("shipctl run de\t\t");
    terminal.wait_for("deploy");
    terminal.wait_for("describe");
    terminal.types("\u{15}exit\n");
    terminal.end();
}
