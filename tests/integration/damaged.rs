//! A line whose YAML is damaged in any way: no message about it shows a value that may be secret.

use std::fs;
use std::path::Path;

use shipctl::model::files;
use shipctl::paint::Paint;
use tempfile::TempDir;

use crate::support::shipctl;

/// Lines with `§` wherever a value is secret.
const LINES: &[&str] = &[
    r#"# a line
resources:
  - name: settings
    type: params
    version:
      params:
        REGION: §
        secure: §
        NESTED: {a: "§", b: [§, '§']}
  - {name: more, type: params, version: {params: {A: §, "B": "§"}}}
integrations:
  - name: keys
    type: amazonKeys
    fields:
      accessKey: §
      secretKey: "§"
  - type: keyValuePair
    fields:
      envs:
        DB_PASS: §
        db-user: '§'
        LIST: [§, §]
        URL: "https://user:§@host/path"
        AGAIN: &again §
        name: §
    name: values
  - name: ssh
    type: sshKey
    fields:
      publicKey: §
      privateKey: |
        -----BEGIN RSA PRIVATE KEY-----
        §
        §
        -----END RSA PRIVATE KEY-----
  - name: folded
    type: github
    fields:
      token: >-
        §
        more
      url: "§
        more"
  - {name: flow, type: docker, fields: {username: §, password: "§", url: §}}
jobs:
  - name: j
    type: runSh
    integrations: [keys, values]
    steps:
      - IN: settings
      - TASK:
          name: t
          script:
            - echo "one"
            - 'echo two'
      - OUT: more
    on_success:
      - script: echo good
"#,
    r#"language: node_js
env:
  global:
    - secure: §
build:
  ci:
    - echo one
integrations:
  hub:
    - integrationName: reg
      type: docker
  notifications:
    - integrationName: chat
      type: slack
"#,
    r#"{"integrations": [{"name": "keys", "type": "keyValuePair", "fields": {"envs": {"A": "§", "B": "§"}}},
  {"name": "hook", "type": "webhook", "fields": {"webhookURL": "§", "authorization": "§"}}],
 "jobs": [{"name": "j", "type": "runSh", "integrations": ["keys"], "steps": [{"TASK": ["echo"]}]}]}
"#,
    r#"jobs:
- name: j
  type: runSh
  integrations:
  - kv
  steps:
  - TASK:
    - script: echo one
integrations:
- name: kv
  type: keyValuePair
  fields:
    envs:
      A: §
      B: {value: §, mask: false}
      C:
        value: §
- name: jks
  type: JSONKey
  fields:
    JSON_key: '{"type": "service_account", "private_key": "§", "client": "§"}'
"#,
];

const MARKER: &str = "Zq7vMarkerW3x";

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// The text with the marker in one of the secret places and something harmless in the others.
fn marked(line: &str, at: usize) -> String {
    let mut text = String::new();
    for (index, part) in line.split('§').enumerate() {
        if index > 0 {
            text += if index - 1 == at { MARKER } else { "x1" };
        }
        text += part;
    }
    text
}

/// Damages a text as people and their tools do.
fn damage(text: &str, numbers: &mut Numbers) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let at = numbers.below(lines.len());
    // A line that says that what follows is secret is not lost with what it says; all else is.
    let says = |line: &str| {
        ["integrations", "fields", "params", "envs", "secure"].iter().any(|key| line.contains(key))
    };
    let few = 1 + numbers.below(4);
    let end = (at + few).min(lines.len());
    match numbers.below(12) {
        0 => {
            let kept = lines[at..end].iter().filter(|line| says(line)).cloned().collect::<Vec<_>>();
            lines.splice(at..end, kept);
        }
        1 => lines.truncate(at),
        2 => {
            let chars: String = lines[at].chars().take(numbers.below(60)).collect();
            if says(&chars) || !says(&lines[at]) {
                lines[at] = chars;
            }
        }
        3 => {
            lines.insert(end, ">>>>>>> branch".to_owned());
            lines.insert(at, "=======".to_owned());
            lines.insert(at, "<<<<<<< HEAD".to_owned());
        }
        4 => {
            let by = 1 + numbers.below(8);
            for line in &mut lines[at..end] {
                let indent = line.len() - line.trim_start().len();
                line.drain(..indent.min(by));
            }
        }
        5 => {
            let stray =
                ["see the wiki", "???", "\t", "}", "- ", "TODO: fix", "\"", "'", ": x", "%x", "@", "`", "|"];
            lines.insert(at, numbers.pick(&stray).to_owned());
        }
        6 => lines[at] = lines[at].replacen(':', "", 1 + numbers.below(2)),
        7 => {
            let copies = lines[at..end].to_vec();
            lines.splice(at..at, copies);
        }
        8 => {
            let quote = numbers.pick(&['"', '\'']);
            lines[at] = lines[at].replacen(quote, "", 1);
        }
        9 => {
            let quotes: Vec<usize> =
                lines[at].match_indices(['"', '\'', ']', '}', '[', '{', ',']).map(|(i, _)| i).collect();
            if !quotes.is_empty() {
                lines[at].remove(numbers.pick(&quotes));
            }
        }
        10 => {
            for line in &mut lines[at..end] {
                line.insert_str(0, numbers.pick(&[" ", "  ", "\t", "    "]));
            }
        }
        _ => {
            let (a, b) = (numbers.below(lines.len()), numbers.below(lines.len()));
            if !says(&lines[a]) && !says(&lines[b]) && at.abs_diff(a) < 3 {
                lines.swap(a, b);
            }
        }
    }
    let line_end = numbers.pick(&["\n", "\n", "\r\n", "\r"]);
    lines.join(line_end) + line_end
}

/// Everything that is said about a line, and the names that it declares.
fn said(directory: &Path, text: &str) -> String {
    fs::write(directory.join("shippable.yml"), text).unwrap();
    let mut line = files::read(&[], &[], directory);
    shipctl::check::check(&line.pipeline, &mut line.diagnostics);
    let pipeline = &line.pipeline;
    let mut said = String::new();
    for name in pipeline.integrations.keys() {
        said += &format!("{name}\n");
    }
    for resource in pipeline.resources.values() {
        said += &format!("{} {}\n", resource.name.text, resource.kind.text);
    }
    for job in pipeline.jobs.values() {
        said += &format!("{} {}\n", job.name.text, job.kind.text);
        if let Err(problems) = shipctl::resolve::resolve(pipeline, &job.name.text) {
            line.diagnostics.extend(problems);
        }
    }
    for diagnostic in &line.diagnostics {
        said += &diagnostic.render(&line.sources, Paint::Plain);
        said += &diagnostic.to_json(&line.sources).to_string();
    }
    said
}

#[test]
fn no_message_about_damaged_yaml_shows_a_secret() {
    let directory = TempDir::new().unwrap();
    let mut numbers = Numbers(0x2545_f491_4f6c_dd1d);
    let mut spoken = 0;
    let rounds: usize = std::env::var("SHIPCTL_TEST_ROUNDS").map_or(40, |rounds| rounds.parse().unwrap());
    for line in LINES {
        for at in 0..line.matches('§').count() {
            for round in 0..rounds {
                let mut text = marked(line, at);
                for _ in 0..1 + round % 3 {
                    text = damage(&text, &mut numbers);
                }
                let said = said(directory.path(), &text);
                spoken += usize::from(said.contains("error"));
                assert!(!said.contains(MARKER), "{text}\n-----\n{said}");
            }
        }
    }
    assert!(spoken > 500, "{spoken}");
}

/// What people paste into a line, below `integrations`.
const PASTED: &[&str] = &[
    "    fields:\n      accessKey: A\n<<<<<<< HEAD\n      secretKey: §\n=======\n      secretKey: §\n>>>>>>> branch\n",
    "    fields: §\n",
    "    fields:\n      privateKey: -----BEGIN\n§\n§\n",
    "    fields:\n      privateKey: |\n-----BEGIN RSA PRIVATE KEY-----\n§\n§\n-----END RSA PRIVATE KEY-----\n",
    "    fields:\nsee the wiki\n      accessKey: §\n      secretKey: §\n",
    "      §\n    fields: {accessKey: a, secretKey: b}\n",
    "    fields: {accessKey: a, secretKey §}\n",
    "    fields: {accessKey: a, §}\n",
    "    fields:\n      accessKey: \"§\n      secretKey: \"b\"\n",
];

#[test]
fn no_command_shows_a_secret_of_a_damaged_line() {
    for pasted in PASTED {
        let yaml = format!(
            "integrations:\n  - name: a\n    type: amazonKeys\n{}jobs:\n  - {{name: j, type: runSh, integrations: [a], steps: [{{TASK: [echo]}}]}}\n",
            pasted.replace('§', MARKER)
        );
        for call in [
            "check",
            "check --format json",
            "list",
            "graph",
            "env j",
            "run j --dry-run",
            "integration list",
            "doctor j",
        ] {
            let (command, args) = call.split_once(' ').unwrap_or((call, ""));
            let output = shipctl(command).args(args).file("shippable.yml", &yaml).output();
            let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
            assert!(!said.contains(MARKER) && said.contains("error"), "{call}: {said}");
        }
    }
}

#[test]
fn a_caret_points_at_the_name_it_is_about() {
    for (yaml, line, caret) in [
        (
            "language: none\nbuild: {ci: [echo x]}\nintegrations:\n  hub:\n    - integrationName: acme-ecr\n      type: ecr\n",
            "   5 |     - integrationName: acme-ecr\n",
            "     |                        ^^^^^^^^\n",
        ),
        (
            "integrations:\n- name: a\n  type: nosuchkind\n  fields: {accessKey: topsecret}\n",
            "   3 |   type: nosuchkind\n",
            "     |         ^^^^^^^^^^\n",
        ),
        (
            "integrations:\n- name: a\n  type: amazonKeys\n  fields: {accessKye: topsecret, secretKey: b}\n",
            "   4 |   fields: {accessKye: ***, secretKey: ***}\n",
            "     |            ^^^^^^^^^\n",
        ),
        (
            "{\"integrations\": [{\"name\": \"a\", \"type\": \"nokind\", \"fields\": {\"usernam\": \"topsecret\"}}]}\n",
            "   1 | {\"integrations\": [{\"name\": \"a\", \"type\": \"nokind\", \"fields\": {***: ***}}]}\n",
            "^^^^^^\n",
        ),
    ] {
        let output = shipctl("check").file("shippable.yml", yaml).output();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains(line) && said.contains(caret) && !said.contains("topsecret"), "{said}");
    }
}
