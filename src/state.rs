//! State that lasts: the versions of jobs and resources, and the builds that made them.
//!
//! It lies in `.shipctl/` beside the YAML, in a database, see `sqlite`; or in a directory or a bucket that several machines
//! share, see `shared`. What a store does is the trait in `backend`; other rooms use [`Store`] alone.
//!
//! This layer knows no YAML, no commands and no processes.

mod adopt;
pub mod audit;
mod backend;
mod build;
mod change;
mod content;
mod error;
mod export;
mod finish;
mod import;
mod imported;
mod leak;
mod local;
pub mod logs;
mod open;
mod pending;
mod place;
mod prune;
mod running;
mod schema;
mod shared;
mod sqlite;
mod timestamp;
mod tree;
mod version;

use std::path::Path;
use std::time::Duration;

pub use adopt::Current;
pub use audit::{append as append_audit, read as read_audit};
pub use build::{Build, BuildRecord, BuildRef, Ended, Ending, Progress};
pub use change::{Base, Change, Entries, Files, Seed};
pub use error::{Error, StateErrorKind};
pub use import::{ImportOutcome, ImportedVersion};
pub use leak::{Leak, LeakPlace, RunSecret, SEARCHED, leaks};
pub use place::DIRECTORY;
pub use prune::{Pruned, Reset, reset};
pub use shared::WatchFiles;
pub use timestamp::rfc3339;
pub use tree::{EntryKind, MAX_BYTES, Tree, TreeEntry};
pub use version::{Version, VersionRef};

use crate::aws::s3::Bucket;
use backend::Backend;
use shared::{BucketObjects, Directory, Shared};
use sqlite::Sqlite;

/// How long one `shipctl` waits for another that is writing, before it gives up.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A result of this layer.
pub type Result<T> = std::result::Result<T, Error>;

/// The versions and builds of a line, open.
///
/// It may be sent to another thread but is used by one at a time: give each thread its own, or share it behind a lock.
pub struct Store(Box<dyn Backend>);

impl Store {
    /// Opens the state of the line in `directory`, which is that of its YAML. If there is none yet it is made, for its
    /// owner alone and invisible to git.
    ///
    /// # Errors
    ///
    /// When it cannot be made or written to, is damaged, or was written by a newer `shipctl`.
    pub fn open(directory: &Path) -> Result<Store> {
        Ok(Store(Box::new(Sqlite::open(directory)?)))
    }

    /// Opens the state of the line in `directory` if there is any. Nothing is made, so that a command that only
    /// looks leaves no trace, and works in a checkout that cannot be written to.
    ///
    /// # Errors
    ///
    /// As [`Store::open`].
    pub fn open_existing(directory: &Path) -> Result<Option<Store>> {
        Ok(Sqlite::open_existing(directory)?.map(|store| Store(Box::new(store))))
    }

    /// The state in a directory that any number of machines use at once.
    pub fn in_directory(directory: &Path) -> Store {
        Store(Box::new(Shared::new(Directory::new(directory))))
    }

    /// The state in a bucket, below a prefix, that any number of machines use at once. Messages call it `shown`.
    pub fn in_bucket(bucket: Bucket, prefix: &str, shown: &str) -> Store {
        Store(Box::new(Shared::new(BucketObjects::new(bucket, prefix, shown))))
    }

    /// Whether it is still that which was opened: a database may be removed while it is in use.
    pub fn is_there(&self) -> bool {
        self.0.is_there()
    }

    /// Sets how long this store waits for another process that is writing; [`PATIENCE`] otherwise.
    ///
    /// # Errors
    ///
    /// When the database refuses, which is not known to happen.
    pub fn set_patience(&self, patience: Duration) -> Result<()> {
        self.0.set_patience(patience)
    }

    /// Has this called with how many files of a version are kept, and of how many there are, where each takes a while: in
    /// state that machines share. One call comes after the other, and the last one, after an error too, says that it is over: both
    /// numbers are the same.
    pub fn watch_files(&mut self, watch: WatchFiles) {
        self.0.watch_files(watch);
    }

    /// Closes it once all that was finished has reached the disk, where not even a power cut loses it, and tidies up.
    /// Dropping a store does neither.
    ///
    /// # Errors
    ///
    /// When the disk does not take it.
    pub fn close(self) -> Result<()> {
        self.0.close()
    }

    /// The last version of a job or resource.
    ///
    /// # Errors
    ///
    /// When the state cannot be read; so with all functions that look something up.
    pub fn latest(&self, name: &str) -> Result<Option<Version>> {
        self.0.latest(name)
    }

    /// The version that has a number.
    ///
    /// # Errors
    ///
    /// As [`Store::latest`].
    pub fn by_number(&self, name: &str, number: u32) -> Result<Option<Version>> {
        self.0.by_number(name, number)
    }

    /// The last of the versions that are called `version_name`.
    ///
    /// # Errors
    ///
    /// As [`Store::latest`].
    pub fn by_name(&self, name: &str, version_name: &str) -> Result<Option<Version>> {
        self.0.by_name(name, version_name)
    }

    /// The versions of a job or resource, the last one first, at most `limit`.
    ///
    /// # Errors
    ///
    /// As [`Store::latest`].
    pub fn versions(&self, name: &str, limit: u32) -> Result<Vec<Version>> {
        self.0.versions(name, limit)
    }

    /// The last version of every job and resource that has one, by name.
    ///
    /// # Errors
    ///
    /// As [`Store::latest`].
    pub fn all_latest(&self) -> Result<Vec<Version>> {
        self.0.all_latest()
    }

    /// The last version of a resource whose YAML says `seed`; `None` if nothing is stored of it. Nothing is written.
    ///
    /// # Errors
    ///
    /// As [`Store::latest`].
    pub fn current(&self, name: &str, seed: &Seed) -> Result<Option<Current>> {
        self.0.current(name, seed)
    }

    /// Makes the version that a change of the YAML asks for, unless it was made by now. Returns the last version
    /// of the resource.
    ///
    /// # Errors
    ///
    /// When the state cannot be written.
    pub fn adopt(&mut self, name: &str, seed: &Seed) -> Result<Option<Version>> {
        self.0.adopt(name, seed)
    }

    /// The state files of a version, parents before what is in them.
    ///
    /// # Errors
    ///
    /// When the state cannot be read.
    pub fn files(&self, version: &Version) -> Result<Vec<TreeEntry>> {
        self.0.files(version)
    }

    /// Writes the state files of a version into `directory`, which is made if it is not there. Files and directories
    /// are private until their content is complete; then they get the permissions that they had. Nothing that is
    /// there is overwritten, and no link is followed.
    ///
    /// # Errors
    ///
    /// When a path is taken or cannot be written, when the version was pruned meanwhile, or when what is stored is
    /// damaged. What has been written until then stays.
    pub fn restore_files(&self, version: &Version, directory: &Path) -> Result<()> {
        self.0.restore_files(version, directory)
    }

    /// Begins a build of a job, which gets the next number, whatever others begin at the same time. `used` are the
    /// versions that go in.
    ///
    /// # Errors
    ///
    /// When the state cannot be written.
    pub fn begin_build(&mut self, job: &str, used: &[VersionRef]) -> Result<Build> {
        self.0.begin_build(job, used)
    }

    /// The number that the next build of a job would have.
    ///
    /// # Errors
    ///
    /// When the state cannot be read.
    pub fn next_build(&self, job: &str) -> Result<u32> {
        self.0.next_build(job)
    }

    /// Ends a build and makes the versions that its changes ask for. In a database it is all of them, or none if there is an
    /// error; where machines share the state they are made one after the other, the first error being the end. What a
    /// change is applied to is what is the latest version now, not what it was when the build began. Returns for
    /// each change the number of the version it made, or `None` if nothing was different.
    ///
    /// Versions are safe from a kill when this returns; about a power cut, see [`Store::close`].
    ///
    /// # Errors
    ///
    /// When the state cannot be written, a file cannot be read or changed since it was listed, a version whose
    /// files are to be copied is not there, or the build has ended before. Then the build has not ended, and may be
    /// ended with other changes.
    pub fn finish(
        &mut self,
        build: &Build,
        ending: Ending,
        status: u8,
        changes: &[Change],
    ) -> Result<Vec<Option<u32>>> {
        self.0.finish(build, ending, status, changes)
    }

    /// The builds of a job, or of all jobs, the last one first, at most `limit`.
    ///
    /// # Errors
    ///
    /// When the state cannot be read.
    pub fn history(&self, job: Option<&str>, limit: u32) -> Result<Vec<BuildRecord>> {
        self.0.history(job, limit)
    }

    /// The last builds of each job, at most `each` of one, the last one first; without the versions that went in and came
    /// out.
    ///
    /// # Errors
    ///
    /// When the state cannot be read.
    pub fn last_builds(&self, each: u32) -> Result<Vec<BuildRecord>> {
        self.0.last_builds(each)
    }

    /// Drops all versions of each job and resource but the last `keep`, at least one, and of each job the builds that
    /// are neither running nor among its last `keep` nor have made a version that is left. Numbers go on where they were. The
    /// space goes back to the disk.
    ///
    /// # Errors
    ///
    /// When the state cannot be written; then nothing is dropped.
    pub fn prune(&mut self, keep: u32) -> Result<Pruned> {
        self.0.prune(keep)
    }

    /// Stores a version that was exported, with its number. One that is stored already is left as it is.
    ///
    /// # Errors
    ///
    /// When another version is stored that has its number, and when the state cannot be written.
    pub fn import(&mut self, given: &ImportedVersion) -> Result<ImportOutcome> {
        self.0.import(given)
    }
}
