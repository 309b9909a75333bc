//! Where the providers keep repositories.

use crate::credentials::{Content, Credential};

use super::access::Access;
use super::url::{server, without_credentials};

/// A repository at its provider.
pub(super) struct Provider {
    /// The kind of its integration.
    pub(super) kind: &'static str,
    /// Where it is cloned from.
    pub(super) https_url: String,
    /// Where it can be cloned from with an SSH key.
    pub(super) ssh_url: String,
    /// How git gets in.
    pub(super) access: Option<Access>,
}

/// The URL of this integration leads nowhere.
#[derive(Debug, thiserror::Error)]
#[error("the url of the integration `{0}` is no URL that begins with https://")]
pub(super) struct NoUrl(String);

impl Provider {
    /// Where an integration leads for the repository `source_name`; `None` if it is none of a provider of repositories.
    ///
    /// # Errors
    ///
    /// When the integration's URL leads nowhere.
    pub(super) fn of(credential: &Credential, source_name: &str) -> Option<Result<Provider, NoUrl>> {
        let kind = credential.kind.name;
        if !matches!(
            kind,
            "github"
                | "githubEnterprise"
                | "gitlab"
                | "bitbucket"
                | "bitbucketServer"
                | "bitbucketServerBasic"
        ) {
            return None;
        }
        let field = credential.fields.iter().find(|field| field.name == "url")?;
        let Content::One(url) = &field.content else { return None };
        let Some(base) = base(url.value.expose()) else {
            return Some(Err(NoUrl(credential.name.clone())));
        };
        let name = source_name.trim_matches('/');
        let name = name.strip_suffix(".git").unwrap_or(name);
        let host = base.split_once("://").map_or(base.as_str(), |(_, host)| host);
        let host = host.split(['/', ':']).next().unwrap_or(host);
        let (https_url, ssh_url) = if kind.starts_with("bitbucketServer") {
            (format!("{base}/scm/{name}.git"), format!("ssh://git@{host}:7999/{name}.git"))
        } else {
            (format!("{base}/{name}.git"), format!("git@{host}:{name}.git"))
        };
        let access = Access::of(credential, &https_url);
        Some(Ok(Provider { kind, https_url, ssh_url, access }))
    }
}

/// What the paths of repositories begin with. Integrations hold the URL of the provider's API.
fn base(url: &str) -> Option<String> {
    let url = url.trim();
    let url = if url.contains("://") { url.to_owned() } else { format!("https://{url}") };
    let url = without_credentials(&url);
    let server = server(&url)?;
    let path = url[server.len()..].trim_end_matches('/');
    let api = ["/api/v3", "/api/v4", "/api", "/rest/api/1.0", "/rest/api/latest", "/rest", "/1.0", "/2.0"];
    let path = api.iter().find_map(|suffix| path.strip_suffix(suffix)).unwrap_or(path);
    let server = match server {
        "https://api.github.com" => "https://github.com",
        "https://api.bitbucket.org" => "https://bitbucket.org",
        server => server,
    };
    let named = server.split_once("://").is_some_and(|(_, host)| is_host(host));
    let printable = !url.contains(|c: char| c.is_control() || c.is_whitespace());
    (named && printable).then(|| format!("{server}{path}"))
}

/// Whether it can be a host, perhaps with a port.
fn is_host(text: &str) -> bool {
    let (name, port) = match text.rfind(']') {
        // An IPv6 address has colons of its own.
        Some(end) if text.starts_with('[') => text.split_at(end + 1),
        _ => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let port = port.strip_prefix(':').unwrap_or(port);
    !name.is_empty() && port.chars().all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::base;

    #[test]
    fn repositories_lie_beside_the_api() {
        for (url, expected) in [
            ("https://api.github.com", "https://github.com"),
            ("https://api.github.com/", "https://github.com"),
            ("https://ghe.example.com/api/v3", "https://ghe.example.com"),
            ("https://gitlab.com/api/v4/", "https://gitlab.com"),
            ("https://example.com:8443/git/api/v3", "https://example.com:8443/git"),
            ("https://api.bitbucket.org/2.0", "https://bitbucket.org"),
            ("http://bb.example.com/rest/api/1.0", "http://bb.example.com"),
            ("http://[::1]:8080/", "http://[::1]:8080"),
            ("ghe.example.com", "https://ghe.example.com"),
            ("https://user:pw@ghe.example.com", "https://ghe.example.com"),
        ] {
            assert_eq!(base(url).as_deref(), Some(expected), "{url}");
        }
        for url in ["", "https://", "ext::sh -c true", "ext::sh", "file:///etc", "https://a b", "https://:80"]
        {
            assert_eq!(base(url), None, "{url}");
        }
    }
}
