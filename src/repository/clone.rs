//! The clone of a repository in the workspace.

use std::fs;
use std::io;
use std::path::Path;

use crate::diagnostic::Diagnostic;

use super::find::Source;
use super::git::{Git, GitError};
use super::{CLONE, Repository, submodules, working_tree};

impl Repository {
    /// Makes the clone below `directory`, that of the resource in the workspace; `kind` is the resource's type.
    ///
    /// The clone has the described commit checked out on a local branch, and its `origin` is the provider's, or what
    /// the remote of the local repository is: what a script pushes goes where it would have gone. Objects are shared
    /// with a local repository by hard links, never by reference: what happens to the one never hurts the other.
    ///
    /// Gives back warnings.
    ///
    /// # Errors
    ///
    /// When git fails: in git's own words. What there is of the clone then is left to who made the workspace.
    pub fn clone_into(&self, directory: &Path, kind: &str) -> Result<Vec<Diagnostic>, Diagnostic> {
        let clone = directory.join(CLONE);
        let facts =
            self.facts.as_ref().ok_or_else(|| self.error("it was not asked for the commit to clone"))?;
        let failed = |error: GitError| self.error(error);
        self.clone_objects(directory, &clone).map_err(failed)?;
        self.set_origin(&clone).map_err(failed)?;
        self.ensure(&clone, &facts.commit).map_err(failed)?;
        self.check_out(&clone, facts.branch.as_deref(), &facts.commit).map_err(failed)?;
        let mut warnings: Vec<_> = submodules::update(&clone, self.local(), self.access.as_ref())
            .into_iter()
            .map(|why| self.warning(why))
            .collect();
        if let (true, Some(local)) = (self.working_tree, self.local()) {
            let left_out = working_tree::copy(local, &clone).map_err(|error| self.error(error))?;
            warnings.extend(left_out.into_iter().map(|why| self.warning(why)));
        }
        if kind != CLONE {
            link(directory, kind)
                .map_err(|error| self.error(format!("cannot link the clone as {kind}: {error}")))?;
        }
        Ok(warnings)
    }

    fn local(&self) -> Option<&super::find::Local> {
        match &self.source {
            Source::Local(local) => Some(local),
            Source::Server(_) => None,
        }
    }

    /// The argument that git fetches from.
    fn source_argument(&self) -> &std::ffi::OsStr {
        match &self.source {
            Source::Local(local) => local.path.as_os_str(),
            Source::Server(url) => url.as_ref(),
        }
    }

    fn clone_objects(&self, directory: &Path, clone: &Path) -> Result<(), GitError> {
        // Not `--local`: with it git fails on another file system, where it would copy otherwise.
        Git::at(directory, "clone")
            .online(self.access.as_ref())
            .args([
                "--quiet",
                "--no-checkout",
                "--no-reject-shallow",
                "--no-recurse-submodules",
                "--origin=origin",
                "--",
            ])
            .arg(self.source_argument())
            .arg(clone)
            .run()
            .map(drop)
    }

    fn set_origin(&self, clone: &Path) -> Result<(), GitError> {
        Git::at(clone, "config").args(["remote.origin.url", &self.origin.fetch]).run()?;
        if let Some(push) = &self.origin.push {
            Git::at(clone, "config").args(["remote.origin.pushurl", push]).run()?;
        }
        if let Some(local) = self.local() {
            inherit_promisor(&local.path, clone)?;
        }
        Ok(())
    }

    /// Fetches a commit that no branch or tag of the source leads to: that of a remote branch, for instance.
    fn ensure(&self, clone: &Path, commit: &str) -> Result<(), GitError> {
        let there = Git::at(clone, "cat-file").offline().args(["-e", &format!("{commit}^{{commit}}")]).run();
        if there.is_ok() {
            return Ok(());
        }
        // Of the protocols, the second is the one that gives any commit.
        Git::at(clone, "fetch")
            .online(self.access.as_ref())
            .config("protocol.version", "2")
            .args(["--quiet", "--no-tags", "--no-recurse-submodules", "--"])
            .arg(self.source_argument())
            .arg(commit)
            .run()
            .map(drop)
    }

    fn check_out(&self, clone: &Path, branch: Option<&str>, commit: &str) -> Result<(), GitError> {
        let git = Git::at(clone, "checkout")
            .online(self.access.as_ref())
            .args(["--quiet", "--no-recurse-submodules"]);
        let Some(branch) = branch else {
            return git.args(["--detach", commit, "--"]).run().map(drop);
        };
        git.args(["--no-track", "-B", branch, commit, "--"]).run()?;
        let section = format!("branch.{branch}");
        Git::at(clone, "config").args([&format!("{section}.remote"), "origin"]).run()?;
        Git::at(clone, "config")
            .args([&format!("{section}.merge"), &format!("refs/heads/{branch}")])
            .run()?;
        Ok(())
    }
}

/// A clone of a partial clone lacks what that one lacks, and must know where to get it too.
fn inherit_promisor(source: &Path, clone: &Path) -> Result<(), GitError> {
    let name = match Git::at(source, "config").args(["--get", "extensions.partialClone"]).line() {
        Ok(name) => name,
        Err(GitError::Failed { status: Some(1), .. }) => return Ok(()),
        Err(error) => return Err(error),
    };
    let filter =
        Git::at(source, "config").args(["--get", &format!("remote.{name}.partialclonefilter")]).line();
    let filter = filter.unwrap_or_else(|_| "blob:none".to_owned());
    for (key, value) in [
        ("core.repositoryFormatVersion", "1"),
        ("extensions.partialClone", "origin"),
        ("remote.origin.promisor", "true"),
        ("remote.origin.partialclonefilter", &filter),
    ] {
        Git::at(clone, "config").args([key, value]).run()?;
    }
    Ok(())
}

/// Makes the clone known as `kind` too: `<NAME>_STATE` ends in the type of the resource, and the clone is `gitRepo`
/// whatever the type.
fn link(directory: &Path, kind: &str) -> io::Result<()> {
    let link = directory.join(kind);
    match fs::remove_dir(&link) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    std::os::unix::fs::symlink(CLONE, link)
}
