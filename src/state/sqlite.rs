//! The state beside the YAML: one SQLite database, and as long as a build is running a file of its own, see `begun`.
//!
//! SQLite, because several processes use it at once, any of them may be killed at any moment, and no other embedded store
//! has been tried so hard at that. Files of a version are in the database too, in pieces and each content once: so one
//! transaction is all that keeps a run's versions together, and nothing has to be swept up after a crash.
//!
//! The journal is a write-ahead log, which costs a run no wait for the disk: a small job would take ten times as long.
//! So a kill at any moment loses no version whose [`Store::finish`] has returned, and leaves no half one. A power cut
//! damages nothing either, but takes with it what the system had not written yet: on Linux, the last half minute.
//! [`Store::close`] waits for the disk, for those who want that. Where a log does not work (on file systems that are not
//! known to be local) a rollback journal takes its place, see `open`, and each commit waits.
//!
//! [`Store::finish`]: super::Store::finish
//! [`Store::close`]: super::Store::close

use std::cell::Cell;
use std::fs::File;
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior, config::DbConfig};

use super::place::{DIRECTORY, Identity, StateFiles};
use super::schema;
use super::{Error, Result, StateErrorKind};

/// The versions and builds of the line in one directory, open.
///
/// It may be sent to another thread but is used by one at a time: give each thread its own, or share it behind a lock.
pub(super) struct Sqlite {
    pub(super) connection: Connection,
    pub(super) place: StateFiles,
    /// Which file was opened: it may be removed while it is in use.
    pub(super) identity: Option<Identity>,
    pub(super) patience: Cell<Duration>,
    /// Whether the journal is a write-ahead log, which is not waited for.
    pub(super) logged: bool,
}

impl Sqlite {
    /// Whether the database is still the one that was opened: it may be removed while it is in use.
    pub(super) fn is_there(&self) -> bool {
        self.identity == self.place.identity()
    }

    /// Sets how long this store waits for another process that is writing; [`PATIENCE`] otherwise.
    ///
    /// # Errors
    ///
    /// When the database refuses, which is not known to happen.
    pub(super) fn set_patience(&self, patience: Duration) -> Result<()> {
        self.patience.set(patience);
        self.connection.busy_timeout(patience).context(self, "use")
    }

    /// Closes it once all that was finished has reached the disk, where not even a power cut loses it, and tidies up.
    /// Dropping a store does neither.
    ///
    /// # Errors
    ///
    /// When the disk does not take it.
    pub(super) fn close(self) -> Result<()> {
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
    pub(super) fn write(&mut self, what: &str) -> Result<Transaction<'_>> {
        self.refuse_replaced(what)?;
        let explain = self.explain(what);
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&explain)?;
        schema::refuse_newer_now(&transaction, &self.place).map_err(explain)??;
        Ok(transaction)
    }

    /// That the database is still the one that was opened.
    pub(super) fn refuse_replaced(&self, what: &str) -> Result<()> {
        if self.is_there() {
            return Ok(());
        }
        Err(Error::new(
            StateErrorKind::Missing,
            format!(
                "cannot {what}: {} was removed or replaced while it was in use, so nothing can be stored in it: run again, \
                 and let no script remove {DIRECTORY} (`git clean -x` does)",
                self.place.shown()
            ),
        ))
    }

    /// What makes of an error of the database one that says that it was not possible to `what`. It borrows nothing of
    /// the store, which a transaction has for itself.
    pub(super) fn explain<'a>(&self, what: &'a str) -> impl Fn(rusqlite::Error) -> Error + use<'a> {
        let (place, patience) = (self.place.clone(), self.patience.get());
        move |error| Error::sqlite(&error, &place, patience, what)
    }

    /// Begins a transaction that reads, so that all it reads is of one moment.
    pub(super) fn read(&self, what: &str) -> Result<Transaction<'_>> {
        self.connection.unchecked_transaction().context(self, what)
    }
}

/// Says what an error of the database kept from being done.
pub(super) trait Context<T> {
    /// The same result; an error says that it was not possible to `what`.
    fn context(self, store: &Sqlite, what: &str) -> Result<T>;
}

impl<T> Context<T> for rusqlite::Result<T> {
    fn context(self, store: &Sqlite, what: &str) -> Result<T> {
        self.map_err(|error| Error::sqlite(&error, &store.place, store.patience.get(), what))
    }
}
