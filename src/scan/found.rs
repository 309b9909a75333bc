//! Matches as they are shown.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::search::SecretMatch;
use crate::printable::Printable;

impl SecretMatch {
    /// For people: where it is, and whose it is.
    pub fn to_text(&self) -> String {
        let SecretMatch { file, finding, integration, field, own } = self;
        let mut text =
            format!("{file}:{}:{}  integration {integration}, field {field}", finding.line, finding.column);
        if let Some(form) = finding.form {
            let _ = write!(text, " ({form})");
        }
        if *own {
            text.push_str(": the line has it from here; encrypt it, or say where it is");
        }
        Printable(&text).to_string()
    }

    /// The same for programs.
    pub fn to_json(&self) -> Json {
        json!({
            "file": self.file,
            "line": self.finding.line,
            "column": self.finding.column,
            "integration": self.integration,
            "field": self.field,
            "form": self.finding.form.unwrap_or("plain"),
            "own": self.own,
        })
    }
}
