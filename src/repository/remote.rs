//! The URLs of repositories.

use serde::{Deserialize, Serialize};

use super::git::{Git, GitError};
use super::local::Local;
use super::url::{ends_in, host_and_path, without_credentials};

/// A remote of a repository.
pub(super) struct Remote {
    /// Its name.
    pub(super) name: String,
    /// Where it is.
    pub(super) urls: Urls,
}

/// Where a remote is fetched from and pushed to; no credentials are in either.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Urls {
    /// Where it is fetched from.
    pub(super) fetch: String,
    /// Where it is pushed to, if that is elsewhere.
    pub(super) push: Option<String>,
}

impl Urls {
    /// One URL for both.
    pub(super) fn of(url: &str) -> Urls {
        Urls { fetch: without_credentials(url), push: None }
    }

    /// The repository's URLs for HTTPS and for SSH, as servers of repositories have them; empty where it lies in a
    /// directory.
    pub(super) fn both(&self) -> (String, String) {
        let url = &self.fetch;
        let Some((host, path)) = host_and_path(url) else { return Default::default() };
        let path = path.trim_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path);
        if url.starts_with("http://") || url.starts_with("https://") {
            let name = host.split(':').next().unwrap_or(host);
            (url.clone(), format!("git@{name}:{path}.git"))
        } else {
            let name = host.rsplit('@').next().unwrap_or(host);
            let name = name.split(':').next().unwrap_or(name);
            (format!("https://{name}/{path}.git"), url.clone())
        }
    }

    /// `owner/name`, as servers of repositories have it at the end of the path; `None` where it lies in a directory.
    pub(super) fn full_name(&self) -> Option<String> {
        let (_, path) = host_and_path(&self.fetch)?;
        let path = path.trim_matches('/');
        Some(path.strip_suffix(".git").unwrap_or(path).to_owned())
    }
}

/// The remote called `origin`, or else the first.
pub(super) fn origin(local: &Local) -> Result<Option<Remote>, GitError> {
    let mut remotes = all(local)?;
    let chosen = remotes.iter().position(|remote| remote.name == "origin").unwrap_or(0);
    Ok((chosen < remotes.len()).then(|| remotes.swap_remove(chosen)))
}

/// The remote of a repository whose URL ends in `source_name`: the one called `origin`, if several do.
pub(super) fn of(local: &Local, source_name: &str) -> Result<Option<Remote>, GitError> {
    let remotes = all(local)?;
    let mut matching: Vec<_> =
        remotes.into_iter().filter(|remote| ends_in(&remote.urls.fetch, source_name)).collect();
    let chosen = matching.iter().position(|remote| remote.name == "origin").unwrap_or(0);
    Ok((chosen < matching.len()).then(|| matching.swap_remove(chosen)))
}

fn all(local: &Local) -> Result<Vec<Remote>, GitError> {
    let git = Git::at(&local.path, "config").args(["-z", "--get-regexp", r"^remote\..*\.(url|pushurl)$"]);
    let listed = match git.run() {
        // It found none.
        Err(GitError::Failed { status: Some(1), .. }) => return Ok(Vec::new()),
        listed => listed?,
    };
    let mut remotes: Vec<Remote> = Vec::new();
    for entry in String::from_utf8_lossy(&listed).split_terminator('\0') {
        let Some((key, url)) = entry.split_once('\n') else { continue };
        let Some((name, part)) = key.strip_prefix("remote.").and_then(|key| key.rsplit_once('.')) else {
            continue;
        };
        match (part, remotes.iter_mut().find(|remote| remote.name == name)) {
            ("pushurl", Some(remote)) => remote.urls.push = Some(without_credentials(url)),
            // Git fetches from the first of several.
            ("url", None) => remotes.push(Remote { name: name.to_owned(), urls: Urls::of(url) }),
            _ => {}
        }
    }
    Ok(remotes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_url_follows_from_the_other() {
        let both = |url: &str| Urls::of(url).both();
        let (https, ssh) = ("https://host/o/a.git".to_owned(), "git@host:o/a.git".to_owned());
        assert_eq!(both(&https), (https.clone(), ssh.clone()));
        assert_eq!(both(&ssh), (https.clone(), ssh));
        assert_eq!(both("ssh://git@host:22/o/a"), (https, "ssh://git@host:22/o/a".to_owned()));
        assert_eq!(both("/srv/o/a.git"), Default::default());
        assert_eq!(both("file:///srv/o/a.git"), Default::default());
    }
}
