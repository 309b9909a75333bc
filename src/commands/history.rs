//! `shipctl history`: which runs there were, what went in, and what they made.

use serde_json::{Value as Json, json};

use crate::cli::{History, LineOptions, ListFormat};
use crate::exit;
use crate::load::{line_of_state, store};
use crate::output::{Failure, failure, paint, print, table};
use crate::printable;
use crate::state::{BuildRecord, Ended, Progress, VersionRef, rfc3339};

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
        ListFormat::Json => {
            printable::json(format!("{:#}\n", Json::Array(records.iter().map(document).collect())))
        }
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

/// Its result in one word.
fn result(progress: Progress) -> &'static str {
    match progress {
        Progress::Running => "running",
        Progress::Begun => "not ended",
        Progress::Interrupted => "interrupted",
        Progress::Ended(Ended { ending, .. }) => ending.word(),
    }
}

fn row(record: &BuildRecord) -> [String; 5] {
    let (result, took) = match record.progress {
        Progress::Ended(ended) if ended.status != 0 => {
            (format!("{} ({})", result(record.progress), ended.status), took(ended))
        }
        Progress::Ended(ended) => (result(record.progress).to_owned(), took(ended)),
        progress => (result(progress).to_owned(), String::new()),
    };
    let made: Vec<_> = record.made.iter().map(VersionRef::to_string).collect();
    [record.reference.to_string(), result, rfc3339(record.started), took, made.join(", ")]
}

pub(in crate::commands) fn took(ended: Ended) -> String {
    let millis = ended.duration.as_millis();
    if millis < 1000 { format!("{millis} ms") } else { format!("{:.1} s", ended.duration.as_secs_f64()) }
}

fn document(record: &BuildRecord) -> Json {
    let ended = match record.progress {
        Progress::Ended(ended) => Some(ended),
        Progress::Running | Progress::Begun | Progress::Interrupted => None,
    };
    let references = |versions: &[VersionRef]| versions.iter().map(VersionRef::document).collect::<Vec<_>>();
    json!({
        "job": record.reference.job,
        "number": record.reference.number,
        "result": result(record.progress),
        "status": ended.map(|ended| ended.status),
        "started": rfc3339(record.started),
        "ended": ended.map(|ended| rfc3339(ended.at)),
        "durationMs": ended.map(|ended| u64::try_from(ended.duration.as_millis()).unwrap_or(u64::MAX)),
        "used": references(&record.used),
        "made": references(&record.made),
    })
}
