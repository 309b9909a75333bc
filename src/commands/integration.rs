//! `shipctl integration`: the integrations of a line, what uses them, and changes to them in the YAML.

mod add;
mod remove;
mod rename;
mod show;
mod types;
mod used_by;

use std::io;

use anyhow::anyhow;

use crate::cli::{IntegrationArgs, IntegrationCommand, LineOptions};
use crate::model::{Integration, Pipeline};
use crate::nearest::nearest;
use crate::output::{Failure, paint};
use crate::printable::Printable;

/// Runs the command.
///
/// # Errors
///
/// When there is no such integration, something is in the way of a change, or the YAML has errors.
pub fn run(command: &IntegrationArgs, options: &LineOptions) -> Result<u8, Failure> {
    match &command.command {
        IntegrationCommand::Add(command) => add::run(command, options),
        IntegrationCommand::List { format } => show::list(*format, options),
        IntegrationCommand::Show { name, format } => show::show(name, *format, options),
        IntegrationCommand::Types { kind } => {
            types::run(kind.as_deref(), paint(options.color, &io::stderr()))
        }
        IntegrationCommand::UsedBy { name, format } => used_by::run(name, *format, options),
        IntegrationCommand::Remove { name, force } => remove::run(name, *force, options),
        IntegrationCommand::Rename { old, new } => rename::run(old, new, options),
    }
}

/// The integration of a name.
fn declared<'a>(pipeline: &'a Pipeline, name: &str) -> Result<&'a Integration, Failure> {
    pipeline.integrations.get(name).ok_or_else(|| unknown(pipeline, name))
}

fn unknown(pipeline: &Pipeline, name: &str) -> Failure {
    let known: Vec<_> = pipeline.integrations.keys().map(String::as_str).collect();
    let hint = match (nearest(name, known.iter().copied()), known.as_slice()) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, []) => "the files declare no integrations; `shipctl integration add` adds one".to_owned(),
        (None, known) => format!("the integrations are: {}", known.join(", ")),
    };
    let (name, hint) = (Printable(name), Printable(&hint));
    anyhow!("there is no integration `{name}`\n  hint: {hint}").into()
}
