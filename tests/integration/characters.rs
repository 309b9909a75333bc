//! Characters that are not letters: what steers a terminal, and what is a line break to some.

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
