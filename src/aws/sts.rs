//! STS: whom keys belong to, and a role for a while.

use std::time::SystemTime;

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use roxmltree::Document;
use zeroize::Zeroizing;

use super::call::{Call, Client, FORM};
use super::{Error, Keys, Problem, Service, xml};
use crate::secret::Secret;

/// Whom keys belong to.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The number of the account, twelve digits.
    pub account: String,
    /// The user or the session.
    pub arn: String,
}

/// A role and how it is asked for.
#[derive(Clone, Debug)]
pub struct Role {
    /// The role.
    pub arn: String,
    /// What the session is called in the logs of the account.
    pub session_name: String,
    /// What the role's owner agreed on with those who assume it.
    pub external_id: Option<Secret>,
    /// How long the session lasts; the role's own default without it.
    pub seconds: Option<u32>,
}

/// Keys for a while.
#[derive(Clone, Debug)]
pub struct Session {
    /// The keys.
    pub keys: Keys,
    /// When they end.
    pub expires: SystemTime,
    /// When they end, as AWS writes it: `2026-11-21T12:00:00Z`.
    pub expiration: String,
}

/// What sessions are called by default: the same in all jobs of a line, so that they share them.
pub const SESSION_NAME: &str = "shipctl";

const VERSION: (&str, &str) = ("Version", "2011-06-15");

/// Says whom keys belong to. Every key may ask this; no policy can forbid it.
///
/// # Errors
///
/// When they are not valid, and when AWS cannot be asked.
pub fn caller_identity(client: &Client, region: &str, keys: &Keys) -> Result<Identity, Error> {
    const CALL: &str = "sts:GetCallerIdentity";
    let body = form(&[("Action", "GetCallerIdentity"), VERSION]);
    let answer = send(client, CALL, region, &body, keys)?;
    let document = parse(CALL, &answer)?;
    let part = |name: &str| xml::text(&document, name).map(str::to_owned).ok_or_else(|| lacks(CALL, name));
    Ok(Identity { account: part("Account")?, arn: part("Arn")? })
}

/// Takes a role.
///
/// # Errors
///
/// When AWS refuses or cannot be asked.
pub fn assume_role(client: &Client, region: &str, keys: &Keys, role: &Role) -> Result<Session, Error> {
    const CALL: &str = "sts:AssumeRole";
    let external_id = role.external_id.as_ref().map(|id| ("ExternalId", id.expose()));
    let body = role_form("AssumeRole", role, external_id);
    session(CALL, &send(client, CALL, region, &body, keys)?)
}

/// Takes a role with the token of a web identity, which is all that such a call shows.
///
/// # Errors
///
/// When AWS refuses or cannot be asked.
pub fn assume_role_with_web_identity(
    client: &Client,
    region: &str,
    role: &Role,
    token: &Secret,
) -> Result<Session, Error> {
    const CALL: &str = "sts:AssumeRoleWithWebIdentity";
    let body = role_form("AssumeRoleWithWebIdentity", role, Some(("WebIdentityToken", token.expose())));
    let call = Call { name: CALL, service: Service::Sts, region, headers: FORM, body: body.as_bytes() };
    session(CALL, &client.send_unsigned(&call)?)
}

/// What asks for a role; `shown` is what the call shows besides.
fn role_form(action: &str, role: &Role, shown: Option<(&str, &str)>) -> Zeroizing<String> {
    let seconds = role.seconds.map(|seconds| seconds.to_string());
    let mut pairs =
        vec![("Action", action), VERSION, ("RoleArn", &role.arn), ("RoleSessionName", &role.session_name)];
    pairs.extend(shown);
    pairs.extend(seconds.as_deref().map(|seconds| ("DurationSeconds", seconds)));
    form(&pairs)
}

/// Exchanges the keys of a user for those of a session that has shown a second factor: a code is good for one call, and
/// the session for as many as are made.
///
/// # Errors
///
/// When AWS refuses or cannot be asked.
pub fn session_with_mfa(
    client: &Client,
    region: &str,
    keys: &Keys,
    serial: &str,
    code: &Secret,
) -> Result<Session, Error> {
    const CALL: &str = "sts:GetSessionToken";
    let body = form(&[
        ("Action", "GetSessionToken"),
        VERSION,
        ("SerialNumber", serial),
        ("TokenCode", code.expose()),
    ]);
    session(CALL, &send(client, CALL, region, &body, keys)?)
}

/// The time that AWS writes so: `2026-11-21T12:00:00Z`.
pub fn time(text: &str) -> Option<SystemTime> {
    SystemTime::try_from(DateTime::from_str(text, Format::DateTimeWithOffset).ok()?).ok()
}

fn session(call: &'static str, answer: &str) -> Result<Session, Error> {
    let document = parse(call, answer)?;
    let part = |name: &str| xml::text(&document, name).ok_or_else(|| lacks(call, name));
    let secret = |name: &str| part(name).map(|text| Secret::new(text.to_owned()));
    let expiration = part("Expiration")?;
    let expires = time(expiration).ok_or_else(|| lacks(call, "Expiration"))?;
    Ok(Session {
        keys: Keys {
            access_key: secret("AccessKeyId")?,
            secret_key: secret("SecretAccessKey")?,
            session_token: Some(secret("SessionToken")?),
        },
        expires,
        expiration: expiration.to_owned(),
    })
}

fn send(
    client: &Client,
    name: &'static str,
    region: &str,
    body: &str,
    keys: &Keys,
) -> Result<Zeroizing<String>, Error> {
    let call = Call { name, service: Service::Sts, region, headers: FORM, body: body.as_bytes() };
    client.send(&call, keys)
}

fn parse<'a>(call: &'static str, answer: &'a str) -> Result<Document<'a>, Error> {
    Document::parse(answer).map_err(|_| Error::new(call, Problem::Refused, "the answer is no XML"))
}

fn lacks(call: &'static str, part: &str) -> Error {
    Error::new(call, Problem::Refused, format!("the answer has no {part}"))
}

/// Pairs as a form; wiped when dropped, as one may be an external id.
pub(super) fn form(pairs: &[(&str, &str)]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::new());
    for (name, value) in pairs {
        if !text.is_empty() {
            text.push('&');
        }
        text.push_str(name);
        text.push('=');
        for byte in value.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => text.push(byte.into()),
                _ => text.push_str(&format!("%{byte:02X}")),
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_keeps_what_is_in_it() {
        let form = form(&[("A", "x"), ("RoleArn", "arn:aws:iam::1:role/a+b =,@"), ("Ü", "")]);
        assert_eq!(*form, "A=x&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fa%2Bb%20%3D%2C%40&Ü=");
    }
}
