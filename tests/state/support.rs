//! A line's directory, and what tests do to it in a word.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value as Json;
use shipctl::state::{Change, Ending, Entries, MAX_BYTES, Store, Tree, Version};
use tempfile::TempDir;

pub use crate::dice::Dice;

/// A fresh directory.
pub fn line() -> TempDir {
    TempDir::with_prefix("shipctl-test-").unwrap()
}

/// How often something is killed: thirty times, unless `SHIPCTL_TEST_KILLS` says otherwise.
pub fn kills() -> usize {
    std::env::var("SHIPCTL_TEST_KILLS").map_or(30, |text| text.parse().unwrap())
}

/// A successful build of `job` with these changes; the numbers of the versions it made.
#[track_caller]
pub fn build(store: &mut Store, job: &str, changes: &[Change]) -> Vec<Option<u32>> {
    let build = store.begin_build(job, &[]).unwrap();
    store.finish(&build, Ending::Success, 0, changes).unwrap()
}

/// What `state/<name>.env` with this text says.
pub fn entries(text: &str) -> Entries {
    Entries::parse(text.as_bytes(), "res", "image").unwrap()
}

/// Merges key-values into a resource.
pub fn put(name: &str, text: &str) -> Change {
    Change::merge(name, entries(text))
}

/// The property bag as JSON.
pub fn bag(version: &Version) -> String {
    Json::Object(version.bag.clone()).to_string()
}

/// All files of a directory.
#[track_caller]
pub fn tree(directory: &Path) -> Tree {
    Tree::collect(directory, MAX_BYTES, |_| true).unwrap()
}

/// Writes a file, and the directories that it needs.
#[track_caller]
pub fn write(path: &Path, content: impl AsRef<[u8]>, mode: u32) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// The permissions of a file.
#[track_caller]
pub fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}
