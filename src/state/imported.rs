//! Imports into the database.

use serde_json::Value as Json;

use super::error::Explain;
use super::import::{ImportOutcome, ImportedVersion};
use super::sqlite::Sqlite;
use super::timestamp::millis;
use super::{Error, Result, content, running};

impl Sqlite {
    pub(super) fn import(&mut self, given: &ImportedVersion) -> Result<ImportOutcome> {
        let what = format!("import {}", given.reference());
        let (explain, place) = (self.explain(&what), self.place.clone());
        if let Some(stored) = self.by_number(&given.name, given.number)? {
            let same_files = self.files(&stored)? == given.files.entries;
            return given.agrees(&stored, same_files);
        }
        // The next build of a job must not think that there are no files for it.
        running::note_files(&place.directory, &given.name)
            .map_err(|error| Error::io(&error, format!("cannot {what}")))?;
        let transaction = self.write(&what)?;
        insert(&transaction, given, &explain)?;
        transaction.commit().map_err(&explain)?;
        Ok(ImportOutcome::Stored)
    }
}

fn insert(transaction: &rusqlite::Transaction, given: &ImportedVersion, explain: Explain) -> Result<()> {
    let tree = content::store(transaction, &given.files, explain)?;
    let bag = Json::Object(given.bag.clone()).to_string();
    let insert = || {
        transaction.execute(
            "INSERT INTO subject (name, versions) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET versions = max(versions, ?2)",
            (&given.name, given.number),
        )?;
        transaction.execute(
            "INSERT INTO version (subject, number, name, bag, tree, made)
             SELECT id, ?2, ?3, ?4, ?5, ?6 FROM subject WHERE name = ?1",
            (&given.name, given.number, &given.version_name, bag.as_str(), tree, millis(given.created)),
        )
    };
    insert().map(drop).map_err(explain)
}
