//! One request over HTTP or HTTPS, and what came of it. Nothing here puts an address or a header into a message.

use std::time::Duration;

use ureq::Agent;
use ureq::http::StatusCode;
use ureq::tls::RootCerts;

use super::{Unanswered, tls};

/// No service has more to say than this.
const LONGEST_ANSWER: u64 = 1 << 20;

/// Why a request had no success.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There was no answer.
    #[error(transparent)]
    Unanswered(#[from] Unanswered),
    /// The answer was another one.
    #[error("it answered {status}{}", excerpt(.answer))]
    Refused {
        /// Its status.
        status: StatusCode,
        /// All that it said.
        answer: String,
    },
}

/// A request that has not been sent.
pub struct Request {
    url: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Request {
    /// Sends JSON.
    pub fn post(url: String, json: Vec<u8>) -> Request {
        Request {
            url,
            headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
            body: Some(json),
        }
    }

    /// Asks for something.
    pub fn get(url: String) -> Request {
        Request { url, headers: Vec::new(), body: None }
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Request {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Sends it and gives the answer; anything but a status of 200 to 299 is an error. The certificate is checked
    /// against the roots of the machine (`SSL_CERT_FILE` names others), and HTTPS_PROXY is honoured. No redirect is
    /// followed: it would carry the credentials somewhere else.
    ///
    /// # Errors
    ///
    /// When there is no answer, or another one.
    pub fn send(self, timeout: Duration) -> Result<String, Error> {
        let config = Agent::config_builder()
            .timeout_global(Some(timeout))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent(concat!("shipctl/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls(RootCerts::PlatformVerifier))
            .build();
        let agent = Agent::new_with_config(config);
        let sent = match &self.body {
            Some(body) => {
                let request = self
                    .headers
                    .iter()
                    .fold(agent.post(&self.url), |it, (name, value)| it.header(name, value));
                request.send(body.as_slice())
            }
            None => {
                let request = self
                    .headers
                    .iter()
                    .fold(agent.get(&self.url), |it, (name, value)| it.header(name, value));
                request.call()
            }
        };
        let mut response = sent.map_err(|error| Unanswered::new(&error, timeout))?;
        let status = response.status();
        let answer =
            response.body_mut().with_config().limit(LONGEST_ANSWER).lossy_utf8(true).read_to_string();
        let answer = answer.map_err(|error| Unanswered::new(&error, timeout))?;
        if status.is_success() { Ok(answer) } else { Err(Error::Refused { status, answer }) }
    }
}

/// The first line of an answer, for a message.
fn excerpt(answer: &str) -> String {
    let line: String =
        answer.trim().chars().take_while(|c| *c != '\n').filter(|c| !c.is_control()).take(200).collect();
    if line.is_empty() { line } else { format!(": {line}") }
}

/// `text` as part of a URL: all but letters, digits and `-._~` percent-encoded.
pub fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
