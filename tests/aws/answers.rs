//! A socket that gives the answers of a test, one a request, and keeps what it was asked.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

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
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", socket.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&asked);
        thread::spawn(move || {
            for (number, stream) in socket.incoming().enumerate() {
                let answer = &answers[number.min(answers.len() - 1)];
                kept.lock().unwrap().push(serve(stream.unwrap(), answer));
            }
        });
        Answers { address, asked }
    }

    /// The requests so far, heads and bodies.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, (status, headers, body): &(u16, String, String)) -> String {
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
