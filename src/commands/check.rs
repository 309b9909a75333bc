//! `shipctl check`: every problem at once.

use std::fmt::Write as _;
use std::io;
use std::mem::ManuallyDrop;

use serde_json::json;

use crate::check::check_line;
use crate::cli::{Check, CheckFormat, LineOptions};
use crate::diagnostic::{Diagnostic, INVALID, Severity, github, sarif};
use crate::exit;
use crate::load::read;
use crate::output::{Failure, paint, print};
use crate::paint::Style;
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
    let errors = line.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
    let warnings = line.diagnostics.len() - errors;
    let text = match command.format {
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
        CheckFormat::Text => {
            let paint = paint(options.color, &io::stdout());
            let rendered = |diagnostic: &Diagnostic| {
                let rule = paint.with(Style::Quiet, &format!("rule: {}", diagnostic.rule));
                // The rule of what cannot be read at all says nothing more.
                let rule = if diagnostic.rule == INVALID { String::new() } else { format!("  {rule}\n") };
                format!("{}{rule}\n", diagnostic.render(sources, paint))
            };
            let mut text: String = line.diagnostics.iter().map(rendered).collect();
            let found = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
            let _ = write!(text, "{}: ", found(sources.len(), "file"));
            let _ = match line.diagnostics.len() {
                0 => writeln!(
                    text,
                    "{} and {}, no problems",
                    found(line.pipeline.jobs.len(), "job"),
                    found(line.pipeline.resources.len(), "resource")
                ),
                _ => writeln!(text, "{}, {}", found(errors, "error"), found(warnings, "warning")),
            };
            if allowed > 0 {
                text.truncate(text.trim_end().len());
                let _ = writeln!(text, ", {allowed} allowed");
            }
            text
        }
    };
    print(&text)?;
    Ok(if errors == 0 { exit::SUCCESS } else { exit::ERRORS_FOUND })
}
