//! `shipctl explain`: what a rule of `check` is about.

use std::fmt::Write as _;

use crate::cli::Explain;
use crate::diagnostic::RULES;
use crate::exit;
use crate::output::{Failure, print};

/// Runs the command.
///
/// # Errors
///
/// If nothing could be printed.
pub fn run(command: &Explain) -> Result<u8, Failure> {
    let mut text = String::new();
    let width = RULES.iter().map(|rule| rule.id.len()).max().unwrap_or(0);
    for rule in RULES {
        match &command.rule {
            None => _ = writeln!(text, "{:width$}  {}", rule.id, rule.about),
            Some(id) if id == rule.id => {
                _ = writeln!(
                    text,
                    "{}: {}\n\n{}\n\n`shipctl check --allow {}` leaves its warnings out, and so does the comment\n`# shipctl: allow {}` in the line that one is about, or alone in the line above.",
                    rule.id, rule.about, rule.more, rule.id, rule.id
                );
            }
            Some(_) => {}
        }
    }
    print(&text)?;
    Ok(exit::SUCCESS)
}
