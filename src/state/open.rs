//! Opening the database, making it, and bringing it up to date.
//!
//! A write-ahead log is taken where it works: a commit appends to it without waiting for the disk, and readers and a
//! writer do not wait for each other. Its price is memory shared by all processes, so elsewhere (NFS, a container's view
//! of another kernel's files) there is a rollback journal, which needs nothing but locks and waits for the disk at every
//! commit. Either survives a kill at any moment.

use std::cell::Cell;
use std::fs::OpenOptions;
use std::io::Read as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OpenFlags, TransactionBehavior, config::DbConfig};

use super::error::damaged;
use super::place::StateFiles;
use super::schema::{APPLICATION_ID, STEPS, refuse_newer};
use super::sqlite::{Context as _, Sqlite};
use super::{Error, PATIENCE, Result, StateErrorKind};

const WHAT: &str = "open the state";

/// The journals, by their names in SQLite.
const LOG: &str = "wal";
const ROLLBACK: &str = "delete";

/// How many pages the log has before the next writer takes it into the database, and waits for the disk; a run
/// does that while its script runs. A process that opens it alone reads all of it, so it must not be long.
const LOG_PAGES: u32 = 100;

/// How long a log one process leaves that makes many transactions: as long as by default, for a line of jobs would wait for
/// the disk more often else. It has to be more than that: after its only transaction no one would begin anew what a process
/// has taken in that is gone.
const OWN_LOG_PAGES: u32 = 1000;

impl Sqlite {
    /// Opens the state of the line in `directory`, which is that of its YAML. If there is none yet it is made, for its
    /// owner alone and invisible to git.
    ///
    /// # Errors
    ///
    /// When it cannot be made or written to, is damaged, or was written by a newer `shipctl`.
    pub(super) fn open(directory: &Path) -> Result<Sqlite> {
        let place = StateFiles::of(directory);
        place.refuse_links()?;
        place.make()?;
        let mut store = open_or_create(place)?;
        store.take_in()?;
        Ok(store)
    }

    /// Opens the state of the line in `directory` if there is any. Nothing is made, so that a command that only
    /// looks leaves no trace, and works in a checkout that cannot be written to.
    ///
    /// # Errors
    ///
    /// As [`Store::open`](super::Store::open).
    pub(super) fn open_existing(directory: &Path) -> Result<Option<Sqlite>> {
        let place = StateFiles::of(directory);
        place.refuse_links()?;
        if !place.has_database()? {
            return Ok(None);
        }
        let mut store = open_existing(place)?;
        match store.take_in() {
            // Who may not write to it sees it as it was when a writer last opened it.
            Err(error) if error.kind() != StateErrorKind::Denied => Err(error),
            _ => Ok(Some(store)),
        }
    }
}

/// Opens the database, which is made if it is not there.
pub(super) fn open_or_create(place: StateFiles) -> Result<Sqlite> {
    let journal = journal_for(&place);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let store = open(&place, flags, STEPS, journal)?;
    // If the disk does not take it, the next transaction says so.
    let _ = shorten_log(&store);
    Ok(store)
}

/// Takes a log that has grown into the database, so that the next transaction begins it anew.
fn shorten_log(store: &Sqlite) -> rusqlite::Result<()> {
    if !store.logged {
        return Ok(());
    }
    let pages: i64 = store.connection.query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| row.get(1))?;
    if pages < i64::from(LOG_PAGES) {
        return Ok(());
    }
    store.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
}

/// Opens the database that is there, for reading alone if it cannot be written to.
pub(super) fn open_existing(place: StateFiles) -> Result<Sqlite> {
    let journal = journal_for(&place);
    match open(&place, OpenFlags::SQLITE_OPEN_READ_WRITE, STEPS, journal) {
        Err(error) if error.kind() == StateErrorKind::Denied => {
            // Without a log there is nothing to recover, and no process can write what this one cannot lock. With one,
            // SQLite makes do with what others have left beside it.
            let log = std::fs::metadata(place.beside("-wal")).map_or(0, |log| log.len());
            let read_only = connect(place, OpenFlags::SQLITE_OPEN_READ_ONLY, log == 0);
            read_only.and_then(|store| prepare(store, STEPS, journal)).map_err(|_| error)
        }
        opened => opened,
    }
}

/// The journal that suits the file system.
fn journal_for(place: &StateFiles) -> &'static str {
    if place.is_local() { LOG } else { ROLLBACK }
}

/// Whether there is a database that can be written to and is as this `shipctl` makes it, as far as its first bytes tell:
/// a later opening has little to fear. To be asked before it is opened: to close a file drops all locks that its
/// process has on it.
pub(super) fn is_current(place: &StateFiles) -> bool {
    let mut header = [0; 72];
    let file = OpenOptions::new().read(true).write(true).open(&place.database);
    let steps = u32::try_from(STEPS.len()).unwrap_or(u32::MAX).to_be_bytes();
    file.and_then(|mut file| file.read_exact(&mut header)).is_ok()
        && header.starts_with(b"SQLite format 3\0")
        && header[60..64] == steps
        && header[68..72] == APPLICATION_ID.to_be_bytes()
}

/// Opens the database and makes it ready. Another journal can be set only while no other process has the database open, so
/// that two who want to would wait for each other: one that finds it busy leaves and comes again.
fn open(place: &StateFiles, flags: OpenFlags, steps: &[&str], journal: &str) -> Result<Sqlite> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match connect(place.clone(), flags, false).and_then(|store| prepare(store, steps, journal)) {
            Err(error) if error.kind() == StateErrorKind::Busy && Instant::now() < deadline => {
                // A different time for each of them, or they would meet again.
                let spread = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.subsec_nanos());
                thread::sleep(Duration::from_micros(500 + u64::from(spread / 1000 % 8000)));
            }
            opened => return opened,
        }
    }
}

/// Opens the database; `immutable` where nothing can be written, and so there can be no locks, either.
fn connect(place: StateFiles, flags: OpenFlags, immutable: bool) -> Result<Sqlite> {
    // One thread at a time has the connection, so it needs no lock of its own.
    let flags = flags | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(place.uri(immutable), flags)
        .map_err(|error| Error::sqlite(&error, &place, PATIENCE, WHAT))?;
    let identity = place.identity();
    let store = Sqlite { connection, place, identity, patience: Cell::new(PATIENCE), logged: false };
    store.set_patience(PATIENCE)?;
    // The file may come from a stranger's repository: nothing in it is to be run.
    for (setting, on) in [
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        // The last one would wait for the disk. The log is taken in when it has grown, and by `Store::close`.
        (DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true),
        // Else each new value of a parameter has a statement prepared again, for a plan that might suit it better.
        (DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true),
    ] {
        store.connection.set_db_config(setting, on).context(&store, WHAT)?;
    }
    // What is sorted is small, and a disk for temporary files may be full or missing.
    store
        .connection
        .execute_batch("PRAGMA foreign_keys = on; PRAGMA temp_store = memory")
        .context(&store, WHAT)?;
    Ok(store)
}

/// Makes a connection ready for use: tables as `steps` have them, and this journal.
fn prepare(mut store: Sqlite, steps: &[&str], journal: &str) -> Result<Sqlite> {
    let found = version(&store)?;
    let readonly = store.connection.is_readonly("main").context(&store, WHAT)?;
    if found < steps.len() && readonly {
        return Err(Error::new(
            StateErrorKind::Denied,
            format!(
                "cannot open the state: {} was written by an older shipctl and has to be brought up to date, but it \
                 cannot be written to: make it yours",
                store.place.shown()
            ),
        ));
    }
    refuse_newer(&store.place, found, steps)?;
    if !readonly {
        if found == 0 {
            // Takes effect only before the first table: pruned space goes back to the disk.
            store.connection.pragma_update(None, "auto_vacuum", "incremental").context(&store, WHAT)?;
        }
        store.logged = set_journal(&store.connection, journal).context(&store, WHAT)?;
        if found < steps.len() {
            migrate(&mut store, steps)?;
        }
        if store.logged {
            store
                .connection
                .pragma_update(None, "wal_autocheckpoint", OWN_LOG_PAGES)
                .context(&store, WHAT)?;
        }
        let waits = if store.logged { "normal" } else { "extra" };
        store.connection.pragma_update(None, "synchronous", waits).context(&store, WHAT)?;
    }
    // Made just now, perhaps.
    store.identity = store.place.identity();
    Ok(store)
}

/// How many steps the database has had.
fn version(store: &Sqlite) -> Result<usize> {
    let (version, application): (i64, i32) = store
        .connection
        .query_row(
            "SELECT user_version, application_id FROM pragma_user_version, pragma_application_id",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .context(store, WHAT)?;
    if application != APPLICATION_ID && (application, version) != (0, 0) {
        return Err(damaged(&store.place, "cannot open the state: another program's mark is on it"));
    }
    usize::try_from(version)
        .map_err(|_| damaged(&store.place, "cannot open the state: its version is negative"))
}

/// Sets the journal, unless it is set. Returns whether it is a write-ahead log.
fn set_journal(connection: &Connection, wanted: &str) -> rusqlite::Result<bool> {
    let get = |row: &rusqlite::Row| row.get::<_, String>(0);
    let mut journal = connection.pragma_query_value(None, "journal_mode", get)?;
    if journal != wanted {
        journal = connection.pragma_update_and_check(None, "journal_mode", wanted, get)?;
    }
    Ok(journal == LOG)
}

/// Takes the steps that are missing, all or none.
fn migrate(store: &mut Sqlite, steps: &[&str]) -> Result<()> {
    let explain = store.explain(WHAT);
    // SQLite's own default, said aloud: a new database is on the disk before it is used.
    store.connection.pragma_update(None, "synchronous", "extra").map_err(&explain)?;
    let transaction =
        store.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&explain)?;
    // Another process may have been faster.
    let found =
        transaction.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0)).map_err(&explain)?;
    let found = usize::try_from(found).unwrap_or_default();
    for step in steps.iter().skip(found) {
        transaction.execute_batch(step).map_err(&explain)?;
    }
    if found < steps.len() {
        transaction.pragma_update(None, "user_version", steps.len() as i64).map_err(&explain)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(&explain)?;
    }
    transaction.commit().map_err(&explain)?;
    if store.logged {
        // A new database that is but a log looks like no database to those who do not know of logs. That others keep it
        // from being taken in is no failure.
        store.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(&explain)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::state::{Change, Ending, Entries};

    const OLD: &[&str] = &["CREATE TABLE a (x INTEGER) STRICT; INSERT INTO a VALUES (1);"];
    const NEW: &[&str] = &[OLD[0], "ALTER TABLE a ADD COLUMN y INTEGER NOT NULL DEFAULT 7;"];
    const BROKEN: &[&str] = &[OLD[0], "ALTER TABLE a ADD COLUMN y INTEGER NOT NULL DEFAULT 7; no SQL;"];

    fn open_with(directory: &Path, steps: &[&str], journal: &str) -> Result<Sqlite> {
        let place = StateFiles::of(directory);
        place.make()?;
        open(&place, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE, steps, journal)
    }

    fn sum(store: &Sqlite) -> i64 {
        store.connection.query_row("SELECT sum(x + y) FROM a", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn an_older_state_is_brought_up_to_date_and_then_refused_by_the_older_shipctl() {
        let directory = tempfile::tempdir().unwrap();
        open_with(directory.path(), OLD, LOG).unwrap();
        assert_eq!(sum(&open_with(directory.path(), NEW, LOG).unwrap()), 8);
        assert_eq!(sum(&open_with(directory.path(), NEW, LOG).unwrap()), 8);
        let error = open_with(directory.path(), OLD, LOG).err().unwrap();
        assert_eq!(error.kind(), StateErrorKind::Newer);
        assert!(error.to_string().contains("format is 2, this one knows up to 1"), "{error}");
    }

    #[test]
    fn a_step_that_fails_leaves_the_older_state() {
        let directory = tempfile::tempdir().unwrap();
        open_with(directory.path(), OLD, LOG).unwrap();
        assert!(open_with(directory.path(), BROKEN, LOG).is_err());
        assert_eq!(version(&open_with(directory.path(), OLD, LOG).unwrap()).unwrap(), 1);
        assert_eq!(sum(&open_with(directory.path(), NEW, LOG).unwrap()), 8);
    }

    #[test]
    fn where_a_log_does_not_work_there_is_another_journal() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        // The directory may move from one file system to another.
        for (round, journal) in [ROLLBACK, LOG, ROLLBACK].into_iter().enumerate() {
            thread::scope(|scope| {
                for run in 0..4 {
                    scope.spawn(move || {
                        let mut store = open_with(directory, STEPS, journal).unwrap();
                        let text = format!("key_{round}_{run}=1\n");
                        let entries = Entries::parse(text.as_bytes(), "res", "image").unwrap();
                        let build = store.begin_build("job", &[]).unwrap();
                        store.finish(&build, Ending::Success, 0, &[Change::merge("res", entries)]).unwrap();
                        store.close().unwrap();
                    });
                }
            });
            let store = open_with(directory, STEPS, journal).unwrap();
            assert_eq!(store.logged, journal == LOG);
            assert_eq!(store.place.beside("-wal").exists(), journal == LOG);
            let latest = store.latest("res").unwrap().unwrap();
            assert_eq!((latest.number as usize, latest.bag.len()), (4 * round + 4, 4 * round + 4));
        }
    }

    #[test]
    fn a_newer_shipctl_that_comes_in_between_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let mut store = open_with(directory.path(), STEPS, LOG).unwrap();
        let build = store.begin_build("job", &[]).unwrap();
        open_with(directory.path(), STEPS, LOG)
            .unwrap()
            .connection
            .pragma_update(None, "user_version", 99)
            .unwrap();
        let error = store.finish(&build, Ending::Success, 0, &[]).unwrap_err();
        assert_eq!(error.kind(), StateErrorKind::Newer);
    }
}
