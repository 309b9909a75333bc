//! Changes to the line that the options of a command name: one command at a time, and none that leaves a new error.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};

use super::{Draft, EditLock, Edited, OWN, Refusal, Replacement, create, replace};
use crate::check::check;
use crate::cli::LineOptions;
use crate::diagnostic::Diagnostic;
use crate::load::read;
use crate::model::files::{self, Line};
use crate::output::{Failure, failure, paint};
use crate::source::Sources;

/// Begins with the files of a line as they are.
///
/// # Errors
///
/// What is wrong with one of them: only what can be read can be changed.
pub fn draft<'a>(line: &'a Line, options: &LineOptions) -> Result<Draft<'a>, Failure> {
    let draft = Draft::new(&line.sources);
    draft.map_err(|problems| failure(&problems, &line.sources, paint(options.color, &io::stderr())))
}

/// Writes the changes of a draft, unless the line has an error afterwards that it did not have before. The files that
/// changed.
///
/// # Errors
///
/// With the new errors of the line, and when a file cannot be written or was changed meanwhile.
pub fn commit(line: &Line, draft: Draft, options: &LineOptions) -> Result<Vec<Edited>, Failure> {
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
        create(line.sources.get(new.source).path(), &new.text).map_err(anyhow::Error::from)?;
        return Ok(edited);
    }
    let replacements: Vec<_> = edited
        .iter()
        .map(|edited| {
            let source = line.sources.get(edited.source);
            Replacement { path: source.path(), before: source.text(), after: &edited.text }
        })
        .collect();
    replace(&replacements).map_err(anyhow::Error::from)?;
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
///
/// # Errors
///
/// When the current directory is gone.
pub fn lock(options: &LineOptions, other: Option<&Path>) -> Result<EditLock, Failure> {
    let here = std::env::current_dir().context("the current directory is gone")?;
    let paths = files::paths(&options.file, &options.integrations, &here);
    let directory = paths.first().and_then(|path| path.parent()).unwrap_or(&here);
    // This one stands for the directory of a line that has no files yet.
    let new = directory.join(OWN);
    Ok(EditLock::beside(
        std::iter::once(new.as_path()).chain(paths.iter().map(PathBuf::as_path)).chain(other),
    ))
}

/// Reads a line to which something is added: it need not be there yet.
///
/// # Errors
///
/// On errors in the YAML.
pub fn read_to_add(options: &LineOptions) -> Result<Line, Failure> {
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
