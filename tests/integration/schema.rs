//! `shipctl schema`: what an editor makes of the files of a line.

use std::fs;
use std::path::Path;

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::{Value, json};

use crate::support::shipctl;

struct Schema {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Schema {
    fn printed() -> Schema {
        let output = shipctl("schema").output();
        assert!(output.status.success());
        let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.add_resource("line.json", schema).unwrap();
        let index = compiler.compile("line.json", &mut schemas).unwrap();
        Schema { schemas, index }
    }

    /// What is wrong with a file, in the words of the validator; empty if nothing is.
    fn complains_about(&self, value: &Value) -> String {
        match self.schemas.validate(value, self.index) {
            Ok(()) => String::new(),
            Err(error) => format!("{error:#}"),
        }
    }
}

fn fixture(path: &Path) -> Value {
    serde_yaml::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn all_lines_that_are_good_are_valid() {
    let schema = Schema::printed();
    let mut seen = 0;
    for line in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures")).unwrap() {
        let line = line.unwrap().path();
        for file in fs::read_dir(&line).unwrap().map(|file| file.unwrap().path()) {
            if file.extension().is_some_and(|ending| ending == "yml") && !line.ends_with("broken") {
                assert_eq!(schema.complains_about(&fixture(&file)), "", "{}", file.display());
                seen += 1;
            }
        }
    }
    assert!(seen >= 10);
}

#[test]
fn keys_that_are_misspelt_are_found() {
    let broken = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/broken/shippable.yml"));
    let found = Schema::printed().complains_about(&fixture(broken));
    assert!(found.contains("verison") && found.contains("on_sucess"), "{found}");
}

#[test]
fn every_shape_that_was_accepted_is_valid() {
    let schema = Schema::printed();
    for task in [
        json!("make"),
        json!(["make", {"script": ["a", ["b"]]}]),
        json!({"name": "t", "script": "make", "runtime": {"options": {"env": ["A=b"]}}}),
        json!("managed"),
    ] {
        let line = json!({"jobs": [{"name": 1, "type": "runSh", "steps": [{"TASK": task}], "always": ["a", {"script": "b"}]}]});
        assert_eq!(schema.complains_about(&line), "", "{line}");
    }
}

#[test]
fn integrations_have_the_fields_of_their_kind() {
    let schema = Schema::printed();
    let line =
        |kind: &str, fields: Value| json!({"integrations": [{"name": "i", "type": kind, "fields": fields}]});
    let good = json!({"accessKey": {"env": "A"}, "secretKey": {"command": ["op", "read"]}});
    assert_eq!(schema.complains_about(&line("amazonKeys", good.clone())), "");
    assert_eq!(schema.complains_about(&line("AWS Keys", good)), "");
    assert_ne!(schema.complains_about(&line("amazonKeys", json!({"accessKey": "A"}))), "");
    assert_ne!(
        schema.complains_about(&line("amazonKeys", json!({"accessKey": "A", "secretKey": {"envv": "S"}}))),
        ""
    );
    assert_ne!(schema.complains_about(&line("Slack", json!({"webhookUrl": "A", "more": "b"}))), "");
}
