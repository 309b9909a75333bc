//! Web identities: roles that trust who has signed a token, mostly a CI, and where that token is.

use super::sts::{Role, SESSION_NAME};
use crate::secret::Secret;

/// Where the token of a web identity is.
#[derive(Debug)]
pub enum Token {
    /// In a file.
    File(String),
    /// It is here.
    Here(Secret),
    /// GitHub Actions gives it at this address, with this token of its own.
    GitHub(String, Secret),
    /// A program prints it.
    Program(&'static [&'static str]),
}

/// Whom a token is for.
pub const AUDIENCE: &str = "sts.amazonaws.com";

/// How a job of Buildkite asks for its token.
const BUILDKITE: &[&str] = &["buildkite-agent", "oidc", "request-token", "--audience", AUDIENCE];

/// The variables that hold the token of a job: of CircleCI, and as GitLab's documentation calls it in `id_tokens`.
const TOKENS: &[&str] = &["CIRCLE_OIDC_TOKEN_V2", "CIRCLE_OIDC_TOKEN", "GITLAB_OIDC_TOKEN"];

/// The role that the environment names, for a token that a file or another CI has.
pub(super) fn of_environment(variable: &impl Fn(&str) -> Option<String>) -> Option<(Role, Token)> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let arn = set("AWS_ROLE_ARN")?;
    let of_github = || {
        let own = Secret::new(set("ACTIONS_ID_TOKEN_REQUEST_TOKEN")?);
        Some(Token::GitHub(set("ACTIONS_ID_TOKEN_REQUEST_URL")?, own))
    };
    let here = || TOKENS.iter().find_map(|name| set(name)).map(|token| Token::Here(Secret::new(token)));
    let of_buildkite = || set("BUILDKITE").map(|_| Token::Program(BUILDKITE));
    let token = set("AWS_WEB_IDENTITY_TOKEN_FILE").map(Token::File);
    let token = token.or_else(of_github).or_else(here).or_else(of_buildkite)?;
    let session_name = set("AWS_ROLE_SESSION_NAME").unwrap_or_else(|| SESSION_NAME.to_owned());
    let role = Role { arn, session_name, external_id: None, seconds: None };
    Some((role, token))
}
