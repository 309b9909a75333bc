//! The clone of a repository in the workspace.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;

use crate::diagnostic::Diagnostic;

use super::find::Source;
use super::git::{Git, GitError, Runner};
use super::local::Local;
use super::{CLONE, Repository, submodules, working_tree};

impl Repository {
    /// Makes the clone below `directory`, that of the resource in the workspace. Git is run by `runner`: it may take
    /// long, and the run be told to end meanwhile.
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
    pub fn make_clone(&self, directory: &Path, runner: &Runner) -> Result<Vec<Diagnostic>, Diagnostic> {
        let facts = self
            .facts
            .as_ref()
            .ok_or_else(|| self.error("its server was not asked which commit to clone"))?;
        let cloning = Cloning { repository: self, path: &directory.join(CLONE), runner };
        cloning.make(facts.branch.as_deref(), &facts.commit).map_err(|error| self.error(error))?;
        let mut left_out = submodules::update(cloning.path, self.local(), self.access.as_ref(), runner);
        if let (true, Some(local)) = (self.working_tree, self.local()) {
            left_out.extend(working_tree::copy(local, cloning.path).map_err(|error| self.error(error))?);
        }
        if self.kind != CLONE {
            link(directory, &self.kind)
                .map_err(|error| self.error(format!("cannot link the clone as {}: {error}", self.kind)))?;
        }
        Ok(left_out.into_iter().map(|why| self.warning(why)).collect())
    }

    fn local(&self) -> Option<&Local> {
        match &self.source {
            Source::Local(local) => Some(local),
            Source::Server(_) => None,
        }
    }
}

/// A clone that is being made.
struct Cloning<'a> {
    repository: &'a Repository,
    path: &'a Path,
    runner: &'a Runner<'a>,
}

impl<'a> Cloning<'a> {
    fn make(&self, branch: Option<&str>, commit: &str) -> Result<(), GitError> {
        self.copy_objects()?;
        self.set_origin()?;
        self.ensure(commit)?;
        self.check_out(branch, commit)
    }

    /// A git in the clone.
    fn git(&self, subcommand: &str) -> Git<'a> {
        Git::at(self.path, subcommand).by(self.runner)
    }

    /// A git in the clone that may talk to the server.
    fn online(&self, subcommand: &str) -> Git<'a> {
        self.git(subcommand).online(self.repository.access.as_ref())
    }

    /// What git fetches from.
    fn source(&self) -> &OsStr {
        match &self.repository.source {
            Source::Local(local) => local.path.as_os_str(),
            Source::Server(url) => url.as_ref(),
        }
    }

    /// The options for a part of the history. A repository on this machine is linked whole, which costs less.
    fn depth(&self) -> Vec<String> {
        let depth = self.repository.depth.filter(|_| !self.repository.is_local());
        // All branches are there, as in a whole clone.
        depth.map_or_else(Vec::new, |depth| vec![format!("--depth={depth}"), "--no-single-branch".into()])
    }

    fn copy_objects(&self) -> Result<(), GitError> {
        // Not `--local`: with it git fails on another file system, where it copies otherwise.
        Git::at(Path::new("."), "clone")
            .by(self.runner)
            .online(self.repository.access.as_ref())
            .args(["--quiet", "--no-checkout", "--no-reject-shallow", "--no-recurse-submodules"])
            .args(self.depth())
            .args(["--origin=origin", "--"])
            .arg(self.source())
            .arg(self.path)
            .run()
            .map(drop)
    }

    fn set_origin(&self) -> Result<(), GitError> {
        let origin = &self.repository.origin;
        self.git("config").args(["remote.origin.url", &origin.fetch]).run()?;
        if let Some(push) = &origin.push {
            self.git("config").args(["remote.origin.pushurl", push]).run()?;
        }
        match self.repository.local() {
            Some(local) => self.inherit_promisor(&local.path),
            None => Ok(()),
        }
    }

    /// A clone of a partial clone lacks what that one lacks, and must know where to get it too.
    fn inherit_promisor(&self, source: &Path) -> Result<(), GitError> {
        let asked = |key: &str| match Git::at(source, "config").args(["--get", key]).line() {
            Err(GitError::Failed { status: Some(1), .. }) => Ok(None),
            answer => answer.map(Some),
        };
        let Some(remote) = asked("extensions.partialClone")? else { return Ok(()) };
        let filter = asked(&format!("remote.{remote}.partialclonefilter"))?;
        for (key, value) in [
            ("core.repositoryFormatVersion", "1"),
            ("extensions.partialClone", "origin"),
            ("remote.origin.promisor", "true"),
            ("remote.origin.partialclonefilter", filter.as_deref().unwrap_or("blob:none")),
        ] {
            self.git("config").args([key, value]).run()?;
        }
        Ok(())
    }

    /// Fetches a commit that no branch or tag of the source leads to: that of a remote branch, for instance.
    fn ensure(&self, commit: &str) -> Result<(), GitError> {
        let there = self.git("cat-file").offline().args(["-e", &format!("{commit}^{{commit}}")]).run();
        if there.is_ok() {
            return Ok(());
        }
        // Of the protocols, the second is the one that gives any commit.
        self.online("fetch")
            .config("protocol.version", "2")
            .args(["--quiet", "--no-tags", "--no-recurse-submodules"])
            .args(self.depth().first())
            .arg("--")
            .arg(self.source())
            .arg(commit)
            .run()
            .map(drop)
    }

    fn check_out(&self, branch: Option<&str>, commit: &str) -> Result<(), GitError> {
        // What a partial clone or Git LFS left on the server is fetched now.
        let git = self.online("checkout").args(["--quiet", "--no-recurse-submodules"]);
        let Some(branch) = branch else {
            return git.args(["--detach", commit, "--"]).run().map(drop);
        };
        git.args(["--no-track", "-B", branch, commit, "--"]).run()?;
        let key = |part: &str| format!("branch.{branch}.{part}");
        self.git("config").args([&key("remote"), "origin"]).run()?;
        self.git("config").args([&key("merge"), &format!("refs/heads/{branch}")]).run().map(drop)
    }
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
