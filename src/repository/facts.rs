//! What git says of a commit.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::diagnostic::Diagnostic;
use crate::nearest::nearest;

use super::WantedRepository;
use super::access::Access;
use super::find::Source;
use super::git::{Git, GitError};
use super::local::Local;
use super::remote::Remote;

/// What git says of a commit.
#[derive(Serialize, Deserialize)]
pub(super) struct Facts {
    /// The branch it was found by; none if what is checked out is no branch.
    pub(super) branch: Option<String>,
    /// Its name.
    pub(super) commit: String,
    /// The commit before it, if it is there: the first has none, and the oldest of a shallow clone neither.
    pub(super) previous: Option<String>,
    /// Who wrote it.
    pub(super) author: String,
    /// Who committed it.
    pub(super) committer: String,
    /// The whole message.
    pub(super) message: String,
    /// The newest tag of this very commit.
    pub(super) tag: Option<String>,
}

impl Facts {
    /// The beginning of the commit's name.
    pub(super) fn short(&self) -> &str {
        self.commit.get(..10).unwrap_or(&self.commit)
    }
}

/// Why there are no facts.
pub(super) struct NoFacts {
    why: String,
    hint: Option<String>,
}

impl NoFacts {
    fn new(why: impl Into<String>) -> Self {
        NoFacts { why: why.into(), hint: None }
    }

    fn hint(self, hint: impl Into<String>) -> Self {
        NoFacts { hint: Some(hint.into()), ..self }
    }

    /// The error, about a resource and where its repository is.
    pub(super) fn of(self, wanted: &WantedRepository, source: &Source) -> Diagnostic {
        let error = Diagnostic::error(format!("repository `{}` ({source}): {}", wanted.resource, self.why));
        let error = error.at(wanted.place);
        match self.hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

impl From<GitError> for NoFacts {
    fn from(error: GitError) -> Self {
        NoFacts::new(error.to_string())
    }
}

/// What git says of the wanted commit of a repository on this machine.
pub(super) fn local(
    local: &Local,
    wanted: &WantedRepository,
    remote: Option<&Remote>,
    working_tree: bool,
) -> Result<Facts, NoFacts> {
    let current = current_branch(&local.path)?;
    let (branch, revision) = match (wanted.commit, wanted.branch) {
        _ if working_tree => (current, "HEAD".to_owned()),
        (Some(commit), branch) => {
            if commit.starts_with('-') {
                return Err(NoFacts::new(format!("`{commit}` is no commit")));
            }
            (branch.map(str::to_owned).or(current), format!("{commit}^{{commit}}"))
        }
        (None, None) => (current, "HEAD".to_owned()),
        (None, Some(branch)) => {
            let remote = remote.map_or("origin", |remote| &remote.name);
            (Some(branch.to_owned()), find_branch(&local.path, branch, remote)?)
        }
    };
    let mut facts = commit(&local.path, &revision).map_err(|error| match has_commits(&local.path) {
        true => NoFacts::from(error),
        false => NoFacts::new("it has no commits yet".to_owned()).hint("make one: git add . && git commit"),
    })?;
    facts.branch = branch;
    facts.tag = tag(&local.path, &facts.commit)?;
    Ok(facts)
}

/// The branch that is checked out; `None` if it is no branch.
pub(super) fn current_branch(repository: &Path) -> Result<Option<String>, GitError> {
    match Git::at(repository, "symbolic-ref").args(["--quiet", "HEAD"]).line() {
        Ok(name) => Ok(name.strip_prefix("refs/heads/").map(str::to_owned)),
        Err(GitError::Failed { status: Some(1), .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The ref of a branch: its own one, or what was last fetched of it.
fn find_branch(repository: &Path, branch: &str, remote: &str) -> Result<String, NoFacts> {
    let listed =
        Git::at(repository, "for-each-ref").arg("--format=%(refname)").args(["refs/heads", "refs/remotes"]);
    let listed = listed.line()?;
    let of_remote = format!("refs/remotes/{remote}/");
    let candidates = [format!("refs/heads/{branch}"), format!("{of_remote}{branch}")];
    if let Some(found) = candidates.into_iter().find(|candidate| listed.lines().any(|name| name == candidate))
    {
        return Ok(found);
    }
    let branches = || {
        listed
            .lines()
            .filter_map(|name| name.strip_prefix("refs/heads/").or_else(|| name.strip_prefix(&of_remote)))
    };
    Err(no_branch(branch, branches()).hint(format!(
        "{}fetch it, or take what is checked out with --working-tree",
        did_you_mean(branch, branches())
    )))
}

fn no_branch<'a>(branch: &str, branches: impl Iterator<Item = &'a str>) -> NoFacts {
    let mut names: Vec<_> = branches.filter(|name| *name != "HEAD").collect();
    names.sort_unstable();
    names.dedup();
    let more = if names.len() > 10 { ", …" } else { "" };
    names.truncate(10);
    let names =
        if names.is_empty() { "it has none".to_owned() } else { format!("it has {}", names.join(", ")) };
    NoFacts::new(format!("there is no branch `{branch}`; {names}{more}"))
}

fn did_you_mean<'a>(branch: &str, branches: impl Iterator<Item = &'a str>) -> String {
    nearest(branch, branches).map(|near| format!("did you mean `{near}`? otherwise, ")).unwrap_or_default()
}

/// Whether a repository has a commit at all.
fn has_commits(repository: &Path) -> bool {
    Git::at(repository, "rev-list")
        .offline()
        .args(["--max-count=1", "--all"])
        .line()
        .is_ok_and(|said| !said.is_empty())
}

/// What git says of a commit, but for branch and tag.
fn commit(repository: &Path, revision: &str) -> Result<Facts, GitError> {
    // Replacements and the ends of shallow clones count: the parents are those that a script finds too.
    let log = Git::at(repository, "log").offline().args([
        "--max-count=1",
        "--no-show-signature",
        "--no-color",
        "--no-notes",
        "--no-patch",
        "--encoding=UTF-8",
        "--format=%H%x00%P%x00%an%x00%cn%x00%B",
        revision,
        "--",
    ]);
    let said = log.line()?;
    let mut parts = said.splitn(5, '\0').map(str::to_owned);
    let mut part =
        || parts.next().ok_or_else(|| GitError::Unexpected(format!("git log: no commit `{revision}`")));
    let (commit, parents, author) = (part()?, part()?, part()?);
    let (committer, message) = (part()?, part()?);
    let previous = parents.split(' ').next().filter(|parent| !parent.is_empty()).map(str::to_owned);
    let message = message.trim_end_matches('\n').to_owned();
    Ok(Facts { branch: None, commit, previous, author, committer, message, tag: None })
}

/// The newest tag of a commit.
fn tag(repository: &Path, commit: &str) -> Result<Option<String>, GitError> {
    let tags = Git::at(repository, "for-each-ref")
        .arg(format!("--points-at={commit}"))
        .args([
            "--sort=-version:refname",
            "--sort=-creatordate",
            "--count=1",
            "--format=%(refname:strip=2)",
            "refs/tags",
        ])
        .line()?;
    Ok(Some(tags).filter(|tag| !tag.is_empty()))
}

/// What git says of the wanted commit of a repository on a server. Only the commit itself is fetched.
pub(super) fn server(
    url: &str,
    wanted: &WantedRepository,
    access: Option<&Access>,
) -> Result<Facts, NoFacts> {
    // Not here: the configuration of a repository that happens to be here is not for this server.
    let scratch =
        Scratch::new().map_err(|error| NoFacts::new(format!("cannot make a directory: {error}")))?;
    let listed = Git::at(&scratch.0, "ls-remote")
        .online(access)
        .args(["--symref", "--", url, "HEAD", "refs/heads/*", "refs/tags/*"])
        .line()
        .map_err(|error| {
            NoFacts::from(error).hint(format!("give a local clone with --repo {}=PATH", wanted.resource))
        })?;
    let refs = Advertised { listed: &listed };
    let branch = wanted.branch.map(str::to_owned).or_else(|| refs.default_branch());
    let of_branch = || {
        let branch = branch.as_deref().unwrap_or("HEAD");
        let name =
            wanted.branch.or(refs.default_branch().as_deref()).map(|name| format!("refs/heads/{name}"));
        refs.commit(name.as_deref().unwrap_or("HEAD")).map(str::to_owned).ok_or_else(|| {
            let near = did_you_mean(branch, refs.branches());
            no_branch(branch, refs.branches()).hint(format!("{near}correct the resource's pointer"))
        })
    };
    let commit = match wanted.commit {
        None => of_branch()?,
        Some(name) if is_full(name) => name.to_owned(),
        Some(name) => refs.commit(&format!("refs/tags/{name}")).map(str::to_owned).ok_or_else(|| {
            NoFacts::new(format!("`{name}` is no tag of it"))
                .hint("a server needs the whole name of a commit")
        })?,
    };
    let format = if commit.len() == 64 { "sha256" } else { "sha1" };
    Git::at(&scratch.0, "init").args(["--quiet", "--bare", "--object-format", format]).run()?;
    Git::at(&scratch.0, "fetch")
        .online(access)
        .args([
            "--quiet",
            "--no-tags",
            "--no-recurse-submodules",
            "--depth=2",
            "--filter=tree:0",
            "--",
            url,
            &commit,
        ])
        .run()?;
    let mut facts = self::commit(&scratch.0, &commit)?;
    facts.branch = branch;
    facts.tag = refs.tag(&facts.commit);
    Ok(facts)
}

/// What a server says of its refs: lines of a commit or `ref: NAME`, a tab and a name.
struct Advertised<'a> {
    listed: &'a str,
}

impl<'a> Advertised<'a> {
    fn pairs(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        self.listed.lines().filter_map(|line| line.split_once('\t'))
    }

    fn default_branch(&self) -> Option<String> {
        let name =
            self.pairs().find_map(|(value, name)| value.strip_prefix("ref: ").filter(|_| name == "HEAD"))?;
        name.strip_prefix("refs/heads/").map(str::to_owned)
    }

    fn branches(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.pairs().filter_map(|(_, name)| name.strip_prefix("refs/heads/"))
    }

    /// The commit of a ref; of an annotated tag, the commit and not the tag.
    fn commit(&self, wanted: &str) -> Option<&'a str> {
        let of = |wanted: &str| {
            self.pairs()
                .find(|(value, name)| *name == wanted && !value.starts_with("ref: "))
                .map(|(value, _)| value)
        };
        of(&format!("{wanted}^{{}}")).or_else(|| of(wanted))
    }

    /// The last tag of a commit: which one is the newest, a server does not say.
    fn tag(&self, commit: &str) -> Option<String> {
        let tags = self.pairs().filter(|(value, _)| *value == commit);
        let names = tags.filter_map(|(_, name)| name.strip_prefix("refs/tags/"));
        names.last().map(|name| name.strip_suffix("^{}").unwrap_or(name).to_owned())
    }
}

/// Whether it is the whole name of a commit.
fn is_full(name: &str) -> bool {
    matches!(name.len(), 40 | 64) && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A directory of our own for an instant.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> std::io::Result<Scratch> {
        Ok(Scratch(nix::unistd::mkdtemp(&std::env::temp_dir().join("shipctl-git-XXXXXX"))?))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left of it is a few public objects, and in no one's way.
        let _ = fs::remove_dir_all(&self.0);
    }
}
