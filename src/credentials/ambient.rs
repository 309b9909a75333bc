//! Integrations that no file declares and the environment holds: this is how a line runs inside another CI.

use std::collections::BTreeMap;
use std::ffi::OsStr;

use crate::contract::{self, key_name};
use crate::diagnostic::Diagnostic;
use crate::model::integration::{FieldValue, Values, missing_field, unknown_kind};
use crate::model::kind::{Kind, Shape};
use crate::model::{Integration, Name};
use crate::value_source::ValueSource;

/// What all these variables begin with.
pub const PREFIX: &str = "SHIPCTL_INTEGRATION_";

/// The variables of `SHIPCTL_INTEGRATION_…`, by what follows.
#[derive(Default)]
pub struct Ambient(BTreeMap<String, String>);

impl Ambient {
    /// Picks them out of an environment. Only kinds and names of other integrations are kept; values are fetched as those
    /// of any other source.
    pub fn new<N: AsRef<OsStr>, V: AsRef<OsStr>>(environment: impl IntoIterator<Item = (N, V)>) -> Self {
        Ambient(
            environment
                .into_iter()
                .filter_map(|(name, value)| {
                    let name = name.as_ref().to_str()?.strip_prefix(PREFIX)?.to_owned();
                    let kept = name.ends_with("_TYPE") || name.ends_with("_SOURCEINTEGRATION");
                    let value = if kept { value.as_ref().to_str()? } else { "" }.to_owned();
                    Some((name, value))
                })
                .collect(),
        )
    }

    /// The kind of the integration that a name stands for: its name, or what is written where no kind is called so.
    pub fn kind(&self, name: &str) -> Option<&str> {
        let written = self.0.get(&format!("{}_TYPE", contract::env_name(name)?))?;
        Some(Kind::find(written).map_or(written, |kind| kind.name))
    }

    /// The integration that a name stands for. What is wrong with it goes to `diagnostics`.
    pub(super) fn integration(&self, name: &Name, diagnostics: &mut Vec<Diagnostic>) -> Option<Integration> {
        let prefix = format!("{}_", name.env()?);
        let of = format!("integration `{}` of the environment", name.text);
        let Some(written) = self.0.get(&format!("{prefix}TYPE")) else {
            if let Some((variable, _)) = self.range(&prefix).next() {
                diagnostics.push(Diagnostic::error(format!("{of} has no type")).at(name.place).hint(
                    format!(
                        "{PREFIX}{variable} is set: set {PREFIX}{prefix}TYPE too, for instance to amazonKeys"
                    ),
                ));
            }
            return None;
        };
        let Some(kind) = Kind::find(written) else {
            let message = format!("{PREFIX}{prefix}TYPE is of an unknown type `{written}`");
            diagnostics.push(unknown_kind(message, written).at(name.place));
            return None;
        };
        let source = |variable: &str| ValueSource::of_variable(format!("{PREFIX}{variable}"), name.place);
        let mut fields = Vec::new();
        for field in kind.fields {
            let variable = format!("{prefix}{}", key_name(field.name));
            let values = if field.shape == Shape::Integration {
                let named = self.0.get(&variable);
                named.map(|text| Values::Integration(Name { text: text.clone(), place: name.place }))
            } else if field.shape == Shape::Map {
                let keys = format!("{variable}_");
                let entries: Vec<_> = self
                    .range(&keys)
                    .map(|(variable, key)| {
                        (Name { text: key.to_owned(), place: name.place }, source(variable))
                    })
                    .collect();
                (!entries.is_empty()).then_some(Values::Map(entries))
            } else {
                self.0.contains_key(&variable).then(|| Values::One(source(&variable)))
            };
            match values {
                Some(values) => fields.push(FieldValue { field, values }),
                None if field.required => diagnostics.push(
                    missing_field(&of, kind, field.name)
                        .at(name.place)
                        .hint(format!("set {PREFIX}{variable}")),
                ),
                None => {}
            }
        }
        Some(Integration { name: name.clone(), kind, fields })
    }

    /// The variables that begin with `prefix`, each with what follows it.
    fn range<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0
            .range(prefix.to_owned()..)
            .map_while(move |(variable, _)| Some((variable.as_str(), variable.strip_prefix(prefix)?)))
    }
}
