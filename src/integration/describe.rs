//! Integrations as they are shown: where each value is, and what uses them.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use crate::mask::MASK;
use crate::model::files::Line;
use crate::model::integration::FieldValue;
use crate::model::{Integration, usage};
use crate::printable::Printable;
use crate::value_source::ValueSource;

/// The fields that it could have and does not.
pub fn absent(integration: &Integration) -> Vec<&'static str> {
    let has = |field: &str| integration.fields.iter().any(|given| given.field.name == field);
    integration.kind.fields.iter().map(|field| field.name).filter(|field| !has(field)).collect()
}

/// A value of a field: what it is called, its value as it may be shown, and where it is.
struct Row {
    field: String,
    value: Option<String>,
    secret: bool,
    source: &'static str,
    origin: String,
}

fn rows(integration: &Integration) -> impl Iterator<Item = Row> {
    integration.fields.iter().flat_map(|given| {
        given.values.sources().into_iter().map(|(key, source)| {
            let name = given.field.name;
            Row {
                field: key.map_or(name.to_owned(), |key| format!("{name}.{}", key.text)),
                value: shown(given, source),
                secret: given.is_secret(),
                source: source.kind.word(),
                origin: origin(given, source),
            }
        })
    })
}

/// The value, if it stands in the YAML.
fn shown(given: &FieldValue, source: &ValueSource) -> Option<String> {
    let value = source.reference.literal()?;
    Some(if given.is_secret() { MASK.to_owned() } else { value.expose().to_owned() })
}

/// Where a value is, in words.
fn origin(given: &FieldValue, source: &ValueSource) -> String {
    let in_plain = if source.reference.literal().is_some() && given.is_secret() { ", in plain" } else { "" };
    format!("{}{in_plain}", source.reference.origin())
}

/// An integration for people.
pub fn text(line: &Line, integration: &Integration) -> String {
    let mut text = String::new();
    let place = line.sources.describe(integration.name.place);
    let kind = integration.kind;
    let _ =
        writeln!(text, "{}  {} ({})  {place}", Printable(&integration.name.text), kind.name, kind.display);
    let rows: Vec<_> = rows(integration).collect();
    let width = rows.iter().map(|row| row.field.chars().count()).max().unwrap_or(0);
    for row in rows {
        let value = row.value.map_or_else(String::new, |value| format!("{}  ", Printable(&value)));
        let _ = writeln!(
            text,
            "  {:width$}  {value}({})",
            Printable(&row.field).to_string(),
            Printable(&row.origin)
        );
    }
    let _ = writeln!(text, "  used by: {}", Printable(&users(line, integration).join(", ")));
    text
}

/// Who uses it, in words.
fn users(line: &Line, integration: &Integration) -> Vec<String> {
    let usage = usage::of(&line.pipeline, &integration.name.text);
    let resources = usage.resources.iter().map(|bound| format!("resource {}", bound.resource.name.text));
    let jobs = usage.jobs.iter().map(|(job, _)| format!("job {}", job.name.text));
    let integrations = usage.integrations.iter().map(|(user, _)| format!("integration {}", user.name.text));
    let users: Vec<_> = resources.chain(jobs).chain(integrations).collect();
    if users.is_empty() { vec!["nothing".to_owned()] } else { users }
}

/// The same as JSON.
pub fn json(line: &Line, integration: &Integration) -> Json {
    let usage = usage::of(&line.pipeline, &integration.name.text);
    let fields = rows(integration).map(|row| {
        json!({"name": row.field, "secret": row.secret, "source": row.source, "origin": row.origin, "value": row.value})
    });
    json!({
        "name": integration.name.text,
        "type": integration.kind.name,
        "display": integration.kind.display,
        "place": line.sources.describe(integration.name.place),
        "fields": fields.collect::<Vec<_>>(),
        "resources": usage.resources.iter().map(|bound| &bound.resource.name.text).collect::<Vec<_>>(),
        "jobs": usage.jobs.iter().map(|(job, _)| &job.name.text).collect::<Vec<_>>(),
        "integrations": usage.integrations.iter().map(|(user, _)| &user.name.text).collect::<Vec<_>>(),
    })
}
