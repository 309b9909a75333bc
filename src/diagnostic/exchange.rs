//! Diagnostics in the forms that code hosts read.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Diagnostic, RULES, Severity};
use crate::source::Sources;

/// Workflow commands of GitHub Actions, which shows them beside the lines of a change.
pub fn github(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics {
        let found = diagnostic.to_json(sources);
        let text = |key: &str| found[key].as_str().unwrap_or_default();
        let place = match found["file"].as_str() {
            Some(file) => format!("file={},line={},col={},", property(file), found["line"], found["column"]),
            None => String::new(),
        };
        let hint = match text("hint") {
            "" => String::new(),
            hint => format!("\n{hint}"),
        };
        let message = escaped(&format!("{}{hint}", text("message")));
        // Writing to a string cannot fail.
        let _ = writeln!(out, "::{} {place}title={}::{message}", text("severity"), property(diagnostic.rule));
    }
    out
}

/// A log in SARIF 2.1.0.
pub fn sarif(diagnostics: &[Diagnostic], sources: &Sources) -> Value {
    let results = diagnostics.iter().map(|diagnostic| {
        let found = diagnostic.to_json(sources);
        let text = |key: &str| found[key].as_str().unwrap_or_default();
        let message = match text("hint") {
            "" => text("message").to_owned(),
            hint => format!("{}\n{hint}", text("message")),
        };
        let level = match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let mut result = json!({"ruleId": diagnostic.rule, "level": level, "message": {"text": message}});
        if found["file"].is_string() {
            result["locations"] = json!([location(&found)]);
        }
        let related = found["related"].as_array().into_iter().flatten().map(|place| {
            let mut location = location(place);
            location["message"] = json!({"text": place["message"]});
            location
        });
        let related: Vec<_> = related.collect();
        if !related.is_empty() {
            result["relatedLocations"] = json!(related);
        }
        result
    });
    let rules = RULES.iter().map(|rule| {
        json!({
            "id": rule.id,
            "shortDescription": {"text": rule.about},
            "fullDescription": {"text": rule.more},
        })
    });
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "shipctl",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules.collect::<Vec<_>>(),
            }},
            "results": results.collect::<Vec<_>>(),
        }],
    })
}

fn location(place: &Value) -> Value {
    json!({"physicalLocation": {
        "artifactLocation": {"uri": uri(place["file"].as_str().unwrap_or_default())},
        "region": {"startLine": place["line"], "startColumn": place["column"]},
    }})
}

/// A path as a URI: relative ones stay so.
fn uri(path: &str) -> String {
    let mut uri = String::new();
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                uri.push(byte.into())
            }
            _ => _ = write!(uri, "%{byte:02X}"),
        }
    }
    uri
}

/// The text of a command: one line.
fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property of a command.
fn property(text: &str) -> String {
    escaped(text).replace(':', "%3A").replace(',', "%2C")
}
