//! A directory that several machines share, over NFS for instance.
//!
//! An object is written beside its place, under a name of its own, and then linked to its place: that fails if something is
//! there, on all machines alike, and never seen in part.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest as _, Sha256};

use super::super::tree::{Hash, PIECE, read_file};
use super::super::{Error, Result, StateErrorKind};
use super::{Objects, Take};

/// Where objects are written.
const UNFINISHED: &str = "unfinished";

/// What is older there was left by a process that was killed.
const LEFT: Duration = Duration::from_secs(24 * 3600);

/// A directory of objects.
pub(in super::super) struct Directory {
    root: PathBuf,
}

impl Directory {
    pub(in super::super) fn new(root: &Path) -> Directory {
        Directory { root: root.to_owned() }
    }

    fn failed(&self, what: &str) -> impl Fn(io::Error) -> Error {
        let message = format!("cannot {what} the state in {}", self.root.display());
        move |error| Error::io(&error, &message)
    }

    /// Makes the root if it is not there, for its owner alone. That what it lies in is not there is an error: a file system
    /// that is not mounted, most likely.
    fn make_root(&self) -> Result<()> {
        match DirBuilder::new().mode(0o700).create(&self.root) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(self.failed("make")(error)),
            _ => Ok(()),
        }
    }

    /// Writes a file that is whole, under a name of its own.
    fn write(&self, fill: &mut dyn FnMut(&mut File) -> Result<()>) -> Result<Unfinished> {
        let failed = self.failed("write");
        self.make_root()?;
        let directory = self.root.join(UNFINISHED);
        match fs::create_dir(&directory) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(failed(error)),
            _ => {}
        }
        let unique = RandomState::new().hash_one((std::process::id(), SystemTime::now()));
        let path = directory.join(format!("{unique:016x}"));
        let mut file = OpenOptions::new().write(true).create_new(true).open(&path).map_err(&failed)?;
        let unfinished = Unfinished(path);
        fill(&mut file)?;
        file.sync_all().map_err(&failed)?;
        Ok(unfinished)
    }

    /// The place of an object, whose directory is made.
    fn place(&self, key: &str) -> Result<PathBuf> {
        let path = self.root.join(key);
        let parent = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(parent).map_err(self.failed("write"))?;
        Ok(path)
    }

    fn replace(&self, key: &str, fill: &mut dyn FnMut(&mut File) -> Result<()>) -> Result<()> {
        let unfinished = self.write(fill)?;
        fs::rename(&unfinished.0, self.place(key)?).map_err(self.failed("write"))
    }
}

/// A file that goes away with this, unless it was moved.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

impl Objects for Directory {
    fn shown(&self) -> String {
        self.root.display().to_string()
    }

    fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        match fs::read(self.root.join(key)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(self.failed("read")(error)),
        }
    }

    fn read(&self, key: &str, take: Take) -> Result<io::Result<bool>> {
        let mut file = match File::open(self.root.join(key)) {
            Ok(file) => file,
            Err(error) if is_missing(&error) => return Ok(Ok(false)),
            Err(error) => return Err(self.failed("read")(error)),
        };
        let mut buffer = vec![0; PIECE];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => return Ok(Ok(true)),
                Ok(count) => {
                    if let Err(error) = take(&buffer[..count]) {
                        return Ok(Err(error));
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed("read")(error)),
            }
        }
    }

    fn create(&self, key: &str, bytes: &[u8]) -> Result<bool> {
        let failed = self.failed("write");
        let unfinished = self.write(&mut |file| file.write_all(bytes).map_err(&failed))?;
        match fs::hard_link(&unfinished.0, self.place(key)?) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(failed(error)),
        }
    }

    fn put(&self, key: &str, bytes: &[u8]) -> Result<()> {
        let failed = self.failed("write");
        self.replace(key, &mut |file| file.write_all(bytes).map_err(&failed))
    }

    fn put_file(&self, key: &str, path: &Path, hash: &Hash, _size: u64) -> Result<()> {
        let failed = self.failed("write");
        self.replace(key, &mut |file| {
            let mut hasher = Sha256::new();
            read_file(path, |bytes| {
                hasher.update(bytes);
                file.write_all(bytes).map_err(&failed)
            })?;
            if Hash::from(hasher.finalize()) == *hash { Ok(()) } else { Err(changed(path)) }
        })
    }

    fn age(&self, key: &str) -> Result<Option<Duration>> {
        match fs::metadata(self.root.join(key)).and_then(|metadata| metadata.modified()) {
            Ok(made) => Ok(Some(made.elapsed().unwrap_or_default())),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(self.failed("read")(error)),
        }
    }

    fn list(&self, key: &str, limit: usize) -> Result<Vec<String>> {
        let names = fs::read_dir(self.root.join(key)).and_then(|entries| {
            let name =
                |entry: io::Result<fs::DirEntry>| Ok(entry?.file_name().to_string_lossy().into_owned());
            entries.map(name).collect::<io::Result<Vec<_>>>()
        });
        let mut names = match names {
            Ok(names) => names,
            Err(error) if is_missing(&error) => return Ok(Vec::new()),
            Err(error) => return Err(self.failed("read")(error)),
        };
        // NFS keeps files there that are open and were removed.
        names.retain(|name| !name.starts_with('.'));
        names.sort();
        names.truncate(limit);
        Ok(names)
    }

    fn remove(&self, key: &str) -> Result<()> {
        let path = self.root.join(key);
        match fs::remove_file(&path) {
            Err(error) if !is_missing(&error) => return Err(self.failed("prune")(error)),
            _ => {}
        }
        // The directory of a build is empty then; others mostly are not.
        let _ = path.parent().map(fs::remove_dir);
        Ok(())
    }

    fn sweep(&self) -> Result<()> {
        for name in self.list(UNFINISHED, usize::MAX)? {
            let key = format!("{UNFINISHED}/{name}");
            if self.age(&key)?.is_some_and(|age| age > LEFT) {
                self.remove(&key)?;
            }
        }
        Ok(())
    }
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// The error for a file that is not what it was when it was listed.
pub(super) fn changed(path: &Path) -> Error {
    let message = format!(
        "{} changed while it was taken into the state: something that the job started is still writing to it",
        path.display()
    );
    Error::new(StateErrorKind::Unfit, message)
}
