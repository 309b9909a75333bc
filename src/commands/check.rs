//! `shipctl check`: every problem at once.

use std::io;
use std::mem::ManuallyDrop;

use serde_json::json;

use crate::check::{check_line, text};
use crate::cli::{Check, CheckFormat, LineOptions};
use crate::diagnostic::{github, sarif};
use crate::exit;
use crate::load::read;
use crate::output::{Failure, paint, print};
use crate::printable;

/// Runs the command; the status is 1 if there are errors.
///
/// # Errors
///
/// If nothing could be printed.
pub fn run(command: &Check, options: &LineOptions) -> Result<u8, Failure> {
    let mut options = options.clone();
    options.file.extend(command.files.iter().cloned());
    // Freeing the nodes of a large line one by one takes a tenth of the whole check; the process ends anyway.
    let mut line = ManuallyDrop::new(read(&options)?);
    let line = &mut *line;
    check_line(line);
    let sources = &line.sources;
    let found = line.diagnostics.len();
    line.diagnostics.retain(|diagnostic| {
        let allowed = command.allow.iter().any(|rule| rule == diagnostic.rule) && !diagnostic.is_error();
        !allowed && !diagnostic.is_allowed(sources)
    });
    let allowed = found - line.diagnostics.len();
    let errors = line.diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count();
    let warnings = line.diagnostics.len() - errors;
    let report = match command.format {
        CheckFormat::Github => github(&line.diagnostics, sources),
        CheckFormat::Sarif => printable::json(format!("{:#}\n", sarif(&line.diagnostics, sources))),
        CheckFormat::Json => {
            let diagnostics: Vec<_> =
                line.diagnostics.iter().map(|diagnostic| diagnostic.to_json(sources)).collect();
            printable::json(format!(
                "{:#}\n",
                json!({"errors": errors, "warnings": warnings, "diagnostics": diagnostics})
            ))
        }
        CheckFormat::Text => text(line, allowed, paint(options.color, &io::stdout())),
    };
    print(&report)?;
    Ok(if errors == 0 { exit::SUCCESS } else { exit::ERRORS_FOUND })
}
