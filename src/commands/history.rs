//! `shipctl history`: which runs there were, what went in, and what they made.

use serde_json::Value as Json;

use crate::cli::{History, LineOptions, ListFormat};
use crate::exit;
use crate::load::{line_of_state, store};
use crate::output::{Failure, failure, paint, print, table};
use crate::printable;
use crate::state::{BuildRecord, Progress, VersionRef, rfc3339};

/// Runs the command.
///
/// # Errors
///
/// When there is no such job, or the state cannot be read.
pub fn run(command: &History, options: &LineOptions) -> Result<u8, Failure> {
    let line = line_of_state(options)?;
    let job = command.job.as_deref();
    let store = store::open_existing(&line)?;
    let records = store.map_or_else(|| Ok(Vec::new()), |store| store.history(job, command.limit))?;
    if let Some(job) = job.filter(|job| records.is_empty() && !line.pipeline.jobs.contains_key(*job)) {
        // The same error as where it is to be run.
        if let Err(problems) = crate::resolve::resolve(&line.pipeline, job) {
            return Err(failure(&problems, &line.sources, paint(options.color, &std::io::stderr())));
        }
    }
    print(&match command.format {
        ListFormat::Json => printable::json(format!(
            "{:#}\n",
            Json::Array(records.iter().map(BuildRecord::document).collect())
        )),
        ListFormat::Text => {
            if records.is_empty() {
                eprintln!("shipctl: there have been no runs yet");
            }
            let mut rows = vec![["RUN", "RESULT", "STARTED", "TOOK", "MADE"].map(str::to_owned)];
            rows.extend(records.iter().map(row));
            if records.is_empty() { String::new() } else { table(&rows) }
        }
    })?;
    Ok(exit::SUCCESS)
}

fn row(record: &BuildRecord) -> [String; 5] {
    let (result, took) = match record.progress {
        Progress::Ended(ended) if ended.status != 0 => {
            (format!("{} ({})", record.progress.word(), ended.status), ended.took())
        }
        Progress::Ended(ended) => (record.progress.word().to_owned(), ended.took()),
        progress => (progress.word().to_owned(), String::new()),
    };
    let outputs: Vec<_> = record.outputs.iter().map(VersionRef::to_string).collect();
    [record.reference.to_string(), result, rfc3339(record.started), took, outputs.join(", ")]
}
