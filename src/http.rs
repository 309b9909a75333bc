//! What all requests have in common: whose certificates are trusted, and what is said where there is no answer, in words of
//! our own. Some of ureq's messages quote the address, in which a password or a token may be.

mod request;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use ureq::Error;
use ureq::tls::{RootCerts, TlsConfig};

pub use request::{Error as RequestError, Request, encoded};

/// TLS for a request to a server whose certificate these have signed.
pub fn tls(roots: RootCerts) -> TlsConfig {
    // The feature of ureq that would choose it brings a list of authorities too, which is not used here.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    TlsConfig::builder().root_certs(roots).unversioned_rustls_crypto_provider(provider).build()
}

/// Why a request got no answer.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub struct Unanswered {
    /// In words. Nothing of the request is among them.
    pub why: String,
    /// Whether it is that no trusted authority has signed the certificate of the server.
    pub untrusted: bool,
}

impl From<String> for Unanswered {
    fn from(why: String) -> Self {
        Unanswered { why, untrusted: false }
    }
}

impl Unanswered {
    /// What an error of ureq means; `limit` is how long the request might take.
    pub fn new(error: &Error, limit: Duration) -> Unanswered {
        match error {
            Error::Rustls(error) => of_tls(error),
            Error::Io(error) => match error.get_ref().and_then(|inner| inner.downcast_ref()) {
                Some(error) => of_tls(error),
                None if error.kind() == io::ErrorKind::TimedOut => too_late(limit).into(),
                None => error.to_string().into(),
            },
            Error::Timeout(_) => too_late(limit).into(),
            other => in_words(other).into(),
        }
    }
}

fn too_late(limit: Duration) -> String {
    format!("no answer within {} s", limit.as_secs_f64())
}

fn of_tls(error: &rustls::Error) -> Unanswered {
    use rustls::CertificateError::{BadSignature, UnknownIssuer};
    match error {
        // The second is an authority of the same name with another key, such as one that was made anew.
        rustls::Error::InvalidCertificate(UnknownIssuer | BadSignature) => Unanswered {
            why: "its certificate is not trusted: no authority that this machine trusts has signed it"
                .to_owned(),
            untrusted: true,
        },
        error => format!("TLS: {error}").into(),
    }
}

fn in_words(error: &Error) -> String {
    match error {
        Error::HostNotFound => "its host is not known".to_owned(),
        Error::ConnectionFailed => "no connection could be made".to_owned(),
        Error::Tls(error) => format!("TLS: {error}"),
        Error::BadUri(_) | Error::Http(_) | Error::RequireHttpsOnly(_) => {
            "it is not a valid http(s) URL".to_owned()
        }
        Error::BodyExceedsLimit(_) => "its answer is too long".to_owned(),
        Error::ConnectProxyFailed(_) | Error::InvalidProxyUrl => "the proxy could not be used".to_owned(),
        _ => "the answer could not be understood".to_owned(),
    }
}
