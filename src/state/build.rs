//! Builds: the runs of jobs, numbered, with the versions that they used and made.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use rusqlite::{Connection, OptionalExtension as _, Row};
use serde::{Deserialize, Serialize};

use super::open;
use super::place::StateFiles;
use super::running::{self, Count, Last, RunningBuild};
use super::sqlite::{Context as _, Sqlite};
use super::timestamp::{rfc3339, time};
use super::{Error, Result, StateErrorKind, VersionRef};

/// A build that has begun. Dropped without [`super::Store::finish`], it stays in the history as
/// [`Progress::Interrupted`].
#[derive(Debug)]
pub struct Build {
    /// The job and the number of the build.
    pub reference: BuildRef,
    /// When it began.
    pub started: SystemTime,
    /// The versions that go in.
    pub(super) used: Vec<VersionRef>,
    /// The wall clock may be set while it runs.
    pub(super) clock: Instant,
    /// Says to others on this machine that it is running.
    pub(super) running: Option<RunningBuild>,
}

/// Which build: `job #number`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
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
    /// The ending that a word stands for.
    pub(super) fn of(word: &str) -> Ending {
        ENDINGS.into_iter().find(|ending| ending.word() == word).unwrap_or(Ending::Failure)
    }

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
    pub outputs: Vec<VersionRef>,
}

/// What has become of a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It is running.
    Running,
    /// It has not ended: it is running on some machine, or was killed there.
    Started,
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

impl Ended {
    /// How long it took, in words: `350 ms`, `2.5 s`.
    pub fn took(&self) -> String {
        let millis = self.duration.as_millis();
        if millis < 1000 { format!("{millis} ms") } else { format!("{:.1} s", self.duration.as_secs_f64()) }
    }
}

impl Progress {
    /// Its result in a word or two, in the history and in JSON.
    pub fn word(&self) -> &'static str {
        match self {
            Progress::Running => "running",
            Progress::Started => "not ended",
            Progress::Interrupted => "interrupted",
            Progress::Ended(Ended { ending, .. }) => ending.word(),
        }
    }
}

impl BuildRecord {
    /// The build as JSON.
    pub fn document(&self) -> serde_json::Value {
        let ended = match self.progress {
            Progress::Ended(ended) => Some(ended),
            Progress::Running | Progress::Started | Progress::Interrupted => None,
        };
        let references =
            |versions: &[VersionRef]| versions.iter().map(VersionRef::document).collect::<Vec<_>>();
        serde_json::json!({
            "job": self.reference.job,
            "number": self.reference.number,
            "result": self.progress.word(),
            "status": ended.map(|ended| ended.status),
            "started": rfc3339(self.started),
            "ended": ended.map(|ended| rfc3339(ended.at)),
            "durationMs": ended.map(|ended| u64::try_from(ended.duration.as_millis()).unwrap_or(u64::MAX)),
            "used": references(&self.used),
            "made": references(&self.outputs),
        })
    }
}

const WHAT: &str = "begin a build";

impl Build {
    /// The number that [`Build::begin_unopened`] would give the next build of a job; `None` if it would begin none.
    pub fn next_unopened(directory: &Path, job: &str) -> Option<u32> {
        let place = StateFiles::of(directory);
        let count = running::count(&place.directory, job).filter(|count| !count.has_files)?;
        open::is_current(&place).then_some(count.number + 1)
    }

    /// Begins a build of a job without its database, where no version that is stored matters: neither one that goes in
    /// or comes out, which the caller knows, nor the job's last one. `None` if that has files, or nothing is known of the
    /// job but in the database: then [`super::Store::begin_build`] begins it.
    ///
    /// # Errors
    ///
    /// When the file of the build cannot be written.
    pub fn begin_unopened(directory: &Path, job: &str) -> Result<Option<Build>> {
        let place = StateFiles::of(directory);
        place.refuse_links()?;
        let failed = could_not_begin(&place);
        let Some(last) = Last::existing(&place.directory, job).map_err(&failed)? else { return Ok(None) };
        match last.read().map_err(&failed)? {
            Some(count) if !count.has_files => Build::begin(last, count, job, &[]).map(Some).map_err(&failed),
            _ => Ok(None),
        }
    }

    /// How it has ended, if it ends now.
    pub(super) fn ended(&self, ending: Ending, status: u8) -> Ended {
        Ended { at: SystemTime::now(), duration: self.clock.elapsed(), ending, status }
    }

    /// That it has not ended, and the state was not reset.
    pub(super) fn refuse_ended(&self) -> Result<()> {
        if self.running.as_ref().is_some_and(RunningBuild::is_there) {
            Ok(())
        } else {
            Err(ended_before(self))
        }
    }

    /// Begins the build after `count`.
    fn begin(last: Last, count: Count, job: &str, used: &[VersionRef]) -> io::Result<Build> {
        let (started, clock) = (SystemTime::now(), Instant::now());
        let (number, running) = last.begin(count, |number| running::describe(job, number, started, used))?;
        let reference = BuildRef { job: job.to_owned(), number };
        Ok(Build { reference, started, used: used.to_owned(), clock, running: Some(running) })
    }
}

/// The error for a build that cannot end, because it has ended or is forgotten.
pub(super) fn ended_before(build: &Build) -> Error {
    Error::new(
        StateErrorKind::Missing,
        format!(
            "cannot store what {} made: the build has ended before, or the state was reset meanwhile",
            build.reference
        ),
    )
}

fn could_not_begin(place: &StateFiles) -> impl Fn(io::Error) -> Error {
    |error| Error::io(&error, format!("cannot {WHAT} in {}", place.directory.display()))
}

impl Sqlite {
    /// Begins a build of a job, which gets the next number, whatever others begin at the same time. `used` are the
    /// versions that go in.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub(super) fn begin_build(&mut self, job: &str, used: &[VersionRef]) -> Result<Build> {
        self.refuse_replaced(WHAT)?;
        // Otherwise it would show only when the build ends.
        if self.connection.is_readonly("main").context(self, WHAT)? {
            return Err(Error::new(
                StateErrorKind::Denied,
                format!("cannot {WHAT}: {} cannot be written to: make it yours", self.place.shown()),
            ));
        }
        let failed = could_not_begin(&self.place);
        let last = Last::lock(&self.place.directory, job).map_err(&failed)?;
        let count = match last.read().map_err(&failed)? {
            Some(count) => count,
            None => self.count(job)?,
        };
        Build::begin(last, count, job, used).map_err(&failed)
    }

    /// What the database knows of a job.
    fn count(&self, job: &str) -> Result<Count> {
        let number = self.ended_builds(job)?;
        Ok(Count { number, has_files: self.latest(job)?.is_some_and(|latest| latest.has_files()) })
    }

    /// The highest number of a build of a job that has ended.
    fn ended_builds(&self, job: &str) -> Result<u32> {
        let builds = || {
            let mut builds = self.connection.prepare_cached("SELECT builds FROM subject WHERE name = ?1")?;
            builds.query_row([job], |row| row.get(0)).optional()
        };
        builds().map(Option::unwrap_or_default).context(self, "read the history")
    }

    /// The number that the next build of a job would have.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub(super) fn next_build(&self, job: &str) -> Result<u32> {
        let running = running::count(&self.place.directory, job).map_or(0, |count| count.number);
        Ok(self.ended_builds(job)?.max(running) + 1)
    }

    /// The builds of a job, or of all jobs, the last one first, at most `limit`.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub(super) fn history(&self, job: Option<&str>, limit: u32) -> Result<Vec<BuildRecord>> {
        const WHAT: &str = "read the history";
        // Looked at first: one that ends in between is in both, and none in neither.
        let running = running::list(&self.place.directory, job);
        let snapshot = self.read(WHAT)?;
        let mut records = not_ended(&snapshot, running).context(self, WHAT)?;
        let mut statement = snapshot
            .prepare(
                "SELECT build.id, subject.name, build.number, started, ended, duration, result, status
                 FROM build JOIN subject ON subject.id = build.job
                 WHERE ?1 IS NULL OR subject.name = ?1 
                 ORDER BY started DESC, build.id DESC LIMIT ?2",
            )
            .context(self, WHAT)?;
        let mut versions = snapshot
            .prepare(
                "SELECT subject.name, touched.number FROM touched JOIN subject ON subject.id = touched.subject
                 WHERE build = ?1 AND made = ?2 ORDER BY place",
            )
            .context(self, WHAT)?;
        let mut touched = |build: i64, is_output: bool| -> rusqlite::Result<Vec<VersionRef>> {
            let version = |row: &Row| Ok(VersionRef { name: row.get(0)?, number: row.get(1)? });
            versions.query_map((build, is_output), version)?.collect()
        };
        let mut rows = statement.query((job, limit)).context(self, WHAT)?;
        while let Some(row) = rows.next().context(self, WHAT)? {
            let (id, mut record) = record_of(row).context(self, WHAT)?;
            record.used = touched(id, false).context(self, WHAT)?;
            record.outputs = touched(id, true).context(self, WHAT)?;
            records.push(record);
        }
        // Those that began in the same millisecond stay as they are.
        records.sort_by_key(|record| Reverse(record.started));
        records.truncate(limit as usize);
        Ok(records)
    }

    /// The last builds of each job, at most `each` of one, the last one first; without the versions that went in and came
    /// out.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub(super) fn last_builds(&self, each: u32) -> Result<Vec<BuildRecord>> {
        const WHAT: &str = "read the history";
        let running = running::list(&self.place.directory, None);
        let snapshot = self.read(WHAT)?;
        let mut records = not_ended(&snapshot, running).context(self, WHAT)?;
        let mut statement = snapshot
            .prepare(
                "SELECT id, name, number, started, ended, duration, result, status FROM (
                     SELECT build.*, subject.name, row_number() OVER (PARTITION BY job ORDER BY build.id DESC) AS nth
                     FROM build JOIN subject ON subject.id = build.job
                 ) WHERE nth <= ?1 ORDER BY id DESC",
            )
            .context(self, WHAT)?;
        let mut rows = statement.query([each]).context(self, WHAT)?;
        while let Some(row) = rows.next().context(self, WHAT)? {
            let (_, record) = record_of(row).context(self, WHAT)?;
            records.push(record);
        }
        // One that was interrupted long ago is no longer among the last ones.
        records.sort_by_key(|record| Reverse(record.started));
        let mut counts: HashMap<String, u32> = HashMap::new();
        records.retain(|record| {
            let count = counts.entry(record.reference.job.clone()).or_default();
            *count += 1;
            *count <= each
        });
        Ok(records)
    }
}

/// Those of the builds that have begun which the database does not have, the last one first: they run, or were
/// interrupted.
fn not_ended(connection: &Connection, mut running: Vec<BuildRecord>) -> rusqlite::Result<Vec<BuildRecord>> {
    let mut ended = connection
        .prepare("SELECT 1 FROM build JOIN subject ON subject.id = job WHERE name = ?1 AND number = ?2")?;
    let mut records = Vec::new();
    running.sort_by_key(|record| Reverse(record.reference.number));
    for record in running {
        if !ended.exists((&record.reference.job, record.reference.number))? {
            records.push(record);
        }
    }
    Ok(records)
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
                ending: Ending::of(&word),
                status: row.get(7)?,
            })
        }
    };
    let record = BuildRecord {
        reference: BuildRef { job: row.get(1)?, number: row.get(2)? },
        started: time(row.get(3)?),
        progress,
        used: Vec::new(),
        outputs: Vec::new(),
    };
    Ok((row.get(0)?, record))
}
