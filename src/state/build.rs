//! Builds: the runs of jobs, numbered, with the versions that they used and made.

use std::fmt;
use std::time::{Duration, Instant, SystemTime};

use rusqlite::{Connection, OptionalExtension as _, Row};

use super::error::Context as _;
use super::running::{self, Running};
use super::version::{millis, time};
use super::{Error, Result, Store, VersionRef};

/// A build that has begun. Dropped without [`Store::finish`], it stays in the history as
/// [`Progress::Interrupted`].
#[derive(Debug)]
pub struct Build {
    /// The job and the number of the build.
    pub reference: BuildRef,
    /// When it began.
    pub started: SystemTime,
    /// Its row.
    pub(super) id: i64,
    /// The wall clock may be set while it runs.
    pub(super) clock: Instant,
    /// Says to others that it is running.
    _running: Running,
}

/// Which build: `job #number`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BuildRef {
    /// The job's name.
    pub job: String,
    /// The number: the first build of each job has 1.
    pub number: u32,
}

impl fmt::Display for BuildRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} #{}", self.job, self.number)
    }
}

/// How a build ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All went well.
    Success,
    /// A script failed.
    Failure,
    /// It ran out of time.
    TimedOut,
    /// A signal or a person ended it.
    Cancelled,
}

const ENDINGS: [Ending; 4] = [Ending::Success, Ending::Failure, Ending::TimedOut, Ending::Cancelled];

impl Ending {
    /// The word for it, in the history and in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Ending::Success => "success",
            Ending::Failure => "failure",
            Ending::TimedOut => "timeout",
            Ending::Cancelled => "cancelled",
        }
    }
}

/// A build as the history has it.
#[derive(Clone, Debug)]
pub struct BuildRecord {
    /// The job and the number.
    pub reference: BuildRef,
    /// When it began, to the millisecond.
    pub started: SystemTime,
    /// What has become of it.
    pub progress: Progress,
    /// The versions that went in, in step order.
    pub used: Vec<VersionRef>,
    /// The versions that it made; those pruned since are still named.
    pub made: Vec<VersionRef>,
}

/// What has become of a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It is running.
    Running,
    /// It was killed, or could not store how it ended.
    Interrupted,
    /// It has ended.
    Ended(Ended),
}

/// When and how a build ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// When, to the millisecond.
    pub at: SystemTime,
    /// How long it took, to the millisecond, whatever was done to the clock meanwhile.
    pub duration: Duration,
    /// How.
    pub ending: Ending,
    /// The exit status.
    pub status: u8,
}

impl Store {
    /// Begins a build of a job, which gets the next number, whoever else begins one at the same time. `used` are the
    /// versions that go in.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub fn begin_build(&mut self, job: &str, used: &[VersionRef]) -> Result<Build> {
        const WHAT: &str = "begin a build";
        let (explain, directory) = (self.explain(WHAT), self.place.directory.clone());
        let (started, clock) = (SystemTime::now(), Instant::now());
        let transaction = self.write(WHAT)?;
        let job_id = subject(&transaction, job).map_err(&explain)?;
        let number: u32 = transaction
            .query_row(
                "UPDATE subject SET builds = builds + 1 WHERE id = ?1 RETURNING builds",
                [job_id],
                |row| row.get(0),
            )
            .map_err(&explain)?;
        transaction
            .execute(
                "INSERT INTO build (job, number, started) VALUES (?1, ?2, ?3)",
                (job_id, number, millis(started)),
            )
            .map_err(&explain)?;
        let id = transaction.last_insert_rowid();
        for version in used {
            touch(&transaction, id, false, version).map_err(&explain)?;
        }
        // Before anyone can see the build.
        let running = Running::start(&directory, id)
            .map_err(|error| Error::io(&error, format!("cannot {WHAT} in {}", directory.display())))?;
        transaction.commit().map_err(&explain)?;
        Ok(Build {
            reference: BuildRef { job: job.to_owned(), number },
            started,
            id,
            clock,
            _running: running,
        })
    }

    /// The number that the next build of a job would have.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn next_build(&self, job: &str) -> Result<u32> {
        self.connection
            .query_row("SELECT builds + 1 FROM subject WHERE name = ?1", [job], |row| row.get(0))
            .optional()
            .map(|number| number.unwrap_or(1))
            .context(self, "read the history")
    }

    /// The builds of a job, or of all jobs, the last one first, at most `limit`.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn history(&self, job: Option<&str>, limit: u32) -> Result<Vec<BuildRecord>> {
        const WHAT: &str = "read the history";
        let snapshot = self.read(WHAT)?;
        let mut statement = snapshot
            .prepare(
                "SELECT build.id, subject.name, build.number, started, ended, duration, result, status
                 FROM build JOIN subject ON subject.id = build.job
                 WHERE ?1 IS NULL OR subject.name = ?1 ORDER BY build.id DESC LIMIT ?2",
            )
            .context(self, WHAT)?;
        let mut versions = snapshot
            .prepare(
                "SELECT subject.name, touched.number FROM touched JOIN subject ON subject.id = touched.subject
                 WHERE build = ?1 AND made = ?2 ORDER BY place",
            )
            .context(self, WHAT)?;
        let mut touched = |build: i64, made: bool| -> rusqlite::Result<Vec<VersionRef>> {
            let version = |row: &Row| Ok(VersionRef { name: row.get(0)?, number: row.get(1)? });
            versions.query_map((build, made), version)?.collect()
        };
        let mut rows = statement.query((job, limit)).context(self, WHAT)?;
        let mut records = Vec::new();
        while let Some(row) = rows.next().context(self, WHAT)? {
            let (id, mut record) = record_of(row).context(self, WHAT)?;
            record.used = touched(id, false).context(self, WHAT)?;
            record.made = touched(id, true).context(self, WHAT)?;
            records.push(self.with_progress(id, record));
        }
        Ok(records)
    }

    /// The last builds of each job, at most `each` of one, the last one first; without the versions that went in and came
    /// out.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn last_builds(&self, each: u32) -> Result<Vec<BuildRecord>> {
        const WHAT: &str = "read the history";
        let snapshot = self.read(WHAT)?;
        let mut statement = snapshot
            .prepare(
                "SELECT id, name, number, started, ended, duration, result, status FROM (
                     SELECT build.*, subject.name, row_number() OVER (PARTITION BY job ORDER BY build.id DESC) AS nth
                     FROM build JOIN subject ON subject.id = build.job
                 ) WHERE nth <= ?1 ORDER BY id DESC",
            )
            .context(self, WHAT)?;
        let mut rows = statement.query([each]).context(self, WHAT)?;
        let mut records = Vec::new();
        while let Some(row) = rows.next().context(self, WHAT)? {
            let (id, record) = record_of(row).context(self, WHAT)?;
            records.push(self.with_progress(id, record));
        }
        Ok(records)
    }

    /// A build that has not ended may still be running.
    fn with_progress(&self, id: i64, mut record: BuildRecord) -> BuildRecord {
        if record.progress == Progress::Interrupted && running::is_running(&self.place.directory, id) {
            record.progress = Progress::Running;
        }
        record
    }
}

/// The row of a job or resource, which is made if there is none.
pub(super) fn subject(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    let id = |row: &Row| row.get(0);
    match connection.query_row("SELECT id FROM subject WHERE name = ?1", [name], id).optional()? {
        Some(found) => Ok(found),
        None => connection.query_row("INSERT INTO subject (name) VALUES (?1) RETURNING id", [name], id),
    }
}

/// Remembers that a build used or made a version.
pub(super) fn touch(
    connection: &Connection,
    build: i64,
    made: bool,
    version: &VersionRef,
) -> rusqlite::Result<()> {
    let subject = subject(connection, &version.name)?;
    connection.execute(
        "INSERT INTO touched (build, made, place, subject, number)
         SELECT ?1, ?2, count(*), ?3, ?4 FROM touched WHERE build = ?1 AND made = ?2",
        (build, made, subject, version.number),
    )?;
    Ok(())
}

/// A row of the history. A build that has not ended is taken for interrupted.
fn record_of(row: &Row) -> rusqlite::Result<(i64, BuildRecord)> {
    let progress = match row.get::<_, Option<i64>>(4)? {
        None => Progress::Interrupted,
        Some(ended) => {
            let word: String = row.get(6)?;
            let duration: i64 = row.get(5)?;
            Progress::Ended(Ended {
                at: time(ended),
                duration: Duration::from_millis(duration.unsigned_abs()),
                ending: ENDINGS.into_iter().find(|ending| ending.word() == word).unwrap_or(Ending::Failure),
                status: row.get(7)?,
            })
        }
    };
    let record = BuildRecord {
        reference: BuildRef { job: row.get(1)?, number: row.get(2)? },
        started: time(row.get(3)?),
        progress,
        used: Vec::new(),
        made: Vec::new(),
    };
    Ok((row.get(0)?, record))
}
