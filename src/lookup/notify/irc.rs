//! A message to an IRC channel (RFC 2812), without TLS, as the original sent it.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

const PORT: u16 = 6667;

/// Servers send lines of 512 bytes, or a few thousand with tags.
const LONGEST_LINE: u64 = 16 * 1024;

/// Why a message could not be sent.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("it does not end in #channel")]
    NoChannel,
    #[error("it does not begin with the name of a server")]
    NoServer,
    #[error("that is no name of a channel")]
    ChannelName,
    #[error("its host is not known")]
    UnknownHost,
    #[error("the server says {command} {text}")]
    Refused { command: String, text: String },
    #[error("the server closed the connection")]
    Closed,
    #[error("no answer within {} s", .0.as_secs_f64())]
    Late(Duration),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What to say, where and as whom.
pub(super) struct Message<'a> {
    /// `irc.example.org#channel`, `irc.example.org:7000#channel`, or `#channel` alone if there is a `server`.
    pub(super) recipient: &'a str,
    /// The server of the integration.
    pub(super) server: Option<&'a str>,
    /// The nickname; if it is taken, `_` is added.
    pub(super) nick: &'a str,
    /// The server's password.
    pub(super) password: Option<&'a str>,
    /// Each line becomes a message.
    pub(super) text: &'a str,
}

impl Message<'_> {
    /// Sends it; the error says what the server had against it.
    pub(super) fn send(&self, timeout: Duration) -> Result<(), Error> {
        let at = self.recipient.find(['#', '&']).ok_or(Error::NoChannel)?;
        let (server, channel) = self.recipient.split_at(at);
        let server = Some(server).filter(|server| !server.is_empty()).or(self.server);
        let server = server.ok_or(Error::NoServer)?;
        if channel.contains([' ', ',', '\r', '\n', '\0']) {
            return Err(Error::ChannelName);
        }
        let mut session = Session::connect(server, timeout)?;
        if let Some(password) = self.password {
            session.say("PASS", password)?;
        }
        let mut nick = one_word(self.nick);
        session.say("NICK", &nick)?;
        session.say("USER", &format!("{nick} 0 * :shipctl"))?;
        session.wait(|session, reply| match reply.command.as_str() {
            "001" => Ok(true),
            "433" if nick.len() < 30 => {
                nick.push('_');
                session.say("NICK", &nick).map(|()| false)
            }
            _ => reply.refusal(),
        })?;
        session.say("JOIN", channel)?;
        // 366 ends the list of who is there: the server has let us in.
        session.wait(|_, reply| if reply.command == "366" { Ok(true) } else { reply.refusal() })?;
        for line in self.text.lines().filter(|line| !line.trim().is_empty()) {
            session.say("PRIVMSG", &format!("{channel} :{line}"))?;
        }
        session.say("QUIT", ":")?;
        // The server closes the connection when it has taken all of it, with or without an ERROR before.
        session.read_until(|_, reply| match reply.command.as_str() {
            "404" => reply.refusal(),
            command => Ok(command == "ERROR"),
        })?;
        Ok(())
    }
}

fn one_word(nick: &str) -> String {
    nick.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect()
}

struct Session {
    stream: BufReader<TcpStream>,
    deadline: Instant,
    timeout: Duration,
}

struct Reply {
    command: String,
    text: String,
}

impl Reply {
    /// An error that the server sends, by its number; everything else is not about us.
    fn refusal(&self) -> Result<bool, Error> {
        let is_error = self.command == "ERROR" || self.command.starts_with(['4', '5']);
        if is_error && self.command != "422" {
            return Err(Error::Refused { command: self.command.clone(), text: self.text.clone() });
        }
        Ok(false)
    }
}

impl Session {
    fn connect(server: &str, timeout: Duration) -> Result<Session, Error> {
        let host_and_port = if server.contains(':') { server.to_owned() } else { format!("{server}:{PORT}") };
        let mut failure = Error::UnknownHost;
        for address in host_and_port.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, timeout) {
                Ok(stream) => {
                    let deadline = Instant::now() + timeout;
                    return Ok(Session { stream: BufReader::new(stream), deadline, timeout });
                }
                Err(error) => failure = error.into(),
            }
        }
        Err(failure)
    }

    /// Sends one line. Line breaks in an argument would be commands of their own.
    fn say(&mut self, command: &str, arguments: &str) -> Result<(), Error> {
        let arguments: String = arguments.chars().filter(|c| !matches!(c, '\r' | '\n' | '\0')).collect();
        let line = format!("{command} {arguments}\r\n");
        let stream = self.stream.get_mut();
        stream.set_write_timeout(Some(self.timeout))?;
        Ok(stream.write_all(line.as_bytes())?)
    }

    /// Reads replies until `done` says so.
    fn wait(&mut self, done: impl FnMut(&mut Session, &Reply) -> Result<bool, Error>) -> Result<(), Error> {
        if self.read_until(done)? { Ok(()) } else { Err(Error::Closed) }
    }

    /// Reads replies until `done` says so, and gives `false` if the server closes before; answers its pings on the
    /// way.
    fn read_until(
        &mut self,
        mut done: impl FnMut(&mut Session, &Reply) -> Result<bool, Error>,
    ) -> Result<bool, Error> {
        while let Some(line) = self.line()? {
            // `:server 433 * nick :text`, or without the server.
            let (_, line) =
                line.strip_prefix(':').and_then(|line| line.split_once(' ')).unwrap_or(("", &line));
            let (command, rest) = line.split_once(' ').unwrap_or((line, ""));
            if command == "PING" {
                self.say("PONG", rest)?;
                continue;
            }
            let text = rest.split_once(':').map_or(rest, |(_, text)| text).to_owned();
            if done(self, &Reply { command: command.to_owned(), text })? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn line(&mut self) -> Result<Option<String>, Error> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Error::Late(self.timeout));
        }
        let mut line = Vec::new();
        let read = self.stream.get_ref().set_read_timeout(Some(left));
        match read.and_then(|()| (&mut self.stream).take(LONGEST_LINE).read_until(b'\n', &mut line)) {
            Ok(0) => Ok(None),
            Ok(_) => Ok(Some(String::from_utf8_lossy(&line).trim_end().to_owned())),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                Err(Error::Late(self.timeout))
            }
            Err(error) => Err(error.into()),
        }
    }
}
