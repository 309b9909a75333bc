//! Secrets that masking serves badly: too short to be masked, or words that are in every log.

use super::{Content, Credential, Credentials, FetchedValue, Value};
use crate::contract::MIN_MASKED;
use crate::diagnostic::Diagnostic;
use crate::source::Span;

/// Values that people put where a secret belongs and that stand in logs for other reasons.
const COMMON: &[&str] = &[
    "admin",
    "changeme",
    "default",
    "dev",
    "development",
    "disabled",
    "enabled",
    "error",
    "false",
    "guest",
    "http",
    "https",
    "info",
    "latest",
    "localhost",
    "main",
    "master",
    "none",
    "null",
    "off",
    "password",
    "postgres",
    "prod",
    "production",
    "public",
    "root",
    "secret",
    "stage",
    "staging",
    "test",
    "token",
    "true",
    "user",
    "yes",
];

/// The longest number that counts as common, in digits: a port is one.
const COMMON_DIGITS: usize = 5;

/// What people should know before they rely on masking. The field is named, the value never.
pub fn weak(credentials: &Credentials) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    for credential in credentials.values() {
        for field in &credential.fields {
            let mut look = |key: &str, value| warnings.extend(warning(credential, key, value));
            match &field.content {
                Content::One(value) => look(field.name, value),
                Content::List(values) => values.iter().for_each(|value| look(field.name, value)),
                Content::Map(entries) => entries.iter().for_each(|(key, value)| look(key, value)),
            }
        }
    }
    warnings
}

fn warning(credential: &Credential, key: &str, fetched: &FetchedValue) -> Option<Diagnostic> {
    let Value::Secret(secret) = &fetched.value else { return None };
    let value = secret.expose();
    if !fetched.masked || value.is_empty() {
        return None;
    }
    let of = format!("field `{key}` of integration `{}`", credential.name);
    let diagnostic = if value.len() < MIN_MASKED {
        Diagnostic::warning(format!("the value of {of} is too short to be masked in the log"))
            .hint(format!("values of less than {MIN_MASKED} bytes are in every other word; `mask: false` beside its source says that this is meant"))
    } else if is_common(value) {
        Diagnostic::warning(format!(
            "the value of {of} is a common one: every place it has in the log is masked"
        ))
        .hint("if it is no secret, `mask: false` beside its source turns that off: `{value: …, mask: false}`")
    } else {
        return None;
    };
    // How long the value is would be shown by what is underlined.
    Some(diagnostic.at(Span { len: 1, ..fetched.place }))
}

fn is_common(value: &str) -> bool {
    let value = value.trim();
    value.is_empty()
        || COMMON.iter().any(|common| value.eq_ignore_ascii_case(common))
        || value.len() <= COMMON_DIGITS && value.bytes().all(|byte| byte.is_ascii_digit())
}
