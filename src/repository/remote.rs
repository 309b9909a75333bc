//! The URLs of repositories.

use serde::{Deserialize, Serialize};

use super::find::Local;
use super::git::{Git, GitError};

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

/// Whether the path of a URL is `source_name` or ends in it, whatever the case of its letters: servers know no other.
pub(super) fn ends_in(url: &str, source_name: &str) -> bool {
    let bare = |text: &str| {
        let text = text.trim_end_matches('/');
        text.strip_suffix(".git").unwrap_or(text).to_lowercase()
    };
    let (url, source_name) = (bare(url), bare(source_name.trim_start_matches('/')));
    !source_name.is_empty()
        && url
            .strip_suffix(&source_name)
            .is_some_and(|before| before.is_empty() || before.ends_with(['/', ':']))
}

/// `https://host:port` of a URL, if that is where it leads.
pub(super) fn server(url: &str) -> Option<&str> {
    let scheme = url.find("://")? + 3;
    let end = url[scheme..].find('/').map_or(url.len(), |slash| scheme + slash);
    matches!(&url[..scheme], "http://" | "https://").then(|| &url[..end])
}

/// A URL without the password of its user, or the whole of what stands there in one for HTTP, where a user's name is
/// often a token.
pub(super) fn without_credentials(url: &str) -> String {
    let Some(scheme) = url.find("://") else { return url.to_owned() };
    let (scheme, rest) = url.split_at(scheme + 3);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let Some(at) = rest[..end].rfind('@') else { return url.to_owned() };
    let user = match rest[..at].split(':').next() {
        Some(user) if scheme.starts_with("ssh") || scheme.contains("+ssh") => format!("{user}@"),
        _ => String::new(),
    };
    format!("{scheme}{user}{}", &rest[at + 1..])
}

/// The host (with user and port) and the path of a URL, in any of git's forms but a directory.
fn host_and_path(url: &str) -> Option<(&str, &str)> {
    if let Some((scheme, rest)) = url.split_once("://") {
        return if scheme == "file" { None } else { rest.split_once('/') };
    }
    // `host:path`; what has a slash before its colon is a directory.
    url.split_once(':').filter(|(host, _)| !host.is_empty() && !host.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_every_form_end_in_the_name() {
        for url in [
            "https://github.com/Org/App.git",
            "https://github.com/org/app/",
            "https://user:pw@ghe.example.com:8443/org/app",
            "git@github.com:org/app.git",
            "ssh://git@host:7999/org/app.git",
            "git://host/org/app",
            "/srv/git/org/app.git",
            "org/app",
            "gh:org/app",
        ] {
            assert!(ends_in(url, "org/app"), "{url}");
        }
        for url in
            ["https://github.com/my-org/app.git", "https://github.com/org/app2", "https://github.com/app", ""]
        {
            assert!(!ends_in(url, "org/app"), "{url}");
        }
        assert!(!ends_in("https://github.com/org/app", ""));
        assert!(!ends_in("https://github.com/org/app", "/"));
    }

    #[test]
    fn credentials_are_cut_out() {
        for (url, clean) in [
            ("https://t0k3n@github.com/o/a", "https://github.com/o/a"),
            ("https://u:p@w@host:1/o/a@b", "https://host:1/o/a@b"),
            ("ssh://git:pw@host/o/a", "ssh://git@host/o/a"),
            ("git@host:o/a", "git@host:o/a"),
            ("/tmp/a@b/c", "/tmp/a@b/c"),
        ] {
            assert_eq!(without_credentials(url), clean);
        }
    }

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

    #[test]
    fn only_http_leads_to_a_server() {
        assert_eq!(server("https://host:1/o/a"), Some("https://host:1"));
        assert_eq!(server("http://host"), Some("http://host"));
        assert_eq!(server("file:///o/a"), None);
        assert_eq!(server("git@host:o/a"), None);
    }
}
