//! The state beside the YAML as a store like the others.

use std::path::Path;
use std::time::Duration;

use super::backend::Backend;
use super::sqlite::Sqlite;
use super::{
    Build, BuildRecord, Change, Current, Ending, ImportOutcome, ImportedVersion, Pruned, Result, Seed,
    TreeEntry, Version, VersionRef,
};

impl Backend for Sqlite {
    fn is_there(&self) -> bool {
        Sqlite::is_there(self)
    }
    fn set_patience(&self, patience: Duration) -> Result<()> {
        Sqlite::set_patience(self, patience)
    }
    fn close(self: Box<Self>) -> Result<()> {
        Sqlite::close(*self)
    }
    fn latest(&self, name: &str) -> Result<Option<Version>> {
        Sqlite::latest(self, name)
    }
    fn by_number(&self, name: &str, number: u32) -> Result<Option<Version>> {
        Sqlite::by_number(self, name, number)
    }
    fn by_name(&self, name: &str, version_name: &str) -> Result<Option<Version>> {
        Sqlite::by_name(self, name, version_name)
    }
    fn versions(&self, name: &str, limit: u32) -> Result<Vec<Version>> {
        Sqlite::versions(self, name, limit)
    }
    fn all_latest(&self) -> Result<Vec<Version>> {
        Sqlite::all_latest(self)
    }
    fn current(&self, name: &str, seed: &Seed) -> Result<Option<Current>> {
        Sqlite::current(self, name, seed)
    }
    fn adopt(&mut self, name: &str, seed: &Seed) -> Result<Option<Version>> {
        Sqlite::adopt(self, name, seed)
    }
    fn files(&self, version: &Version) -> Result<Vec<TreeEntry>> {
        Sqlite::files(self, version)
    }
    fn restore_files(&self, version: &Version, directory: &Path) -> Result<()> {
        Sqlite::restore_files(self, version, directory)
    }
    fn begin_build(&mut self, job: &str, used: &[VersionRef]) -> Result<Build> {
        Sqlite::begin_build(self, job, used)
    }
    fn next_build(&self, job: &str) -> Result<u32> {
        Sqlite::next_build(self, job)
    }
    fn finish(
        &mut self,
        build: &Build,
        ending: Ending,
        status: u8,
        changes: &[Change],
    ) -> Result<Vec<Option<u32>>> {
        Sqlite::finish(self, build, ending, status, changes)
    }
    fn history(&self, job: Option<&str>, limit: u32) -> Result<Vec<BuildRecord>> {
        Sqlite::history(self, job, limit)
    }
    fn last_builds(&self, each: u32) -> Result<Vec<BuildRecord>> {
        Sqlite::last_builds(self, each)
    }
    fn prune(&mut self, keep: u32) -> Result<Pruned> {
        Sqlite::prune(self, keep)
    }
    fn import(&mut self, given: &ImportedVersion) -> Result<ImportOutcome> {
        Sqlite::import(self, given)
    }
}
