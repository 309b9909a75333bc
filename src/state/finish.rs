//! The end of a build: one transaction that makes all its versions.

use std::time::SystemTime;

use rusqlite::{OptionalExtension as _, Transaction};
use serde_json::{Map, Value as Json};

use super::adopt;
use super::build::{subject, touch};
use super::change::same_bag;
use super::content;
use super::error::Explain;
use super::place::Place;
use super::version::{self, millis};
use super::{Build, Change, Ending, Error, Files, Kind, Result, Store, Version, VersionRef};

impl Store {
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
    pub fn finish(
        &mut self,
        build: &Build,
        ending: Ending,
        status: u8,
        changes: &[Change],
    ) -> Result<Vec<Option<u32>>> {
        let what = format!("store what {} made", build.reference);
        let (explain, place) = (self.explain(&what), self.place.clone());
        let transaction = self.write(&what)?;
        let now = SystemTime::now();
        let duration = i64::try_from(build.clock.elapsed().as_millis()).unwrap_or(i64::MAX);
        let ended = transaction
            .execute(
                "UPDATE build SET ended = ?2, duration = ?3, result = ?4, status = ?5 WHERE id = ?1 AND ended IS NULL",
                (build.id, millis(now), duration, ending.word(), status),
            )
            .map_err(&explain)?;
        if ended == 0 {
            return Err(Error::new(
                Kind::Missing,
                format!("cannot {what}: the build has ended before, or the state was reset meanwhile"),
            ));
        }
        let writer =
            Writer { transaction: &transaction, place: &place, explain: &explain, build: build.id, now };
        let made = changes.iter().map(|change| writer.apply(change)).collect::<Result<Vec<_>>>()?;
        transaction.commit().map_err(&explain)?;
        Ok(made)
    }
}

/// The transaction that ends a build.
struct Writer<'a> {
    transaction: &'a Transaction<'a>,
    place: &'a Place,
    explain: Explain<'a>,
    build: i64,
    now: SystemTime,
}

impl Writer<'_> {
    /// Makes the version that a change asks for. Returns its number.
    fn apply(&self, change: &Change) -> Result<Option<u32>> {
        let latest = self.latest(&change.name)?;
        let (version_name, bag) = change.apply(latest.as_ref());
        let latest_tree = latest.as_ref().and_then(|latest| latest.tree);
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
        let made = VersionRef { name: change.name.clone(), number };
        touch(self.transaction, self.build, true, &made).map_err(self.explain)?;
        Ok(Some(number))
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
                    Kind::Missing,
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
            Error::new(Kind::Unfit, format!("cannot keep the properties of {name}: {error}"))
        })?;
        let insert = || -> rusqlite::Result<u32> {
            let subject = subject(self.transaction, name)?;
            let number: u32 = self.transaction.query_row(
                "UPDATE subject SET versions = versions + 1 WHERE id = ?1 RETURNING versions",
                [subject],
                |row| row.get(0),
            )?;
            self.transaction.execute(
                "INSERT INTO version (subject, number, name, bag, tree, made, build) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                (subject, number, version_name, bag, tree, millis(self.now), build),
            )?;
            Ok(number)
        };
        insert().map_err(self.explain)
    }
}
