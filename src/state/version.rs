//! Versions: finding them and reading what they hold.

use std::fmt;
use std::time::SystemTime;

use rusqlite::{Connection, OptionalExtension as _, Row, ToSql};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::error::damaged;
use super::sqlite::{Context as _, Sqlite};
use super::timestamp::{rfc3339, time};
use super::{BuildRef, Result};

/// A version of a job or resource. It never changes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Version {
    /// The name of the job or resource.
    pub name: String,
    /// Its number: the first version has 1.
    pub number: u32,
    /// What the version is called: the value of its `versionName`.
    pub version_name: Option<String>,
    /// What else it holds, keys in the order they came.
    pub bag: Map<String, Json>,
    /// When it was made, to the millisecond.
    #[serde(rename = "made")]
    pub created: SystemTime,
    /// The build that made it; `None` for one that came from the YAML, and when the build has been pruned.
    pub build: Option<BuildRef>,
    /// Its list of files, which means nothing on another machine.
    #[serde(skip)]
    pub(super) tree: Option<List>,
}

/// A list of files, as its store finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum List {
    /// By its row.
    Row(i64),
    /// By its hash, in hexadecimal digits.
    Hash(String),
}

impl List {
    /// The row, in a database.
    pub(super) fn row(&self) -> Option<i64> {
        match self {
            List::Row(row) => Some(*row),
            List::Hash(_) => None,
        }
    }
}

/// Which version: `name #number`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct VersionRef {
    /// The name of the job or resource.
    pub name: String,
    /// The version's number.
    pub number: u32,
}

impl VersionRef {
    /// It as JSON: its name and number.
    pub fn document(&self) -> Json {
        json!({"name": self.name, "number": self.number})
    }
}

impl fmt::Display for VersionRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} #{}", self.name, self.number)
    }
}

impl Version {
    /// What is told of a version as JSON: by an export, and by a list.
    pub fn document(&self) -> Json {
        json!({
            "name": self.name,
            "versionNumber": self.number,
            "versionName": self.version_name,
            "propertyBag": self.bag,
            "made": rfc3339(self.created),
            "build": self.build.as_ref().map(|build| json!({"job": build.job, "number": build.number})),
        })
    }

    /// Its name and number.
    pub fn reference(&self) -> VersionRef {
        VersionRef { name: self.name.clone(), number: self.number }
    }

    /// Whether it has state files.
    pub fn has_files(&self) -> bool {
        self.tree.is_some()
    }
}

impl Sqlite {
    /// The last version of a job or resource.
    ///
    /// # Errors
    ///
    /// When the database cannot be read; so with all functions that look something up.
    pub(super) fn latest(&self, name: &str) -> Result<Option<Version>> {
        latest(&self.connection, name).context(self, READ)?.map(|raw| raw.parse(self)).transpose()
    }

    /// The version that has a number.
    ///
    /// # Errors
    ///
    /// As [`Store::latest`].
    pub(super) fn by_number(&self, name: &str, number: u32) -> Result<Option<Version>> {
        self.one("AND version.number = ?2", (name, number))
    }

    /// The last of the versions that are called `version_name`.
    ///
    /// # Errors
    ///
    /// As [`Store::latest`].
    pub(super) fn by_name(&self, name: &str, version_name: &str) -> Result<Option<Version>> {
        self.one("AND version.name = ?2 ORDER BY version.number DESC LIMIT 1", (name, version_name))
    }

    /// The versions of a job or resource, the last one first, at most `limit`.
    ///
    /// # Errors
    ///
    /// As [`Store::latest`].
    pub(super) fn versions(&self, name: &str, limit: u32) -> Result<Vec<Version>> {
        self.many("AND subject.name = ?1 ORDER BY version.number DESC LIMIT ?2", (name, limit))
    }

    /// The last version of every job and resource that has one, by name.
    ///
    /// # Errors
    ///
    /// As [`Store::latest`].
    pub(super) fn all_latest(&self) -> Result<Vec<Version>> {
        self.many(
            "AND version.number = (SELECT max(number) FROM version AS other WHERE other.subject = subject.id)
             ORDER BY subject.name",
            (),
        )
    }

    fn one(&self, filter: &str, parameters: (&str, impl ToSql)) -> Result<Option<Version>> {
        let sql = format!("{SELECT} AND subject.name = ?1 {filter}");
        let mut statement = self.connection.prepare_cached(&sql).context(self, READ)?;
        let found = statement.query_row(parameters, Raw::of).optional().context(self, READ)?;
        found.map(|raw| raw.parse(self)).transpose()
    }

    fn many(&self, filter: &str, parameters: impl rusqlite::Params) -> Result<Vec<Version>> {
        let mut statement = self.connection.prepare(&format!("{SELECT} {filter}")).context(self, READ)?;
        let rows = statement.query_map(parameters, Raw::of).context(self, READ)?;
        rows.map(|row| row.context(self, READ)?.parse(self)).collect()
    }
}

const READ: &str = "read the versions";

const SELECT: &str = "
    SELECT version.id, version.number, version.name, version.bag, version.tree, version.made,
           subject.name, job.name, build.number
    FROM version JOIN subject ON subject.id = version.subject
    LEFT JOIN build ON build.id = version.build LEFT JOIN subject AS job ON job.id = build.job
    WHERE true";

/// What asks for the last version of a name.
fn latest_sql() -> String {
    format!("{SELECT} AND subject.name = ?1 ORDER BY version.number DESC LIMIT 1")
}

/// The last version of a name, within whatever transaction is open.
pub(super) fn latest(connection: &Connection, name: &str) -> rusqlite::Result<Option<Raw>> {
    connection.prepare_cached(&latest_sql())?.query_row([name], Raw::of).optional()
}

/// A version whose bag is not parsed.
pub(super) struct Raw {
    version: Version,
    bag: String,
}

impl Raw {
    fn of(row: &Row) -> rusqlite::Result<Raw> {
        let build = match (row.get(7)?, row.get(8)?) {
            (Some(job), Some(number)) => Some(BuildRef { job, number }),
            _ => None,
        };
        let version = Version {
            name: row.get(6)?,
            number: row.get(1)?,
            version_name: row.get(2)?,
            bag: Map::new(),
            created: time(row.get(5)?),
            build,
            tree: row.get::<_, Option<i64>>(4)?.map(List::Row),
        };
        Ok(Raw { version, bag: row.get(3)? })
    }

    pub(super) fn parse(self, store: &Sqlite) -> Result<Version> {
        self.parse_at(&store.place)
    }

    pub(super) fn parse_at(mut self, place: &super::place::StateFiles) -> Result<Version> {
        match serde_json::from_str(&self.bag) {
            Ok(bag) => {
                self.version.bag = bag;
                Ok(self.version)
            }
            Err(_) => Err(damaged(
                place,
                &format!("cannot read {}: its properties are no JSON object", self.version.reference()),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;

    #[test]
    fn what_is_asked_again_and_again_is_prepared_once() {
        let directory = tempfile::tempdir().unwrap();
        let store = Sqlite::open(directory.path()).unwrap();
        for name in ["a", "b", "c"] {
            assert!(store.latest(name).unwrap().is_none());
        }
        let statement = store.connection.prepare_cached(&latest_sql()).unwrap();
        assert_eq!(statement.get_status(StatementStatus::Run), 3);
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
    }
}
