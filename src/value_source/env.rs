//! A variable of shipctl's own environment.

use std::env::VarError;

use super::{FetchContext, Misread, NoValue, Reference, Requirement, SourceKind, Written};
use crate::secret::Secret;

#[derive(Debug)]
pub(super) struct Env;

impl SourceKind for Env {
    fn key(&self) -> &'static str {
        "env"
    }

    fn example(&self) -> String {
        "{env: VARIABLE}".to_owned()
    }

    fn description(&self) -> String {
        "A variable of the environment of shipctl.".to_owned()
    }

    fn read(&'static self, written: &mut Written) -> Result<Box<dyn Reference>, Misread> {
        Ok(Box::new(Variable(written.text()?)))
    }
}

#[derive(Debug)]
pub(super) struct Variable(pub(super) String);

impl Reference for Variable {
    fn origin(&self) -> String {
        format!("${}", self.0)
    }

    fn requirement(&self) -> Requirement<'_> {
        Requirement::Variable(&self.0)
    }

    fn fetch(&self, _: &FetchContext) -> Result<Option<Secret>, NoValue> {
        let name = &self.0;
        // The library's own error quotes what is in the variable.
        let value = std::env::var(name).map_err(|error| match error {
            VarError::NotPresent => format!("${name} is not set"),
            VarError::NotUnicode(_) => format!("${name} is not UTF-8 text"),
        });
        let value = value.map_err(|message| NoValue::new(message, "set it before you start shipctl"))?;
        Ok(Some(Secret::new(value)))
    }
}
