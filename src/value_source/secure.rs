//! A value that stands in the YAML encrypted, as `shipctl encrypt` prints it.

use super::{FetchContext, Misread, NoValue, Reference, Requirement, SourceKind, Written};
use crate::diagnostic::Diagnostic;
use crate::secret::Secret;
use crate::secure::is_age;

#[derive(Debug)]
pub(super) struct Secure;

impl SourceKind for Secure {
    fn key(&self) -> &'static str {
        "secure"
    }

    fn example(&self) -> String {
        "{secure: …}".to_owned()
    }

    fn description(&self) -> String {
        "An encrypted value, as `shipctl encrypt` prints it.".to_owned()
    }

    fn read(&'static self, written: &mut Written) -> Result<Box<dyn Reference>, Misread> {
        let text = written.text()?;
        // It is an error only where the value is needed.
        if !is_age(&text) {
            let warning = Diagnostic::warning(format!("`secure` of {written} is no text in the age format"))
                .rule("lost-secret")
                .at(written.node.place)
                .hint("`shipctl encrypt` prints what stands there");
            written.diagnostics.push(warning);
        }
        Ok(Box::new(Encrypted(text)))
    }
}

#[derive(Debug)]
struct Encrypted(String);

impl Reference for Encrypted {
    fn origin(&self) -> String {
        "the YAML, encrypted".to_owned()
    }

    fn requirement(&self) -> Requirement<'_> {
        Requirement::Key
    }

    fn fetch(&self, context: &FetchContext) -> Result<Option<Secret>, NoValue> {
        let opened = context.opener.open(&self.0);
        opened.map(Some).map_err(|error| NoValue::new(error.message, error.hint))
    }

    fn encrypted(&self) -> Option<&str> {
        Some(&self.0)
    }
}
