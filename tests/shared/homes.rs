//! Where the workspaces of the jobs of tests lie: not where those of the user who runs the tests do.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// Directories for temporary files that go with the test.
pub struct Homes(TempDir);

impl Homes {
    /// New ones.
    pub fn new() -> Homes {
        let directory = TempDir::with_prefix("shipctl-homes-").unwrap();
        fs::create_dir(directory.path().join("tmp")).unwrap();
        fs::create_dir(directory.path().join("shm")).unwrap();
        Homes(directory)
    }

    /// The directory of both.
    #[allow(dead_code, reason = "not all tests ask")]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// What stands for `/tmp`.
    #[allow(dead_code, reason = "not all tests ask")]
    pub fn temporary(&self) -> PathBuf {
        self.0.path().join("tmp")
    }

    /// Has a command use them; what the test sets itself afterwards wins.
    pub fn give(&self, command: &mut Command) {
        command.env("TMPDIR", self.temporary()).env("SHIPCTL_SHM", self.0.path().join("shm"));
    }
}
