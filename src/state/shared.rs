//! State that several machines use at once: a directory that they share, or a bucket.
//!
//! Everything is an object under a key, written whole and never changed. A number, of a version or of a build, is claimed by
//! creating the object that has it in its key, which one of those who try can do; the others take the next one. So
//! there is no lock that a dead process could keep, and no number is given twice or left out.
//!
//! | key | holds |
//! |---|---|
//! | `versions/NAME/REST-NUMBER` | a version, with the hash of its list of files |
//! | `builds/JOB/REST-NUMBER/begun`, `…/ended` | a build |
//! | `trees/HASH` | a list of files |
//! | `files/HASH` | the content of a file |
//!
//! Files come first, and the version that names them last: no version is seen whose files are not there. `REST` is what
//! the number lacks to the largest one, so that the last of a name is the first of a list.

mod backend;
mod bucket;
mod directory;
mod document;
mod history;
mod prune;

use std::collections::HashSet;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use super::change::same_bag;
use super::tree::{Hash, Tree, hex};
use super::version::{List, Version};
use super::{BuildRef, Change, EntryKind, Error, Files, Result, StateErrorKind, TreeEntry};

pub(super) use bucket::BucketObjects;
pub(super) use directory::Directory;
use document::Stored;

/// Where objects are kept. Keys are made of names with `/` between them, of letters, digits and `%-_.` alone.
pub(super) trait Objects: Send + Sync {
    /// What messages call it.
    fn shown(&self) -> String;
    /// The bytes of an object; `None` if it is not there.
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>>;
    /// Hands out the bytes of an object piece by piece; says whether it is there, or the first error of `take`.
    fn read(&self, key: &str, take: Take) -> Result<io::Result<bool>>;
    /// Makes an object unless it is there; says whether it did. It is seen whole or not at all.
    fn create(&self, key: &str, bytes: &[u8]) -> Result<bool>;
    /// Makes an object, or makes it anew: who does so twice gives the same bytes.
    fn put(&self, key: &str, bytes: &[u8]) -> Result<()>;
    /// The same with the content of a file, which has this hash and size.
    fn put_file(&self, key: &str, path: &Path, hash: &Hash, size: u64) -> Result<()>;
    /// How long ago an object was made; `None` if it is not there.
    fn age(&self, key: &str) -> Result<Option<Duration>>;
    /// The names directly below a key, the first `limit` of them in their order.
    fn list(&self, key: &str, limit: usize) -> Result<Vec<String>>;
    /// Takes an object away. One that is not there is no error.
    fn remove(&self, key: &str) -> Result<()>;
    /// How many files are worth sending at the same time.
    fn at_once(&self) -> usize {
        1
    }
    /// Takes away what processes that were killed have left.
    fn sweep(&self) -> Result<()> {
        Ok(())
    }
}

/// What takes the bytes of an object.
type Take<'a> = &'a mut dyn FnMut(&[u8]) -> io::Result<()>;

/// A content that is older is made anew where it is needed, lest it is pruned at that moment.
const FRESH: Duration = Duration::from_secs(12 * 3600);

/// The state in a store of objects.
pub(super) struct Shared<O> {
    objects: O,
    /// Told how many of the files of a version are kept, and of how many.
    watch: Option<WatchFiles>,
}

/// See [`Store::watch_files`](super::Store::watch_files).
pub type WatchFiles = Box<dyn Fn(usize, usize) + Send + Sync>;

impl<O: Objects> Shared<O> {
    pub(super) fn new(objects: O) -> Shared<O> {
        Shared { objects, watch: None }
    }

    /// The version that an object holds.
    fn stored(&self, name: &str, number: u32) -> Result<Option<Stored>> {
        let key = version_key(name, number);
        self.objects
            .get(&key)?
            .map(|bytes| Stored::parse(&bytes).ok_or_else(|| self.damaged(&key)))
            .transpose()
    }

    /// The last version of a name.
    fn last(&self, name: &str) -> Result<Option<Stored>> {
        loop {
            let Some(number) = self.numbers(&versions_key(name), 1)?.first().copied() else {
                return Ok(None);
            };
            // It may be pruned at this moment; then there is a later one.
            if let Some(stored) = self.stored(name, number)? {
                return Ok(Some(stored));
            }
        }
    }

    /// The names that stand for numbers below a key, the last one first.
    fn numbered(&self, key: &str, limit: usize) -> Result<Vec<String>> {
        let is_one = |name: &String| number_of(name).is_some();
        let names = self.objects.list(key, limit)?;
        if names.iter().all(is_one) {
            return Ok(names);
        }
        // Something else lies there.
        Ok(self.objects.list(key, usize::MAX)?.into_iter().filter(is_one).take(limit).collect())
    }

    /// These numbers.
    fn numbers(&self, key: &str, limit: usize) -> Result<Vec<u32>> {
        Ok(self.numbered(key, limit)?.iter().filter_map(|name| number_of(name)).collect())
    }

    /// Adds a version after the last one, as `next` has it; one that is added at the same time comes before or after. `None`
    /// if `next` wants none. Returns the version.
    fn add(
        &self,
        name: &str,
        mut next: impl FnMut(Option<&Stored>) -> Result<Option<Stored>>,
    ) -> Result<Option<Version>> {
        let mut lost = 0;
        loop {
            let mut last = self.last(name)?;
            // A list may be older than what was just refused.
            if last.as_ref().is_none_or(|last| last.version.number < lost) {
                last = self.stored(name, lost)?.or(last);
            }
            let Some(mut stored) = next(last.as_ref())? else { return Ok(None) };
            stored.version.number = last.map_or(0, |last| last.version.number) + 1;
            if self.objects.create(&version_key(name, stored.version.number), &stored.bytes())? {
                return Ok(Some(stored.version));
            }
            lost = stored.version.number;
        }
    }

    /// The version that a change makes of the last one, if it makes any.
    fn apply(&self, change: &Change, build: &BuildRef, now: SystemTime) -> Result<Option<u32>> {
        let list = match &change.files {
            Files::Latest | Files::Empty => None,
            Files::Taken(tree) => self.keep(tree)?,
            Files::Of(version) => {
                let stored = self.stored(&version.name, version.number)?;
                let missing = || {
                    let message = format!("cannot copy the files of {version}: there is no such version");
                    Error::new(StateErrorKind::Missing, message)
                };
                stored.ok_or_else(missing)?.version.tree
            }
        };
        let added = self.add(&change.name, |last| {
            let last = match (last, &change.seed) {
                (None, Some(seed)) => Some(Stored::of_seed(&change.name, seed, now)),
                (last, _) => last.cloned(),
            };
            let latest = last.as_ref().map(|last| &last.version);
            let (version_name, bag) = change.apply(latest);
            let tree = match &change.files {
                Files::Latest => latest.and_then(|latest| latest.tree.clone()),
                _ => list.clone(),
            };
            let unchanged = latest.map_or_else(
                || tree.is_none() && version_name.is_none() && bag.is_empty(),
                |last| last.tree == tree && last.version_name == version_name && same_bag(&last.bag, &bag),
            );
            if unchanged && !change.even_unchanged {
                return Ok(None);
            }
            // The version that the YAML gives comes first.
            if let Some(seed) = last.as_ref().filter(|last| last.version.number == 0) {
                let first = Stored { version: Version { number: 1, ..seed.version.clone() }, ..seed.clone() };
                self.objects.create(&version_key(&change.name, 1), &first.bytes())?;
            }
            let written = last.and_then(|last| last.written).or_else(|| change.seed.clone());
            let build = Some(build.clone());
            let version = Version {
                name: change.name.clone(),
                number: 0,
                version_name,
                bag,
                created: now,
                build,
                tree,
            };
            Ok(Some(Stored { version, written }))
        });
        Ok(added?.map(|version| version.number))
    }

    /// Keeps files, and the list of them. Returns the list; `None` if there are none.
    fn keep(&self, tree: &Tree) -> Result<Option<List>> {
        if tree.entries.is_empty() {
            return Ok(None);
        }
        self.keep_contents(tree)?;
        let hash = hex(&tree.hash());
        let key = format!("trees/{hash}");
        if self.objects.age(&key)?.is_none_or(|age| age > FRESH) {
            self.objects.put(&key, &document::of_list(&tree.entries))?;
        }
        Ok(Some(List::Hash(hash)))
    }

    /// Keeps the contents of files, each once and several at a time: most of the time goes by waiting for answers. After an
    /// error, none is begun any more.
    fn keep_contents(&self, tree: &Tree) -> Result<()> {
        let mut seen = HashSet::new();
        let contents: Vec<_> = tree
            .entries
            .iter()
            .filter_map(|entry| match &entry.kind {
                EntryKind::File { size, hash } if seen.insert(hash) => Some((&entry.path, *size, hash)),
                _ => None,
            })
            .collect();
        let (next, done) = (AtomicUsize::new(0), Mutex::new(0));
        let tell = |count| {
            if let Some(watch) = &self.watch {
                watch(count, contents.len());
            }
        };
        let work = || -> Result<()> {
            while let Some((path, size, hash)) = contents.get(next.fetch_add(1, Ordering::Relaxed)) {
                let key = format!("files/{}", hex(hash));
                let kept = self.objects.age(&key).and_then(|age| match age {
                    Some(age) if age <= FRESH => Ok(()),
                    _ => self.objects.put_file(&key, &tree.root.join(path), hash, *size),
                });
                if kept.is_err() {
                    next.store(contents.len(), Ordering::Relaxed);
                    return kept;
                }
                let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                *done += 1;
                tell(*done);
            }
            Ok(())
        };
        let others = self.objects.at_once().min(contents.len()).saturating_sub(1);
        let kept = thread::scope(|scope| {
            // One that cannot be started is one fewer.
            let started: Vec<_> =
                (0..others).filter_map(|_| thread::Builder::new().spawn_scoped(scope, work).ok()).collect();
            let own = work();
            started.into_iter().fold(own, |kept, worker| {
                kept.and(worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            })
        });
        tell(contents.len());
        kept
    }

    fn listing(&self, version: &Version) -> Result<Vec<TreeEntry>> {
        let Some(List::Hash(hash)) = &version.tree else { return Ok(Vec::new()) };
        let key = format!("trees/{hash}");
        let bytes = self.objects.get(&key)?.ok_or_else(|| {
            let message =
                format!("the files of {} are gone: it was pruned in the meantime", version.reference());
            Error::new(StateErrorKind::Missing, message)
        })?;
        document::list(&bytes).ok_or_else(|| self.damaged(&key))
    }

    fn damaged(&self, key: &str) -> Error {
        let message = format!(
            "{key} in {} is damaged, or no state of shipctl: put a copy in its place, or remove it",
            self.objects.shown()
        );
        Error::new(StateErrorKind::Damaged, message)
    }
}

/// Where the versions of a name are.
fn versions_key(name: &str) -> String {
    format!("versions/{}", super::running::file_name(name))
}

fn version_key(name: &str, number: u32) -> String {
    format!("{}/{}", versions_key(name), numbered(number))
}

/// Where the builds of a job are.
fn builds_key(job: &str) -> String {
    format!("builds/{}", super::running::file_name(job))
}

fn build_key(build: &BuildRef) -> String {
    format!("{}/{}", builds_key(&build.job), numbered(build.number))
}

/// A number, so that the last one comes first in a list.
fn numbered(number: u32) -> String {
    format!("{:010}-{number}", u32::MAX - number)
}

/// The number that a name stands for, if it is one of ours.
fn number_of(name: &str) -> Option<u32> {
    let number = name.split_once('-')?.1.parse().ok()?;
    (numbered(number) == name).then_some(number)
}
