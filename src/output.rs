//! What a command says: its result on stdout, its failure on stderr, and whether they have colours.

use std::fmt;
use std::io::{self, Write as _};

use anyhow::anyhow;

use crate::cli::ColorWhen;
use crate::container;
use crate::diagnostic::Diagnostic;
use crate::exit;
use crate::mask::Patterns;
use crate::paint::Paint;
use crate::printable::{self, Printable};
use crate::run;
use crate::secure::KeyError;
use crate::source::Sources;

/// Why a command did not do what it was asked for.
#[derive(Debug)]
pub struct Failure {
    /// The exit status.
    pub status: u8,
    /// What is said on stderr.
    pub message: String,
}

impl Failure {
    /// The same without secrets.
    pub fn masked(self, patterns: &Patterns) -> Failure {
        let message = String::from_utf8_lossy(&patterns.mask(self.message.as_bytes())).into_owned();
        Failure { message, ..self }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Failure { status: exit::SHIPCTL_FAILED, message: printable::lines(&format!("error: {error:#}\n")) }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        anyhow::Error::from(error).into()
    }
}

/// A failure that consists of diagnostics.
pub fn failure(diagnostics: &[Diagnostic], sources: &Sources, paint: Paint) -> Failure {
    let message: String = diagnostics.iter().map(|diagnostic| diagnostic.render(sources, paint)).collect();
    Failure { status: exit::SHIPCTL_FAILED, message }
}

/// Whether a stream gets colours.
pub fn paint(when: ColorWhen, stream: &impl io::IsTerminal) -> Paint {
    let coloured = match when {
        ColorWhen::Always => true,
        ColorWhen::Never => false,
        ColorWhen::Auto => {
            stream.is_terminal()
                && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
                && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
        }
    };
    if coloured { Paint::Coloured } else { Paint::Plain }
}

/// Writes a command's result. A reader that has had enough is no failure.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(anyhow::Error::from(error).context("cannot write to stdout").into())
        }
        _ => Ok(()),
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        anyhow!("{}\n  hint: {}", error.message, error.hint).into()
    }
}

impl From<run::Error> for Failure {
    fn from(error: run::Error) -> Self {
        let advice = match &error {
            run::Error::Engine { said, .. } => container::advice(said),
            run::Error::Remote { hint, .. } => hint.as_deref(),
            _ => None,
        };
        let advice = advice.map_or_else(String::new, |advice| format!("  hint: {advice}\n"));
        Failure { status: error.status(), message: format!("error: {error}\n{advice}") }
    }
}

/// Rows with their columns one below the other.
pub fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let shown: Vec<_> =
        rows.iter().map(|row| row.each_ref().map(|cell| Printable(cell).to_string())).collect();
    let widths: Vec<_> =
        (0..N).map(|column| shown.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)).collect();
    let mut text = String::new();
    for row in &shown {
        let line: String = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}  ")).collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
