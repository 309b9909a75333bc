//! Who ran what with which credentials: a line of JSON for each run in `audit.jsonl`, beside the database.
//!
//! It is written by one call to a file that is opened to append, so that the lines of runs that end at the same time
//! stay whole. It is not brought to the disk at once: no run waits for it.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde_json::Value as Json;

use super::place::{AUDIT, StateFiles};
use super::{Error, Result};

/// The lines of the log of the line in `directory`, the oldest first; none if there is no log. What is no JSON, such as the
/// beginning of a line on a disk that was full, is left out.
///
/// # Errors
///
/// When it cannot be read.
pub fn read(directory: &Path) -> Result<Vec<Json>> {
    let place = StateFiles::of(directory);
    place.refuse_links()?;
    let file = place.directory.join(AUDIT);
    match std::fs::read_to_string(&file) {
        Ok(text) => Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Error::io(&error, format!("cannot read {}", file.display()))),
    }
}

/// Appends a line about a run of the line in `directory`. A file that is not there is made, for its owner alone.
///
/// # Errors
///
/// When it cannot be written.
pub fn append(directory: &Path, entry: &Json) -> Result<()> {
    let place = StateFiles::of(directory);
    place.refuse_links()?;
    let file = place.directory.join(AUDIT);
    let line = format!("{entry}\n");
    let write = || {
        let mut options = OpenOptions::new();
        options.append(true).create(true).mode(0o600).open(&file)?.write_all(line.as_bytes())
    };
    let written = match write() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            place.make()?;
            write()
        }
        written => written,
    };
    written.map_err(|error| Error::io(&error, format!("cannot write {}", file.display())))
}

/// A text of an entry; empty, where it has none.
pub fn text<'e>(entry: &'e Json, key: &str) -> &'e str {
    entry[key].as_str().unwrap_or_default()
}

/// The names of the integrations that a run used.
pub fn integrations(entry: &Json) -> impl Iterator<Item = &str> {
    entry["integrations"].as_array().into_iter().flatten().map(|integration| text(integration, "name"))
}

/// Which entries of the log are wanted: those for which all holds that is said.
#[derive(Default)]
pub struct AuditFilter<'a> {
    /// The job, or an entry of its matrix.
    pub job: Option<&'a str>,
    /// Who ran it.
    pub user: Option<&'a str>,
    /// An integration that it used.
    pub integration: Option<&'a str>,
    /// The earliest time, as the log writes it.
    pub since: Option<&'a str>,
    /// Only runs that failed.
    pub failed: bool,
}

impl AuditFilter<'_> {
    /// Whether an entry is wanted.
    pub fn takes(&self, entry: &Json) -> bool {
        // The name of an entry of a matrix is that of its job and a number.
        let is_of = |job: &str| {
            let name = text(entry, "job");
            name == job
                || name.strip_prefix(job).is_some_and(|rest| {
                    rest.strip_prefix('.').is_some_and(|number| number.parse::<u32>().is_ok())
                })
        };
        self.job.is_none_or(is_of)
            && self.user.is_none_or(|user| text(entry, "user") == user)
            && self.integration.is_none_or(|name| integrations(entry).any(|used| used == name))
            && self.since.is_none_or(|since| text(entry, "time") >= since)
            && !(self.failed && entry["status"] == 0)
    }
}
