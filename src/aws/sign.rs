//! Signing a request: AWS Signature Version 4.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;

use super::Keys;

/// What is signed for.
pub(super) struct Scope<'a> {
    pub(super) service: &'static str,
    pub(super) region: &'a str,
    pub(super) time: SystemTime,
}

/// What is sent with a request.
pub(super) enum Payload<'a> {
    /// These bytes.
    Bytes(&'a [u8]),
    /// What has this SHA-256, in hexadecimal digits, to an object of S3: whose key is a path as it is.
    Object(String),
}

/// The headers that prove that a request comes from the owner of the keys; `headers` are signed with it.
/// `None` for a URL or a header that cannot be sent at all.
pub(super) fn headers(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    payload: Payload,
    keys: &Keys,
    scope: &Scope,
) -> Option<Vec<(String, String)>> {
    let mut settings = SigningSettings::default();
    let body = match payload {
        Payload::Bytes(bytes) => SignableBody::Bytes(bytes),
        Payload::Object(hash) => {
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
            SignableBody::Precomputed(hash)
        }
    };
    let token = keys.session_token.as_ref().map(|token| token.expose().to_owned());
    let identity =
        Credentials::new(keys.access_key.expose(), keys.secret_key.expose(), token, None, "shipctl").into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(scope.region)
        .name(scope.service)
        .time(scope.time)
        .settings(settings)
        .build()
        .ok()?
        .into();
    let request = SignableRequest::new(method, url, headers.iter().copied(), body).ok()?;
    let (instructions, _) = sign(request, &parameters).ok()?.into_parts();
    Some(instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}
