//! Which repository a resource stands for.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::diagnostic::Diagnostic;

use super::git::GitError;
use super::local::Local;
use super::provider::Provider;
use super::remote::{self, Remote};
use super::{SearchOptions, WantedRepository};

/// A repository and what leads to it.
pub(super) struct FoundRepository {
    /// Where its objects come from.
    pub(super) source: Source,
    /// The remote of the local repository that is the resource's.
    pub(super) remote: Option<Remote>,
    /// Where it is at its provider.
    pub(super) provider: Option<Provider>,
}

/// Where the objects of a clone come from.
#[derive(Serialize, Deserialize)]
pub(super) enum Source {
    /// A repository on this machine.
    Local(Local),
    /// The server with this URL.
    Server(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Local(local) => local.path.display().fmt(f),
            Source::Server(url) => f.write_str(url),
        }
    }
}

impl Source {
    pub(super) fn has_working_tree(&self) -> bool {
        matches!(self, Source::Local(local) if local.working_tree)
    }
}

/// The repository that holds the first of these directories that lies in one.
fn holder(directories: &[PathBuf]) -> Result<Option<FoundRepository>, GitError> {
    for directory in directories {
        if let Some(local) = Local::open(directory)? {
            let remote = remote::origin(&local)?;
            return Ok(Some(FoundRepository { source: Source::Local(local), remote, provider: None }));
        }
    }
    Ok(None)
}

/// What a repository is called that no resource names: the end of its remote's path, or its directory.
pub(super) fn full_name(source: &Source, remote: Option<&Remote>) -> String {
    let directory = || match source {
        Source::Local(local) => local.path.file_name().map(|name| name.to_string_lossy().into_owned()),
        Source::Server(_) => None,
    };
    remote.and_then(|remote| remote.urls.full_name()).or_else(directory).unwrap_or_default()
}

/// Finds the repository of a resource: the given one, that of the YAML if a remote of it is the resource's, or the
/// provider's.
pub(super) fn find(wanted: &WantedRepository, search: &SearchOptions) -> Result<FoundRepository, Diagnostic> {
    let name = wanted.resource;
    let fail = |what: String| Diagnostic::error(format!("repository `{name}`: {what}")).at(wanted.place);
    let provider = wanted
        .credential
        .filter(|_| !wanted.source_name.is_empty())
        .and_then(|credential| Provider::of(credential, wanted.source_name));
    if let Some(path) = search.given {
        let local = Local::open(path)
            .map_err(|error| fail(format!("{}: {error}", path.display())))?
            .ok_or_else(|| fail(format!("{} is in no git repository", path.display())))?;
        let remote = match wanted.source_name {
            "" => remote::origin(&local),
            name => remote::of(&local, name),
        };
        let remote = remote.map_err(|error| fail(error.to_string()))?;
        return Ok(FoundRepository {
            source: Source::Local(local),
            remote,
            provider: provider.and_then(Result::ok),
        });
    }
    let give = format!("give one with --repo {name}=PATH");
    if wanted.source_name.is_empty() {
        // What a runCI job builds and what the YAML is synchronized from is the repository that it lies in, unless
        // something else is said.
        if matches!(wanted.kind, "ciRepo" | "syncRepo")
            && let Some(found) = holder(search.directories).map_err(|error| fail(error.to_string()))?
        {
            return Ok(found);
        }
        return Err(fail("nothing says which one it is: its pointer has no `sourceName`".to_owned())
            .hint(format!("add `sourceName: owner/name` to the pointer of the resource, or {give}")));
    }
    for directory in search.directories {
        let local = match Local::open(directory) {
            // Without git there is no local repository, and a dry run can still say what would be cloned.
            Err(GitError::Unavailable(_)) => None,
            opened => opened.map_err(|error| fail(format!("{}: {error}", directory.display())))?,
        };
        let Some(local) = local else { continue };
        if let Some(remote) =
            remote::of(&local, wanted.source_name).map_err(|error| fail(error.to_string()))?
        {
            let provider = provider.and_then(Result::ok);
            return Ok(FoundRepository { source: Source::Local(local), remote: Some(remote), provider });
        }
    }
    match provider {
        Some(Ok(provider)) => Ok(FoundRepository {
            source: Source::Server(provider.https_url.clone()),
            remote: None,
            provider: Some(provider),
        }),
        Some(Err(error)) => Err(fail(error.to_string()).hint(format!("correct the integration, or {give}"))),
        None => {
            let integration = match wanted.credential {
                Some(credential) => {
                    format!("the integration `{}` is none of a provider of repositories", credential.name)
                }
                None => "the resource is bound to no integration".to_owned(),
            };
            Err(fail(format!(
                "`{}` cannot be found: no remote of the repository that holds the YAML ends in it, and {integration}",
                wanted.source_name
            ))
            .hint(give))
        }
    }
}
