//! Credentials that hold, for each value, the name of the variable that is to hold it in the other system.

use std::rc::Rc;

use indexmap::IndexMap;

use super::text;
use crate::contract;
use crate::credentials::{Content, Credential, Credentials, Fetched, FetchedValue, Value};
use crate::environment::is_variable_name;
use crate::model::integration::Values;
use crate::model::{Integration, Name};
use crate::resolve::Plan;
use crate::value_source::ValueSource;

/// The variables that the user has to set, with what they are for.
pub(super) type Settings = IndexMap<String, String>;

/// The integrations of a job, each value a setting unless the line says it and it is no secret.
pub(super) fn credentials(plan: &Plan, settings: &mut Settings) -> Credentials {
    plan.all_integrations().map(|one| (one.name.text.clone(), of_integration(one, settings))).collect()
}

fn of_integration(integration: &Integration, settings: &mut Settings) -> Credential {
    let mut fields = Vec::new();
    for field in &integration.fields {
        let name = field.field.name;
        let secret = field.is_secret();
        let content = match &field.values {
            Values::One(source) => Content::One(value(integration, name, secret, source, settings)),
            Values::List(sources) => {
                let values = sources.iter().enumerate();
                Content::List(
                    values
                        .map(|(i, source)| {
                            value(integration, &format!("{name}_{i}"), secret, source, settings)
                        })
                        .collect(),
                )
            }
            Values::Map(entries) => {
                let entries = entries.iter();
                let of_key = |(key, source): &(Name, ValueSource)| {
                    (key.text.clone(), value(integration, &key.text, secret, source, settings))
                };
                Content::Map(entries.map(of_key).collect())
            }
            Values::Integration(_) => continue,
        };
        fields.push(Fetched { name, content });
    }
    let name = integration.name.text.clone();
    Credential { name, kind: integration.kind, fields, renewal: None, profile: None }
}

fn value(
    integration: &Integration,
    key: &str,
    is_secret: bool,
    source: &ValueSource,
    settings: &mut Settings,
) -> FetchedValue {
    let value = match source.reference.literal().filter(|_| !is_secret) {
        Some(value) => Value::Secret(value.clone()),
        None => {
            let variable = source.variable().filter(|name| is_variable_name(name));
            let setting = variable.map_or_else(|| name_of(&integration.name, key), str::to_owned);
            Value::Plain(need(setting, purpose(&integration.name.text, key), settings))
        }
    };
    FetchedValue { value, origin: Rc::from(""), masked: false, place: source.place }
}

/// What stands for a setting, which is noted with what it is for.
pub(super) fn need(name: String, purpose: String, settings: &mut Settings) -> String {
    let stand_in = text::setting(&name);
    settings.entry(name).or_insert(purpose);
    stand_in
}

fn purpose(integration: &str, key: &str) -> String {
    format!("integration {integration}, field {key}")
}

/// What the setting of a field is called.
pub(super) fn name_of(integration: &Name, key: &str) -> String {
    let env = integration.env().unwrap_or_else(|| "INTEGRATION".to_owned());
    format!("{env}_{}", contract::key_name(key))
}

/// Has the fields of an integration that is declared nowhere be settings, as far as scripts name them: by the variables that
/// begin with `prefix`, and by the utility functions that are called for `name`. Each variable with its stand-in.
pub(super) fn undeclared(
    integration: &Name,
    name: &str,
    prefix: &str,
    scripts: &str,
    settings: &mut Settings,
) -> Vec<(String, String)> {
    let variable = format!("{prefix}_INTEGRATION_");
    let names = variables_of(&format!("{prefix}_INTEGRATION"), scripts);
    let mut fields: Vec<String> = names.iter().map(|name| name[variable.len()..].to_owned()).collect();
    for function in ["get_integration_resource_field", "get_integration_field", "get_integration_resource"] {
        for (at, _) in scripts.match_indices(function) {
            let mut words =
                scripts[at + function.len()..].split(|c: char| c.is_whitespace() || "\"'$(){}`;".contains(c));
            let mut words = words.by_ref().filter(|word| !word.is_empty());
            if words.next() == Some(name)
                && let Some(field) = words.next().map(contract::key_name).filter(|field| !field.is_empty())
            {
                fields.push(field);
            }
        }
    }
    fields.sort();
    fields.dedup();
    let mut variables = Vec::new();
    for field in fields {
        let stand_in = need(name_of(integration, &field), purpose(&integration.text, &field), settings);
        variables.push((format!("{variable}{field}"), stand_in));
    }
    variables
}

/// The variables that scripts name which begin with `prefix` and `_`.
pub(super) fn variables_of(prefix: &str, scripts: &str) -> Vec<String> {
    let words = scripts.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let of_prefix = |word: &&str| {
        let rest = word.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_'));
        rest.is_some_and(|rest| !rest.is_empty())
    };
    let mut names: Vec<_> = words.filter(of_prefix).map(str::to_owned).collect();
    names.sort();
    names.dedup();
    names
}
