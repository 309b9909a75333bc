//! What was found, as text.

use std::fmt::Write as _;

use crate::diagnostic::{Diagnostic, INVALID};
use crate::model::files::Line;
use crate::paint::{Paint, Style};

/// The diagnostics of a line with their rules, and a line that counts them and those that are `allowed`.
pub fn text(line: &Line, allowed: usize, paint: Paint) -> String {
    let sources = &line.sources;
    let errors = line.diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count();
    let warnings = line.diagnostics.len() - errors;
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
