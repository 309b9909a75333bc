//! The variables of an integration.

use std::path::Path;
use std::rc::Rc;

use super::builder::Builder;
use crate::contract::{self, suffix};
use crate::credentials::{Content, Credential, FetchedValue, Value};
use crate::secret::Secret;
use crate::source::Span;

impl Builder {
    /// The fields of an integration under the first part `env`, and its key files below `directory`.
    pub(super) fn integration(&mut self, env: &str, credential: &Credential, directory: &Path, place: Span) {
        let name = &credential.name;
        let prefix = format!("{env}_{}", suffix::INTEGRATION);
        let whole: Rc<str> = format!("integration {name}").into();
        self.environment.plain(format!("{prefix}_NAME"), name, &whole);
        for field in &credential.fields {
            let variable = format!("{prefix}_{}", contract::key_name(field.name));
            let origin = |from: &str| Rc::from(format!("{whole}, field {}, from {from}", field.name));
            let origin_of = |fetched: &FetchedValue| match fetched.value {
                Value::Missing => Rc::from(format!("{whole}, field {}: {}", field.name, fetched.origin)),
                _ => origin(&fetched.origin),
            };
            match &field.content {
                Content::One(fetched) => {
                    self.remember(fetched);
                    self.environment.set(variable, fetched.value.clone(), &origin_of(fetched));
                }
                Content::List(items) => {
                    // The original's own form of a list, quotes and all.
                    let quoted: Vec<_> =
                        items.iter().map(|item| format!("\"{}\"", item.value.expose())).collect();
                    let joined = format!("'{}'", quoted.join(","));
                    let secret = items.iter().any(|item| matches!(item.value, Value::Secret(_)));
                    let joined =
                        if secret { Value::Secret(Secret::new(joined)) } else { Value::Plain(joined) };
                    self.environment.set(variable.clone(), joined, &origin("its list"));
                    for (i, item) in items.iter().enumerate() {
                        self.remember(item);
                        let variable = format!("{variable}_{i}");
                        self.environment.set(variable, item.value.clone(), &origin_of(item));
                    }
                }
                Content::Map(entries) => {
                    for (key, fetched) in entries {
                        self.remember(fetched);
                        let from = if matches!(fetched.value, Value::Missing) { ": " } else { ", from " };
                        let origin = Rc::from(format!("{whole}, key {key}{from}{}", fetched.origin));
                        let variable = format!("{prefix}_{}", contract::key_name(key));
                        self.environment.set(variable, fetched.value.clone(), &origin);
                        self.set_alone(key, fetched.value.clone(), &origin, place);
                    }
                }
            }
        }
        for (part, file) in key_files(credential.kind.name, name_of(directory)) {
            let file = directory.join(file).display().to_string();
            self.environment.plain(format!("{env}_{part}"), file, &whole);
        }
    }

    /// Keeps a secret for the masker.
    fn remember(&mut self, fetched: &FetchedValue) {
        if let Value::Secret(secret) = &fetched.value
            && fetched.masked
        {
            self.environment.secrets.push(secret.clone());
        }
    }
}

fn name_of(directory: &Path) -> &str {
    directory.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

/// The files that hold the keys of an integration, with the last parts of the variables that point at them.
pub fn key_files(kind: &str, name: &str) -> Vec<(&'static str, String)> {
    match kind {
        "sshKey" => vec![
            (suffix::KEYPATH, format!("{name}_key")),
            ("PRIVATE_KEY_PATH", format!("{name}_key")),
            ("PUBLIC_KEY_PATH", format!("{name}_key.pub")),
        ],
        "pemKey" => vec![(suffix::KEYPATH, format!("{name}_key.pem"))],
        _ => Vec::new(),
    }
}
