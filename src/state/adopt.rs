//! The YAML's say in a resource that has versions.
//!
//! A resource's first version comes from its YAML, and jobs make the others. A later edit of the YAML has to
//! count, and a value that a job wrote has to stay. So the rule is that of a three-way merge: what was
//! changed in the YAML since the versions last took it in is changed in the next version, key by key; all else stays as
//! the jobs left it. The change is a version of its own, as in the original, made by no build.

use std::time::SystemTime;

use rusqlite::{Connection, OptionalExtension as _};
use serde_json::{Map, Value as Json, json};

use super::change::same;
use super::error::damaged;
use super::place::StateFiles;
use super::sqlite::{Context as _, Sqlite};
use super::timestamp::millis;
use super::version::{self, List};
use super::{Error, Result, Seed, Version};

/// The last version of a resource, in the light of its YAML.
#[derive(Clone, Debug)]
pub struct Current {
    /// The version: that which is stored, or the one after it, which a change of the YAML is going to make.
    pub version: Version,
    /// Whether [`super::Store::adopt`] has yet to store it.
    pub changed: bool,
}

impl Sqlite {
    /// The last version of a resource whose YAML says `seed`; `None` if nothing is stored of it. Nothing is written.
    ///
    /// # Errors
    ///
    /// As [`Store::latest`].
    pub(super) fn current(&self, name: &str, seed: &Seed) -> Result<Option<Current>> {
        const WHAT: &str = "read the versions";
        let Some(version) = self.latest(name)? else { return Ok(None) };
        let written = written(&self.connection, name).context(self, WHAT)?;
        let changed = written.and_then(|written| next(&version, &written, seed));
        let (version, changed) = match changed {
            Some(next) => (next, true),
            None => (version, false),
        };
        Ok(Some(Current { version, changed }))
    }

    /// Makes the version that a change of the YAML asks for, unless it was made by now. Returns the last version
    /// of the resource.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub(super) fn adopt(&mut self, name: &str, seed: &Seed) -> Result<Option<Version>> {
        const WHAT: &str = "store what has changed in the YAML";
        let (place, patience) = (self.place.clone(), self.patience.get());
        let explain = |error: rusqlite::Error| Error::sqlite(&error, &place, patience, WHAT);
        let transaction = self.write(WHAT)?;
        let latest = version::latest(&transaction, name).map_err(explain)?;
        let Some(latest) = latest.map(|raw| raw.parse_at(&place)).transpose()? else { return Ok(None) };
        let written = written(&transaction, name).map_err(explain)?;
        let Some(next) = written.and_then(|written| next(&latest, &written, seed)) else {
            return Ok(Some(latest));
        };
        insert(&transaction, &place, &next).map_err(explain)??;
        write(&transaction, name, seed).map_err(explain)?;
        transaction.commit().map_err(explain)?;
        Ok(Some(next))
    }
}

/// Stores a version whose number is the next one.
fn insert(connection: &Connection, place: &StateFiles, version: &Version) -> rusqlite::Result<Result<()>> {
    let number: u32 = connection.query_row(
        "UPDATE subject SET versions = versions + 1 WHERE name = ?1 RETURNING versions",
        [&version.name],
        |row| row.get(0),
    )?;
    if number != version.number {
        return Ok(Err(damaged(place, &format!("cannot number {}: {number} is next", version.reference()))));
    }
    connection.execute(
        "INSERT INTO version (subject, number, name, bag, tree, made)
         SELECT id, ?2, ?3, ?4, ?5, ?6 FROM subject WHERE name = ?1",
        (
            &version.name,
            number,
            &version.version_name,
            Json::Object(version.bag.clone()).to_string(),
            version.tree.as_ref().and_then(List::row),
            millis(version.created),
        ),
    )?;
    Ok(Ok(()))
}

/// What the YAML said of a resource when it was last taken in.
fn written(connection: &Connection, name: &str) -> rusqlite::Result<Option<Seed>> {
    let found: Option<Option<String>> = connection
        .query_row("SELECT written FROM subject WHERE name = ?1", [name], |row| row.get(0))
        .optional()?;
    // Text that is no seed is as good as none: then the versions alone count.
    Ok(found.flatten().and_then(|text| {
        let mut json: Json = serde_json::from_str(&text).ok()?;
        let version_name = json["versionName"].as_str().map(str::to_owned);
        match json["bag"].take() {
            Json::Object(bag) => Some(Seed { version_name, bag }),
            _ => None,
        }
    }))
}

/// Remembers what the YAML says of a resource.
fn write(connection: &Connection, name: &str, seed: &Seed) -> rusqlite::Result<()> {
    let text = json!({ "versionName": seed.version_name, "bag": seed.bag }).to_string();
    connection.execute("UPDATE subject SET written = ?2 WHERE name = ?1", (name, text)).map(drop)
}

/// The same, unless it is known: a later change of the YAML has to go through [`super::Store::adopt`].
pub(super) fn write_first(connection: &Connection, name: &str, seed: &Seed) -> rusqlite::Result<()> {
    if written(connection, name)?.is_none() { write(connection, name, seed) } else { Ok(()) }
}

/// The version after `latest`, if the YAML has changed from `old` to `new`.
pub(super) fn next(latest: &Version, old: &Seed, new: &Seed) -> Option<Version> {
    if old == new {
        return None;
    }
    let mut next =
        Version { number: latest.number + 1, created: SystemTime::now(), build: None, ..latest.clone() };
    if old.version_name != new.version_name {
        next.version_name.clone_from(&new.version_name);
    }
    take_changes(&mut next.bag, &old.bag, &new.bag);
    Some(next)
}

/// Does to `bag` what leads from `old` to `new`.
fn take_changes(bag: &mut Map<String, Json>, old: &Map<String, Json>, new: &Map<String, Json>) {
    for (key, value) in new {
        match (bag.get_mut(key), old.get(key), value) {
            (_, Some(old), new) if same(old, new) => {}
            (Some(Json::Object(bag)), Some(Json::Object(old)), Json::Object(new)) => {
                take_changes(bag, old, new)
            }
            _ => _ = bag.insert(key.clone(), value.clone()),
        }
    }
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        bag.shift_remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bag(json: Json) -> Map<String, Json> {
        json.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn what_the_yaml_changed_counts_and_all_else_stays() {
        let mut found = bag(json!({"params": {"A": "job", "B": "job", "C": "1", "N": "job"}, "x": "job"}));
        let old = bag(json!({"params": {"A": "1", "B": "1", "C": "1"}, "x": "1"}));
        let new = bag(json!({"params": {"A": "2", "B": "1", "D": "new"}, "x": "1"}));
        take_changes(&mut found, &old, &new);
        assert_eq!(
            Json::Object(found),
            json!({"params": {"A": "2", "B": "job", "N": "job", "D": "new"}, "x": "job"})
        );
    }
}
