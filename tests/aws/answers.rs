//! A socket that gives the answers of a test, one a request, and keeps what it was asked.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What a role gives, until 2099.
pub const SESSION: &str = "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials><AccessKeyId>ASIASESSION</AccessKeyId><SecretAccessKey>session-secret</SecretAccessKey><SessionToken>session-token</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>";

/// The socket.
pub struct Answers {
    pub address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

/// An error of STS.
pub fn error(status: u16, code: &str, message: &str) -> (u16, String, String) {
    let body = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    );
    (status, String::new(), body)
}

/// A session.
pub fn session() -> (u16, String, String) {
    (200, String::new(), SESSION.to_owned())
}

impl Answers {
    /// Gives these answers: status, headers and body. The last one is given again and again.
    pub fn new(answers: Vec<(u16, String, String)>) -> Answers {
        Answers::start(
            answers,
            |port| format!("http://127.0.0.1:{port}"),
            |stream, answer| Some(serve(stream, answer)),
        )
    }

    /// The same over TLS, and the certificate of the authority that has signed for the server.
    pub fn over_tls(answers: Vec<(u16, String, String)>) -> (Answers, String) {
        let (config, authority) = certified();
        let serve_over_tls = move |mut stream, answer: &_| {
            let mut connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            // Whoever does not trust the certificate hangs up here.
            connection.complete_io(&mut stream).ok()?;
            Some(serve(StreamOwned::new(connection, stream), answer))
        };
        (Answers::start(answers, |port| format!("https://localhost:{port}"), serve_over_tls), authority)
    }

    fn start(
        answers: Vec<(u16, String, String)>,
        address: impl Fn(u16) -> String,
        serve: impl Fn(TcpStream, &(u16, String, String)) -> Option<String> + Send + 'static,
    ) -> Answers {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = address(socket.local_addr().unwrap().port());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&asked);
        thread::spawn(move || {
            for (number, stream) in socket.incoming().enumerate() {
                let answer = &answers[number.min(answers.len() - 1)];
                let request = serve(stream.unwrap(), answer);
                kept.lock().unwrap().push(request.unwrap_or_default());
            }
        });
        Answers { address, asked }
    }

    /// The requests so far, heads and bodies; an empty one for a caller who hung up before.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(mut stream: impl Read + Write, (status, headers, body): &(u16, String, String)) -> String {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    let text = loop {
        let read = stream.read(&mut piece).unwrap();
        request.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let length = text
            .to_ascii_lowercase()
            .split("content-length: ")
            .nth(1)
            .map_or(0, |rest| rest.split("\r\n").next().unwrap().parse::<usize>().unwrap());
        match text.split_once("\r\n\r\n") {
            Some((_, body)) if body.len() >= length => break text,
            _ if read == 0 => break text,
            _ => {}
        }
    };
    let answer = format!(
        "HTTP/1.1 {status} X\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    // Whoever asked may have hung up.
    let _ = stream.write_all(answer.as_bytes());
    text
}

/// What a server for `localhost` needs, and the certificate of the authority that has signed for it.
fn certified() -> (Arc<ServerConfig>, String) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let pem = authority.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(authority, key);
    let key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![server.der().clone()], key)
        .unwrap();
    (Arc::new(config), pem)
}
