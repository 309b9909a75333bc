//! The end of a build: one transaction that makes all its versions.

use std::io;
use std::time::SystemTime;

use rusqlite::{OptionalExtension as _, Transaction};
use serde_json::{Map, Value as Json};

use super::change::same_bag;
use super::content;
use super::error::Explain;
use super::place::StateFiles;
use super::running::RunningBuild;
use super::sqlite::Sqlite;
use super::timestamp::millis;
use super::version;
use super::{
    Build, BuildRef, Change, Ended, Ending, Error, Files, Result, StateErrorKind, Version, VersionRef,
};
use super::{adopt, running};

impl Sqlite {
    /// Ends a build and makes the versions that its changes ask for: all of them, or none if there is an error. What a
    /// change is applied to is what is the latest version now, not what it was when the build began. Returns for
    /// each change the number of the version it made, or `None` if nothing was different.
    ///
    /// Versions are safe from a kill when this returns; about a power cut, see [`Store::close`].
    ///
    /// # Errors
    ///
    /// When the database cannot be written, a file cannot be read or changed since it was listed, a version whose
    /// files are to be copied is not there, or the build has ended before. Then the build has not ended, and may be
    /// ended with other changes.
    pub(super) fn finish(
        &mut self,
        build: &Build,
        ending: Ending,
        status: u8,
        changes: &[Change],
    ) -> Result<Vec<Option<u32>>> {
        let what = format!("store what {} made", build.reference);
        let (explain, place) = (self.explain(&what), self.place.clone());
        note_files(&place, changes).map_err(|error| Error::io(&error, format!("cannot {what}")))?;
        let transaction = self.write(&what)?;
        build.refuse_ended()?;
        let Build { reference, started, used, .. } = build;
        let ended = EndedBuild { reference, started: *started, used, ended: build.ended(ending, status) };
        let numbers = ended.store(&transaction, &place, &explain, changes)?;
        transaction.commit().map_err(&explain)?;
        build.running.iter().for_each(RunningBuild::end);
        Ok(numbers)
    }
}

/// A build that has ended.
pub(super) struct EndedBuild<'a> {
    pub(super) reference: &'a BuildRef,
    pub(super) started: SystemTime,
    pub(super) used: &'a [VersionRef],
    pub(super) ended: Ended,
}

impl EndedBuild<'_> {
    /// Adds it to the history, with the versions that its changes ask for.
    pub(super) fn store(
        &self,
        transaction: &Transaction,
        place: &StateFiles,
        explain: Explain,
        changes: &[Change],
    ) -> Result<Vec<Option<u32>>> {
        let build = self.insert(transaction).map_err(explain)?;
        let writer = Writer { transaction, place, explain, build, now: self.ended.at };
        for (place, version) in self.used.iter().enumerate() {
            writer.touch(false, place, version).map_err(explain)?;
        }
        let mut numbers = Vec::new();
        for change in changes {
            let place = numbers.iter().flatten().count();
            numbers.push(writer.apply(change, place)?);
        }
        Ok(numbers)
    }

    /// Adds it to the history. Returns its row.
    fn insert(&self, transaction: &Transaction) -> rusqlite::Result<i64> {
        let Ended { at, duration, ending, status } = self.ended;
        let duration = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        let BuildRef { job, number } = self.reference;
        let mut add = transaction.prepare_cached(
            "INSERT OR IGNORE INTO build (job, number, started, ended, duration, result, status)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        let mut subject = transaction.prepare_cached(
            "INSERT INTO subject (name, builds) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET builds = max(builds, ?2) RETURNING id",
        )?;
        let mut insert = |number: u32| -> rusqlite::Result<bool> {
            let subject: i64 = subject.query_row((job, number), |row| row.get(0))?;
            let (started, at) = (millis(self.started), millis(at));
            Ok(add.execute((subject, number, started, at, duration, ending.word(), status))? > 0)
        };
        if !insert(*number)? {
            // A power cut has taken back how far the numbers had come. It did so before the build began.
            let next =
                transaction
                    .query_row("SELECT builds + 1 FROM subject WHERE name = ?1", [job], |row| row.get(0))?;
            insert(next)?;
        }
        Ok(transaction.last_insert_rowid())
    }
}

/// Notes which jobs are going to have files: the next build must not think that there is nothing for it.
fn note_files(place: &StateFiles, changes: &[Change]) -> io::Result<()> {
    let has_files = |change: &&Change| match &change.files {
        Files::Latest | Files::Empty => false,
        Files::Taken(tree) => !tree.entries().is_empty(),
        Files::Of(_) => true,
    };
    changes
        .iter()
        .filter(has_files)
        .try_for_each(|change| running::note_files(&place.directory, &change.name))
}

/// The transaction that ends a build.
struct Writer<'a> {
    transaction: &'a Transaction<'a>,
    place: &'a StateFiles,
    explain: Explain<'a>,
    build: i64,
    now: SystemTime,
}

impl Writer<'_> {
    /// Makes the version that a change asks for, which is number `place` of those that the build made. Returns the
    /// version's number.
    fn apply(&self, change: &Change, place: usize) -> Result<Option<u32>> {
        let latest = self.latest(&change.name)?;
        let (version_name, bag) = change.apply(latest.as_ref());
        let latest_tree = latest.as_ref().and_then(|latest| latest.tree.as_ref()?.row());
        let tree = match &change.files {
            Files::Latest => latest_tree,
            Files::Empty => None,
            Files::Taken(tree) => content::store(self.transaction, tree, self.explain)?,
            Files::Of(version) => self.tree_of(version)?,
        };
        let nothing = Map::new();
        let (old_name, old_bag) = match (&latest, &change.seed) {
            (Some(latest), _) => (&latest.version_name, &latest.bag),
            (None, Some(seed)) => (&seed.version_name, &seed.bag),
            (None, None) => (&None, &nothing),
        };
        let unchanged = tree == latest_tree && *old_name == version_name && same_bag(old_bag, &bag);
        if unchanged && !change.even_unchanged {
            return Ok(None);
        }
        if let (None, Some(seed)) = (&latest, &change.seed) {
            self.insert(&change.name, seed.version_name.as_deref(), &seed.bag, None, None)?;
        }
        if let Some(seed) = &change.seed {
            adopt::write_first(self.transaction, &change.name, seed).map_err(self.explain)?;
        }
        let number = self.insert(&change.name, version_name.as_deref(), &bag, tree, Some(self.build))?;
        let reference = VersionRef { name: change.name.clone(), number };
        self.touch(true, place, &reference).map_err(self.explain)?;
        Ok(Some(number))
    }

    /// Remembers that the build used or made a version.
    fn touch(&self, is_output: bool, place: usize, version: &VersionRef) -> rusqlite::Result<()> {
        let place = i64::try_from(place).unwrap_or(i64::MAX);
        let mut touch = self.transaction.prepare_cached(
            "INSERT INTO touched (build, made, place, subject, number)
             SELECT ?1, ?2, ?3, id, ?5 FROM subject WHERE name = ?4",
        )?;
        let touched = touch.execute((self.build, is_output, place, &version.name, version.number))?;
        debug_assert_eq!(touched, 1, "a version has a name");
        Ok(())
    }

    fn latest(&self, name: &str) -> Result<Option<Version>> {
        let found = version::latest(self.transaction, name).map_err(self.explain)?;
        found.map(|raw| raw.parse_at(self.place)).transpose()
    }

    fn tree_of(&self, version: &VersionRef) -> Result<Option<i64>> {
        self.transaction
            .query_row(
                "SELECT tree FROM version JOIN subject ON subject.id = subject
                 WHERE subject.name = ?1 AND number = ?2",
                (&version.name, version.number),
                |row| row.get(0),
            )
            .optional()
            .map_err(self.explain)?
            .ok_or_else(|| {
                Error::new(
                    StateErrorKind::Missing,
                    format!("cannot copy the files of {version}: there is no such version"),
                )
            })
    }

    fn insert(
        &self,
        name: &str,
        version_name: Option<&str>,
        bag: &Map<String, Json>,
        tree: Option<i64>,
        build: Option<i64>,
    ) -> Result<u32> {
        let bag = serde_json::to_string(bag).map_err(|error| {
            Error::new(StateErrorKind::Unfit, format!("cannot keep the properties of {name}: {error}"))
        })?;
        let insert = || -> rusqlite::Result<u32> {
            let mut count = self.transaction.prepare_cached(
                "INSERT INTO subject (name, versions) VALUES (?1, 1)
                 ON CONFLICT (name) DO UPDATE SET versions = versions + 1 RETURNING id, versions",
            )?;
            let (subject, number): (i64, u32) =
                count.query_row([name], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let mut add = self.transaction.prepare_cached(
                "INSERT INTO version (subject, number, name, bag, tree, made, build) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?;
            add.execute((subject, number, version_name, bag, tree, millis(self.now), build))?;
            Ok(number)
        };
        insert().map_err(self.explain)
    }
}
