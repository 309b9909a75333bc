//! What went wrong at AWS, in kinds that call for different action.

use std::fmt;

use serde_json::Value as Json;

use super::{Keys, xml};
use crate::secret::Secret;

/// Why a call did not give what it was made for. Nothing in it is secret.
#[derive(Debug)]
pub struct Error {
    /// The call, as policies name it: `sts:AssumeRole`.
    pub call: &'static str,
    /// The kind of problem.
    pub problem: Problem,
    /// The code and the message of the answer, or why there is none.
    detail: String,
}

/// Kinds of problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The keys are good and may not do this.
    AccessDenied,
    /// There are no such keys.
    InvalidKeys,
    /// The session of the keys is over.
    ExpiredToken,
    /// No answer came.
    Unreachable,
    /// No trusted authority has signed the certificate of the server.
    Untrusted,
    /// Too many requests.
    Throttled,
    /// The service itself failed.
    Unavailable,
    /// The clock of this machine is wrong.
    ClockSkew,
    /// A second factor is needed, and there is no terminal to ask for its code.
    NoCode,
    /// Anything else that the service says.
    Refused,
}

/// How much of a message is shown, in characters.
const LONGEST: usize = 300;

impl Error {
    pub(super) fn new(call: &'static str, problem: Problem, detail: impl Into<String>) -> Error {
        Error { call, problem, detail: detail.into() }
    }

    /// The error that an answer holds: XML of STS and IAM, or JSON of the newer services.
    pub(super) fn of_answer(call: &'static str, status: u16, body: &str, keys: Option<&Keys>) -> Error {
        let (code, message) = of_xml(body).or_else(|| of_json(body)).unwrap_or_default();
        let problem = problem(&code, &message, status);
        let detail = match (code.is_empty(), message.is_empty()) {
            (true, _) => format!("status {status}"),
            (false, true) => code,
            (false, false) => format!("{code}: {}", without_secrets(&message, keys)),
        };
        Error { call, problem, detail }
    }

    /// The same, for what may well go better the next time.
    pub(super) fn again(self) -> Error {
        Error { problem: Problem::Throttled, ..self }
    }

    /// The error for a second factor that cannot be asked for.
    pub fn no_code(serial: &str) -> Error {
        Error::new("sts:GetSessionToken", Problem::NoCode, format!("device {serial}"))
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self.problem {
            Problem::AccessDenied if self.call == "sts:AssumeRole" => {
                "the trust policy of the role has to name the caller, and the external id if it asks for one; the caller's own policy has to allow sts:AssumeRole on the role".to_owned()
            }
            Problem::AccessDenied => format!("the policy of these keys has to allow {}", self.call),
            Problem::InvalidKeys => {
                "check that the access key is active and the secret key is the one that belongs to it; keys of a session need their session token too".to_owned()
            }
            Problem::ExpiredToken => "get keys of a new session, or use keys that last".to_owned(),
            Problem::Unreachable => {
                "check the network, the region, AWS_ENDPOINT_URL, HTTPS_PROXY and AWS_CA_BUNDLE".to_owned()
            }
            Problem::Untrusted => {
                "if the endpoint or the proxy is your own, name a PEM file with the certificate of its authority in AWS_CA_BUNDLE, or in `ca_bundle` of the AWS profile that the keys come from".to_owned()
            }
            Problem::Throttled => "other calls of this account use up its rate: try again in a minute".to_owned(),
            Problem::Unavailable => "try again; https://health.aws.amazon.com tells of outages".to_owned(),
            Problem::ClockSkew => "set the clock of this machine: AWS takes requests of the last five minutes".to_owned(),
            Problem::NoCode => "give the code that the device shows with --mfa-code".to_owned(),
            Problem::Refused => format!("see what the documentation of AWS says of {}", self.call),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.problem {
            Problem::AccessDenied => "access denied",
            Problem::InvalidKeys => "the keys are not valid",
            Problem::ExpiredToken => "the session of the keys is over",
            Problem::Unreachable | Problem::Untrusted => "no answer",
            Problem::Throttled => "too many requests",
            Problem::Unavailable => "the service failed",
            Problem::ClockSkew => "the clock of this machine is wrong",
            Problem::NoCode => "a code of the MFA device is needed",
            Problem::Refused => "refused",
        };
        write!(f, "{}: {what} ({})", self.call, self.detail)
    }
}

impl std::error::Error for Error {}

fn of_xml(body: &str) -> Option<(String, String)> {
    let document = roxmltree::Document::parse(body).ok()?;
    let message = xml::text(&document, "Message").unwrap_or_default();
    Some((xml::text(&document, "Code")?.to_owned(), message.to_owned()))
}

fn of_json(body: &str) -> Option<(String, String)> {
    let json: Json = serde_json::from_str(body).ok()?;
    let kind = json.get("__type")?.as_str()?;
    let code = kind.rsplit('#').next().unwrap_or(kind);
    let message = json.get("message").or_else(|| json.get("Message")).and_then(Json::as_str);
    Some((code.to_owned(), message.unwrap_or_default().to_owned()))
}

/// The kind of a problem, from the code that services have for it.
fn problem(code: &str, message: &str, status: u16) -> Problem {
    let of_the_clock = message.contains("Signature expired") || message.contains("not yet current");
    match code {
        "InvalidSignatureException" | "SignatureDoesNotMatch" if of_the_clock => Problem::ClockSkew,
        "RequestTimeTooSkewed" | "RequestExpired" | "RequestInTheFuture" => Problem::ClockSkew,
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => Problem::AccessDenied,
        "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "InvalidAccessKeyId"
        | "AuthFailure"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature" => Problem::InvalidKeys,
        "ExpiredToken" | "ExpiredTokenException" => Problem::ExpiredToken,
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "RequestLimitExceeded"
        | "TooManyRequestsException"
        | "SlowDown" => Problem::Throttled,
        _ => match status {
            429 => Problem::Throttled,
            403 if code.is_empty() => Problem::AccessDenied,
            500.. => Problem::Unavailable,
            _ => Problem::Refused,
        },
    }
}

/// The first line of a message. What follows repeats the request, and no service has a reason to repeat a key.
fn without_secrets(message: &str, keys: Option<&Keys>) -> String {
    let mut line = message.trim().lines().next().unwrap_or_default().to_owned();
    let secrets =
        keys.map(|keys| [Some(&keys.secret_key), Some(&keys.access_key), keys.session_token.as_ref()]);
    for secret in
        secrets.into_iter().flatten().flatten().map(Secret::expose).filter(|secret| !secret.is_empty())
    {
        line = line.replace(secret, "***");
    }
    line.chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, body: &str) -> Error {
        let secret = |text: &str| Secret::new(text.to_owned());
        let keys = Keys {
            access_key: secret("AKIDEXAMPLE"),
            secret_key: secret("s3cr3t-key"),
            session_token: Some(secret("t0k3n")),
        };
        Error::of_answer("sts:AssumeRole", status, body, Some(&keys))
    }

    fn xml(code: &str, message: &str) -> String {
        format!(
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
        )
    }

    #[test]
    fn codes_of_all_services_become_kinds() {
        for (code, message, problem) in [
            ("AccessDenied", "User: a is not authorized", Problem::AccessDenied),
            ("InvalidClientTokenId", "The security token is invalid", Problem::InvalidKeys),
            ("SignatureDoesNotMatch", "The request signature we calculated", Problem::InvalidKeys),
            ("SignatureDoesNotMatch", "Signature expired: 2026 is now earlier", Problem::ClockSkew),
            ("ExpiredToken", "The security token is expired", Problem::ExpiredToken),
            ("Throttling", "Rate exceeded", Problem::Throttled),
            ("ValidationError", "1 validation error detected", Problem::Refused),
        ] {
            let error = of(400, &xml(code, message));
            assert_eq!(error.problem, problem, "{code}");
            assert!(error.to_string().contains(&format!("({code}: {message})")), "{error}");
        }
        let json = r#"{"__type":"com.amazonaws.ecr#AccessDeniedException","Message":"no"}"#;
        assert_eq!(of(400, json).problem, Problem::AccessDenied);
        assert_eq!(of(503, "<html>busy").problem, Problem::Unavailable);
        assert_eq!(of(429, "").problem, Problem::Throttled);
    }

    #[test]
    fn a_message_never_repeats_keys() {
        let echo =
            xml("SignatureDoesNotMatch", "s3cr3t-key and t0k3n of AKIDEXAMPLE\n\nx-amz-security-token:t0k3n");
        let error = of(403, &echo).to_string();
        assert_eq!(
            error,
            "sts:AssumeRole: the keys are not valid (SignatureDoesNotMatch: *** and *** of ***)"
        );
    }
}
