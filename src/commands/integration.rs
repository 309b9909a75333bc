//! `shipctl integration`: what there is of credentials, who uses them, and changes to them in the YAML.

mod add;
mod encrypt;
mod remove;
mod rename;
mod show;
pub(super) mod target;
mod types;
mod used_by;

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};

use crate::check::check;
use crate::cli::{IntegrationArgs, IntegrationCommand, LineOptions};
use crate::diagnostic::Diagnostic;
use crate::edit::{self, Draft, EditLock, Edited, Refusal, Replacement};
use crate::load::read;
use crate::model::files::{self, Line};
use crate::model::{Integration, Pipeline};
use crate::nearest::nearest;
use crate::output::{Failure, failure, paint};
use crate::printable::Printable;
use crate::source::Sources;

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

/// Writes the changes of a draft, unless the line has an error afterwards that it did not have before. The files that
/// changed.
pub(super) fn commit(line: &Line, draft: Draft, options: &LineOptions) -> Result<Vec<Edited>, Failure> {
    let edited = draft.finish()?;
    let mut after = Sources::default();
    for id in line.sources.ids() {
        let text =
            edited.iter().find(|edited| edited.source == id).map_or(line.sources.get(id).text(), |e| &e.text);
        after.add(line.sources.get(id).path().to_owned(), text.to_owned()).map_err(anyhow::Error::from)?;
    }
    let before = errors_of(&line.sources, &line.directory);
    let new: Vec<_> = errors_of(&after, &line.directory)
        .into_iter()
        .filter(|error| before.iter().all(|other| other.message != error.message))
        .collect();
    if !new.is_empty() {
        let mut failure = failure(&new, &after, paint(options.color, &io::stderr()));
        failure.message.push_str("shipctl: so it would be; nothing was written\n");
        return Err(failure);
    }
    let is_new = |edited: &&Edited| !line.sources.get(edited.source).path().exists();
    if let Some(new) = edited.iter().find(is_new) {
        edit::create(line.sources.get(new.source).path(), &new.text).map_err(anyhow::Error::from)?;
        return Ok(edited);
    }
    let replacements: Vec<_> = edited
        .iter()
        .map(|edited| {
            let source = line.sources.get(edited.source);
            Replacement { path: source.path(), before: source.text(), after: &edited.text }
        })
        .collect();
    edit::replace(&replacements).map_err(anyhow::Error::from)?;
    Ok(edited)
}

fn errors_of(sources: &Sources, directory: &Path) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    let pipeline = files::pipeline(sources, directory, &mut diagnostics);
    check(&pipeline, &mut diagnostics);
    diagnostics.retain(Diagnostic::is_error);
    diagnostics
}

/// Waits until no other command edits the files of the line, or `other`. What is to be changed is read while the lock is
/// held.
pub(super) fn lock(options: &LineOptions, other: Option<&Path>) -> Result<EditLock, Failure> {
    let here = std::env::current_dir().context("the current directory is gone")?;
    let paths = files::paths(&options.file, &options.integrations, &here);
    let directory = paths.first().and_then(|path| path.parent()).unwrap_or(&here);
    // This one stands for the directory of a line that has no files yet.
    let new = directory.join(target::OWN);
    Ok(EditLock::beside(
        std::iter::once(new.as_path()).chain(paths.iter().map(PathBuf::as_path)).chain(other),
    ))
}

/// Reads a line to which something is added: it need not be there yet.
pub(super) fn read_to_add(options: &LineOptions) -> Result<Line, Failure> {
    let line = read(options)?;
    let errors: Vec<_> = line.diagnostics.iter().filter(|error| error.is_error()).cloned().collect();
    if errors.is_empty()
        || line.sources.is_empty() && options.file.is_empty() && options.integrations.is_empty()
    {
        return Ok(line);
    }
    Err(failure(&errors, &line.sources, paint(options.color, &io::stderr())))
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        anyhow!("cannot edit {}: {}", refusal.file.display(), refusal.why).into()
    }
}
