//! The commands: glue between the command line and the road from YAML to a finished job. One file each.

mod add_mask;
mod audit;
pub mod audit_log;
pub mod aws_credentials;
pub mod check;
mod ci;
pub mod complete;
pub mod completions;
mod container_program;
mod containers;
pub mod defaults;
pub mod doctor;
pub mod encrypt;
mod engine_report;
pub mod env;
pub mod exec;
pub mod explain;
pub mod export;
pub mod function;
mod given;
pub mod graph;
pub mod history;
pub mod init;
pub mod integration;
mod job_warnings;
mod jobless;
pub mod key;
mod languages;
mod line;
pub mod list;
pub mod logs;
mod made;
mod managed;
mod notifications;
mod old_paths;
mod params;
mod picture;
mod plain_secrets;
mod plan;
pub mod policy;
mod prompt;
mod record;
mod report;
mod repositories;
pub mod reset;
mod results;
pub mod run;
pub mod scan;
pub mod schema;
mod script_commands;
mod services;
mod session;
mod shell;
mod stale_values;
pub mod state;
mod store;
mod surroundings;
mod tools;
mod versions;
mod wanted_services;
mod warnings;

use std::fmt;
use std::io::{self, Write as _};
use std::path::PathBuf;

use anyhow::Context as _;

use crate::cli::{ColorWhen, LineOptions, Run};
use crate::diagnostic::{Diagnostic, INVALID, Paint};
use crate::exit;
use crate::mask::Patterns;
use crate::model::files::{self, Line};
use crate::printable;
use crate::source::Sources;
use session::{Commands, Fetched, Ready, Session, chosen_task, masking};

/// Why a command did not do what it was asked for.
#[derive(Debug)]
pub struct Failure {
    /// The exit status.
    pub status: u8,
    /// What is said on stderr.
    message: String,
}

impl Failure {
    /// The same without secrets.
    fn masked(self, patterns: &Patterns) -> Failure {
        let message = String::from_utf8_lossy(&patterns.mask(self.message.as_bytes())).into_owned();
        Failure { message, ..self }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Failure { status: exit::SHIPCTL_FAILED, message: printable::lines(&format!("error: {error:#}\n")) }
    }
}

impl From<clap::Error> for Failure {
    fn from(error: clap::Error) -> Self {
        Failure { status: exit::USAGE, message: error.render().to_string() }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        anyhow::Error::from(error).into()
    }
}

/// A failure that consists of diagnostics.
fn failure(diagnostics: &[Diagnostic], sources: &Sources, paint: Paint) -> Failure {
    let message: String = diagnostics.iter().map(|diagnostic| diagnostic.render(sources, paint)).collect();
    Failure { status: exit::SHIPCTL_FAILED, message }
}

/// Whether a stream gets colours.
pub fn paint(when: ColorWhen, stream: &impl io::IsTerminal) -> Paint {
    let coloured = match when {
        ColorWhen::Always => true,
        ColorWhen::Never => false,
        ColorWhen::Auto => {
            stream.is_terminal()
                && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
                && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
        }
    };
    if coloured { Paint::Coloured } else { Paint::Plain }
}

/// Writes a command's result. A reader that has had enough is no failure.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(anyhow::Error::from(error).context("cannot write to stdout").into())
        }
        _ => Ok(()),
    }
}

/// Reads the line that the options name.
fn read(options: &LineOptions) -> Result<Line, Failure> {
    let directory = std::env::current_dir().context("the current directory is gone")?;
    let state = store::wanted(options)?;
    Ok(Line { state, ..files::read(&options.file, &options.integrations, &directory) })
}

/// Reads the line and fails on errors in it.
fn read_good(options: &LineOptions) -> Result<Line, Failure> {
    let line = read(options)?;
    let errors: Vec<_> =
        line.diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).cloned().collect();
    if errors.is_empty() {
        Ok(line)
    } else {
        Err(failure(&errors, &line.sources, paint(options.color, &io::stderr())))
    }
}

/// The same for a run. A dry run shows what there is all the same where something in the line is only missing, or said twice;
/// the session tells of it at its end.
fn read_to_run(command: &Run, options: &LineOptions) -> Result<Line, Failure> {
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
fn line_of_state(options: &LineOptions) -> Result<Line, Failure> {
    let line = read(options)?;
    if store::is_shared(&line) || line.directory.join(crate::state::DIRECTORY).exists() {
        return Ok(line);
    }
    read_good(options)
}

/// Goes to the directory of `-C`, once, before anything else.
pub fn enter(directory: Option<&PathBuf>) -> Result<(), Failure> {
    if let Some(directory) = directory {
        std::env::set_current_dir(directory)
            .with_context(|| format!("cannot go to the directory {}", directory.display()))?;
    }
    Ok(())
}
