//! State files in the database: lists of files, and contents in pieces.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction};
use sha2::{Digest as _, Sha256};

use super::error::{Context as _, damaged};
use super::tree::{Hash, PIECE, read_file, stays_below};
use super::{Entry, EntryKind, Error, Kind, Result, Store, Tree, Version};

impl Store {
    /// The state files of a version, parents before what is in them.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn files(&self, version: &Version) -> Result<Vec<Entry>> {
        self.listing(version)?.into_iter().map(|(entry, _)| Ok(entry)).collect()
    }

    /// The same with the contents' numbers.
    pub(super) fn listing(&self, version: &Version) -> Result<Vec<(Entry, Option<i64>)>> {
        let what = format!("read the files of {}", version.reference());
        let Some(tree) = version.tree else { return Ok(Vec::new()) };
        let mut statement = self
            .connection
            .prepare(
                "SELECT path, mode, kind, target, content, size, hash
                 FROM entry LEFT JOIN content ON content.id = entry.content WHERE tree = ?1 ORDER BY path",
            )
            .context(self, &what)?;
        let rows = statement.query_map([tree], entry_of).context(self, &what)?;
        let entries: Vec<_> = rows.collect::<rusqlite::Result<_>>().context(self, &what)?;
        if entries.is_empty() {
            return Err(Error::new(
                Kind::Missing,
                format!("the files of {} are gone: it was pruned in the meantime", version.reference()),
            ));
        }
        // The database may come from a stranger: nothing is written outside of the directory.
        if entries.iter().any(|(entry, _)| !stays_below(entry.path.as_os_str())) {
            return Err(damaged(&self.place, &format!("cannot {what}: a path leads out of its directory")));
        }
        Ok(entries)
    }
}

fn entry_of(row: &Row) -> rusqlite::Result<(Entry, Option<i64>)> {
    let kind: String = row.get(2)?;
    let content: Option<i64> = row.get(4)?;
    let kind = match kind.as_str() {
        "directory" => EntryKind::Directory,
        "file" => EntryKind::File { size: row.get::<_, i64>(5)?.unsigned_abs(), hash: row.get(6)? },
        _ => EntryKind::Symlink { target: path(row.get(3)?) },
    };
    Ok((Entry { path: path(row.get(0)?), mode: row.get(1)?, kind }, content))
}

fn path(bytes: Vec<u8>) -> PathBuf {
    OsString::from_vec(bytes).into()
}

/// Reads a content piece by piece, and checks that it is what was stored.
pub(super) fn read(
    connection: &Connection,
    content: i64,
    hash: &Hash,
    mut each: impl FnMut(&[u8]) -> std::io::Result<()>,
) -> rusqlite::Result<std::io::Result<bool>> {
    let mut statement = connection.prepare("SELECT bytes FROM piece WHERE content = ?1 ORDER BY place")?;
    let mut rows = statement.query([content])?;
    let mut hasher = Sha256::new();
    while let Some(row) = rows.next()? {
        let bytes = row.get_ref(0)?.as_blob()?;
        hasher.update(bytes);
        if let Err(error) = each(bytes) {
            return Ok(Err(error));
        }
    }
    Ok(Ok(<[u8; 32]>::from(hasher.finalize()) == *hash))
}

/// What stands between an error of the database and one that can be shown.
pub(super) type Explain<'a> = &'a dyn Fn(rusqlite::Error) -> Error;

/// Stores a list of files and what it lacks of their contents. Returns its number; `None` if there are no files.
pub(super) fn store(transaction: &Transaction, tree: &Tree, explain: Explain) -> Result<Option<i64>> {
    if tree.entries.is_empty() {
        return Ok(None);
    }
    let hash = tree.hash();
    let known = transaction
        .query_row("SELECT id FROM tree WHERE hash = ?1", [hash], |row| row.get(0))
        .optional()
        .map_err(explain)?;
    if known.is_some() {
        return Ok(known);
    }
    transaction.execute("INSERT INTO tree (hash) VALUES (?1)", [hash]).map_err(explain)?;
    let id = transaction.last_insert_rowid();
    let mut insert = transaction
        .prepare(
            "INSERT INTO entry (tree, path, kind, mode, content, target) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )
        .map_err(explain)?;
    for entry in &tree.entries {
        let (kind, content, target) = match &entry.kind {
            EntryKind::Directory => ("directory", None, None),
            EntryKind::File { hash, size } => {
                ("file", Some(content(transaction, tree, entry, hash, *size, explain)?), None)
            }
            EntryKind::Symlink { target } => ("symlink", None, Some(target.as_os_str().as_bytes())),
        };
        insert
            .execute((id, entry.path.as_os_str().as_bytes(), kind, entry.mode, content, target))
            .map_err(explain)?;
    }
    Ok(Some(id))
}

/// Stores the content of a file unless it is known. Returns its number.
fn content(
    transaction: &Transaction,
    tree: &Tree,
    entry: &Entry,
    hash: &Hash,
    size: u64,
    explain: Explain,
) -> Result<i64> {
    let known = transaction
        .query_row("SELECT id FROM content WHERE hash = ?1", [hash], |row| row.get(0))
        .optional()
        .map_err(explain)?;
    if let Some(id) = known {
        return Ok(id);
    }
    transaction
        .execute("INSERT INTO content (hash, size) VALUES (?1, ?2)", (hash, size.cast_signed()))
        .map_err(explain)?;
    let id = transaction.last_insert_rowid();
    let mut insert = transaction
        .prepare("INSERT INTO piece (content, place, bytes) VALUES (?1, ?2, ?3)")
        .map_err(explain)?;
    let mut hasher = Sha256::new();
    let mut place = 0_u32;
    let path = tree.root.join(&entry.path);
    read_file(&path, |bytes| {
        hasher.update(bytes);
        insert.execute((id, place, bytes)).map_err(explain)?;
        place += 1;
        Ok(())
    })?;
    if <[u8; 32]>::from(hasher.finalize()) != *hash {
        return Err(Error::new(
            Kind::Unfit,
            format!(
                "{} changed while it was taken into the state: something that the job started is still writing to it",
                path.display()
            ),
        ));
    }
    debug_assert!(size <= u64::from(place) * PIECE as u64);
    Ok(id)
}
