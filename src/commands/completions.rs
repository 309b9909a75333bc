//! `shipctl completions`.

use crate::cli::Completions;
use crate::completion;
use crate::exit;
use crate::output::{Failure, print};

/// Prints a completion script.
///
/// # Errors
///
/// If nothing could be printed.
pub fn completions(command: &Completions) -> Result<u8, Failure> {
    print(&completion::script(&command.shell.to_string())?)?;
    Ok(exit::SUCCESS)
}
