//! What a tool that people keep secrets with gives for a reference.

pub(super) mod known;

use serde_json::{Value as Json, json};

use super::program;
use super::{FetchContext, Misread, NoValue, Prerequisite, Reference, Requirement, SourceKind, Written};
use crate::secret::Secret;

/// A tool that prints a secret to its owner.
#[derive(Debug)]
pub(super) struct Tool {
    /// The key in the YAML: `{op: "op://…"}`.
    key: &'static str,
    /// How a reference to a value is written.
    form: &'static str,
    /// The name of its program, which is looked for along the `PATH`.
    program: &'static str,
    /// How to install the program.
    install: &'static str,
    /// What the program is called with for a reference; `None` if that is not written as it should be.
    call: fn(&str) -> Option<Call>,
}

/// A call of a tool.
#[derive(Debug, PartialEq, Eq)]
struct Call {
    /// Its arguments.
    arguments: Vec<String>,
    /// A file that comes behind them; a relative path starts from the directory of the YAML file.
    file: Option<String>,
    /// What of the output is the value.
    take: Take,
}

/// What of the output of a tool is the value.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Take {
    /// All of it, without one newline at its end.
    All,
    /// The first line.
    FirstLine,
    /// What a JSON object holds at the first of these routes that is there.
    Json(Vec<Vec<String>>),
}

impl SourceKind for Tool {
    fn key(&self) -> &'static str {
        self.key
    }

    fn example(&self) -> String {
        format!("{{{}: …}}", self.key)
    }

    fn description(&self) -> String {
        format!("What {} gives for a reference of the form {}.", self.program, self.form)
    }

    fn schema(&self) -> Json {
        json!({"type": "string"})
    }

    fn read(&'static self, written: &mut Written) -> Result<Box<dyn Reference>, Misread> {
        let reference = written.text()?;
        match (self.call)(&reference) {
            Some(call) => Ok(Box::new(ToolReference { tool: self, reference, call })),
            None => Err(Misread(format!("`{}` of {written} is written `{}`", self.key, self.form))),
        }
    }
}

#[derive(Debug)]
struct ToolReference {
    tool: &'static Tool,
    /// The reference, as written.
    reference: String,
    call: Call,
}

impl Reference for ToolReference {
    fn origin(&self) -> String {
        format!("{} {}", self.tool.key, self.reference)
    }

    fn requirement(&self) -> Requirement<'_> {
        Requirement::Other(format!("a command ({}), which has to work there", self.tool.key))
    }

    fn prerequisite(&self) -> Option<Prerequisite<'_>> {
        let program = std::iter::once(self.tool.program.to_owned());
        let words = program.chain(self.call.arguments.iter().cloned()).collect();
        Some(Prerequisite::Program { words, file: self.call.file.as_deref() })
    }

    fn fetch(&self, context: &FetchContext) -> Result<Option<Secret>, NoValue> {
        let Tool { key, form, program, install, .. } = self.tool;
        let printed = program::printed(context, &format!("{install}; PATH has to name its directory"))?;
        let value = take(printed, &self.call.take).map_err(|why| {
            NoValue::new(
                format!("what {program} gives for {} cannot be used: {why}", self.reference),
                format!("`{key}` is written `{form}`"),
            )
        })?;
        Ok(Some(value))
    }
}

/// Why a tool's output has no value. What it printed is not quoted: it may be secret.
#[derive(Debug, thiserror::Error)]
enum TakeError {
    #[error("it is no JSON")]
    NotJson,
    #[error("it has no `{0}`")]
    Lacks(String),
}

/// The part of a tool's output that is the value.
fn take(printed: &Secret, take: &Take) -> Result<Secret, TakeError> {
    let text = printed.expose();
    match take {
        Take::All => Ok(printed.clone()),
        Take::FirstLine => Ok(Secret::new(text.lines().next().unwrap_or_default().to_owned())),
        Take::Json(routes) => {
            let json: Json = serde_json::from_str(text).map_err(|_| TakeError::NotJson)?;
            let at = |route: &Vec<String>| route.iter().try_fold(&json, |json, key| json.get(key)).cloned();
            let last = routes.first().and_then(|route| route.last()).map_or("", |key| key);
            match routes.iter().find_map(at) {
                Some(Json::String(text)) => Ok(Secret::new(text)),
                Some(Json::Null) | None => Err(TakeError::Lacks(last.to_owned())),
                Some(other) => Ok(Secret::new(other.to_string())),
            }
        }
    }
}
