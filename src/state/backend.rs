//! What a store does, wherever it keeps things.

use std::path::Path;
use std::time::Duration;

use super::import::{ImportOutcome, ImportedVersion};
use super::shared::WatchFiles;
use super::{
    Build, BuildRecord, Change, Current, Ending, Pruned, Result, Seed, TreeEntry, Version, VersionRef,
};

/// What all stores do: the meaning is that of the methods of [`Store`](super::Store) with the same names.
pub(super) trait Backend: Send {
    fn is_there(&self) -> bool;
    fn set_patience(&self, _patience: Duration) -> Result<()> {
        Ok(())
    }
    fn close(self: Box<Self>) -> Result<()> {
        Ok(())
    }
    fn watch_files(&mut self, _watch: WatchFiles) {}
    fn latest(&self, name: &str) -> Result<Option<Version>>;
    fn by_number(&self, name: &str, number: u32) -> Result<Option<Version>>;
    fn by_name(&self, name: &str, version_name: &str) -> Result<Option<Version>>;
    fn versions(&self, name: &str, limit: u32) -> Result<Vec<Version>>;
    fn all_latest(&self) -> Result<Vec<Version>>;
    fn current(&self, name: &str, seed: &Seed) -> Result<Option<Current>>;
    fn adopt(&mut self, name: &str, seed: &Seed) -> Result<Option<Version>>;
    fn files(&self, version: &Version) -> Result<Vec<TreeEntry>>;
    fn restore_files(&self, version: &Version, directory: &Path) -> Result<()>;
    fn begin_build(&mut self, job: &str, used: &[VersionRef]) -> Result<Build>;
    fn next_build(&self, job: &str) -> Result<u32>;
    fn finish(
        &mut self,
        build: &Build,
        ending: Ending,
        status: u8,
        changes: &[Change],
    ) -> Result<Vec<Option<u32>>>;
    fn history(&self, job: Option<&str>, limit: u32) -> Result<Vec<BuildRecord>>;
    fn last_builds(&self, each: u32) -> Result<Vec<BuildRecord>>;
    fn prune(&mut self, keep: u32) -> Result<Pruned>;
    fn import(&mut self, given: &ImportedVersion) -> Result<ImportOutcome>;
}
