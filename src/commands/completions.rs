//! `shipctl completions`.

use anyhow::Context as _;
use clap_complete::env::Shells;

use super::complete;
use crate::cli::Completions;
use crate::exit;
use crate::output::{Failure, print};

/// Prints a completion script.
///
/// # Errors
///
/// If nothing could be printed.
pub fn completions(command: &Completions) -> Result<u8, Failure> {
    let mut script = Vec::new();
    let shell = command.shell.to_string();
    let completer = Shells::builtins();
    let completer = completer.completer(&shell).with_context(|| format!("there are none for {shell}"))?;
    completer.write_registration(complete::VARIABLE, "shipctl", "shipctl", "shipctl", &mut script)?;
    print(&String::from_utf8_lossy(&script))?;
    Ok(exit::SUCCESS)
}
