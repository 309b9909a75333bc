//! Repositories that go in: which one a resource stands for, what git says of it, and its clone in the workspace.
//!
//! [`describe`] comes before the environment is built and changes nothing; [`Repository::make_clone`] comes after the
//! workspace was made. All facts come from git itself. A repository on this machine is preferred to its server: then
//! nothing needs the network, and what has been committed but not pushed takes part.

mod access;
mod clone;
pub mod contents;
mod facts;
mod find;
mod git;
mod local;
mod provider;
mod remote;
mod submodules;
mod url;
mod working_tree;

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::credentials::Credential;
use crate::diagnostic::Diagnostic;
use crate::source::Span;

pub use git::GitError;
pub use working_tree::{Filters, files_of_work};

use access::Access;
use facts::Facts;
use find::{FoundRepository, Source};

/// Whether resources of this type stand for a repository.
pub fn is_repository(kind: &str) -> bool {
    matches!(kind, "gitRepo" | "ciRepo" | "syncRepo")
}

/// The directory of the clone below that of its resource, whichever of the types it has.
pub const CLONE: &str = "gitRepo";

/// What only a server knows that was not asked: the value of such a variable. Nothing else contains it.
pub const UNASKED: &str = "(git asks the server when the job runs)";

/// The repositories that go into a job, by the names of their resources.
pub type Repositories = IndexMap<String, Rc<Repository>>;

/// What a job says of a repository that goes in.
pub struct WantedRepository<'a> {
    /// The name of the resource.
    pub resource: &'a str,
    /// The type of the resource.
    pub kind: &'a str,
    /// Where the job names it.
    pub place: Span,
    /// The owner and the name of the repository, as the resource points at it.
    pub source_name: &'a str,
    /// The branch that the resource points at.
    pub branch: Option<&'a str>,
    /// The version that the job picked: a commit, or what git knows one by.
    pub commit: Option<&'a str>,
    /// How many commits of its history are wanted, where that is not all of it.
    pub depth: Option<NonZeroU32>,
    /// The integration that the resource is bound to.
    pub credential: Option<&'a Credential>,
}

/// Where repositories are looked for, and how they are taken.
pub struct SearchOptions<'a> {
    /// The repository that the caller gave for this resource.
    pub given: Option<&'a Path>,
    /// Where the YAML lies.
    pub directories: &'a [PathBuf],
    /// Whether what is checked out, with its uncommitted changes, is taken rather than the resource's branch.
    pub working_tree: bool,
    /// Whether servers may be asked. Otherwise what only they know is [`UNASKED`].
    pub ask_servers: bool,
}

/// A repository that goes into a job.
#[derive(Serialize, Deserialize)]
pub struct Repository {
    resource: String,
    kind: String,
    place: Span,
    full_name: String,
    source: Source,
    /// Where the clone fetches from and pushes to.
    origin: remote::Urls,
    https_url: String,
    ssh_url: String,
    provider: Option<String>,
    #[serde(skip)]
    access: Option<Access>,
    depth: Option<NonZeroU32>,
    working_tree: bool,
    branch: Option<String>,
    facts: Option<Facts>,
}

/// Whether a directory lies in a repository.
///
/// # Errors
///
/// Why git cannot tell, in its own words.
pub fn holds(directory: &Path) -> Result<bool, GitError> {
    local::Local::open(directory).map(|local| local.is_some())
}

/// Finds the repository that a resource stands for, and reads what git says of the wanted commit.
///
/// Nothing is changed on this machine. Servers are asked only if `search` says so and no local repository is found.
///
/// # Errors
///
/// When there is no such repository, branch or commit, and when git fails: in git's own words.
pub fn describe(wanted: &WantedRepository, search: &SearchOptions) -> Result<Repository, Diagnostic> {
    let FoundRepository { source, remote, provider } = find::find(wanted, search)?;
    let full_name = match wanted.source_name {
        "" => find::full_name(&source, remote.as_ref()),
        name => name.to_owned(),
    };
    let working_tree = search.working_tree && source.has_working_tree();
    let facts = match &source {
        Source::Local(local) => Some(
            facts::local(local, wanted, remote.as_ref(), working_tree).map_err(|e| e.of(wanted, &source))?,
        ),
        Source::Server(url) if search.ask_servers => {
            let access = provider.as_ref().and_then(|provider| provider.access.as_ref());
            Some(facts::server(url, wanted, access).map_err(|e| e.of(wanted, &source))?)
        }
        Source::Server(_) => None,
    };
    let (https_url, ssh_url) = match (&provider, &remote) {
        (Some(provider), _) => (provider.https_url.clone(), provider.ssh_url.clone()),
        (None, Some(remote)) => remote.urls.both(),
        (None, None) => Default::default(),
    };
    let origin = match (remote, &provider, &source) {
        (Some(remote), ..) => remote.urls,
        (None, Some(provider), _) => remote::Urls::of(&provider.https_url),
        (None, None, Source::Local(local)) => remote::Urls::of(&local.path.to_string_lossy()),
        (None, None, Source::Server(url)) => remote::Urls::of(url),
    };
    Ok(Repository {
        resource: wanted.resource.to_owned(),
        kind: wanted.kind.to_owned(),
        place: wanted.place,
        full_name,
        source,
        origin,
        https_url,
        ssh_url,
        provider: provider.as_ref().map(|provider| provider.kind.to_owned()),
        access: provider.and_then(|provider| provider.access),
        depth: wanted.depth,
        working_tree,
        branch: wanted.branch.map(str::to_owned),
        facts,
    })
}

impl Repository {
    /// The commit that goes in, which is the name of the version; [`UNASKED`] if only the server knows.
    pub fn commit(&self) -> &str {
        self.facts.as_ref().map_or(UNASKED, |facts| &facts.commit)
    }

    /// The last parts of its variables, and their values.
    ///
    /// There is no pull request and no release: those are the provider's, and git knows nothing of them.
    pub fn variables(&self) -> Vec<(&'static str, &str)> {
        let fact = |of: fn(&Facts) -> &str| self.facts.as_ref().map_or(UNASKED, of);
        vec![
            ("BRANCH", self.branch_name()),
            ("BASE_BRANCH", ""),
            ("HEAD_BRANCH", ""),
            ("PULL_REQUEST", "false"),
            ("COMMIT", self.commit()),
            ("COMMITTER", fact(|facts| &facts.committer)),
            ("COMMIT_MESSAGE", fact(|facts| &facts.message)),
            ("IS_GIT_TAG", fact(|facts| if facts.tag.is_some() { "true" } else { "false" })),
            ("GIT_TAG_NAME", fact(|facts| facts.tag.as_deref().unwrap_or_default())),
            ("IS_RELEASE", "false"),
            ("RELEASE_NAME", ""),
            ("RELEASED_AT", ""),
            ("IS_PULL_REQUEST", "false"),
            ("IS_PULL_REQUEST_CLOSE", "false"),
            ("PULL_REQUEST_REPO_FULL_NAME", ""),
            ("SSH_URL", &self.ssh_url),
            ("HTTPS_URL", &self.https_url),
            ("IS_FORK", "false"),
            ("REPO_FULL_NAME", &self.full_name),
        ]
    }

    /// `shaData`, as the original wrote it into the version of a repository.
    pub fn sha_data(&self) -> Json {
        let facts = self.facts.as_ref();
        let tag = facts.and_then(|facts| facts.tag.as_deref());
        json!({
            "branchName": self.branch_name(),
            "baseCommitRef": "",
            "headCommitRef": "",
            "commitSha": self.commit(),
            "beforeCommitSha": facts.map_or(UNASKED, |facts| facts.previous.as_deref().unwrap_or_default()),
            "committer": {"displayName": facts.map_or(UNASKED, |facts| &facts.committer)},
            "commitMessage": facts.map_or(UNASKED, |facts| &facts.message),
            "isGitTag": tag.is_some(),
            "gitTagName": tag,
            "isRelease": false,
            "releaseName": null,
            "releasedAt": null,
            "isPullRequest": false,
            "isPullRequestClose": false,
        })
    }

    /// What the commit that goes in has that the one before it had not, as git takes it: `before...commit`. The first
    /// commit alone has none before it.
    pub fn commit_range(&self) -> String {
        match self.facts.as_ref().and_then(|facts| facts.previous.as_deref()) {
            Some(previous) => format!("{previous}...{}", self.commit()),
            None => self.commit().to_owned(),
        }
    }

    /// The branch, and the message of the commit; neither is known of a server that was not asked.
    pub fn branch_and_message(&self) -> (&str, &str) {
        (self.branch_name(), self.facts.as_ref().map_or(UNASKED, |facts| &facts.message))
    }

    /// Who wrote the commit.
    pub fn author(&self) -> &str {
        self.facts.as_ref().map_or(UNASKED, |facts| &facts.author)
    }

    /// `normalizedRepo`, as the original wrote it into the property bag of a repository.
    pub fn normalized(&self) -> Json {
        json!({
            "repositorySshUrl": self.ssh_url,
            "repositoryHttpsUrl": self.https_url,
            "isFork": false,
            "fullName": self.full_name,
            "repositoryProvider": self.provider,
        })
    }

    /// What will be cloned, in words.
    pub fn summary(&self) -> String {
        let from = self.source.to_string();
        let branch = match self.branch_name() {
            "" | UNASKED => String::new(),
            branch => format!(", branch {branch}"),
        };
        let commit = self.facts.as_ref().map(|facts| format!(" at {}", facts.short())).unwrap_or_default();
        let changes = if self.working_tree { ", with its uncommitted changes" } else { "" };
        format!("clone of {from}{branch}{commit}{changes}")
    }

    /// Where its values come from, in words.
    pub fn origin(&self) -> String {
        format!("git, {}", self.source)
    }

    /// Whether all of its values are known.
    pub fn is_known(&self) -> bool {
        self.facts.is_some()
    }

    /// Whether it is on this machine.
    pub fn is_local(&self) -> bool {
        matches!(self.source, Source::Local(_))
    }

    fn branch_name(&self) -> &str {
        match (&self.facts, &self.branch) {
            (Some(facts), _) => facts.branch.as_deref().unwrap_or_default(),
            (None, Some(branch)) => branch,
            (None, None) => UNASKED,
        }
    }

    /// An error about this repository.
    fn error(&self, what: impl std::fmt::Display) -> Diagnostic {
        Diagnostic::error(format!("repository `{}` ({}): {what}", self.resource, self.source)).at(self.place)
    }

    fn warning(&self, what: impl std::fmt::Display) -> Diagnostic {
        Diagnostic::warning(format!("repository `{}` ({}): {what}", self.resource, self.source))
            .at(self.place)
    }
}
