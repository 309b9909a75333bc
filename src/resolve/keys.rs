//! Keys whose variables have the same name: one would take the place of the other.

use std::collections::HashMap;

use indexmap::IndexMap;

use crate::contract::{key_name, sanitize};
use crate::diagnostic::Diagnostic;
use crate::model::integration::Values;
use crate::model::{Integration, Resource};
use crate::source::Span;
use crate::yaml::{Node, Value};

use super::Plan;

/// The keys of a resource's params and pointer that come out the same.
pub fn of_resource(resource: &Resource, diagnostics: &mut Vec<Diagnostic>) {
    if let Some(params) = resource.params().and_then(Node::map) {
        let of = format!("the params of `{}`", resource.name.text);
        collisions(
            params.iter().map(|(key, entry)| (key_name(key), key.clone(), entry.key)),
            &of,
            diagnostics,
        );
    }
    for part in ["pointer", "seed"] {
        if let Some(node) = resource.node.get(part) {
            let mut keys = Vec::new();
            flatten(node, ("", ""), node.place, &mut keys);
            collisions(keys.into_iter(), &format!("the {part} of `{}`", resource.name.text), diagnostics);
        }
    }
}

/// The keys of an integration's key-value pairs that come out the same.
pub fn of_integration(integration: &Integration, diagnostics: &mut Vec<Diagnostic>) {
    for field in &integration.fields {
        if let Values::Map(values) = &field.values {
            let of = format!("`{}` of integration `{}`", field.field.name, integration.name.text);
            let keys = values.iter().map(|(name, _)| (key_name(&name.text), name.text.clone(), name.place));
            collisions(keys, &of, diagnostics);
        }
    }
}

/// The variables that more than one integration of a job sets: the last one wins.
pub fn shared(plan: &Plan, diagnostics: &mut Vec<Diagnostic>) {
    let mut first: IndexMap<String, (&str, Span)> = IndexMap::new();
    let mut done: Vec<&str> = Vec::new();
    for integration in plan.all_integrations() {
        let name = integration.name.text.as_str();
        if done.contains(&name) {
            continue;
        }
        done.push(name);
        for field in &integration.fields {
            let Values::Map(values) = &field.values else { continue };
            for (key, _) in values {
                let variable = sanitize(&key.text);
                match first.get(&variable) {
                    Some((other, place)) if *other != name => diagnostics.push(
                        Diagnostic::warning(format!(
                            "`{variable}` is a key of integration `{other}` and of `{name}`: job `{}` gets one of the two",
                            plan.job.name.text
                        ))
                        .rule("same-key").at(key.place)
                        .and_at(*place, format!("the one of `{other}`"))
                        .hint("ask for the one that is meant with `shipctl get_integration_resource_field`, or rename a key"),
                    ),
                    Some(_) => {}
                    None => _ = first.insert(variable, (name, key.place)),
                }
            }
        }
    }
}

/// The names that the keys of a node have as the last part of a variable, each as written and with its place.
fn flatten(node: &Node, (name, written): (&str, &str), place: Span, keys: &mut Vec<(String, String, Span)>) {
    let join = |before: &str, part: &str, by: char| {
        if before.is_empty() { part.to_owned() } else { format!("{before}{by}{part}") }
    };
    match &node.value {
        Value::Map(map) => {
            for (key, entry) in map {
                let (name, written) = (join(name, &key_name(key), '_'), join(written, key, '.'));
                flatten(&entry.node, (&name, &written), entry.key, keys);
            }
        }
        Value::List(nodes) => {
            for (index, node) in nodes.iter().enumerate() {
                let index = index.to_string();
                flatten(node, (&join(name, &index, '_'), &join(written, &index, '.')), place, keys);
            }
        }
        Value::Null | Value::Scalar(_) => keys.push((name.to_owned(), written.to_owned(), place)),
    }
}

/// Reports the keys that come out the same; each comes with the name that it has in a variable.
fn collisions(
    keys: impl Iterator<Item = (String, String, Span)>,
    of: &str,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut taken: HashMap<String, (String, Span)> = HashMap::new();
    for (name, key, place) in keys.filter(|(name, _, _)| !name.is_empty()) {
        match taken.get(&name) {
            Some((first, at)) => diagnostics.push(
                Diagnostic::error(format!(
                    "the keys `{first}` and `{key}` of {of} have the same variable: …_{name}"
                ))
                .rule("same-variables")
                .at(place)
                .and_at(*at, format!("`{first}`"))
                .hint("rename one of them"),
            ),
            None => _ = taken.insert(name, (key, place)),
        }
    }
}
