//! `shipctl encrypt` and `shipctl decrypt-value`.

use std::io::{self, IsTerminal as _, Read as _, Write as _};

use anyhow::anyhow;
use zeroize::Zeroizing;

use crate::cli::{Encrypt, LineOptions};
use crate::exit;
use crate::load::{opener, read};
use crate::model::Pipeline;
use crate::output::{Failure, print};
use crate::prompt;
use crate::secret::Secret;
use crate::secure::{
    self, KeyPlace, Listed, NoAnswer, Opener, Recipient, RecipientError, as_one_line, find_armoured,
};

/// The largest value that is encrypted, in bytes: no variable can hold more.
const MAX_VALUE: u64 = 128 << 10;

/// The largest encrypted text that is read, in bytes: the largest value, encrypted to many.
const MAX_TEXT: u64 = 4 * MAX_VALUE;

/// Encrypts a value and prints the YAML that holds it.
///
/// # Errors
///
/// When a value is an argument, there is no recipient, or it cannot be read.
pub fn encrypt(command: &Encrypt, options: &LineOptions) -> Result<u8, Failure> {
    if !command.value.is_empty() {
        return Err(Failure {
            status: exit::USAGE,
            message: "error: encrypt takes no value as an argument: everybody on this machine can read arguments, and your shell keeps them\n  \
                      hint: run `shipctl encrypt` and type it, or pipe it in: `shipctl encrypt < file`\n"
                .to_owned(),
        });
    }
    let line = read(options)?;
    let opener = opener(&line.pipeline);
    let recipients = if command.recipients.is_empty() {
        recipients(&line.pipeline, &opener)?
    } else {
        command.recipients.iter().map(|text| parse(text)).collect::<Result<_, _>>()?
    };
    let value = if io::stdin().is_terminal() { prompt::ask_secret("Value")? } else { stdin()? };
    let armoured = secure::encrypt(&recipients, &value).map_err(anyhow::Error::from)?;
    print(&match as_one_line(&armoured).filter(|_| command.one_line) {
        Some(text) => format!("secure: {text}\n"),
        None => block(&armoured),
    })?;
    if own().is_some_and(|own| !recipients.iter().any(|recipient| own.contains(recipient))) {
        eprintln!("shipctl: it is encrypted to others: you cannot open it yourself");
    }
    Ok(exit::SUCCESS)
}

/// Opens the value that stands on stdin and prints it.
///
/// # Errors
///
/// When it cannot be opened.
pub fn decrypt(options: &LineOptions) -> Result<u8, Failure> {
    let mut text = String::new();
    io::stdin().lock().take(MAX_TEXT).read_to_string(&mut text)?;
    let opener = opener(&read(options)?.pipeline);
    let value = opener.open(&encrypted(&text))?;
    let mut out = io::stdout().lock();
    let line = Zeroizing::new([value.expose().as_bytes(), b"\n"].concat());
    match out.write_all(&line).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(exit::SUCCESS),
    }
}

/// The encrypted text in some YAML, or in a text that is nothing else.
fn encrypted(text: &str) -> String {
    if let Some(armoured) = find_armoured(text) {
        return armoured.to_owned();
    }
    let rest = text.trim();
    let value = rest.split_once("secure:").map_or(rest, |(_, value)| value);
    value.trim().trim_matches(['"', '\'', '{', '}']).trim().to_owned()
}

/// This user's own recipients, if they are known without asking for a passphrase.
pub(super) fn own() -> Option<Vec<Recipient>> {
    let keys = KeyPlace::find().ok()?.keys(|_| Err(NoAnswer(String::new()))).ok()?;
    Some(keys.recipients())
}

/// Whom the values of a line are encrypted to: the recipients that it lists, or else the current key of the user. Not the
/// older ones: who took a new key because the old one leaked would write for the finder.
///
/// # Errors
///
/// When the line lists none and there is no key.
pub(super) fn recipients(pipeline: &Pipeline, opener: &Opener) -> Result<Vec<Recipient>, Failure> {
    if pipeline.recipients.is_empty() {
        return Ok(opener.keys()?.recipients().into_iter().take(1).collect());
    }
    let recipient = |listed: &Listed| listed.recipient.clone();
    Ok(pipeline.recipients.iter().map(|found| recipient(&found.listed)).collect())
}

/// Reads a recipient that was given as an argument.
pub(super) fn parse(text: &str) -> Result<Recipient, Failure> {
    text.parse()
        .map_err(|why: RecipientError| Failure { status: exit::USAGE, message: format!("error: {why}\n") })
}

/// All of stdin, byte for byte, but for one newline at its end.
fn stdin() -> Result<Secret, Failure> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_VALUE as usize + 1));
    io::stdin().lock().take(MAX_VALUE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_VALUE {
        return Err(
            anyhow!("the value is larger than {} KiB, and no variable can hold it", MAX_VALUE >> 10).into()
        );
    }
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| anyhow!("the value is not UTF-8 text; encode it, with base64 for instance"))?;
    Ok(Secret::new(text.strip_suffix('\n').unwrap_or(text).to_owned()))
}

/// An encrypted text as YAML: `secure: |` and its lines.
fn block(armoured: &str) -> String {
    let lines: Vec<_> = armoured.lines().map(|line| format!("  {line}\n")).collect();
    format!("secure: |\n{}", lines.concat())
}
