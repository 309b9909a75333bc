//! E-mail, by SMTP.

use std::time::Duration;

use lettre::Transport as _;
use lettre::message::{Mailbox, Message, header::ContentType};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{self, SmtpTransport};

/// Why no e-mail was sent.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("it is not smtp://user@host:port or smtps://user@host:port")]
    Address,
    #[error("the password does not belong there: it goes into SHIPCTL_SMTP_PASSWORD")]
    PasswordInAddress,
    #[error("`{0}` is no address of e-mail")]
    Mailbox(String),
    #[error(transparent)]
    Message(#[from] lettre::error::Error),
    #[error("TLS: {0}")]
    Tls(smtp::Error),
    #[error(transparent)]
    Smtp(smtp::Error),
}

/// Where e-mail is handed over: `smtp://user@host:port`, whose connection is encrypted by STARTTLS unless the host is this
/// machine, or `smtps://…`, which is encrypted from the beginning.
pub(super) struct Server {
    host: String,
    port: u16,
    user: Option<String>,
    tls: Encryption,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encryption {
    Always,
    StartTls,
    None,
}

impl Server {
    /// The server of an address, or what is wrong with it.
    pub(super) fn parse(address: &str) -> Result<Server, Error> {
        let (scheme, rest) = address.split_once("://").ok_or(Error::Address)?;
        let (user, place) = match rest.trim_end_matches('/').rsplit_once('@') {
            Some((user, place)) => (Some(user.to_owned()), place),
            None => (None, rest.trim_end_matches('/')),
        };
        if user.as_ref().is_some_and(|user| user.contains(':')) {
            return Err(Error::PasswordInAddress);
        }
        let (host, port) =
            match place.rsplit_once(':').filter(|(host, _)| !host.contains(':') || host.ends_with(']')) {
                Some((host, port)) => (host, Some(port.parse().map_err(|_| Error::Address)?)),
                None => (place, None),
            };
        let is_here = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
        let (tls, default) = match scheme {
            "smtps" => (Encryption::Always, 465),
            "smtp" if is_here => (Encryption::None, 25),
            "smtp" => (Encryption::StartTls, 587),
            _ => return Err(Error::Address),
        };
        if host.is_empty() {
            return Err(Error::Address);
        }
        Ok(Server { host: host.to_owned(), port: port.unwrap_or(default), user, tls })
    }

    /// Hands a message over, to all recipients at once.
    pub(super) fn send(
        &self,
        password: Option<&str>,
        message: &Message,
        timeout: Duration,
    ) -> Result<(), Error> {
        let parameters = || TlsParameters::new(self.host.clone()).map_err(Error::Tls);
        let tls = match self.tls {
            Encryption::Always => Tls::Wrapper(parameters()?),
            Encryption::StartTls => Tls::Required(parameters()?),
            Encryption::None => Tls::None,
        };
        let mut transport = SmtpTransport::builder_dangerous(self.host.trim_matches(['[', ']']))
            .port(self.port)
            .timeout(Some(timeout))
            .hello_name(ClientId::Domain("localhost".to_owned()))
            .tls(tls);
        if let Some(user) = &self.user {
            let password = password.unwrap_or_default().to_owned();
            transport = transport.credentials(Credentials::new(user.clone(), password));
        }
        transport.build().send(message).map(drop).map_err(Error::Smtp)
    }
}

/// A message of text, or what is wrong with an address.
pub(super) fn message(from: &str, to: &[String], subject: &str, text: &str) -> Result<Message, Error> {
    let mailbox = |address: &str| address.parse::<Mailbox>().map_err(|_| Error::Mailbox(address.to_owned()));
    let mut builder =
        Message::builder().from(mailbox(from)?).subject(subject).header(ContentType::TEXT_PLAIN);
    for address in to {
        builder = builder.to(mailbox(address)?);
    }
    Ok(builder.body(format!("{text}\n"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_servers() {
        for (address, host, port, user, tls) in [
            ("smtp://mail.example.org", "mail.example.org", 587, None, Encryption::StartTls),
            ("smtps://ann@mail.example.org", "mail.example.org", 465, Some("ann"), Encryption::Always),
            ("smtp://ann@x.org@mail:2525/", "mail", 2525, Some("ann@x.org"), Encryption::StartTls),
            ("smtp://localhost", "localhost", 25, None, Encryption::None),
            ("smtp://[::1]:2525", "[::1]", 2525, None, Encryption::None),
        ] {
            let server = Server::parse(address).unwrap();
            assert_eq!(
                (server.host.as_str(), server.port, server.user.as_deref(), server.tls),
                (host, port, user, tls),
                "{address}"
            );
        }
        for wrong in ["", "mail", "http://mail", "smtp://", "smtp://mail:port", "smtp://ann:secret@mail"] {
            assert!(Server::parse(wrong).is_err(), "{wrong}");
        }
    }
}
