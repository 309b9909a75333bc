//! Integrations: named credentials of a known kind, and where each value is.

use super::kind::{Field, KINDS, Kind, Shape};
use super::{Name, optional_text, required_name, warn_of_unknown_keys};
use crate::diagnostic::Diagnostic;
use crate::nearest::nearest;
use crate::value_source::{self, ValueSource};
use crate::yaml::{Entry, Map, Node, Value};

/// An integration.
#[derive(Debug)]
pub struct Integration {
    /// The name that resources refer to.
    pub name: Name,
    /// What it is.
    pub kind: &'static Kind,
    /// Its fields, in the order of the file.
    pub fields: Vec<FieldValue>,
}

/// A field that an integration has.
#[derive(Debug)]
pub struct FieldValue {
    /// What the kind says of it.
    pub field: &'static Field,
    /// Its value or values.
    pub values: Values,
}

/// What a field holds.
#[derive(Debug)]
pub enum Values {
    /// One value.
    One(ValueSource),
    /// A list of them.
    List(Vec<ValueSource>),
    /// A value for each key.
    Map(Vec<(Name, ValueSource)>),
    /// Another integration.
    Integration(Name),
}

impl Values {
    /// The sources of all values of a field, each with its key if it has one.
    pub fn sources(&self) -> Vec<(Option<&Name>, &ValueSource)> {
        match self {
            Values::One(source) => vec![(None, source)],
            Values::List(sources) => sources.iter().map(|source| (None, source)).collect(),
            Values::Map(entries) => entries.iter().map(|(key, source)| (Some(key), source)).collect(),
            Values::Integration(_) => Vec::new(),
        }
    }
}

impl FieldValue {
    /// Whether its values are secrets: the kind says so, or it is a key-value pair.
    pub fn is_secret(&self) -> bool {
        self.field.secret || matches!(self.values, Values::Map(_))
    }
}

impl Integration {
    /// The integration that it gets its own credentials with, if it names one.
    pub fn source(&self) -> Option<&Name> {
        self.fields.iter().find_map(|field| match &field.values {
            Values::Integration(name) => Some(name),
            Values::One(_) | Values::List(_) | Values::Map(_) => None,
        })
    }

    pub(super) fn read(node: &Node, diagnostics: &mut Vec<Diagnostic>) -> Option<Integration> {
        let name = required_name(node, "integration", diagnostics)?;
        let map = node.map()?;
        let of = format!("integration `{}`", name.text);
        warn_of_unknown_keys(map, &["name", "type", "fields"], &of, diagnostics);
        let Some(written) = optional_text(map, "type", diagnostics) else {
            diagnostics.push(
                Diagnostic::error(format!("{of} has no type"))
                    .rule("no-type")
                    .at(name.place)
                    .hint("add `type: …`, for instance `type: amazonKeys`"),
            );
            return None;
        };
        let Some(kind) = Kind::find(&written.text) else {
            diagnostics.push(
                unknown_kind(format!("{of} is of an unknown type `{}`", written.text), &written.text)
                    .at(written.place),
            );
            return None;
        };
        let mut fields = Vec::new();
        let mut good = true;
        match map.get("fields").map(|entry| &entry.node) {
            None => {}
            Some(Node { value: Value::Null, .. }) => {}
            Some(Node { value: Value::Map(given), .. }) => {
                for (key, entry) in given {
                    match read_field(kind, key, entry, &of, diagnostics) {
                        Ok(field) => fields.extend(field),
                        Err(Reported) => good = false,
                    }
                }
            }
            Some(other) => {
                diagnostics.push(
                    Diagnostic::error(format!(
                        "the fields of {of} must be a map, and this is {}",
                        other.what()
                    ))
                    .at(other.place)
                    .hint("write `fieldName: value`, one a line"),
                );
                return None;
            }
        }
        add_other_fields(kind, &mut fields);
        for field in kind.fields.iter().filter(|field| field.required) {
            let is_added = fields.iter().any(|known: &FieldValue| known.field.name == field.name);
            let given = is_added
                || map
                    .get("fields")
                    .and_then(|entry| entry.node.map())
                    .is_some_and(|map| map.contains_key(field.name));
            if !given && good {
                diagnostics.push(missing_field(&of, kind, field.name).at(name.place));
            }
        }
        Some(Integration { name, kind, fields })
    }
}

/// Where a field comes from a source that has those of others too, these do that are not given otherwise.
fn add_other_fields(kind: &'static Kind, fields: &mut Vec<FieldValue>) {
    let with_others = |field: &FieldValue| match &field.values {
        Values::One(source) => {
            let others = source.reference.other_fields();
            (!others.is_empty()).then_some((source.kind, source.masked, source.place, others))
        }
        _ => None,
    };
    let Some((source, masked, place, others)) = fields.iter().find_map(with_others) else { return };
    for (name, reference) in others {
        if fields.iter().all(|field| field.field.name != name)
            && let Some(field) = kind.field(name)
        {
            let source = ValueSource { kind: source, reference, masked, place };
            fields.push(FieldValue { field, values: Values::One(source) });
        }
    }
}

/// The error for an unknown type, with those that it may have been meant to be.
pub fn unknown_kind(message: String, written: &str) -> Diagnostic {
    let hint = meant_kind(written).unwrap_or_else(|| {
        format!("known types: {}", KINDS.iter().map(|kind| kind.name).collect::<Vec<_>>().join(", "))
    });
    Diagnostic::error(message).hint(hint)
}

/// `did you mean …?` with the types that an unknown one may have been meant to be, if there are any.
pub fn meant_kind(written: &str) -> Option<String> {
    let small = written.to_ascii_lowercase();
    let has_word = |name: &str| words(name).any(|word| word.starts_with(&small));
    let alike = KINDS.iter().filter(|kind| has_word(kind.name) || has_word(kind.display));
    let alike: Vec<_> = alike.map(|kind| format!("`{}` ({})", kind.name, kind.display)).collect();
    if !alike.is_empty() {
        return Some(format!("did you mean {}?", alike.join(" or ")));
    }
    let near = nearest(written, KINDS.iter().flat_map(|kind| [kind.name, kind.display]))?;
    Some(format!("did you mean `{near}`?"))
}

/// What follows each place where a word of a name begins, in small letters: `dockerRegistryLogin`, `registrylogin`, `login`.
fn words(name: &str) -> impl Iterator<Item = String> {
    let begins = |(at, c): &(usize, char)| *at == 0 || c.is_uppercase() || name[..*at].ends_with(' ');
    name.char_indices().filter(begins).map(|(at, _)| name[at..].to_ascii_lowercase())
}

/// The error for a field that is required and not there.
pub fn missing_field(of: &str, kind: &Kind, field: &str) -> Diagnostic {
    Diagnostic::error(format!("{of} lacks the field `{field}`, which {} has to have", kind.display)).rule("integration-field").hint(format!(
        "add it under `fields:`: `{field}: value`, or where the value is: `{field}: {{env: VARIABLE}}`, `{{file: path}}` or `{{command: [program, argument]}}`"
    ))
}

/// An error that is in the diagnostics.
struct Reported;

/// Reads one field. A null is a field that is not there, as the original had it. The error is in `diagnostics`.
fn read_field(
    kind: &'static Kind,
    key: &str,
    entry: &Entry,
    of: &str,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<Option<FieldValue>, Reported> {
    let Some(field) = kind.field(key) else {
        let known: Vec<_> = kind.fields.iter().map(|field| field.name).collect();
        diagnostics.push(
            Diagnostic::error(format!("{of} has a field `{key}` that {} does not know", kind.display))
                .rule("integration-field")
                .at(entry.key)
                .hint(format!("its fields are: {}", known.join(", ")))
                .did_you_mean(key, known.iter().copied()),
        );
        return Err(Reported);
    };
    let values = match (field.shape, &entry.node.value) {
        (_, Value::Null) => return Ok(None),
        (Shape::Map, Value::Map(map)) => Values::Map(read_map(map, of, diagnostics)?),
        (Shape::List, Value::List(nodes)) => Values::List(
            nodes.iter().map(|node| read_source(node, key, of, diagnostics)).collect::<Result<_, _>>()?,
        ),
        (Shape::Map, _) => {
            diagnostics.push(
                Diagnostic::error(format!(
                    "`{key}` of {of} must be a map, and this is {}",
                    entry.node.what()
                ))
                .at(entry.node.place)
                .hint("write `KEY: value`, one a line"),
            );
            return Err(Reported);
        }
        (Shape::Integration, Value::Scalar(scalar)) => {
            Values::Integration(Name { text: scalar.text.clone(), place: entry.node.place })
        }
        (Shape::Integration, _) => {
            diagnostics.push(
                Diagnostic::error(format!(
                    "`{key}` of {of} must be the name of an integration, and this is {}",
                    entry.node.what()
                ))
                .at(entry.node.place)
                .hint("write the name itself: nothing can be looked up before it is known"),
            );
            return Err(Reported);
        }
        (Shape::Text | Shape::List, _) => Values::One(read_source(&entry.node, key, of, diagnostics)?),
    };
    Ok(Some(FieldValue { field, values }))
}

/// Reads where a value is. The error is in `diagnostics`.
fn read_source(
    node: &Node,
    field: &str,
    of: &str,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<ValueSource, Reported> {
    value_source::read(node, field, of, diagnostics).map_err(|error| {
        diagnostics.push(error);
        Reported
    })
}

fn read_map(
    map: &Map,
    of: &str,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<Vec<(Name, ValueSource)>, Reported> {
    let mut values = Vec::new();
    for (key, entry) in map {
        let source = read_source(&entry.node, key, of, diagnostics)?;
        values.push((Name { text: key.clone(), place: entry.key }, source));
    }
    Ok(values)
}
