//! S3: objects in a bucket, of AWS or of a server that speaks as it does.

mod get;

use std::io;
use std::sync::Mutex;
use std::time::Duration;

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use sha2::{Digest as _, Sha256};
use ureq::{Agent, Body, SendBody};

use super::call::{ATTEMPTS, Attempts, origin};
use super::http::agent;
use super::sign::{self, Payload, Scope};
use super::{Client, Error, Keys, Problem, Service, xml};
use crate::http::Unanswered;

/// How long a request may take, but for the time that many bytes need.
const PATIENCE: Duration = Duration::from_secs(30);

/// A network that is slower, in bytes a second, is of no use.
const SLOWEST: u64 = 50_000;

/// No error and no list is longer, in bytes.
const LONGEST: u64 = 4 << 20;

/// What finds keys, again when those of a session have come to their end.
pub type FindKeys = Box<dyn Fn() -> Result<Keys, Box<dyn std::error::Error>> + Send + Sync>;

/// A bucket.
pub struct Bucket {
    client: Client,
    agent: Agent,
    name: String,
    region: Mutex<String>,
    keys: Mutex<Keys>,
    find_keys: FindKeys,
}

/// What is sent.
#[derive(Clone, Copy)]
pub enum Content<'a> {
    /// Nothing.
    Nothing,
    /// These bytes.
    Bytes(&'a [u8]),
    /// So many bytes with this SHA-256, in hexadecimal digits: each call opens them anew.
    Reader(&'a dyn Fn() -> io::Result<Box<dyn io::Read>>, u64, &'a str),
}

/// A part of a list.
#[derive(Default)]
pub struct Page {
    /// The keys, and what the keys of others begin with, in order.
    pub names: Vec<String>,
    /// What asks for the next part.
    pub next: Option<String>,
}

/// What is asked of a bucket.
struct Request<'a> {
    /// As policies name it.
    name: &'static str,
    method: &'static str,
    /// The key of an object, or nothing.
    key: &'a str,
    query: String,
    headers: Vec<(&'a str, &'a str)>,
    content: Content<'a>,
}

impl Bucket {
    /// The bucket of this name. `find_keys` is called where those that are given have come to their end.
    ///
    /// # Errors
    ///
    /// When the way to AWS makes no sense.
    pub fn new(
        client: Client,
        name: &str,
        region: &str,
        keys: Keys,
        find_keys: FindKeys,
    ) -> Result<Bucket, Unanswered> {
        let url = client.settings().url(Service::S3, region);
        let agent = agent(&url, client.settings(), None)?;
        let keys = Mutex::new(keys);
        let region = Mutex::new(region.to_owned());
        Ok(Bucket { client, agent, name: name.to_owned(), region, keys, find_keys })
    }

    /// Makes an object, with `only_new` unless one is there; says whether it did.
    ///
    /// # Errors
    ///
    /// As [`Bucket::get`].
    pub fn put(&self, key: &str, content: Content, only_new: bool) -> Result<bool, Error> {
        let headers = if only_new { vec![("if-none-match", "*")] } else { Vec::new() };
        let request = Request { headers, content, ..Request::new("s3:PutObject", "PUT", key) };
        match self.send(&request)? {
            Answer::Found(_) => Ok(true),
            Answer::Taken { tried_before: false } => Ok(false),
            // The first attempt may have made it before its answer was lost.
            Answer::Taken { tried_before: true } => match content {
                Content::Bytes(bytes) => {
                    let mut found = Vec::new();
                    let read = self.get(key, &mut |piece| {
                        found.extend_from_slice(piece);
                        Ok(())
                    })?;
                    Ok(read.is_ok_and(|there| there) && found == bytes)
                }
                Content::Nothing | Content::Reader(..) => Ok(false),
            },
            Answer::Missing => Err(self.missing(request.name)),
        }
    }

    /// How long ago an object was made; `None` if it is not there.
    ///
    /// # Errors
    ///
    /// As [`Bucket::get`].
    pub fn age(&self, key: &str) -> Result<Option<Duration>, Error> {
        let Some(response) = self.send(&Request::new("s3:GetObject", "HEAD", key))?.found() else {
            return Ok(None);
        };
        let modified = response.headers().get("last-modified").and_then(|value| value.to_str().ok());
        let modified = modified.and_then(|modified| DateTime::from_str(modified, Format::HttpDate).ok());
        let now = DateTime::from(self.client.now()).secs();
        let seconds = modified.map_or(0, |modified| now - modified.secs());
        Ok(Some(Duration::from_secs(u64::try_from(seconds).unwrap_or_default())))
    }

    /// The keys below a prefix that ends in `/`, up to the next `/`, from `from` on.
    ///
    /// # Errors
    ///
    /// As [`Bucket::get`].
    pub fn list(&self, prefix: &str, limit: usize, from: Option<&str>) -> Result<Page, Error> {
        let mut query = String::new();
        // In the order that signatures want.
        let limit = limit.clamp(1, 1000).to_string();
        let given = [("continuation-token", from), ("delimiter", Some("/")), ("list-type", Some("2"))];
        let given = given.into_iter().chain([("max-keys", Some(limit.as_str())), ("prefix", Some(prefix))]);
        for (name, value) in given.filter_map(|(name, value)| Some((name, value?))) {
            query += if query.is_empty() { "?" } else { "&" };
            query += &format!("{name}={}", encoded(value, ""));
        }
        let request = Request { query, ..Request::new("s3:ListBucket", "GET", "") };
        let Some(response) = self.send(&request)?.found() else { return Err(self.missing(request.name)) };
        let not_understood = || Error::new(request.name, Problem::Refused, "the answer is no list");
        let text = text(response.into_body()).map_err(|_| not_understood())?;
        let document = roxmltree::Document::parse(&text).map_err(|_| not_understood())?;
        let named =
            |name: &'static str| document.descendants().filter(move |node| node.tag_name().name() == name);
        let inner = |node: roxmltree::Node, name: &str| {
            let found = node.children().find(|child| child.tag_name().name() == name)?;
            found.text().map(str::to_owned)
        };
        let keys = named("Contents").filter_map(|node| inner(node, "Key"));
        let mut names: Vec<_> =
            keys.chain(named("CommonPrefixes").filter_map(|node| inner(node, "Prefix"))).collect();
        names.sort();
        Ok(Page { names, next: xml::text(&document, "NextContinuationToken").map(str::to_owned) })
    }

    /// Takes an object away.
    ///
    /// # Errors
    ///
    /// As [`Bucket::get`].
    pub fn delete(&self, key: &str) -> Result<(), Error> {
        self.send(&Request::new("s3:DeleteObject", "DELETE", key)).map(drop)
    }

    fn missing(&self, call: &'static str) -> Error {
        Error::new(call, Problem::Refused, format!("NoSuchBucket: there is no bucket `{}`", self.name))
    }

    /// Sends a request, and sends it again where that may help.
    fn send(&self, request: &Request) -> Result<Answer, Error> {
        let mut attempts = Attempts::new(ATTEMPTS + 2);
        let mut tried_before = false;
        let (mut clock_set, mut keys_renewed, mut region_found) = (false, false, false);
        loop {
            let keys = lock(&self.keys).clone();
            let (error, date) = match self.attempt(request, &keys) {
                Err(error) => (error, None),
                Ok(response) => {
                    let header = |name: &str| response.headers().get(name)?.to_str().ok().map(str::to_owned);
                    let (date, region) = (header("date"), header("x-amz-bucket-region"));
                    let status = response.status().as_u16();
                    match status {
                        200..=299 => return Ok(Answer::Found(Box::new(response))),
                        412 => return Ok(Answer::Taken { tried_before }),
                        301 | 307 | 400 if !region_found && region.is_some() => {
                            region_found = true;
                            *lock(&self.region) = region.unwrap_or_default();
                            continue;
                        }
                        _ => {}
                    }
                    let body = text(response.into_body()).unwrap_or_default();
                    if status == 404 && !body.contains("NoSuchBucket") {
                        return Ok(Answer::Missing);
                    }
                    let error = Error::of_answer(request.name, status, &body, Some(&keys));
                    // Two have written the same key at the same moment.
                    let again = status == 409 && request.method == "PUT";
                    (if again { error.again() } else { error }, date)
                }
            };
            match error.problem {
                Problem::ClockSkew if !clock_set && self.client.set_clock(date.as_deref()) => {
                    clock_set = true
                }
                Problem::ExpiredToken if !keys_renewed => {
                    keys_renewed = true;
                    let found = (self.find_keys)()
                        .map_err(|why| Error::new(request.name, Problem::ExpiredToken, why.to_string()))?;
                    *lock(&self.keys) = found;
                }
                Problem::Throttled | Problem::Unavailable | Problem::Unreachable if attempts.is_another() => {
                    attempts.pause();
                    tried_before = true;
                }
                _ => return Err(error),
            }
        }
    }

    fn attempt(&self, request: &Request, keys: &Keys) -> Result<ureq::http::Response<Body>, Error> {
        let region = lock(&self.region).clone();
        let base = self.client.settings().url(Service::S3, &region);
        let mut url = format!("{base}{}", self.name);
        if !request.key.is_empty() {
            url += &format!("/{}", encoded(request.key, "/"));
        }
        url += &request.query;
        let (size, hash) = match request.content {
            Content::Nothing => (0, digest(b"")),
            Content::Bytes(bytes) => (bytes.len() as u64, digest(bytes)),
            Content::Reader(_, size, hash) => (size, hash.to_owned()),
        };
        let limit = PATIENCE + Duration::from_secs(size / SLOWEST);
        let unanswered = |unanswered: Unanswered| {
            let problem = if unanswered.untrusted { Problem::Untrusted } else { Problem::Unreachable };
            Error::new(request.name, problem, format!("{}: {}", origin(&url), unanswered.why))
        };
        let scope = Scope { service: "s3", region: &region, time: self.client.now() };
        let signed =
            sign::headers(request.method, &url, &request.headers, Payload::Object(hash), keys, &scope)
                .ok_or_else(|| unanswered("it is not a valid http(s) URL".to_owned().into()))?;
        let mut builder = ureq::http::Request::builder().method(request.method).uri(&url);
        let given = request.headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        for (name, value) in given.chain(signed) {
            builder = builder.header(name, value);
        }
        if request.method == "PUT" {
            builder = builder.header("content-length", size.to_string());
        }
        let invalid = |_| unanswered("it is not a valid http(s) URL".to_owned().into());
        let failed = |error: ureq::Error| unanswered(Unanswered::new(&error, limit));
        match request.content {
            Content::Nothing => {
                let request = builder.body(()).map_err(invalid)?;
                let request = self.agent.configure_request(request).timeout_global(Some(limit)).build();
                self.agent.run(request).map_err(failed)
            }
            Content::Bytes(bytes) => {
                let request = builder.body(bytes).map_err(invalid)?;
                let request = self.agent.configure_request(request).timeout_global(Some(limit)).build();
                self.agent.run(request).map_err(failed)
            }
            Content::Reader(open, ..) => {
                let reader =
                    open().map_err(|error| Error::new(request.name, Problem::Refused, error.to_string()))?;
                let request = builder.body(SendBody::from_owned_reader(reader)).map_err(invalid)?;
                let request = self.agent.configure_request(request).timeout_global(Some(limit)).build();
                self.agent.run(request).map_err(failed)
            }
        }
    }
}

/// What S3 answered.
enum Answer {
    Found(Box<ureq::http::Response<Body>>),
    Missing,
    /// There is an object where there was to be none.
    Taken {
        /// Whether an attempt before may have made it.
        tried_before: bool,
    },
}

impl Answer {
    fn found(self) -> Option<ureq::http::Response<Body>> {
        match self {
            Answer::Found(response) => Some(*response),
            Answer::Missing | Answer::Taken { .. } => None,
        }
    }
}

impl<'a> Request<'a> {
    fn new(name: &'static str, method: &'static str, key: &'a str) -> Request<'a> {
        Request { name, method, key, query: String::new(), headers: Vec::new(), content: Content::Nothing }
    }
}

fn text(mut body: Body) -> Result<String, ureq::Error> {
    body.with_config().limit(LONGEST).lossy_utf8(true).read_to_string()
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A text as a part of a URL: all but letters, digits, `-._~` and what is `plain` is `%XX`.
fn encoded(text: &str, plain: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        let character = char::from(byte);
        if byte.is_ascii_alphanumeric() || "-._~".contains(character) || plain.contains(character) {
            encoded.push(character);
        } else {
            encoded += &format!("%{byte:02X}");
        }
    }
    encoded
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
