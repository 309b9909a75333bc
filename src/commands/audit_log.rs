//! `shipctl audit`: who ran what with which credentials.

use serde_json::Value as Json;

use crate::cli::{Audit, LineOptions, ListFormat};
use crate::exit;
use crate::load::line_of_state;
use crate::output::{Failure, print, table};
use crate::printable;
use crate::state;

/// Runs the command.
///
/// # Errors
///
/// When the log cannot be read.
pub fn run(command: &Audit, options: &LineOptions) -> Result<u8, Failure> {
    let line = line_of_state(options)?;
    let entries = state::read_audit(&line.directory)?;
    let mut entries: Vec<_> = entries.into_iter().filter(|entry| is_wanted(command, entry)).collect();
    if let Some(limit) = command.limit {
        let from = entries.len().saturating_sub(limit as usize);
        entries.drain(..from);
    }
    print(&match command.format {
        ListFormat::Json => {
            entries.iter().map(|entry| printable::json(format!("{entry}\n"))).collect::<String>()
        }
        ListFormat::Text if entries.is_empty() => {
            eprintln!("shipctl: no run of this kind is in the audit log");
            String::new()
        }
        ListFormat::Text => {
            let head = ["TIME", "USER", "COMMAND", "JOB", "RESULT", "INTEGRATIONS"].map(str::to_owned);
            let rows: Vec<_> = std::iter::once(head).chain(entries.iter().map(row)).collect();
            table(&rows)
        }
    })?;
    Ok(exit::SUCCESS)
}

fn text<'e>(entry: &'e Json, key: &str) -> &'e str {
    entry[key].as_str().unwrap_or_default()
}

fn integrations(entry: &Json) -> impl Iterator<Item = &str> {
    entry["integrations"].as_array().into_iter().flatten().map(|integration| text(integration, "name"))
}

fn is_wanted(command: &Audit, entry: &Json) -> bool {
    // The name of an entry of a matrix is that of its job and a number.
    let is_of = |job: &String| {
        let name = text(entry, "job");
        name == job
            || name.strip_prefix(job.as_str()).is_some_and(|rest| {
                rest.strip_prefix('.').is_some_and(|number| number.parse::<u32>().is_ok())
            })
    };
    command.job.as_ref().is_none_or(is_of)
        && command.user.as_ref().is_none_or(|user| text(entry, "user") == user)
        && command.integration.as_ref().is_none_or(|name| integrations(entry).any(|used| used == name))
        && command.since.as_ref().is_none_or(|since| text(entry, "time") >= since.as_str())
        && !(command.failed && entry["status"] == 0)
}

fn row(entry: &Json) -> [String; 6] {
    let of = |key| text(entry, key).to_owned();
    let command = match entry["program"].as_str() {
        Some(program) => format!("{} {program}", text(entry, "command")),
        None => of("command"),
    };
    let job = match entry["build"].as_u64() {
        Some(build) => format!("{} #{build}", text(entry, "job")),
        None => of("job"),
    };
    let result = match entry["status"].as_u64() {
        None | Some(0) => of("outcome"),
        Some(status) => format!("{} ({status})", text(entry, "outcome")),
    };
    let used: Vec<_> = integrations(entry).collect();
    [of("time"), of("user"), command, job, result, used.join(", ")]
}
