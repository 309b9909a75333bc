//! Reading the files of a line as the options of a command want it.

pub mod store;
mod watch;

use std::io;

use anyhow::Context as _;

use crate::cli::{LineOptions, Run};
use crate::diagnostic::INVALID;
use crate::model::Pipeline;
use crate::model::files::{self, Line};
use crate::output::{Failure, failure, paint};
use crate::prompt;
use crate::secure::Opener;

pub use watch::Watched;

/// Reads the line that the options name.
pub fn read(options: &LineOptions) -> Result<Line, Failure> {
    let directory = std::env::current_dir().context("the current directory is gone")?;
    let state = store::wanted(options)?;
    Ok(Line { state, ..files::read(&options.file, &options.integrations, &directory) })
}

/// Reads the line and fails on errors in it.
pub fn read_good(options: &LineOptions) -> Result<Line, Failure> {
    read_but_for(options, &[])
}

/// The same, but not on errors of these rules.
pub fn read_but_for(options: &LineOptions, rules: &[&str]) -> Result<Line, Failure> {
    let line = read(options)?;
    let errors = line.diagnostics.iter().filter(|found| found.is_error() && !rules.contains(&found.rule));
    let errors: Vec<_> = errors.cloned().collect();
    if errors.is_empty() {
        Ok(line)
    } else {
        Err(failure(&errors, &line.sources, paint(options.color, &io::stderr())))
    }
}

/// The same for a run. A dry run shows what there is all the same where something in the line is only missing, or said twice;
/// the session tells of it at its end.
pub fn read_to_run(command: &Run, options: &LineOptions) -> Result<Line, Failure> {
    if !command.dry_run {
        return read_good(options);
    }
    let line = read(options)?;
    let mut errors = line.diagnostics.iter().filter(|found| found.is_error());
    // Of a file that cannot be read there is nothing to show, and the rest would not be what was meant.
    match errors.any(|error| ["yaml", INVALID].contains(&error.rule)) {
        true => read_good(options),
        false => Ok(line),
    }
}

/// Where the line lies whose state a command is about. It need not be free of errors: what was stored can be looked at
/// all the same.
pub fn line_of_state(options: &LineOptions) -> Result<Line, Failure> {
    let line = read(options)?;
    if store::is_shared(&line) || line.directory.join(crate::state::DIRECTORY).exists() {
        return Ok(line);
    }
    read_good(options)
}

/// What opens the encrypted values of a line.
pub fn opener(pipeline: &Pipeline) -> Opener {
    let listed = pipeline.recipients.iter().map(|recipient| recipient.listed.clone());
    Opener::new(listed.collect(), prompt::ask_on_terminal)
}
