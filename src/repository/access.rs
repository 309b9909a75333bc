//! The credentials for a server, passed to git so that no other process sees them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::credentials::{Content, Credential};
use crate::secret::Secret;

use super::url;

/// What lets git into a server over HTTP.
pub(super) struct Access {
    /// The server: no other is shown the credentials.
    server: String,
    header: Secret,
    secret: Secret,
}

impl Access {
    /// The access to the repository at `url` that an integration gives, if it gives any.
    pub(super) fn of(credential: &Credential, url: &str) -> Option<Access> {
        let field = |name: &str| match &credential.fields.iter().find(|field| field.name == name)?.content {
            Content::One(fetched) => Some(fetched.value.expose()).filter(|value| !value.is_empty()),
            Content::List(_) | Content::Map(_) => None,
        };
        // The user names are those that the providers' documentation gives for tokens.
        let (user, secret) = match credential.kind.name {
            "github" | "githubEnterprise" => ("x-access-token", field("token")?),
            "gitlab" => ("oauth2", field("token")?),
            "bitbucket" => ("x-token-auth", field("token")?),
            "bitbucketServer" => (field("username")?, field("token")?),
            "bitbucketServerBasic" => (field("username")?, field("password")?),
            _ => return None,
        };
        let pair = Zeroizing::new(format!("{user}:{secret}"));
        let pair = Zeroizing::new(STANDARD.encode(pair.as_bytes()));
        let header = Secret::new(format!("Authorization: Basic {}", *pair));
        Some(Access { server: url::server(url)?.to_owned(), header, secret: Secret::new(secret.to_owned()) })
    }

    /// The variable of configuration that makes git send them, and its value. A header is stored nowhere, unlike what
    /// goes through a credential helper, which the user's own helpers are told to keep.
    pub(super) fn config(&self) -> (String, &str) {
        (format!("http.{}/.extraHeader", self.server), self.header.expose())
    }

    /// What must not be shown.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &Secret> {
        [&self.secret, &self.header].into_iter()
    }
}
