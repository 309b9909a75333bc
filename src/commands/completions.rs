//! `shipctl completions` and `shipctl man`: both come from the grammar.

use super::{Failure, print};
use crate::cli::{Completions, Functions, grammar};
use crate::exit;

/// Prints a completion script.
///
/// # Errors
///
/// If nothing could be printed.
pub fn completions(command: &Completions) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(command.shell, &mut grammar(Functions::Shown), "shipctl", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(exit::SUCCESS)
}

/// Prints the manual page.
///
/// # Errors
///
/// If nothing could be printed.
pub fn man() -> Result<u8, Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(grammar(Functions::Hidden)).render(&mut page)?;
    print(&String::from_utf8_lossy(&page))?;
    Ok(exit::SUCCESS)
}
