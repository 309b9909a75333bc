//! A value that is encrypted: from stdin or the terminal, to the YAML that holds it, and back.

use std::io::{self, IsTerminal as _, Read as _, Write as _};

use anyhow::anyhow;
use zeroize::Zeroizing;

use crate::output::Failure;
use crate::prompt;
use crate::secret::Secret;
use crate::secure::{Opener, as_one_line, find_armoured};

/// The largest value that is encrypted, in bytes: no variable can hold more.
const MAX_VALUE: u64 = 128 << 10;

/// The largest encrypted text that is read, in bytes: the largest value, encrypted to many.
const MAX_TEXT: u64 = 4 * MAX_VALUE;

/// The value to encrypt: what is typed on the terminal, or else all of stdin.
///
/// # Errors
///
/// When it cannot be read, is too large, or is no text.
pub fn read() -> Result<Secret, Failure> {
    if io::stdin().is_terminal() { prompt::ask_secret("Value") } else { stdin() }
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

/// An encrypted text as YAML: `secure: |` and its lines, or all in one line.
pub fn as_yaml(armoured: &str, one_line: bool) -> String {
    if let Some(text) = as_one_line(armoured).filter(|_| one_line) {
        return format!("secure: {text}\n");
    }
    let lines: Vec<_> = armoured.lines().map(|line| format!("  {line}\n")).collect();
    format!("secure: |\n{}", lines.concat())
}

/// Opens the encrypted value that stands on stdin and prints it.
///
/// # Errors
///
/// When it cannot be read or opened.
pub fn open_stdin(opener: &Opener) -> Result<(), Failure> {
    let mut text = String::new();
    io::stdin().lock().take(MAX_TEXT).read_to_string(&mut text)?;
    let value = opener.open(&encrypted(&text))?;
    let mut out = io::stdout().lock();
    let line = Zeroizing::new([value.expose().as_bytes(), b"\n"].concat());
    match out.write_all(&line).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
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
