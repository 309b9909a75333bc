//! What has been changed in a working tree and not been committed.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use crate::diagnostic::Diagnostic;

use super::find::Source;
use super::git::{Git, GitError};
use super::local::Local;
use super::{Repository, facts};

/// How many changed files a warning names.
const NAMED: usize = 3;

/// Whether git may start the filter programs that the configuration of a repository names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filters {
    /// It may, as in any use of the repository.
    On,
    /// Nothing is to be started, as in a dry run.
    Off,
}

/// Where the credentials of a line are.
const CREDENTIALS: &[&str] = &["shippable.integrations.yml", "shippable.integrations.yaml"];

/// The files below a directory that git knows, or would offer to add; `None` if it is in no repository.
pub fn files_of_work(directory: &Path) -> Option<Vec<PathBuf>> {
    let list = Git::at(directory, "ls-files").args(["-z", "--cached", "--others", "--exclude-standard"]);
    let listed = list.run().ok()?;
    let names = listed.split(|&byte| byte == 0).filter(|name| !name.is_empty());
    Some(names.map(|name| directory.join(OsStr::from_bytes(name))).collect())
}

impl Repository {
    /// The warning that what is checked out is not what the job gets: another branch, or uncommitted changes.
    ///
    /// It is a question of its own because the answer takes a look at every file. With [`Filters::Off`] a file may count as
    /// changed that only its filter would have told to be the same.
    pub fn left_out(&self, filters: Filters) -> Option<Diagnostic> {
        let (Source::Local(local), Some(facts)) = (&self.source, &self.facts) else { return None };
        if self.working_tree || !local.working_tree {
            return None;
        }
        let mut changes = changes(local, "normal", filters).ok()?;
        // Nothing in a clone needs the credentials of the line, and `init` has just written them.
        changes.retain(|path| !CREDENTIALS.iter().any(|file| path.as_slice() == file.as_bytes()));
        let current = facts::current_branch(&local.path).ok()?;
        let other = current.filter(|current| facts.branch.as_ref().is_some_and(|branch| branch != current));
        let what = match (other, changes.is_empty()) {
            (None, true) => return None,
            (None, false) => format!("uncommitted changes are not in the clone: {}", named(&changes)),
            (Some(current), unchanged) => {
                let branch = facts.branch.as_deref().unwrap_or_default();
                let changes =
                    if unchanged { String::new() } else { format!(" and changes in {}", named(&changes)) };
                format!(
                    "the clone is of branch `{branch}`, without branch `{current}`, which is checked out{changes}"
                )
            }
        };
        Some(
            self.warning(what)
                .hint("--working-tree runs on what is checked out, with its uncommitted changes"),
        )
    }
}

fn named(changes: &[Vec<u8>]) -> String {
    let mut names: Vec<_> =
        changes.iter().take(NAMED).map(|path| String::from_utf8_lossy(path).into_owned()).collect();
    if changes.len() > NAMED {
        names.push(format!("and {} more", changes.len() - NAMED));
    }
    names.join(", ")
}

/// The paths of what has been changed, added or removed, ignored files left out, from the top of the working tree.
fn changes(local: &Local, untracked: &str, filters: Filters) -> Result<Vec<Vec<u8>>, GitError> {
    let status = match filters {
        Filters::On => Git::at(&local.path, "status"),
        Filters::Off => Git::at(&local.path, "status").without_filters(&local.path)?,
    };
    let status = status
        .offline()
        .args(["--porcelain=v1", "-z", "--no-renames", "--ignore-submodules=dirty"])
        .arg(format!("--untracked-files={untracked}"))
        .run()?;
    // Two letters and a blank stand before each path.
    Ok(status.split(|byte| *byte == 0).filter_map(|entry| entry.get(3..)).map(<[u8]>::to_vec).collect())
}

/// Why what has been changed cannot be copied.
#[derive(Debug, thiserror::Error)]
pub(super) enum CopyError {
    #[error(transparent)]
    Git(#[from] GitError),
    #[error("cannot copy the change of {}: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
}

/// Copies what has been changed over a clone of the commit that is checked out. Gives back what is left out, in words.
pub(super) fn copy(local: &Local, clone: &Path) -> Result<Vec<String>, CopyError> {
    let changes = changes(local, "all", Filters::On)?;
    let paths: Vec<_> = changes.iter().map(|path| Path::new(OsStr::from_bytes(path))).collect();
    let (gone, there): (Vec<_>, Vec<_>) =
        paths.into_iter().partition(|path| fs::symlink_metadata(local.path.join(path)).is_err());
    let failed = |path: &Path, error| CopyError::Io { path: path.to_owned(), error };
    // First what is gone: a directory may stand where a file was, and the other way round.
    for path in gone {
        remove(&clone.join(path)).map_err(|error| failed(path, error))?;
    }
    let mut left_out = Vec::new();
    for path in there {
        match copy_one(&local.path.join(path), clone, path) {
            Ok(true) => {}
            Ok(false) => left_out.push(format!(
                "the change of {} is not in the clone: it is a repository of its own",
                path.display()
            )),
            Err(error) => return Err(failed(path, error)),
        }
    }
    Ok(left_out)
}

/// Copies a file or a link to its place in the clone. `false` if it is a directory, which git names only if it is
/// another repository.
fn copy_one(from: &Path, clone: &Path, path: &Path) -> io::Result<bool> {
    let metadata = match fs::symlink_metadata(from) {
        // It went away just now.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return remove(&clone.join(path)).map(|()| true);
        }
        metadata => metadata?,
    };
    if metadata.is_dir() {
        return Ok(false);
    }
    make_room(clone, path)?;
    let to = clone.join(path);
    remove(&to)?;
    if metadata.is_symlink() {
        std::os::unix::fs::symlink(fs::read_link(from)?, to)?;
    } else {
        fs::copy(from, to)?;
    }
    Ok(true)
}

/// Makes the directories above a path of the clone. What stands where one must be goes, links above all: through one,
/// the copy would land outside.
fn make_room(clone: &Path, path: &Path) -> io::Result<()> {
    let mut directory = PathBuf::from(clone);
    for component in path.parent().into_iter().flat_map(Path::components) {
        if !matches!(component, Component::Normal(_)) {
            return Err(io::Error::other("it is not below the top of the working tree"));
        }
        directory.push(component);
        match fs::symlink_metadata(&directory) {
            Ok(metadata) if metadata.is_dir() => continue,
            Ok(_) => fs::remove_file(&directory)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        fs::create_dir(&directory)?;
    }
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        // `NotADirectory`: what was above it is a file by now.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(())
        }
        removed => removed,
    }
}
