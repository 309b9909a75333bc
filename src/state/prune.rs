//! Making state smaller, and starting over.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::Connection;

use super::place::StateFiles;
use super::sqlite::Sqlite;
use super::{Error, Progress, Result, StateErrorKind, pending, running};

/// What pruning took away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pruned {
    /// How many versions.
    pub versions: usize,
    /// How many builds.
    pub builds: usize,
    /// How many bytes of files that no version has any more.
    pub bytes: u64,
}

/// What a reset did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reset {
    /// There was no state.
    Nothing,
    /// All versions and builds are gone, and numbers start from 1 again.
    Emptied,
    /// The database was damaged or from a newer `shipctl`, and now has this name. There is no state.
    SetAside(PathBuf),
}

impl Sqlite {
    /// Drops all versions of each job and resource but the last `keep`, at least one, and of each job the builds that
    /// are neither running nor among its last `keep` nor have made a version that is left. Numbers go on where they were. The
    /// space goes back to the disk.
    ///
    /// # Errors
    ///
    /// When the database cannot be written; then nothing is dropped.
    pub(super) fn prune(&mut self, keep: u32) -> Result<Pruned> {
        const WHAT: &str = "prune the state";
        let keep = keep.max(1);
        let explain = self.explain(WHAT);
        let transaction = self.write(WHAT)?;
        let mut pruned = prune(&transaction, keep).map_err(&explain)?;
        transaction.commit().map_err(&explain)?;
        // Later, because the beginning of a build locks these first, and the database afterwards.
        pruned.builds += prune_begun(self, keep).map_err(&explain)?;
        self.shrink(&explain)?;
        Ok(pruned)
    }

    /// Makes the file smaller by what has been dropped. On a full disk that takes two goes: what the journal holds goes
    /// into the database first, which makes room.
    fn shrink(&self, explain: &dyn Fn(rusqlite::Error) -> Error) -> Result<()> {
        let take_in = || self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        let shrink = || give_back(&self.connection).and_then(|()| take_in());
        shrink().or_else(|_| take_in().and_then(|()| shrink())).map_err(|error| {
            let error = explain(error);
            Error::new(
                error.kind(),
                format!(
                    "old versions and runs are dropped, but {} could not be made smaller: make room on its disk and \
                     prune again ({error})",
                    self.place.shown()
                ),
            )
        })
    }
}

fn prune(connection: &Connection, keep: u32) -> rusqlite::Result<Pruned> {
    let versions = connection.execute(
        "DELETE FROM version WHERE id IN (
             SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY subject ORDER BY number DESC) AS age FROM version)
             WHERE age > ?1)",
        [keep],
    )?;
    let builds = connection.execute(
        "DELETE FROM build WHERE id IN (
             SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY job ORDER BY number DESC) AS age FROM build) AS aged
             WHERE age > ?1 AND NOT EXISTS (SELECT 1 FROM version WHERE version.build = aged.id))",
        [keep],
    )?;
    connection
        .execute("DELETE FROM tree WHERE NOT EXISTS (SELECT 1 FROM version WHERE tree = tree.id)", [])?;
    const UNUSED: &str = "FROM content WHERE NOT EXISTS (SELECT 1 FROM entry WHERE content = content.id)";
    let bytes: i64 =
        connection.query_row(&format!("SELECT coalesce(sum(size), 0) {UNUSED}"), [], |row| row.get(0))?;
    connection.execute(&format!("DELETE {UNUSED}"), [])?;
    Ok(Pruned { versions, builds, bytes: bytes.unsigned_abs() })
}

/// Prunes builds that were interrupted: those that as many others of their job have followed, and those that were
/// killed when the database had them already.
fn prune_begun(store: &Sqlite, keep: u32) -> rusqlite::Result<usize> {
    let mut followers = store.connection.prepare(
        "SELECT count(*) FROM build JOIN subject ON subject.id = job WHERE name = ?1 AND number > ?2",
    )?;
    let mut failed = None;
    let all = running::list(&store.place.directory, None);
    let pruned = running::prune(&store.place.directory, |build| {
        let after = all
            .iter()
            .filter(|other| other.reference.job == build.job && other.reference.number > build.number);
        let ended: rusqlite::Result<u32> = followers.query_row((&build.job, build.number), |row| row.get(0));
        match ended {
            Ok(ended) => ended as usize + after.count() >= keep as usize,
            Err(error) => {
                failed = Some(error);
                false
            }
        }
    });
    failed.map_or(Ok(pruned), Err)
}

/// Makes the file smaller by what is free in it.
fn give_back(connection: &Connection) -> rusqlite::Result<()> {
    let mut statement = connection.prepare("PRAGMA incremental_vacuum")?;
    let mut pages = statement.query([])?;
    // Each row is a page that has been freed.
    while pages.next()?.is_some() {}
    Ok(())
}

/// Drops the state of the line in `directory`. One that cannot be read is set aside under another name, so
/// that something may still be rescued from it.
///
/// # Errors
///
/// When a run is on, and when it cannot be written or moved.
pub fn reset(directory: &Path) -> Result<Reset> {
    let place = StateFiles::of(directory);
    place.refuse_links()?;
    refuse_running(&place)?;
    match Sqlite::open_existing(directory) {
        Ok(None) => Ok(Reset::Nothing),
        Ok(Some(mut store)) => match store.empty() {
            Err(error) if error.kind() == StateErrorKind::Damaged => {
                drop(store);
                set_aside(&StateFiles::of(directory))
            }
            done => done.and_then(|()| store.close()).map(|()| Reset::Emptied),
        },
        Err(error) if matches!(error.kind(), StateErrorKind::Damaged | StateErrorKind::Newer) => {
            set_aside(&StateFiles::of(directory))
        }
        Err(error) => Err(error),
    }
}

/// That no build is running, which could not store what it makes.
fn refuse_running(place: &StateFiles) -> Result<()> {
    let running = running::list(&place.directory, None);
    match running.iter().find(|build| build.progress == Progress::Running) {
        None => Ok(()),
        Some(build) => Err(Error::new(
            StateErrorKind::Busy,
            format!(
                "cannot reset the state: {} is running, and could not store what it makes: wait until it has ended, or end it",
                build.reference
            ),
        )),
    }
}

impl Sqlite {
    fn empty(&mut self) -> Result<()> {
        const WHAT: &str = "reset the state";
        let (explain, place) = (self.explain(WHAT), self.place.clone());
        let transaction = self.write(WHAT)?;
        // One may have begun while this waited.
        refuse_running(&place)?;
        for table in ["version", "touched", "build", "subject", "entry", "tree", "piece", "content"] {
            transaction.execute(&format!("DELETE FROM {table}"), []).map_err(&explain)?;
        }
        // A build that is running now finds its file gone when it ends.
        cleared(&place, running::reset(&place.directory))?;
        transaction.commit().map_err(&explain)?;
        // Not before: a process that takes them in holds that file and waits for the database.
        cleared(&place, pending::reset(&place))?;
        self.shrink(&explain)
    }
}

/// Says where files could not be cleared, if that is so.
fn cleared(place: &StateFiles, done: io::Result<()>) -> Result<()> {
    done.map_err(|error| Error::io(&error, format!("cannot clear {}", place.directory.display())))
}

fn set_aside(place: &StateFiles) -> Result<Reset> {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let moved = |error: io::Error| Error::io(&error, format!("cannot set {} aside", place.shown()));
    cleared(place, running::reset(&place.directory))?;
    cleared(place, pending::reset(place))?;
    let aside = |suffix: &str| place.beside(&format!(".damaged-{seconds}{suffix}"));
    // The database goes last: a new one must not meet the journal of an old one.
    for suffix in ["-wal", "-journal", ""] {
        match fs::rename(place.beside(suffix), aside(suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(moved(error)),
            _ => {}
        }
    }
    match fs::remove_file(place.beside("-shm")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(moved(error)),
        _ => Ok(Reset::SetAside(aside(""))),
    }
}
