//! What the URL of a repository says: its server, its path, and what in it is not to be shown.

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
pub(super) fn host_and_path(url: &str) -> Option<(&str, &str)> {
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
    fn only_http_leads_to_a_server() {
        assert_eq!(server("https://host:1/o/a"), Some("https://host:1"));
        assert_eq!(server("http://host"), Some("http://host"));
        assert_eq!(server("file:///o/a"), None);
        assert_eq!(server("git@host:o/a"), None);
    }
}
