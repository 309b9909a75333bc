//! Builds that ended with an older `shipctl`, which left them in `ended.jsonl`, a line of JSON for each: what opens the
//! database takes them in, before anything else.
//!
//! The process that takes them in locks the file. A kill between the commit and the emptying of the file leaves builds that the database
//! has already: they are known by their number and the moment they began.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _};
use std::path::Path;
use std::time::Duration;

use nix::fcntl::Flock;
use rusqlite::Connection;
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::finish::EndedBuild;
use super::place::{self, PENDING, StateFiles};
use super::sqlite::Sqlite;
use super::timestamp::time;
use super::{Base, BuildRef, Change, Ended, Ending, Entries, Error, Result, Tree};

/// A build that has ended.
#[derive(Deserialize)]
struct PendingBuild {
    job: String,
    number: u32,
    /// In milliseconds since 1970.
    started: i64,
    ended: i64,
    /// In milliseconds.
    duration: u64,
    result: String,
    status: u8,
    /// The version of the job that it made, if it made one.
    version: Option<LineVersion>,
}

#[derive(Deserialize)]
struct LineVersion {
    name: Option<String>,
    bag: Map<String, Json>,
}

impl PendingBuild {
    /// The change that makes its version.
    fn change(&mut self) -> Option<Change> {
        let LineVersion { name, bag } = self.version.take()?;
        let change = Change::job(self.job.clone(), Entries::default(), Tree::default());
        Some(Change { base: Base::Given { version_name: name, bag }, ..change })
    }
}

impl Sqlite {
    /// Takes in the builds that have ended without this database.
    ///
    /// # Errors
    ///
    /// When they cannot be read, or the database cannot be written.
    pub(super) fn take_in(&mut self) -> Result<()> {
        const WHAT: &str = "take in the builds that have ended";
        let path = self.place.directory.join(PENDING);
        if !fs::metadata(&path).is_ok_and(|metadata| metadata.len() > 0) {
            return Ok(());
        }
        let failed = |error: io::Error| Error::io(&error, format!("cannot {WHAT} in {}", path.display()));
        let mut bytes = Vec::new();
        let file = lock(&path).map_err(failed)?;
        (&*file).read_to_end(&mut bytes).map_err(failed)?;
        let (explain, place) = (self.explain(WHAT), self.place.clone());
        let transaction = self.write(WHAT)?;
        // What is no line was being written when the disk was full.
        let lines = bytes.split(|&byte| byte == b'\n');
        for mut line in lines.filter_map(|line| serde_json::from_slice::<PendingBuild>(line).ok()) {
            let change = line.change();
            let PendingBuild { job, number, started, ended, duration, result, status, .. } = line;
            let build = BuildRef { job, number };
            if is_stored(&transaction, &build, started).map_err(&explain)? {
                continue;
            }
            let ended = Ended {
                at: time(ended),
                duration: Duration::from_millis(duration),
                ending: Ending::of(&result),
                status,
            };
            let ended = EndedBuild { reference: &build, started: time(started), used: &[], ended };
            ended.store(&transaction, &place, &explain, change.as_slice())?;
        }
        transaction.commit().map_err(&explain)?;
        file.set_len(0).map_err(failed)
    }
}

/// Whether the database has a build, which began at this moment.
fn is_stored(connection: &Connection, build: &BuildRef, started: i64) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT 1 FROM build JOIN subject ON subject.id = job WHERE name = ?1 AND number = ?2 AND started = ?3",
        )?
        .exists((&build.job, build.number, started))
}

/// Forgets all of them.
pub(super) fn reset(place: &StateFiles) -> io::Result<()> {
    match lock(&place.directory.join(PENDING)) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        file => file?.set_len(0),
    }
}

fn lock(path: &Path) -> io::Result<Flock<File>> {
    let mut options = OpenOptions::new();
    options.read(true).append(true);
    loop {
        // It may have been removed just now.
        if let Some(file) = place::lock(path, &options)? {
            return Ok(file);
        }
    }
}
