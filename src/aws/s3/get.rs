//! Reads objects, and goes on where a connection was cut.

use std::io::{self, Read as _};

use super::super::call::{ATTEMPTS, Attempts};
use super::{Bucket, Error, Problem, Request};

impl Bucket {
    /// Hands out an object piece by piece; says whether it is there, or the first error of `take`.
    ///
    /// # Errors
    ///
    /// When S3 refuses or cannot be asked; so with all of these.
    pub fn get(
        &self,
        key: &str,
        take: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<io::Result<bool>, Error> {
        let mut buffer = vec![0; 1 << 16];
        let (mut taken, mut attempts) = (0, Attempts::new(ATTEMPTS));
        loop {
            let rest = format!("bytes={taken}-");
            let headers = if taken > 0 { vec![("range", rest.as_str())] } else { Vec::new() };
            let request = Request { headers, ..Request::new("s3:GetObject", "GET", key) };
            let Some(response) = self.send(&request)?.found() else { return Ok(Ok(false)) };
            // A server that does not know ranges begins anew.
            let mut known = if response.status().as_u16() == 206 { 0 } else { taken };
            let mut reader = response.into_body().into_reader();
            let cut = loop {
                match reader.read(&mut buffer) {
                    Ok(0) => return Ok(Ok(true)),
                    Ok(count) => {
                        let new = &buffer[known.min(count)..count];
                        known -= count - new.len();
                        taken += new.len();
                        if let Err(error) = take(new) {
                            return Ok(Err(error));
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => break error,
                }
            };
            if !attempts.is_another() {
                let why = format!("the answer broke off: {cut}");
                return Err(Error::new(request.name, Problem::Unreachable, why));
            }
            attempts.pause();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::TcpListener;
    use std::thread;

    use super::*;
    use crate::aws::{Client, Keys, Settings};
    use crate::secret::Secret;

    const OBJECT: &[u8] = b"all of an object";

    /// What is read of a server that hangs up after so many bytes of each answer, and how often it was asked.
    fn read(each: usize, knows_ranges: bool) -> (Result<Vec<u8>, String>, usize) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let server = thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let mut stream = BufReader::new(stream.unwrap());
                let mut from = 0;
                let mut line = String::new();
                while stream.read_line(&mut line).unwrap() > 2 {
                    if let Some(range) = line.to_ascii_lowercase().strip_prefix("range: bytes=") {
                        from = range.trim().trim_end_matches('-').parse().unwrap();
                    }
                    if line.starts_with("GET /over ") {
                        return number;
                    }
                    line.clear();
                }
                let (status, rest) = if from > 0 && knows_ranges {
                    ("206 Partial Content", &OBJECT[from..])
                } else {
                    ("200 OK", OBJECT)
                };
                // The second time, a server that begins anew comes further.
                let sent = if knows_ranges { each } else { each * (number + 1) };
                let head = format!(
                    "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    rest.len()
                );
                let _ =
                    stream.get_mut().write_all(&[head.as_bytes(), &rest[..sent.min(rest.len())]].concat());
            }
            0
        });
        let settings = Settings::new(|name| (name == "AWS_ENDPOINT_URL").then(|| address.clone()));
        let keys = Keys {
            access_key: Secret::new("AKIA".to_owned()),
            secret_key: Secret::new("made-up".to_owned()),
            session_token: None,
        };
        let none = Box::new(|| Err("there are no other keys".into()));
        let bucket = Bucket::new(Client::new(settings), "b", "us-east-1", keys, none).ok().unwrap();
        let mut found = Vec::new();
        let read = bucket.get("key", &mut |piece| {
            found.extend_from_slice(piece);
            Ok(())
        });
        let _ = std::net::TcpStream::connect(address.trim_start_matches("http://"))
            .unwrap()
            .write_all(b"GET /over HTTP/1.1\r\n\r\n");
        (read.map(|_| found).map_err(|error| error.to_string()), server.join().unwrap())
    }

    #[test]
    fn what_was_cut_goes_on_where_it_was() {
        assert_eq!(read(100, true), (Ok(OBJECT.to_vec()), 1));
        assert_eq!(read(7, true), (Ok(OBJECT.to_vec()), 3));
        assert_eq!(read(7, false), (Ok(OBJECT.to_vec()), 3));
    }

    #[test]
    fn what_is_cut_again_and_again_is_an_error() {
        let (read, asked) = read(1, true);
        let error = read.unwrap_err();
        assert!(error.contains("s3:GetObject: no answer (the answer broke off: "), "{error}");
        assert_eq!(asked, ATTEMPTS as usize);
    }
}
