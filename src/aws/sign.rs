//! Signing a request: AWS Signature Version 4.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;

use super::Keys;

/// What is signed for.
pub(super) struct Scope<'a> {
    pub(super) service: &'static str,
    pub(super) region: &'a str,
    pub(super) time: SystemTime,
}

/// The headers that prove that a POST of `body` comes from the owner of the keys; `headers` are signed with it.
/// `None` for a URL or a header that cannot be sent at all.
pub(super) fn headers(
    url: &str,
    headers: &[(&'static str, &str)],
    body: &[u8],
    keys: &Keys,
    scope: &Scope,
) -> Option<Vec<(String, String)>> {
    let token = keys.session_token.as_ref().map(|token| token.expose().to_owned());
    let identity =
        Credentials::new(keys.access_key.expose(), keys.secret_key.expose(), token, None, "shipctl").into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(scope.region)
        .name(scope.service)
        .time(scope.time)
        .settings(SigningSettings::default())
        .build()
        .ok()?
        .into();
    let request =
        SignableRequest::new("POST", url, headers.iter().copied(), SignableBody::Bytes(body)).ok()?;
    let (instructions, _) = sign(request, &parameters).ok()?.into_parts();
    Some(instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}
