//! State files as they lie in a directory: taken in without following a link.

use std::cmp::Ordering;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use sha2::{Digest as _, Sha256};

use super::{Error, Result, StateErrorKind};

/// How many bytes the files of one version may have together by default: state is for what the next run needs; what a
/// job builds belongs elsewhere.
pub const MAX_BYTES: u64 = 1 << 30;

/// The SHA-256 of a content or of a list of files.
pub(super) type Hash = [u8; 32];

/// A hash in hexadecimal digits.
pub(super) fn hex(hash: &Hash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Files are read and stored in pieces of this many bytes.
pub(super) const PIECE: usize = 1 << 20;

/// The files of a directory, listed and hashed, not yet stored. Their content is read again when it is, so the
/// directory has to stay as it is until then.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// The directory.
    pub(super) root: PathBuf,
    /// What is in it, in the order of the paths, so that parents come first.
    pub(super) entries: Vec<TreeEntry>,
}

/// A file, directory or symbolic link of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeEntry {
    /// Where it is, relative to the directory of state files.
    pub path: PathBuf,
    /// Its permissions, of which owner, group and others have three bits each; 0 for a symbolic link.
    pub mode: u32,
    /// What it is.
    pub kind: EntryKind,
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A directory.
    Directory,
    /// A regular file.
    File {
        /// How many bytes it has.
        size: u64,
        /// The SHA-256 of its content.
        hash: [u8; 32],
    },
    /// A symbolic link, which is kept as it is, wherever it points.
    Symlink {
        /// Where it points.
        target: PathBuf,
    },
}

impl Tree {
    /// Takes in all files below `directory`, which may be missing, but those of which `keep` says no; it is asked with
    /// paths relative to the directory, and a directory that it refuses is not looked into. Owners, times and extended
    /// attributes are not kept.
    ///
    /// # Errors
    ///
    /// When something cannot be read, is neither file, directory nor symbolic link, or when the files have more than
    /// `limit` bytes together ([`MAX_BYTES`]): the error names it.
    pub fn collect(directory: &Path, limit: u64, mut keep: impl FnMut(&Path) -> bool) -> Result<Tree> {
        let mut tree = Tree { root: directory.to_owned(), entries: Vec::new() };
        let mut bytes = 0;
        tree.walk(Path::new(""), &mut keep, &mut |size, path| {
            bytes += size;
            if bytes <= limit {
                return Ok(());
            }
            Err(Error::new(
                StateErrorKind::Unfit,
                format!(
                    "the state files in {} have more than {limit} bytes together, reached at {}: keep large files \
                     elsewhere and their address in the state",
                    directory.display(),
                    path.display()
                ),
            ))
        })?;
        tree.entries.sort_by(|one, other| order(&one.path, &other.path));
        Ok(tree)
    }

    /// The directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What is in it, parents before what is in them.
    pub fn entries(&self) -> &[TreeEntry] {
        &self.entries
    }

    fn walk(
        &mut self,
        within: &Path,
        keep: &mut impl FnMut(&Path) -> bool,
        count: &mut impl FnMut(u64, &Path) -> Result<()>,
    ) -> Result<()> {
        let directory = self.root.join(within);
        let unreadable = |error: io::Error| Error::io(&error, cannot_read(&directory));
        // All of it at once: a deep tree would run out of open files.
        let listing: Vec<_> = match fs::read_dir(&directory).and_then(Iterator::collect) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && within == Path::new("") => return Ok(()),
            listing => listing.map_err(unreadable)?,
        };
        for found in listing {
            let path = within.join(found.file_name());
            if !keep(&path) {
                continue;
            }
            let at = self.root.join(&path);
            let metadata = fs::symlink_metadata(&at).map_err(|error| Error::io(&error, cannot_read(&at)))?;
            let mode = metadata.mode() & 0o777;
            if metadata.is_dir() {
                self.entries.push(TreeEntry { path: path.clone(), mode, kind: EntryKind::Directory });
                self.walk(&path, keep, count)?;
            } else if metadata.is_symlink() {
                let target = fs::read_link(&at).map_err(|error| Error::io(&error, cannot_read(&at)))?;
                self.entries.push(TreeEntry { path, mode: 0, kind: EntryKind::Symlink { target } });
            } else if metadata.is_file() {
                let kind = hash_file(&at, &mut |size| count(size, &at))?;
                self.entries.push(TreeEntry { path, mode, kind });
            } else {
                return Err(special(&at, metadata.file_type()));
            }
        }
        Ok(())
    }

    /// The hash of the list: what is alike in it is alike on disk.
    pub(super) fn hash(&self) -> Hash {
        let mut hasher = Sha256::new();
        let mut field = |bytes: &[u8]| {
            hasher.update((bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        for entry in &self.entries {
            field(entry.path.as_os_str().as_bytes());
            field(&entry.mode.to_le_bytes());
            match &entry.kind {
                EntryKind::Directory => field(b"directory"),
                EntryKind::File { hash, .. } => {
                    field(b"file");
                    field(hash);
                }
                EntryKind::Symlink { target } => {
                    field(b"symlink");
                    field(target.as_os_str().as_bytes());
                }
            }
        }
        hasher.finalize().into()
    }
}

/// The order of paths in a list, which is that of their bytes, in the database too.
fn order(one: &Path, other: &Path) -> Ordering {
    one.as_os_str().as_bytes().cmp(other.as_os_str().as_bytes())
}

fn cannot_read(path: &Path) -> String {
    format!("cannot take {} into the state", path.display())
}

fn special(path: &Path, kind: fs::FileType) -> Error {
    let what = if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    };
    Error::new(
        StateErrorKind::Unfit,
        format!(
            "{}: it is {what}, and only files, directories and symbolic links can be kept: remove it",
            cannot_read(path)
        ),
    )
}

fn hash_file(path: &Path, count: &mut dyn FnMut(u64) -> Result<()>) -> Result<EntryKind> {
    let mut hasher = Sha256::new();
    let mut size = 0;
    read_file(path, |piece| {
        hasher.update(piece);
        size += piece.len() as u64;
        count(piece.len() as u64)
    })?;
    Ok(EntryKind::File { size, hash: hasher.finalize().into() })
}

/// Reads a regular file piece by piece.
pub(super) fn read_file(path: &Path, mut each: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
    let unreadable = |error: io::Error| Error::io(&error, cannot_read(path));
    let mut file = open_regular(path).map_err(unreadable)?;
    // Most state files are small.
    let size = file.metadata().map_err(unreadable)?.len();
    let mut buffer = vec![0; PIECE.min(usize::try_from(size).unwrap_or(PIECE).saturating_add(1))];
    loop {
        let mut filled = 0;
        while filled < buffer.len() {
            match file.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(unreadable(error)),
            }
        }
        if filled > 0 {
            each(&buffer[..filled])?;
        }
        if filled < buffer.len() {
            return Ok(());
        }
        buffer.resize(PIECE, 0);
    }
}

/// Opens a file that was a regular one when it was listed: whatever has taken its place is not waited for.
fn open_regular(path: &Path) -> io::Result<File> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits()).open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::other("it is no regular file any more"))
    }
}

/// Whether a path stays below the directory that it is relative to: no `..`, no root, no empty part.
pub(super) fn stays_below(path: &OsStr) -> bool {
    let mut parts = path.as_bytes().split(|&byte| byte == b'/');
    !path.is_empty() && parts.all(|part| !matches!(part, b"" | b"." | b".."))
}
