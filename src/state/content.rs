//! State files in the database: lists of files, and contents in pieces.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _, Row, Statement, Transaction};
use sha2::{Digest as _, Sha256};

use super::error::{Explain, damaged};
use super::sqlite::{Context as _, Sqlite};
use super::tree::{Hash, read_file, stays_below};
use super::version::List;
use super::{EntryKind, Error, Result, StateErrorKind, Tree, TreeEntry, Version};

impl Sqlite {
    /// The state files of a version, parents before what is in them.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub(super) fn files(&self, version: &Version) -> Result<Vec<TreeEntry>> {
        self.listing(version)?.into_iter().map(|(entry, _)| Ok(entry)).collect()
    }

    /// The same with the contents' numbers.
    pub(super) fn listing(&self, version: &Version) -> Result<Vec<(TreeEntry, Option<i64>)>> {
        let what = format!("read the files of {}", version.reference());
        let Some(tree) = version.tree.as_ref().and_then(List::row) else { return Ok(Vec::new()) };
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
                StateErrorKind::Missing,
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

fn entry_of(row: &Row) -> rusqlite::Result<(TreeEntry, Option<i64>)> {
    let kind: String = row.get(2)?;
    let content: Option<i64> = row.get(4)?;
    let kind = match kind.as_str() {
        "directory" => EntryKind::Directory,
        "file" => EntryKind::File { size: row.get::<_, i64>(5)?.unsigned_abs(), hash: row.get(6)? },
        _ => EntryKind::Symlink { target: path(row.get(3)?) },
    };
    Ok((TreeEntry { path: path(row.get(0)?), mode: row.get(1)?, kind }, content))
}

fn path(bytes: Vec<u8>) -> PathBuf {
    OsString::from_vec(bytes).into()
}

/// Reads contents piece by piece.
pub(super) struct Reader<'c>(Statement<'c>);

impl<'c> Reader<'c> {
    pub(super) fn new(connection: &'c Connection) -> rusqlite::Result<Reader<'c>> {
        Ok(Reader(connection.prepare("SELECT bytes FROM piece WHERE content = ?1 ORDER BY place")?))
    }

    /// Hands out the pieces of a content. Returns whether they are what was stored, or the first error of `each`.
    pub(super) fn read(
        &mut self,
        content: i64,
        hash: &Hash,
        mut each: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> rusqlite::Result<io::Result<bool>> {
        let mut rows = self.0.query([content])?;
        let mut hasher = Sha256::new();
        while let Some(row) = rows.next()? {
            let bytes = row.get_ref(0)?.as_blob()?;
            hasher.update(bytes);
            if let Err(error) = each(bytes) {
                return Ok(Err(error));
            }
        }
        Ok(Ok(Hash::from(hasher.finalize()) == *hash))
    }
}

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
    let mut contents = Contents::new(transaction, explain).map_err(explain)?;
    for entry in &tree.entries {
        let (kind, content, target) = match &entry.kind {
            EntryKind::Directory => ("directory", None, None),
            EntryKind::File { hash, size } => {
                ("file", Some(contents.keep(&tree.root.join(&entry.path), hash, *size)?), None)
            }
            EntryKind::Symlink { target } => ("symlink", None, Some(target.as_os_str().as_bytes())),
        };
        insert
            .execute((id, entry.path.as_os_str().as_bytes(), kind, entry.mode, content, target))
            .map_err(explain)?;
    }
    Ok(Some(id))
}

/// Writes contents piece by piece, each of them once.
struct Contents<'t> {
    find: Statement<'t>,
    add: Statement<'t>,
    add_piece: Statement<'t>,
    explain: Explain<'t>,
}

impl<'t> Contents<'t> {
    fn new(transaction: &'t Transaction, explain: Explain<'t>) -> rusqlite::Result<Contents<'t>> {
        Ok(Contents {
            find: transaction.prepare("SELECT id FROM content WHERE hash = ?1")?,
            add: transaction.prepare("INSERT INTO content (hash, size) VALUES (?1, ?2)")?,
            add_piece: transaction
                .prepare("INSERT INTO piece (content, place, bytes) VALUES (?1, ?2, ?3)")?,
            explain,
        })
    }

    /// Stores the content of a file unless it is known. Returns its number.
    fn keep(&mut self, path: &Path, hash: &Hash, size: u64) -> Result<i64> {
        let explain = self.explain;
        if let Some(known) = self.find.query_row([hash], |row| row.get(0)).optional().map_err(explain)? {
            return Ok(known);
        }
        let id = self.add.insert((hash, size.cast_signed())).map_err(explain)?;
        let mut hasher = Sha256::new();
        let mut place = 0_u32;
        read_file(path, |bytes| {
            hasher.update(bytes);
            self.add_piece.execute((id, place, bytes)).map_err(explain)?;
            place += 1;
            Ok(())
        })?;
        if Hash::from(hasher.finalize()) == *hash {
            return Ok(id);
        }
        Err(Error::new(
            StateErrorKind::Unfit,
            format!(
                "{} changed while it was taken into the state: something that the job started is still writing to it",
                path.display()
            ),
        ))
    }
}
