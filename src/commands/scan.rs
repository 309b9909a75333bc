//! `shipctl scan`: where the values of the line's secrets are, and should not be.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _};

use anyhow::anyhow;
use serde_json::{Value as Json, json};

use crate::cli::{LineOptions, ListFormat, Scan};
use crate::credentials::{self, Ambient, Credentials, Fetch};
use crate::diagnostic::{Diagnostic, Severity};
use crate::exit;
use crate::load::{opener, read_good};
use crate::model::files::Line;
use crate::output::{Failure, paint, print};
use crate::printable::{self, Printable};
use crate::scan::{SHORTEST, SecretMatch, SecretSearch, are_all_known, is_searched, secrets};

/// Runs the command. The status is 1 if something was found, and 3 if some secrets could not be looked for.
///
/// # Errors
///
/// On errors in the YAML, when there is nothing to look for or nowhere to look, and when something cannot be read.
pub fn run(command: &Scan, options: &LineOptions) -> Result<u8, Failure> {
    let mut line = read_good(options)?;
    let (credentials, warnings) = resolve(&mut line);
    let all_known = are_all_known(&line.pipeline, &credentials);
    for warning in &warnings {
        eprint!("{}", warning.render(&line.sources, paint(options.color, &io::stderr())));
    }
    let secrets = secrets(&credentials);
    if secrets.is_empty() && !all_known {
        return Err(Failure {
            status: exit::NOT_ALL_LOOKED_FOR,
            message: "error: none of the secrets of the line could be had, so nothing was looked for\n"
                .to_owned(),
        });
    }
    if secrets.is_empty() {
        return Err(anyhow!("there are no secrets to look for").into());
    }
    for short in secrets.iter().filter(|secret| !is_searched(secret.value)) {
        eprintln!(
            "warning: not looked for: {}: it is shorter than {SHORTEST} bytes",
            Printable(&short.origin())
        );
    }
    let mut search = SecretSearch::new(&secrets, &line);
    if command.staged {
        search.staged()
    } else if command.history {
        search.history()
    } else if command.paths.is_empty() {
        search.tracked()
    } else {
        command.paths.iter().for_each(|path| search.given(path));
        Ok(())
    }
    .map_err(anyhow::Error::from)?;
    for (path, error) in &search.unreadable {
        eprintln!("error: cannot read {}: {error}", Printable(&path.to_string_lossy()));
    }
    print(&match command.format {
        ListFormat::Json => {
            let found: Json = search.found.iter().map(to_json).collect();
            printable::json(format!("{found:#}\n"))
        }
        ListFormat::Text => search.found.iter().map(|found| to_text(found) + "\n").collect(),
    })?;
    if search.found.is_empty() && io::stderr().is_terminal() {
        eprintln!("shipctl: none of {} secrets was found", secrets.len());
    }
    Ok(match search {
        SecretSearch { ref found, .. } if !found.is_empty() => exit::SECRETS_FOUND,
        SecretSearch { ref unreadable, .. } if !unreadable.is_empty() => exit::SHIPCTL_FAILED,
        _ if !all_known => exit::NOT_ALL_LOOKED_FOR,
        _ => exit::SUCCESS,
    })
}

/// Fetches all integrations of the line, and those that it takes from the environment. What cannot be had is a warning.
fn resolve(line: &mut Line) -> (Credentials, Vec<Diagnostic>) {
    let ambient = Ambient::new(std::env::vars_os());
    let mut warnings = Vec::new();
    let jobs: Vec<_> = line.pipeline.jobs.keys().cloned().collect();
    for job in jobs {
        credentials::add_ambient(&mut line.pipeline, &job, &ambient, &mut warnings);
    }
    let (credentials, problems) = credentials::fetch_all(
        &line.pipeline,
        &mut Fetch::new(&line.sources, &opener(&line.pipeline)).announcing(),
    );
    warnings.extend(problems);
    for warning in &mut warnings {
        warning.severity = Severity::Warning;
        warning.message = format!("not looked for: {}", warning.message);
    }
    warnings.dedup();
    (credentials, warnings)
}

fn to_text(found: &SecretMatch) -> String {
    let SecretMatch { file, finding, integration, field, own } = found;
    let mut text =
        format!("{file}:{}:{}  integration {integration}, field {field}", finding.line, finding.column);
    if let Some(form) = finding.form {
        let _ = write!(text, " ({form})");
    }
    if *own {
        text.push_str(": the line has it from here; encrypt it, or say where it is");
    }
    Printable(&text).to_string()
}

fn to_json(found: &SecretMatch) -> Json {
    json!({
        "file": found.file,
        "line": found.finding.line,
        "column": found.finding.column,
        "integration": found.integration,
        "field": found.field,
        "form": found.finding.form.unwrap_or("plain"),
        "own": found.own,
    })
}
