//! Who ran what with which credentials: a line of JSON for each run in `audit.jsonl`, beside the database.
//!
//! It is written by one call to a file that is opened to append, so that the lines of runs that end at the same time
//! stay whole. It is not brought to the disk at once: no run waits for it.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::place::{AUDIT, StateFiles};
use super::{Error, Result};

/// The lines of the log of the line in `directory`, the oldest first; none if there is no log. What is no JSON, such as the
/// beginning of a line on a disk that was full, is left out.
///
/// # Errors
///
/// When it cannot be read.
pub fn read(directory: &Path) -> Result<Vec<serde_json::Value>> {
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
pub fn append(directory: &Path, entry: &serde_json::Value) -> Result<()> {
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
