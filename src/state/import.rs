//! Versions that were exported, taken in with their numbers.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use serde_json::{Map, Value as Json};

use super::change::same_bag;
use super::version::{Version, VersionRef};
use super::{Error, MAX_BYTES, Result, StateErrorKind, Tree, timestamp};
use crate::contract::path::VERSION_JSON;

/// Where an export has the state files.
pub(super) const EXPORTED: &str = "files";

/// A version as an export left it.
pub struct ImportedVersion {
    /// The name of the job or resource.
    pub name: String,
    /// Its number.
    pub number: u32,
    /// What the version is called.
    pub version_name: Option<String>,
    /// What else it holds.
    pub bag: Map<String, Json>,
    /// When it was made.
    pub created: SystemTime,
    /// Its files.
    pub files: Tree,
}

/// What an import did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportOutcome {
    /// The version is stored now.
    Stored,
    /// It was stored before, just so.
    Known,
}

impl ImportedVersion {
    /// Reads what [`Store::export`](super::Store::export) wrote into `directory`.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or is not what an export writes.
    pub fn read(directory: &Path) -> Result<ImportedVersion> {
        let path = directory.join(VERSION_JSON);
        let text = fs::read_to_string(&path).map_err(|error| {
            let message = format!("cannot read {}, which `shipctl state export` writes", path.display());
            Error::io(&error, message)
        })?;
        let not_exported = |what: &str| {
            Error::new(
                StateErrorKind::Unfit,
                format!("{} is not what an export writes: {what}", path.display()),
            )
        };
        let json: Json = serde_json::from_str(&text).map_err(|_| not_exported("it is no JSON"))?;
        let name = json["name"]
            .as_str()
            .filter(|name| !name.is_empty())
            .ok_or_else(|| not_exported("it has no name"))?;
        let number = json["versionNumber"].as_u64().and_then(|number| u32::try_from(number).ok());
        let number = number.filter(|number| (1..u32::MAX).contains(number));
        let bag = json["propertyBag"].as_object().ok_or_else(|| not_exported("it has no propertyBag"))?;
        Ok(ImportedVersion {
            name: name.to_owned(),
            number: number.ok_or_else(|| not_exported("its versionNumber is none"))?,
            version_name: json["versionName"].as_str().map(str::to_owned),
            bag: bag.clone(),
            created: json["made"]
                .as_str()
                .and_then(timestamp::parse)
                .ok_or_else(|| not_exported("it was made at no time"))?,
            files: Tree::collect(&directory.join(EXPORTED), MAX_BYTES, |_| true)?,
        })
    }

    /// Its name and number.
    pub fn reference(&self) -> VersionRef {
        VersionRef { name: self.name.clone(), number: self.number }
    }

    /// That a stored version of the same number is the same.
    pub(super) fn agrees(&self, stored: &Version, same_files: bool) -> Result<ImportOutcome> {
        let what = match () {
            () if stored.version_name != self.version_name => "its versionName differs",
            () if !same_bag(&stored.bag, &self.bag) => "its propertyBag differs",
            () if !same_files => "its files differ",
            () => return Ok(ImportOutcome::Known),
        };
        Err(Error::new(
            StateErrorKind::Unfit,
            format!("cannot import {}: another version with this number is stored, {what}", self.reference()),
        ))
    }
}
