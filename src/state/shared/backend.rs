//! What the rest of shipctl asks of state that is shared.

use std::path::Path;
use std::time::{Instant, SystemTime};

use super::document::{self, Stored};
use super::{Objects, Shared, Take, WatchFiles, build_key, builds_key, version_key, versions_key};
use crate::state::adopt::{self, Current};
use crate::state::backend::Backend;
use crate::state::build::ended_before;
use crate::state::export::lay_out;
use crate::state::import::{ImportOutcome, ImportedVersion};
use crate::state::running;
use crate::state::tree::{Hash, hex};
use crate::state::version::{Version, VersionRef};
use crate::state::{
    Build, BuildRecord, BuildRef, Change, Ended, Ending, EntryKind, Error, Pruned, Result, Seed,
    StateErrorKind, TreeEntry,
};

impl<O: Objects> Backend for Shared<O> {
    fn is_there(&self) -> bool {
        true
    }

    fn watch_files(&mut self, watch: WatchFiles) {
        self.watch = Some(watch);
    }

    fn latest(&self, name: &str) -> Result<Option<Version>> {
        Ok(self.last(name)?.map(|stored| stored.version))
    }

    fn by_number(&self, name: &str, number: u32) -> Result<Option<Version>> {
        Ok(self.stored(name, number)?.map(|stored| stored.version))
    }

    fn by_name(&self, name: &str, version_name: &str) -> Result<Option<Version>> {
        for number in self.numbers(&versions_key(name), usize::MAX)? {
            let found = self.by_number(name, number)?;
            if let Some(found) = found.filter(|found| found.version_name.as_deref() == Some(version_name)) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn versions(&self, name: &str, limit: u32) -> Result<Vec<Version>> {
        let numbers = self.numbers(&versions_key(name), limit as usize)?;
        numbers.into_iter().filter_map(|number| self.by_number(name, number).transpose()).collect()
    }

    fn all_latest(&self) -> Result<Vec<Version>> {
        let mut versions = Vec::new();
        for name in self.objects.list("versions", usize::MAX)? {
            // Whatever it stands for is in the object itself.
            let Some(last) = self.numbered(&format!("versions/{name}"), 1)?.pop() else { continue };
            let key = format!("versions/{name}/{last}");
            if let Some(bytes) = self.objects.get(&key)? {
                versions.push(Stored::parse(&bytes).ok_or_else(|| self.damaged(&key))?.version);
            }
        }
        versions.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(versions)
    }

    fn current(&self, name: &str, seed: &Seed) -> Result<Option<Current>> {
        let Some(stored) = self.last(name)? else { return Ok(None) };
        let next = stored.written.as_ref().and_then(|written| adopt::next(&stored.version, written, seed));
        let changed = next.is_some();
        Ok(Some(Current { version: next.unwrap_or(stored.version), changed }))
    }

    fn adopt(&mut self, name: &str, seed: &Seed) -> Result<Option<Version>> {
        let added = self.add(name, |last| {
            let next = last.and_then(|last| adopt::next(&last.version, last.written.as_ref()?, seed));
            Ok(next.map(|version| Stored { version, written: Some(seed.clone()) }))
        })?;
        if added.is_some() { Ok(added) } else { self.latest(name) }
    }

    fn files(&self, version: &Version) -> Result<Vec<TreeEntry>> {
        self.listing(version)
    }

    fn restore_files(&self, version: &Version, directory: &Path) -> Result<()> {
        let what = format!("restore the files of {}", version.reference());
        let entries = self.listing(version)?;
        let altered = |entry: &TreeEntry| {
            let message = format!(
                "cannot {what}: the content of {} in {} is not what was stored, or not there any more",
                entry.path.display(),
                self.objects.shown()
            );
            Error::new(StateErrorKind::Damaged, message)
        };
        let mut contents = |index: usize, take: Take| {
            let EntryKind::File { hash, .. } = &entries[index].kind else { return Ok(Ok(false)) };
            let mut hasher = <sha2::Sha256 as sha2::Digest>::new();
            let mut hashed = |bytes: &[u8]| {
                sha2::Digest::update(&mut hasher, bytes);
                take(bytes)
            };
            let read = self.objects.read(&format!("files/{}", hex(hash)), &mut hashed)?;
            Ok(read.map(|found| found && Hash::from(sha2::Digest::finalize(hasher)) == *hash))
        };
        lay_out(&entries, directory, &what, &mut contents, &altered)
    }

    fn begin_build(&mut self, job: &str, used: &[VersionRef]) -> Result<Build> {
        let (started, clock) = (SystemTime::now(), Instant::now());
        let mut lost = 0;
        loop {
            let reference = BuildRef { job: job.to_owned(), number: self.next_build(job)?.max(lost + 1) };
            let bytes = running::describe(job, reference.number, started, used);
            if self.objects.create(&format!("{}/begun", build_key(&reference)), bytes.as_bytes())? {
                return Ok(Build { reference, started, used: used.to_owned(), clock, running: None });
            }
            lost = reference.number;
        }
    }

    fn next_build(&self, job: &str) -> Result<u32> {
        Ok(self.numbers(&builds_key(job), 1)?.first().map_or(1, |last| last + 1))
    }

    fn finish(
        &mut self,
        build: &Build,
        ending: Ending,
        status: u8,
        changes: &[Change],
    ) -> Result<Vec<Option<u32>>> {
        let key = format!("{}/ended", build_key(&build.reference));
        if self.objects.age(&key)?.is_some() {
            return Err(ended_before(build));
        }
        let ended: Ended = build.ended(ending, status);
        let mut numbers = Vec::new();
        for change in changes {
            numbers.push(self.apply(change, &build.reference, ended.at)?);
        }
        let references = changes.iter().zip(&numbers).filter_map(|(change, number)| {
            Some(VersionRef { name: change.name.clone(), number: (*number)? })
        });
        let document = document::of_end(&ended, &references.collect::<Vec<_>>());
        if self.objects.create(&key, &document)? { Ok(numbers) } else { Err(ended_before(build)) }
    }

    fn history(&self, job: Option<&str>, limit: u32) -> Result<Vec<BuildRecord>> {
        self.read_history(job, limit)
    }

    fn last_builds(&self, each: u32) -> Result<Vec<BuildRecord>> {
        self.read_last_builds(each)
    }

    fn prune(&mut self, keep: u32) -> Result<Pruned> {
        self.drop_old(keep.max(1))
    }

    fn import(&mut self, given: &ImportedVersion) -> Result<ImportOutcome> {
        let tree = self.keep(&given.files)?;
        let version = Version {
            name: given.name.clone(),
            number: given.number,
            version_name: given.version_name.clone(),
            bag: given.bag.clone(),
            created: given.created,
            build: None,
            tree: tree.clone(),
        };
        let stored = Stored { version, written: None };
        if self.objects.create(&version_key(&given.name, given.number), &stored.bytes())? {
            return Ok(ImportOutcome::Stored);
        }
        match self.by_number(&given.name, given.number)? {
            Some(known) => given.agrees(&known, known.tree == tree),
            None => Ok(ImportOutcome::Known),
        }
    }
}
