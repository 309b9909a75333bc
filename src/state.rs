//! State that lasts: the versions of jobs and resources, and the builds that made them.
//!
//! It lies in `.shipctl/` beside the YAML, in one SQLite database, and as long as a build is running in a file of its own,
//! see `begun`. SQLite, because several processes use it at once,
//! any of them may be killed at any moment, and no other embedded store has been tried so hard at that. Files of a
//! version are in the database too, in pieces and each content once: so one transaction is all that keeps a run's
//! versions together, and nothing has to be swept up after a crash.
//!
//! The journal is a write-ahead log, which costs a run no wait for the disk: a small job would take ten times as long.
//! So a kill at any moment loses no version whose [`Store::finish`] has returned, and leaves no half one. A power cut
//! damages nothing either, but takes with it what the system had not written yet: on Linux, the last half minute.
//! [`Store::close`] waits for the disk, for those who want that. Where a log does not work (on file systems that are not
//! known to be local) a rollback journal takes its place, see `open`, and each commit waits.
//!
//! This layer knows no YAML, no commands and no processes.

mod adopt;
mod audit;
mod begun;
mod build;
mod change;
mod content;
mod error;
mod export;
mod finish;
mod leak;
mod moment;
mod open;
mod pending;
mod place;
mod prune;
mod schema;
mod tree;
mod version;

use std::cell::Cell;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior, config::DbConfig};

pub use adopt::Current;
pub use audit::append as append_audit;
pub use build::{Build, BuildRecord, BuildRef, Ended, Ending, Progress};
pub use change::{Base, Change, Entries, Files, Seed};
pub use error::{Error, Kind};
pub use leak::{Leak, LeakPlace, RunSecret, SEARCHED, leaks};
pub use moment::rfc3339;
pub use place::DIRECTORY;
pub use prune::{Pruned, Reset, reset};
pub use tree::{Entry, EntryKind, MAX_BYTES, Tree};
pub use version::{Version, VersionRef};

use error::Context as _;
use place::{Identity, Place};

/// How long one `shipctl` waits for another that is writing, before it gives up.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A result of this layer.
pub type Result<T> = std::result::Result<T, Error>;

/// The versions and builds of the line in one directory, open.
///
/// It may be sent to another thread but is used by one at a time: give each thread its own, or share it behind a lock.
pub struct Store {
    connection: Connection,
    place: Place,
    /// Which file was opened: it may be removed while it is in use.
    identity: Option<Identity>,
    patience: Cell<Duration>,
    /// Whether the journal is a write-ahead log, which nobody waits for.
    logged: bool,
}

impl Store {
    /// Opens the state of the line in `directory`, which is that of its YAML. If there is none yet it is made, for its
    /// owner alone and invisible to git.
    ///
    /// # Errors
    ///
    /// When it cannot be made or written to, is damaged, or was written by a newer `shipctl`.
    pub fn open(directory: &Path) -> Result<Store> {
        let place = Place::of(directory);
        place.refuse_links()?;
        place.make()?;
        let mut store = open::open_or_create(place)?;
        store.take_in()?;
        Ok(store)
    }

    /// Opens the state of the line in `directory` if there is any. Nothing is made, so that a command that only
    /// looks leaves no trace, and works in a checkout that cannot be written to.
    ///
    /// # Errors
    ///
    /// As [`Store::open`].
    pub fn open_existing(directory: &Path) -> Result<Option<Store>> {
        let place = Place::of(directory);
        place.refuse_links()?;
        if !place.has_database()? {
            return Ok(None);
        }
        let mut store = open::open_existing(place)?;
        match store.take_in() {
            // Who may not write to it sees it as it was when somebody else last opened it.
            Err(error) if error.kind() != Kind::Denied => Err(error),
            _ => Ok(Some(store)),
        }
    }

    /// Whether the database is still the one that was opened: it may be removed while it is in use.
    pub fn is_there(&self) -> bool {
        self.identity == self.place.identity()
    }

    /// Sets how long this store waits for another process that is writing; [`PATIENCE`] otherwise.
    ///
    /// # Errors
    ///
    /// When the database refuses, which is not known to happen.
    pub fn set_patience(&self, patience: Duration) -> Result<()> {
        self.patience.set(patience);
        self.connection.busy_timeout(patience).context(self, "use")
    }

    /// Closes it once all that was finished has reached the disk, where not even a power cut loses it, and tidies up.
    /// Dropping a store does neither.
    ///
    /// # Errors
    ///
    /// When the disk does not take it.
    pub fn close(self) -> Result<()> {
        if !self.logged {
            return Ok(());
        }
        let busy: bool = self
            .connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
            .context(&self, "bring the state to the disk")?;
        if !busy {
            // Then the last one to leave takes the empty log away.
            let leave = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
            return self.connection.set_db_config(leave, false).map(drop).context(&self, "close the state");
        }
        // Others are at work, so the log has to stay; but it can be on the disk. Opening it a second time is harmless, as
        // it would not be with the database: closing a file drops all locks that its process has on it.
        let log = self.place.beside("-wal");
        File::open(&log)
            .and_then(|file| file.sync_data())
            .map_err(|error| Error::io(&error, format!("cannot bring {} to the disk", log.display())))
    }

    /// Begins a transaction that writes. It takes its place in the queue at once: one that reads first and writes
    /// later would fail if another wrote in between.
    fn write(&mut self, what: &str) -> Result<Transaction<'_>> {
        self.refuse_replaced(what)?;
        let explain = self.explain(what);
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&explain)?;
        open::refuse_newer_now(&transaction, &self.place).map_err(explain)??;
        Ok(transaction)
    }

    /// That the database is still the one that was opened.
    fn refuse_replaced(&self, what: &str) -> Result<()> {
        if self.is_there() {
            return Ok(());
        }
        Err(Error::new(
            Kind::Missing,
            format!(
                "cannot {what}: {} was removed or replaced while it was in use, so nothing can be stored in it: run again, \
                 and let no script remove {DIRECTORY} (`git clean -x` does)",
                self.place.shown()
            ),
        ))
    }

    /// What makes of an error of the database one that says that it was not possible to `what`. It borrows nothing of
    /// the store, which a transaction has for itself.
    fn explain<'a>(&self, what: &'a str) -> impl Fn(rusqlite::Error) -> Error + use<'a> {
        let (place, patience) = (self.place.clone(), self.patience.get());
        move |error| Error::sqlite(&error, &place, patience, what)
    }

    /// Begins a transaction that reads, so that all it reads is of one moment.
    fn read(&self, what: &str) -> Result<Transaction<'_>> {
        self.connection.unchecked_transaction().context(self, what)
    }
}
