//! Fetching the secrets that are looked for.

use crate::credentials::{self, Ambient, Credentials, Fetch};
use crate::diagnostic::{Diagnostic, Severity};
use crate::model::files::Line;
use crate::secure::Opener;

/// Fetches all integrations of the line, and those that it takes from the environment. What cannot be had is a warning.
pub fn fetch(line: &mut Line, opener: &Opener) -> (Credentials, Vec<Diagnostic>) {
    let ambient = Ambient::new(std::env::vars_os());
    let mut warnings = Vec::new();
    let jobs: Vec<_> = line.pipeline.jobs.keys().cloned().collect();
    for job in jobs {
        credentials::add_ambient(&mut line.pipeline, &job, &ambient, &mut warnings);
    }
    let (credentials, problems) =
        credentials::fetch_all(&line.pipeline, &mut Fetch::new(&line.sources, opener).announcing());
    warnings.extend(problems);
    for warning in &mut warnings {
        warning.severity = Severity::Warning;
        warning.message = format!("not looked for: {}", warning.message);
    }
    warnings.dedup();
    (credentials, warnings)
}
