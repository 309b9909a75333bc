//! One POST, and the answer to it.

use std::fs;
use std::time::Duration;

use ureq::http::{Response, Uri};
use ureq::tls::{PemItem, RootCerts, parse_pem};
use ureq::{Agent, Body, Proxy};
use zeroize::Zeroizing;

use super::Settings;
use super::no_proxy;
use super::settings::Bundle;
use crate::http::{Unanswered, tls};

/// How long one attempt may take to get a connection, and in all.
const CONNECT: Duration = Duration::from_secs(5);
const WHOLE: Duration = Duration::from_secs(15);

/// No answer is longer, in bytes.
const LONGEST_ANSWER: u64 = 4 << 20;

/// What a service said. There may be keys in it.
pub(super) struct Answer {
    pub(super) status: u16,
    /// The time that the server has, as it writes it.
    pub(super) date: Option<String>,
    pub(super) body: Zeroizing<String>,
}

/// Sends a request, or says why it got no answer. No redirect is followed: it would carry the signature elsewhere.
pub(super) fn post(
    url: &str,
    headers: impl Iterator<Item = (String, String)>,
    body: &[u8],
    settings: &Settings,
) -> Result<Answer, Unanswered> {
    let request = agent(url, settings, Some(WHOLE))?.post(url);
    let request = headers.fold(request, |request, (name, value)| request.header(name, value));
    answer(request.send(body).map_err(|error| Unanswered::new(&error, WHOLE))?)
}

/// What a server outside of AWS answers to a request with this `Authorization`.
pub(super) fn get(url: &str, authorization: &str, settings: &Settings) -> Result<Answer, Unanswered> {
    let request = agent(url, settings, Some(WHOLE))?.get(url).header("authorization", authorization);
    answer(request.call().map_err(|error| Unanswered::new(&error, WHOLE))?)
}

/// Takes all of an answer.
fn answer(mut response: Response<Body>) -> Result<Answer, Unanswered> {
    let date = response.headers().get("date").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let status = response.status().as_u16();
    let body = response.body_mut().with_config().limit(LONGEST_ANSWER).lossy_utf8(true).read_to_string();
    Ok(Answer { status, date, body: Zeroizing::new(body.map_err(|error| Unanswered::new(&error, WHOLE))?) })
}

/// What sends requests to the server of a URL, each of which may take so long in all.
pub(super) fn agent(url: &str, settings: &Settings, whole: Option<Duration>) -> Result<Agent, Unanswered> {
    let roots = match &settings.ca_bundle {
        Some(bundle) => certificates(bundle)?,
        None => RootCerts::PlatformVerifier,
    };
    let config = Agent::config_builder()
        .timeout_connect(Some(CONNECT))
        .timeout_global(whole)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .proxy(proxy(url, settings)?)
        .user_agent(concat!("shipctl/", env!("CARGO_PKG_VERSION")))
        .tls_config(tls(roots))
        .build();
    Ok(Agent::new_with_config(config))
}

/// The certificates of a bundle.
fn certificates(bundle: &Bundle) -> Result<RootCerts, Unanswered> {
    let named = &bundle.named;
    let pem = fs::read(&bundle.path).map_err(|error| format!("cannot read {named}: {error}"))?;
    let certificates: Vec<_> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        return Err(format!("there is no certificate in {named}").into());
    }
    Ok(certificates.into_iter().into())
}

/// The proxy for a URL. Its address may hold a password, and is in no message.
fn proxy(url: &str, settings: &Settings) -> Result<Option<Proxy>, Unanswered> {
    let Some(address) = settings.proxy(url) else { return Ok(None) };
    let is_beside = |list: &String| {
        let uri = url.parse::<Uri>().ok()?;
        let port = uri.port_u16().unwrap_or(if url.starts_with("https:") { 443 } else { 80 });
        Some(no_proxy::covers(list, uri.host()?, port))
    };
    if settings.no_proxy.as_ref().and_then(is_beside) == Some(true) {
        return Ok(None);
    }
    let unusable =
        |_| Unanswered::from("the address of the proxy in the environment is not valid".to_owned());
    let given = Proxy::new(address).map_err(unusable)?;
    let mut proxy = Proxy::builder(given.protocol()).host(given.host()).port(given.port());
    if let Some(user) = given.username() {
        proxy = proxy.username(user);
    }
    if let Some(password) = given.password() {
        proxy = proxy.password(password);
    }
    proxy.build().map(Some).map_err(unusable)
}
