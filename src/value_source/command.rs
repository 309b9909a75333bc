//! What a program prints: one that is called with arguments, or a command line, run by `sh -c`.

use serde_json::{Value as Json, json};

use super::program::{self, NOT_THERE};
use super::{FetchContext, Misread, NoValue, Prerequisite, Reference, Requirement, SourceKind, Written};
use crate::secret::Secret;
use crate::yaml::Value;

#[derive(Debug)]
pub(super) struct Command;

impl SourceKind for Command {
    fn key(&self) -> &'static str {
        "command"
    }

    fn example(&self) -> String {
        "{command: [program, argument]}".to_owned()
    }

    fn description(&self) -> String {
        "What a program prints: a list of its arguments, or a line for sh.".to_owned()
    }

    fn schema(&self) -> Json {
        json!({"anyOf": [{"type": "string"}, {"type": "array", "items": {"$ref": "#/definitions/text"}, "minItems": 1}]})
    }

    fn read(&'static self, written: &mut Written) -> Result<Box<dyn Reference>, Misread> {
        let Value::List(nodes) = &written.node.value else {
            let words = vec!["sh".to_owned(), "-c".to_owned(), written.text()?];
            return Ok(Box::new(Program { words }));
        };
        let words: Option<Vec<_>> = nodes.iter().map(|node| node.text().map(str::to_owned)).collect();
        match words {
            Some(words) if words.first().is_some_and(|word| !word.is_empty()) => {
                Ok(Box::new(Program { words }))
            }
            _ => Err(Misread(format!(
                "the command of {written} is a list of texts that begins with a program"
            ))),
        }
    }
}

#[derive(Debug)]
struct Program {
    /// The program, and its arguments.
    words: Vec<String>,
}

impl Reference for Program {
    fn origin(&self) -> String {
        format!("command {}", self.words.first().map_or("", |word| word))
    }

    fn requirement(&self) -> Requirement<'_> {
        Requirement::Other("a command (command), which has to work there".to_owned())
    }

    fn prerequisite(&self) -> Option<Prerequisite<'_>> {
        Some(Prerequisite::Program { words: self.words.clone(), file: None })
    }

    fn fetch(&self, context: &FetchContext) -> Result<Option<Secret>, NoValue> {
        program::printed(context, NOT_THERE).cloned().map(Some)
    }
}
