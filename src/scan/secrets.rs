//! The secrets of a line that are looked for.

use crate::credentials::{Content, Credentials, FetchedValue, Value};
use crate::model::Pipeline;
use crate::model::integration::FieldValue;
use crate::secret::Secret;

/// A secret of a line.
pub struct LineSecret<'a> {
    /// The integration that has it.
    pub integration: &'a str,
    /// The field; behind a `.` the key of it, if it has keys.
    pub field: String,
    /// The value.
    pub value: &'a Secret,
}

impl LineSecret<'_> {
    /// What it is called in messages.
    pub fn origin(&self) -> String {
        format!("integration {}, field {}", self.integration, self.field)
    }
}

/// The secrets among what was fetched that are masked.
pub fn secrets<'c>(credentials: &'c Credentials) -> Vec<LineSecret<'c>> {
    let mut secrets = Vec::new();
    for credential in credentials.values() {
        for field in &credential.fields {
            let mut add = |key: Option<&str>, fetched: &'c FetchedValue| {
                if let (Value::Secret(value), true) = (&fetched.value, fetched.masked) {
                    let field = key.map_or(field.name.to_owned(), |key| format!("{}.{key}", field.name));
                    secrets.push(LineSecret { integration: &credential.name, field, value });
                }
            };
            match &field.content {
                Content::One(one) => add(None, one),
                Content::List(items) => items.iter().for_each(|item| add(None, item)),
                Content::Map(entries) => entries.iter().for_each(|(key, one)| add(Some(key), one)),
            }
        }
    }
    secrets
}

/// Whether all secrets of a line could be fetched.
pub fn are_all_known(pipeline: &Pipeline, credentials: &Credentials) -> bool {
    pipeline.integrations.values().all(|integration| {
        let fetched = credentials.get(&integration.name.text);
        integration.fields.iter().filter(|given| given.is_secret() && !is_of_environment(given)).all(
            |given| {
                fetched
                    .is_some_and(|fetched| fetched.fields.iter().any(|field| field.name == given.field.name))
            },
        )
    })
}

/// Whether its values are variables of shipctl's: one that is not set is a secret that is not here.
fn is_of_environment(given: &FieldValue) -> bool {
    given.values.sources().iter().all(|(_, source)| source.variable().is_some())
}
