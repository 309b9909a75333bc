//! An HTTP server for one job, which gives the keys of a session to programs that read no profile of the AWS CLI. SDKs of AWS
//! ask it as they ask the one of a container of AWS: `AWS_CONTAINER_CREDENTIALS_FULL_URI`, `AWS_CONTAINER_AUTHORIZATION_TOKEN`.
//!
//! It listens on the loopback interface alone, and gives the keys only to those who show its token, which the job alone has.

use std::fs::OpenOptions;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::caller::variable;
use super::{Credential, ProfileSession};
use crate::aws::renewal::Renewal;
use crate::aws::sts::Session;
use crate::aws::{Client, Keys, Settings};
use crate::secret::{self, Secret};

/// The only path that it answers on.
const PATH: &str = "/credentials";

/// How long a request may take to come, and an answer to be taken.
const LIMIT: Duration = Duration::from_secs(2);

/// How long to wait where no connection can be taken, for want of descriptors for instance.
const RETRY: Duration = Duration::from_millis(100);

/// How long the head of a request may be, in bytes.
const MAX_HEAD: usize = 16 << 10;

/// The server. Dropping this ends it.
pub struct CredentialsEndpoint {
    address: SocketAddr,
    token: Secret,
    ended: Arc<AtomicBool>,
}

/// What gives a session again when it is about to end.
enum Source {
    Role(Box<Renewal>, Client),
    Profile(ProfileSession),
}

/// What a request is answered with.
struct Answer {
    status: &'static str,
    body: Zeroizing<String>,
}

impl CredentialsEndpoint {
    /// Starts one for the keys of an integration, if they end with a session that can be renewed. Where that takes a program
    /// there is none: all processes that start while a job runs are taken for the job's, and end with it.
    ///
    /// New keys are added to the file `masked`, so that the log does not show them.
    ///
    /// # Errors
    ///
    /// When no port can be had.
    pub fn start(credential: &Credential, masked: PathBuf) -> io::Result<Option<CredentialsEndpoint>> {
        let source = match (&credential.renewal, &credential.profile) {
            (Some(renewal), _) => {
                Source::Role(Box::new(renewal.clone()), renewal.client(Settings::new(variable)))
            }
            (None, Some(profile)) if !profile.starts_program => Source::Profile(profile.clone()),
            _ => return Ok(None),
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let token = Secret::new(URL_SAFE_NO_PAD.encode(*secret::random::<32>()?));
        let ended = Arc::new(AtomicBool::new(false));
        let server = Server { listener, token: token.clone(), ended: Arc::clone(&ended), source, masked };
        thread::Builder::new().name("credentials".to_owned()).spawn(|| server.serve())?;
        Ok(Some(CredentialsEndpoint { address, token, ended }))
    }

    /// Where programs ask it.
    pub fn url(&self) -> String {
        format!("http://{}{PATH}", self.address)
    }

    /// What they have to show.
    pub fn token(&self) -> &Secret {
        &self.token
    }
}

impl Drop for CredentialsEndpoint {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // It waits for a connection. A session that is being asked for is not waited for: it would not be used.
        let _ = TcpStream::connect_timeout(&self.address, LIMIT);
    }
}

/// The thread of an endpoint.
struct Server {
    listener: TcpListener,
    token: Secret,
    ended: Arc<AtomicBool>,
    source: Source,
    masked: PathBuf,
}

impl Server {
    fn serve(mut self) {
        while !self.ended.load(Ordering::SeqCst) {
            // A client that has gone, or asks nothing, is no reason to end.
            match self.listener.accept() {
                Ok((stream, _)) => drop(self.answer(stream)),
                Err(_) => thread::sleep(RETRY),
            }
        }
    }

    fn answer(&mut self, mut stream: TcpStream) -> io::Result<()> {
        let head = read_head(&mut stream)?;
        let Answer { status, body } = self.answer_to(&head);
        if self.ended.load(Ordering::SeqCst) {
            return Ok(());
        }
        stream.set_write_timeout(Some(LIMIT))?;
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(body.as_bytes())
    }

    fn answer_to(&mut self, head: &str) -> Answer {
        let mut lines = head.split("\r\n");
        let mut request = lines.next().unwrap_or_default().split(' ');
        let shown = lines.filter_map(|line| line.split_once(':'));
        let mut shown = shown.filter(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        if !shown.next().is_some_and(|(_, value)| self.is_token(value.trim())) {
            return failed("401 Unauthorized", "the token of the job is missing or wrong");
        }
        if (request.next(), request.next()) != (Some("GET"), Some(PATH)) {
            return failed("404 Not Found", "there is nothing else here than the credentials of the job");
        }
        match self.source.session() {
            Ok(session) => {
                let keys = &session.keys;
                mask_in_log(&self.masked, keys);
                let token = keys.session_token.as_ref().map_or("", Secret::expose);
                let body = json!({
                    "AccessKeyId": keys.access_key.expose(),
                    "SecretAccessKey": keys.secret_key.expose(),
                    "Token": token,
                    "Expiration": session.expiration,
                });
                Answer { status: "200 OK", body: Zeroizing::new(body.to_string()) }
            }
            Err(why) => failed("502 Bad Gateway", &why),
        }
    }

    /// Digests are compared: how long that takes says nothing of the token.
    fn is_token(&self, shown: &str) -> bool {
        Sha256::digest(shown.as_bytes()) == Sha256::digest(self.token.expose().as_bytes())
    }
}

impl Source {
    fn session(&mut self) -> Result<Session, String> {
        match self {
            Source::Role(renewal, client) => match renewal.renew(client) {
                // What is spare is for this, too.
                Err(error) if renewal.session.expires <= SystemTime::now() => {
                    Err(format!("the role cannot be assumed again: {error}; {}", error.hint()))
                }
                _ => Ok(renewal.session.clone()),
            },
            Source::Profile(profile) => {
                profile.renew().cloned().map_err(|error| format!("{}; {}", error.message, error.hint))
            }
        }
    }
}

/// Has the log of a job mask keys that it was not given when it began, as `shipctl mask` does. Where nothing is masked there is no such
/// file.
pub fn mask_in_log(file: &Path, keys: &Keys) {
    let Ok(mut file) = OpenOptions::new().append(true).open(file) else { return };
    for secret in [Some(&keys.access_key), Some(&keys.secret_key), keys.session_token.as_ref()] {
        let Some(secret) = secret.filter(|secret| !secret.expose().is_empty()) else { continue };
        let record = Zeroizing::new(format!("\0{}\0", secret.expose()));
        // It goes without, rather than that the job gets no keys.
        let _ = file.write_all(record.as_bytes());
    }
}

fn failed(status: &'static str, message: &str) -> Answer {
    let code = status.split_once(' ').map_or("", |(_, code)| code);
    Answer { status, body: Zeroizing::new(json!({"code": code, "message": message}).to_string()) }
}

/// The head of a request, which ends with an empty line.
fn read_head(stream: &mut TcpStream) -> io::Result<String> {
    let until = Instant::now() + LIMIT;
    let (mut head, mut piece) = (Vec::new(), [0; 1024]);
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || head.len() > MAX_HEAD {
            return Err(io::ErrorKind::InvalidData.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut piece)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => head.extend_from_slice(&piece[..read]),
        }
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}
