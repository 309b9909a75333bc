//! `shipctl audit`: who ran what with which credentials.

use serde_json::Value as Json;

use crate::cli::{Audit, LineOptions, ListFormat};
use crate::exit;
use crate::load::line_of_state;
use crate::output::{Failure, print, table};
use crate::printable;
use crate::state;
use crate::state::audit::{AuditFilter, integrations, text};

/// Runs the command.
///
/// # Errors
///
/// When the log cannot be read.
pub fn run(command: &Audit, options: &LineOptions) -> Result<u8, Failure> {
    let line = line_of_state(options)?;
    let entries = state::read_audit(&line.directory)?;
    let filter = AuditFilter {
        job: command.job.as_deref(),
        user: command.user.as_deref(),
        integration: command.integration.as_deref(),
        since: command.since.as_deref(),
        failed: command.failed,
    };
    let mut entries: Vec<_> = entries.into_iter().filter(|entry| filter.takes(entry)).collect();
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
