//! Characters that are not letters: what steers a terminal, and what is a line break to some.

use std::fs;

use crate::support::shipctl;

/// A line with control characters and characters of bidirectional writing wherever it takes a text.
const HOSTILE: &str = r#"resources:
  - {name: "r\e[31mRED\e]0;T\a", type: "par\e[2Jams", version: {params: {"K\e[1m": "v\e[5m"}}}
  - {name: p, type: params, version: {params: {A: "v\e[5m\u009b5m\u202ev"}}}
jobs:
  - {name: "j\e[31mX\rY\u009b31m", type: runSh, steps: [{IN: "r\e[31mRED\e]0;T\a"}, {IN: "nope\e[2J"}, {TASK: {name: "t\e[2J\e[H✓ deploy succeeded", script: ["echo \e]0;evil\a hi"]}}]}
  - {name: plain, type: runSh, steps: [{IN: p}, {TASK: {name: "t\e[2J\nx\r✓ fake \u202etxet", script: ["echo hi # \e[2J\u2066"]}}]}
  - {name: "bad\e[7m\u2029", type: "run\e[2J", foo: 1, "key\e[2J\u061c": 2}
"#;

#[test]
fn nothing_of_a_line_steers_the_terminal() {
    for call in [
        "check",
        "check --format json",
        "list",
        "list --format json",
        "graph",
        "graph --format dot",
        "graph --format mermaid",
        "graph --format svg",
        "env plain",
        "env plain --format json",
        "run plain --dry-run",
        "run plain --workspace w",
        "run plain --workspace w --log-format json",
        "run plain --task no",
        "run no",
        "history",
    ] {
        let (command, args) = call.split_once(' ').unwrap_or((call, ""));
        let output = shipctl(command).args(args).file("shippable.yml", HOSTILE).output();
        let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        let said = [out.as_str(), &err].concat();
        let steers = |c: char| {
            c.is_control() && c != '\n'
                || "\u{61c}\u{2028}\u{2029}".contains(c)
                || ('\u{202a}'..='\u{202e}').contains(&c)
                || ('\u{2066}'..='\u{2069}').contains(&c)
        };
        let found: Vec<char> = said.chars().filter(|c| steers(*c)).collect();
        assert!(found.is_empty() && !said.is_empty(), "{call}: {found:?} in {said}");
        if call.contains("json") {
            let values = serde_json::Deserializer::from_str(&out).into_iter::<serde_json::Value>();
            assert!(values.map(Result::unwrap).count() > 0);
        }
    }
}

#[test]
fn next_line_and_the_separators_are_characters_of_a_value() {
    let text = "a\u{85}b\u{2028}c\u{2029}d";
    let yaml = format!(
        "# {text}\nintegrations:\n- name: k\n  type: keyValuePair\n  fields:\n    envs:\n      QUOTED: \"{text}\\N\"\n      PLAIN: {text}\n      SINGLE: '{text}'\n      BLOCK: |-\n        {text}\n      FOLDED: >-\n        {text}\n        e\njobs:\n- name: j # {text}\n  type: runSh\n  integrations: [k]\n  steps:\n  - TASK: [echo]\n"
    );
    let call = shipctl("env").args("j --reveal --format json").file("shippable.yml", yaml);
    let output = call.output();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let values: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    for name in ["PLAIN", "SINGLE", "BLOCK"] {
        assert_eq!(values[name], text, "{name}");
    }
    assert_eq!(values["QUOTED"], format!("{text}\u{85}"));
    assert_eq!(values["FOLDED"], format!("{text} e"));
}

#[test]
fn a_line_separator_does_not_end_a_comment() {
    shipctl("check")
        .file(
            "shippable.yml",
            "# pasted\u{2028}from a page\njobs:\n- {name: j, type: runSh, steps: [TASK: [echo]]}\n",
        )
        .stdout("1 file: 1 job and 0 resources, no problems\n")
        .run();
}

#[test]
fn a_raw_control_character_is_named_with_its_place() {
    for (character, name, escape) in [
        ("\u{1b}", "U+001B (ESC)", "\\x1b"),
        ("\0", "U+0000 (NUL)", "\\x00"),
        ("\u{7f}", "U+007F (DEL)", "\\x7f"),
        ("\u{9b}", "U+009B", "\\x9b"),
    ] {
        let call = shipctl("check").file("shippable.yml", "");
        let yaml = format!(
            "jobs:\n  - name: j\n    type: runSh\n    steps:\n      - TASK:\n        - script: é echo {character}[31mred\n"
        );
        fs::write(call.path("shippable.yml"), yaml).unwrap();
        call.stdout(format!(
            "error: the control character {name} cannot stand in YAML\n  --> shippable.yml:6:26\n   6 |         - script: é echo \u{fffd}[31mred\n     |                          ^\n  hint: remove it, or write `{escape}` in a text between double quotes\n  rule: yaml\n\n1 file: 1 error, 0 warnings\n"
        ))
        .status(1)
        .run();
    }
}
