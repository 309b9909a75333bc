//! A value that stands in the YAML itself, byte for byte.

use super::{FetchContext, Misread, NoValue, Reference, Requirement, SourceKind, Written};
use crate::secret::Secret;
use crate::yaml::Value;

#[derive(Debug)]
pub(super) struct Literal;

impl SourceKind for Literal {
    fn key(&self) -> &'static str {
        "value"
    }

    fn word(&self) -> &'static str {
        "yaml"
    }

    fn example(&self) -> String {
        "{value: text, mask: false}".to_owned()
    }

    fn description(&self) -> String {
        "The value itself.".to_owned()
    }

    fn read(&'static self, written: &mut Written) -> Result<Box<dyn Reference>, Misread> {
        match &written.node.value {
            Value::Scalar(scalar) => Ok(reference(&scalar.text)),
            _ => Ok(reference(&written.text()?)),
        }
    }
}

pub(super) fn reference(text: &str) -> Box<dyn Reference> {
    Box::new(Text(Secret::new(text.to_owned())))
}

#[derive(Debug)]
struct Text(Secret);

impl Reference for Text {
    fn origin(&self) -> String {
        "the YAML".to_owned()
    }

    fn requirement(&self) -> Requirement<'_> {
        Requirement::Nothing
    }

    fn fetch(&self, _: &FetchContext) -> Result<Option<Secret>, NoValue> {
        Ok(Some(self.0.clone()))
    }

    fn literal(&self) -> Option<&Secret> {
        Some(&self.0)
    }
}
