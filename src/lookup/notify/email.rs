//! E-mail, by SMTP.

use std::time::Duration;

use lettre::Transport as _;
use lettre::message::{Mailbox, Message, header::ContentType};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{self, SmtpTransport};

use super::options::NotifyOptions;
use super::{Failure, Target, payload};

impl Target<'_> {
    /// Sends the notification as an e-mail, and says to whom.
    pub(super) fn email(&self, options: &NotifyOptions) -> Result<String, Failure> {
        let recipients: Vec<String> = self.recipients(options).into_iter().flatten().collect();
        // The service knew their addresses.
        let (unknown, known): (Vec<_>, Vec<_>) = recipients.into_iter().partition(|to| to.starts_with("--"));
        if known.is_empty() {
            let why = match unknown.first() {
                Some(unknown) => format!("the address of {unknown} is not known here: name one"),
                None => "to whom? --recipient=name@example.org or a recipient says so".to_owned(),
            };
            return Err(self.failed(&why));
        }
        let Some(address) = self.smtp("") else {
            return Err(self.failed(
                "no server is set to hand e-mail over to: SHIPCTL_SMTP=smtp://user@host:port says so, with SHIPCTL_SMTP_PASSWORD and SHIPCTL_SMTP_FROM",
            ));
        };
        let server = Server::parse(&address).map_err(|why| self.failed(&format!("SHIPCTL_SMTP: {why}")))?;
        let from = self.smtp("_FROM").or_else(|| known.first().cloned()).unwrap_or_default();
        let text = payload::text(self.context, options);
        let subject = options.get("summary").map_or_else(|| first_line(&text), str::to_owned);
        let message =
            message(&from, &known, &subject, &text).map_err(|error| self.failed(&error.to_string()))?;
        let password = self.smtp("_PASSWORD");
        server.send(password.as_deref(), &message, options.timeout).map_err(|error| {
            let mut why = error.to_string();
            if let Some(password) = password.as_deref().filter(|password| password.len() >= 3) {
                why = why.replace(password, "***");
            }
            self.failed(&format!("the server of SHIPCTL_SMTP did not take it: {why}"))
        })?;
        Ok(format!("sent by e-mail ({})", known.join(", ")))
    }

    /// A setting of SMTP: from the environment, or from the integration of the resource, a key-value pair.
    fn smtp(&self, part: &str) -> Option<String> {
        let name = format!("SHIPCTL_SMTP{part}");
        self.optional_field(&name).or_else(|| self.variable(&name))
    }
}

/// What a text is about.
fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().filter(|c| !c.is_control()).collect()
}

/// Why no e-mail was sent.
#[derive(Debug, thiserror::Error)]
enum Error {
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
struct Server {
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
    fn parse(address: &str) -> Result<Server, Error> {
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
    fn send(&self, password: Option<&str>, message: &Message, timeout: Duration) -> Result<(), Error> {
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
fn message(from: &str, to: &[String], subject: &str, text: &str) -> Result<Message, Error> {
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
