//! Builds that have ended and wait to be taken into the database: a line of JSON for each in `ended.jsonl`.
//!
//! To open the database and to commit to it takes longer than many a script. A build that begins without it (see
//! [`Build::begin_unopened`](super::Build::begin_unopened)) can end without it too, unless it leaves files. Whoever opens the
//! database next takes in what waits, before anything else. So nobody sees the one without the other, except who may
//! not write to either.
//!
//! Whoever appends or takes in locks the file. A kill between the commit and the emptying of the file leaves builds that
//! the database has already: they are known by their number and the moment they began.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use nix::fcntl::Flock;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::finish::EndedBuild;
use super::place::{self, Place};
use super::version::{millis, time};
use super::{Base, Build, BuildRef, Change, Ended, Ending, Entries, Error, Files, Result, Store, Tree};

/// The file's name.
pub(super) const FILE: &str = "ended.jsonl";

/// How long the file becomes, in bytes, before a run takes it in itself: some hundred builds.
const LONG: u64 = 64 * 1024;

/// A build that has ended.
#[derive(Serialize, Deserialize)]
struct Line {
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

#[derive(Serialize, Deserialize)]
struct LineVersion {
    name: Option<String>,
    bag: Map<String, Json>,
}

impl Line {
    /// What is to be said of a build; `None` if it leaves more than a version of its job without files.
    fn of(build: &Build, ended: &Ended, changes: &[Change]) -> Option<Line> {
        let version = match changes {
            [] => None,
            [change] => Some(LineVersion::of(build, change)?),
            _ => return None,
        };
        build.used.is_empty().then(|| Line {
            job: build.reference.job.clone(),
            number: build.reference.number,
            started: millis(build.started),
            ended: millis(ended.at),
            duration: u64::try_from(ended.duration.as_millis()).unwrap_or(u64::MAX),
            result: ended.ending.word().to_owned(),
            status: ended.status,
            version,
        })
    }

    /// The change that makes its version.
    fn change(&mut self) -> Option<Change> {
        let LineVersion { name, bag } = self.version.take()?;
        let change = Change::job(self.job.clone(), Entries::default(), Tree::default());
        Some(Change { base: Base::Given { version_name: name, bag }, ..change })
    }
}

impl LineVersion {
    fn of(build: &Build, change: &Change) -> Option<LineVersion> {
        let has_no_files = match &change.files {
            Files::Empty => true,
            Files::Taken(tree) => tree.entries().is_empty(),
            Files::Latest | Files::Of(_) => false,
        };
        let is_whole = change.base != Base::Latest && change.even_unchanged && change.seed.is_none();
        (change.name == build.reference.job && is_whole && has_no_files).then(|| {
            let (name, bag) = change.apply(None);
            LineVersion { name, bag }
        })
    }
}

impl Build {
    /// Ends a build without its database, if no version went in, and none comes out but one of the job that has no files.
    /// Says whether it has ended; otherwise [`Store::finish`] ends it.
    ///
    /// # Errors
    ///
    /// When it cannot be written, or has ended before. Then it may be ended otherwise.
    pub fn finish_unopened(
        &self,
        directory: &Path,
        ending: Ending,
        status: u8,
        changes: &[Change],
    ) -> Result<bool> {
        let Some(line) = Line::of(self, &self.ended(ending, status), changes) else { return Ok(false) };
        let place = Place::of(directory);
        self.refuse_ended()?;
        let failed =
            |error: io::Error| Error::io(&error, format!("cannot store what {} made", self.reference));
        let line = serde_json::to_string(&line).map_err(|error| failed(error.into()))?;
        let length = append(&place, &line).map_err(failed)?;
        self.begun.end();
        if length > LONG {
            // Whoever opens it next does that, if it is not possible now.
            let _ = Store::open(directory);
        }
        Ok(true)
    }
}

impl Store {
    /// Takes in the builds that have ended without this database since it was opened.
    ///
    /// # Errors
    ///
    /// When they cannot be read, or the database cannot be written.
    pub fn take_in(&mut self) -> Result<()> {
        const WHAT: &str = "take in the builds that have ended";
        let path = self.place.directory.join(FILE);
        if !fs::metadata(&path).is_ok_and(|metadata| metadata.len() > 0) {
            return Ok(());
        }
        let failed = |error: io::Error| Error::io(&error, format!("cannot {WHAT} in {}", path.display()));
        let mut bytes = Vec::new();
        let file = lock(&path, false).map_err(failed)?;
        (&*file).read_to_end(&mut bytes).map_err(failed)?;
        let (explain, place) = (self.explain(WHAT), self.place.clone());
        let transaction = self.write(WHAT)?;
        // What is no line was being written when the disk was full.
        let lines = bytes.split(|&byte| byte == b'\n');
        for mut line in lines.filter_map(|line| serde_json::from_slice::<Line>(line).ok()) {
            let change = line.change();
            let Line { job, number, started, ended, duration, result, status, .. } = line;
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

/// Appends a line, all of it or nothing. Returns how long the file is then.
fn append(place: &Place, line: &str) -> io::Result<u64> {
    let file = lock(&place.directory.join(FILE), true)?;
    let before = file.metadata()?.len();
    // It begins anew, should what is there have no end.
    let line = format!("\n{line}\n");
    match (&*file).write_all(line.as_bytes()) {
        Ok(()) => Ok(before + line.len() as u64),
        Err(error) => {
            file.set_len(before)?;
            Err(error)
        }
    }
}

/// Forgets all of them.
pub(super) fn reset(place: &Place) -> io::Result<()> {
    match lock(&place.directory.join(FILE), false) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        file => file?.set_len(0),
    }
}

fn lock(path: &Path, make: bool) -> io::Result<Flock<File>> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(make).mode(0o600);
    loop {
        // Somebody may have removed it just now.
        if let Some(file) = place::lock(path, &options)? {
            return Ok(file);
        }
    }
}
