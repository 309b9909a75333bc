//! One call: signed, sent, and sent again where that may help.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Mutex;
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde_json::Value as Json;
use zeroize::Zeroizing;

use super::http::{self, Answer};
use super::sign::{self, Payload, Scope};
use super::{Error, Keys, Problem, Service, Settings};
use crate::http::Unanswered;
use crate::secret::Secret;

/// How often a call is tried.
pub(super) const ATTEMPTS: u32 = 4;
/// The longest pause before the second attempt; each later one may be twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// Makes calls.
#[derive(Default)]
pub struct Client {
    settings: Settings,
    /// What the clock of AWS is ahead of this machine's, in seconds, as far as that made a difference.
    ahead: Mutex<i64>,
}

/// Why GitHub Actions gives no token, at which address.
#[derive(Debug, thiserror::Error)]
pub enum NoToken {
    /// There is no answer.
    #[error("GitHub Actions gives no token at {at}: {why}")]
    Unanswered {
        /// Without its path.
        at: String,
        /// Why.
        why: Unanswered,
    },
    /// The answer has none.
    #[error(
        "GitHub Actions gives no token at {at}: status {status}; the job needs `permissions: {{id-token: write}}`"
    )]
    Refused {
        /// Without its path.
        at: String,
        /// Of HTTP.
        status: u16,
    },
}

/// A call that has not been made.
pub(super) struct Call<'a> {
    /// As policies name it: `ecr:GetAuthorizationToken`.
    pub(super) name: &'static str,
    pub(super) service: Service,
    pub(super) region: &'a str,
    pub(super) headers: &'a [(&'static str, &'a str)],
    pub(super) body: &'a [u8],
}

/// The headers of the services that take forms, which are those that answer in XML.
pub(super) const FORM: &[(&str, &str)] =
    &[("content-type", "application/x-www-form-urlencoded; charset=utf-8")];

impl Client {
    /// A client for this way to AWS.
    pub fn new(settings: Settings) -> Self {
        Client { settings, ahead: Mutex::default() }
    }

    /// Its way to AWS.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Where STS is asked for a region: sessions are good for the AWS that gave them.
    pub fn address(&self, region: &str) -> String {
        self.settings.url(Service::Sts, region)
    }

    /// Makes a call and gives the body of the answer.
    pub(super) fn send(&self, call: &Call, keys: &Keys) -> Result<Zeroizing<String>, Error> {
        self.send_signed(call, Some(keys))
    }

    /// The same for a call that needs no keys.
    pub(super) fn send_unsigned(&self, call: &Call) -> Result<Zeroizing<String>, Error> {
        self.send_signed(call, None)
    }

    fn send_signed(&self, call: &Call, keys: Option<&Keys>) -> Result<Zeroizing<String>, Error> {
        let mut attempts = Attempts::new(ATTEMPTS);
        let mut clock_set = false;
        loop {
            let (error, date) = match self.attempt(call, keys) {
                Ok(answer) if answer.status == 200 => return Ok(answer.body),
                Ok(answer) => (Error::of_answer(call.name, answer.status, &answer.body, keys), answer.date),
                Err(error) => (error, None),
            };
            match error.problem {
                Problem::ClockSkew if !clock_set && self.set_clock(date.as_deref()) => clock_set = true,
                Problem::Throttled | Problem::Unavailable | Problem::Unreachable if attempts.is_another() => {
                    attempts.pause();
                }
                _ => return Err(error),
            }
        }
    }

    fn attempt(&self, call: &Call, keys: Option<&Keys>) -> Result<Answer, Error> {
        let url = self.settings.url(call.service, call.region);
        let scope = Scope {
            service: call.service.name(),
            region: call.service.signing_region(call.region),
            time: self.now(),
        };
        let unanswered = |unanswered: Unanswered| {
            let problem = if unanswered.untrusted { Problem::Untrusted } else { Problem::Unreachable };
            Error::new(call.name, problem, format!("{}: {}", origin(&url), unanswered.why))
        };
        let sign = |keys| sign::headers("POST", &url, call.headers, Payload::Bytes(call.body), keys, &scope);
        let signed = match keys {
            Some(keys) => {
                sign(keys).ok_or_else(|| unanswered("it is not a valid http(s) URL".to_owned().into()))?
            }
            None => Vec::new(),
        };
        let headers = call.headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        http::post(&url, headers.chain(signed), call.body, &self.settings).map_err(unanswered)
    }

    /// The token that GitHub Actions gives for an audience, at the address and for the token that it gave the job.
    ///
    /// # Errors
    ///
    /// When it gives none.
    pub fn token_of_github(&self, url: &str, own: &Secret, audience: &str) -> Result<Secret, NoToken> {
        let whole = format!("{url}&audience={audience}");
        let authorization = Zeroizing::new(format!("bearer {}", own.expose()));
        let at = || origin(url);
        let answer = http::get(&whole, &authorization, &self.settings)
            .map_err(|why| NoToken::Unanswered { at: at(), why })?;
        let json: Option<Json> =
            (answer.status == 200).then(|| serde_json::from_str(&answer.body).ok()).flatten();
        let token = json.and_then(|json| Some(Secret::new(json["value"].as_str()?.to_owned())));
        token.ok_or_else(|| NoToken::Refused { at: at(), status: answer.status })
    }

    /// The time as AWS has it.
    pub(super) fn now(&self) -> SystemTime {
        let ahead = *self.ahead.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let by = Duration::from_secs(ahead.unsigned_abs());
        if ahead < 0 { SystemTime::now() - by } else { SystemTime::now() + by }
    }

    /// Takes the time of an answer for the time; says whether there is one.
    pub(super) fn set_clock(&self, date: Option<&str>) -> bool {
        let Some(date) = date.and_then(|date| DateTime::from_str(date, Format::HttpDate).ok()) else {
            return false;
        };
        let ahead = date.secs() - DateTime::from(SystemTime::now()).secs();
        *self.ahead.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = ahead;
        true
    }
}

/// The attempts at something, the first of which is under way.
pub(super) struct Attempts {
    left: u32,
    pause: Duration,
}

impl Attempts {
    /// So many in all.
    pub(super) fn new(all: u32) -> Self {
        Attempts { left: all.saturating_sub(1), pause: FIRST_PAUSE }
    }

    /// Whether there is one more.
    pub(super) fn is_another(&self) -> bool {
        self.left > 0
    }

    /// Waits until the next one may begin: somewhere between nothing and all of a pause, so that those who were refused together
    /// do not come back together.
    pub(super) fn pause(&mut self) {
        let random = RandomState::new().build_hasher().finish() >> 32;
        sleep(self.pause.mul_f64(random as f64 / f64::from(u32::MAX)));
        self.pause *= 2;
        self.left = self.left.saturating_sub(1);
    }
}

/// The scheme and the host of a URL: what comes before them in an address may be a password.
pub(super) fn origin(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let authority = rest.split('/').next().unwrap_or_default();
    format!("{scheme}://{}", authority.rsplit('@').next().unwrap_or_default())
}
