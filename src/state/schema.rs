//! The tables, and how those of an older `shipctl` become those of this one.
//!
//! A step is never changed once it has been released: what is to be different goes into a step of its own, behind the
//! others. `user_version` counts the steps that a database has had.

use rusqlite::Connection;

use super::place::StateFiles;
use super::{Error, Result, StateErrorKind};

/// The steps, from an empty database on.
pub(super) const STEPS: &[&str] = &[
    // Jobs and resources share one space of names, as they do in `IN: name`. The counters outlive what they counted,
    // so that no number is given twice. What versions hold is shared among them: a content is kept once, and so is a
    // list of files that did not change. `touched` names versions by number, because builds outlive them.
    "
    CREATE TABLE subject (
        id       INTEGER PRIMARY KEY,
        name     TEXT    NOT NULL UNIQUE,
        versions INTEGER NOT NULL DEFAULT 0,
        builds   INTEGER NOT NULL DEFAULT 0
    ) STRICT;

    CREATE TABLE build (
        id       INTEGER PRIMARY KEY AUTOINCREMENT,
        job      INTEGER NOT NULL REFERENCES subject,
        number   INTEGER NOT NULL,
        started  INTEGER NOT NULL,
        ended    INTEGER,
        duration INTEGER,
        result   TEXT,
        status   INTEGER,
        UNIQUE (job, number)
    ) STRICT;

    CREATE TABLE touched (
        build   INTEGER NOT NULL REFERENCES build ON DELETE CASCADE,
        made    INTEGER NOT NULL,
        place   INTEGER NOT NULL,
        subject INTEGER NOT NULL REFERENCES subject,
        number  INTEGER NOT NULL,
        PRIMARY KEY (build, made, place)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE content (
        id   INTEGER PRIMARY KEY,
        hash BLOB    NOT NULL UNIQUE,
        size INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE piece (
        content INTEGER NOT NULL REFERENCES content ON DELETE CASCADE,
        place   INTEGER NOT NULL,
        bytes   BLOB    NOT NULL,
        UNIQUE (content, place)
    ) STRICT;

    CREATE TABLE tree (
        id   INTEGER PRIMARY KEY,
        hash BLOB NOT NULL UNIQUE
    ) STRICT;

    CREATE TABLE entry (
        tree    INTEGER NOT NULL REFERENCES tree ON DELETE CASCADE,
        path    BLOB    NOT NULL,
        kind    TEXT    NOT NULL CHECK (kind IN ('directory', 'file', 'symlink')),
        mode    INTEGER NOT NULL,
        content INTEGER REFERENCES content,
        target  BLOB,
        PRIMARY KEY (tree, path)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX entry_content ON entry (content);

    CREATE TABLE version (
        id      INTEGER PRIMARY KEY,
        subject INTEGER NOT NULL REFERENCES subject,
        number  INTEGER NOT NULL,
        name    TEXT,
        bag     TEXT    NOT NULL,
        tree    INTEGER REFERENCES tree,
        made    INTEGER NOT NULL,
        build   INTEGER REFERENCES build ON DELETE SET NULL,
        UNIQUE (subject, number)
    ) STRICT;
    CREATE INDEX version_name ON version (subject, name) WHERE name IS NOT NULL;
    CREATE INDEX version_tree ON version (tree);
    CREATE INDEX version_build ON version (build);
    ",
    // What the YAML said of a resource when its versions last took it in, as JSON: so that a change of it is noticed.
    "ALTER TABLE subject ADD COLUMN written TEXT;",
    // Builds that have not ended are files from here on, which an older `shipctl` knows nothing of. Most versions have no
    // files, and need not be found by them.
    "
    DROP INDEX version_tree;
    CREATE INDEX version_tree ON version (tree) WHERE tree IS NOT NULL;
    ",
    // Builds that have ended may wait in a file from here on, and one file may serve one build after the other: an older
    // `shipctl` would miss the ones and count the others twice. The tables stay as they are.
    "",
];

/// Marks a database as one of `shipctl`'s, for `file` and for people who find it: `ship`.
pub(super) const APPLICATION_ID: i32 = 0x7368_6970;

/// That a database is of no newer `shipctl` than one that knows these steps; it has had `found` of its own.
pub(super) fn refuse_newer(place: &StateFiles, found: usize, steps: &[&str]) -> Result<()> {
    if found <= steps.len() {
        return Ok(());
    }
    Err(Error::new(
        StateErrorKind::Newer,
        format!(
            "cannot open the state: {} was written by a newer shipctl (its format is {found}, this one knows up to \
             {}): use that one, or start over with `shipctl reset`",
            place.shown(),
            steps.len()
        ),
    ))
}

/// That no newer `shipctl` has brought the database up to its own date since it was opened.
pub(super) fn refuse_newer_now(connection: &Connection, place: &StateFiles) -> rusqlite::Result<Result<()>> {
    let version: i64 = connection.prepare_cached("PRAGMA user_version")?.query_row([], |row| row.get(0))?;
    Ok(refuse_newer(place, usize::try_from(version).unwrap_or_default(), STEPS))
}
