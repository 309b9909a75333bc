//! What `shipctl export` says on stderr beside the pipeline.

use std::io;

use crate::cli::LineOptions;
use crate::diagnostic::Diagnostic;
use crate::export::{ExportedLine, Setting, System};
use crate::output::paint;
use crate::printable::Printable;
use crate::source::Sources;

/// Says on stderr what to set, and what does not carry over.
pub(super) fn tell(system: System, line: &ExportedLine, options: &LineOptions) {
    let paint = paint(options.color, &io::stderr());
    let sources = Sources::default();
    let warn = |message: String| eprint!("{}", Diagnostic::warning(message).render(&sources, paint));
    for note in &line.notes {
        warn(note.clone());
    }
    for job in &line.jobs {
        for note in job.notes.iter().chain(&system.notes(line, job)) {
            warn(format!("job `{}`: {note}", job.name));
        }
    }
    to_set(system, &line.settings);
}

/// Says where the pipeline belongs, and what is to be set.
pub(super) fn to_set(system: System, settings: &[Setting]) {
    let end = if settings.is_empty() { "" } else { "; to be set before it runs:" };
    eprintln!("shipctl: it belongs into {}{end}", system.file());
    for line in system.listed(settings) {
        eprintln!("{}", Printable(&line));
    }
}
