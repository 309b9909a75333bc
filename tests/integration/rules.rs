//! The rules of `check`: ids that stay, what they are about, and how they are allowed.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::shipctl;

const LINE: &str = "resources:
- {name: p, type: params, verison: {}}
jobs:
- name: a
  type: runSh
  colour: red # shipctl: allow unknown-key
  # shipctl: allow no-effect, unknown-key
  size: 3
  steps: [{IN: gone}, {TASK: [echo]}]
- {name: b, type: runSh, steps: [{IN: c}, {TASK: [echo]}]}
- {name: c, type: runSh, steps: [{IN: b}, {TASK: [echo]}]}
";

#[test]
fn every_problem_names_its_rule() {
    let expected = "warning: unknown key `verison` of resource `p`
  --> shippable.yml:2:27
   2 | - {name: p, type: params, verison: {}}
     |                           ^^^^^^^
  hint: did you mean `version`?
  rule: unknown-key

warning: job `a` takes `gone` IN, which is declared nowhere
  --> shippable.yml:9:16
   9 |   steps: [{IN: gone}, {TASK: [echo]}]
     |                ^^^^
  hint: declare it under `resources:` or `jobs:`, or add the file that does with -f
  rule: undeclared

error: jobs wait for each other: b → c → b
  --> shippable.yml:10:39
  10 | - {name: b, type: runSh, steps: [{IN: c}, {TASK: [echo]}]}
     |                                       ^
  --> shippable.yml:11:39: job `c` waits for `b`
  11 | - {name: c, type: runSh, steps: [{IN: b}, {TASK: [echo]}]}
     |                                       -
  hint: remove one of these INs
  rule: circle

1 file: 1 error, 2 warnings, 2 allowed
";
    shipctl("check").file("shippable.yml", LINE).status(1).stdout(expected).run();
}

#[test]
fn warnings_can_be_allowed_and_errors_cannot() {
    let call = shipctl("check").args("--allow undeclared --allow unknown-key --allow circle --format json");
    let found: Value = serde_json::from_slice(&call.file("shippable.yml", LINE).output().stdout).unwrap();
    assert_eq!((&found["errors"], &found["warnings"]), (&1.into(), &0.into()));
    assert_eq!(found["diagnostics"][0]["rule"], "circle");
    let output = shipctl("check").args("--allow undeclare").file("shippable.yml", LINE).output();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && said.contains("similar value exists: 'undeclared'"), "{said}");
    // What a comment allows, a run does not warn of either.
    let call = shipctl("run").arg("a").file("shippable.yml", LINE.replace("{IN: gone}, ", ""));
    let output = call.output();
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn github_shows_problems_beside_the_lines() {
    let expected = "::warning file=shippable.yml,line=2,col=27,title=unknown-key::unknown key `verison` of resource `p`%0Adid you mean `version`?
::warning file=shippable.yml,line=9,col=16,title=undeclared::job `a` takes `gone` IN, which is declared nowhere%0Adeclare it under `resources:` or `jobs:`, or add the file that does with -f
::error file=shippable.yml,line=10,col=39,title=circle::jobs wait for each other: b → c → b%0Aremove one of these INs
";
    shipctl("check").args("--format github").file("shippable.yml", LINE).status(1).stdout(expected).run();
}

#[test]
fn sarif_has_the_rules_and_what_was_found() {
    let output = shipctl("check").args("--format sarif").file("shippable.yml", LINE).output();
    let log: Value = serde_json::from_slice(&output.stdout).unwrap();
    let run = &log["runs"][0];
    assert_eq!((&log["version"], &run["tool"]["driver"]["name"]), (&"2.1.0".into(), &"shipctl".into()));
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 3);
    let place = &results[2]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "shippable.yml");
    assert_eq!((&place["region"]["startLine"], &place["region"]["startColumn"]), (&10.into(), &39.into()));
    assert_eq!(results[2]["relatedLocations"][0]["message"]["text"], "job `c` waits for `b`");
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for result in results {
        assert!(rules.iter().any(|rule| rule["id"] == result["ruleId"]), "{result}");
    }
}

#[test]
fn rules_are_explained() {
    let list = String::from_utf8(shipctl("explain").output().stdout).unwrap();
    assert!(
        list.contains("\nunknown-key             A key is none that is known where it stands.\n"),
        "{list}"
    );
    shipctl("explain")
        .arg("unknown-key")
        .stdout("unknown-key: A key is none that is known where it stands.\n\nIt has no effect. It is misspelt, indented too little or too far, or of another tool.\n\n`shipctl check --allow unknown-key` leaves its warnings out, and so does the comment\n`# shipctl: allow unknown-key` in the line that one is about, or alone in the line above.\n")
        .run();
    for line in list.lines() {
        let id = line.split(' ').next().unwrap();
        assert!(shipctl("explain").arg(id).output().status.success(), "{id}");
    }
}

#[test]
fn every_rule_of_the_code_is_explained_and_used() {
    let list = String::from_utf8(shipctl("explain").output().stdout).unwrap();
    let known: Vec<_> = list.lines().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    let mut code = String::new();
    read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut code);
    for part in code.split(".rule(\"").skip(1) {
        let id = part.split('"').next().unwrap();
        assert!(known.iter().any(|known| known == id), "{id} is not explained");
    }
    for id in known.iter().filter(|id| !["invalid", "no-effect"].contains(&id.as_str())) {
        // Some have a constant.
        let constant =
            code.split("const ").filter_map(|part| part.split_once(": &str = ")).collect::<Vec<_>>();
        let constant = constant.iter().find(|(_, text)| text.starts_with(&format!("\"{id}\";")));
        let used = constant.map_or(format!(".rule(\"{id}\")"), |(name, _)| format!(".rule({name})"));
        assert!(code.contains(&used), "{id} is not used");
    }
}

fn read(directory: &Path, code: &mut String) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, code);
        } else {
            *code += &fs::read_to_string(path).unwrap();
        }
    }
}
