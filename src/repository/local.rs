//! A repository on this machine.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::git::{Git, GitError};

/// A repository on this machine.
#[derive(Serialize, Deserialize)]
pub(super) struct Local {
    /// The top of its working tree, or the repository itself if it has none.
    pub(super) path: PathBuf,
    /// Where its objects and refs are.
    pub(super) common: PathBuf,
    /// Whether there is a working tree.
    pub(super) working_tree: bool,
}

impl Local {
    /// The repository that holds a directory, if one does.
    pub(super) fn open(directory: &Path) -> Result<Option<Local>, GitError> {
        let asked = Git::at(directory, "rev-parse").in_english().args([
            "--path-format=absolute",
            "--is-inside-work-tree",
            "--git-common-dir",
        ]);
        let answer = match asked.line() {
            Err(GitError::Failed { words, .. }) if words.contains("not a git repository") => return Ok(None),
            answer => answer?,
        };
        let (inside, common) = answer
            .split_once('\n')
            .ok_or_else(|| GitError::Unexpected(format!("git rev-parse: {answer}")))?;
        let working_tree = match inside {
            "true" => true,
            "false" => false,
            // Versions before 2.31 print the first option instead of obeying it.
            _ => return Err(GitError::Unexpected("git 2.31 or newer is needed".to_owned())),
        };
        let top = if working_tree { "--show-toplevel" } else { "--absolute-git-dir" };
        let path = Git::at(directory, "rev-parse").arg(top).line()?;
        Ok(Some(Local { path: path.into(), common: common.into(), working_tree }))
    }
}
