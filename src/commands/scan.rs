//! `shipctl scan`.
use super::Failure;
use crate::cli::{LineOptions, Scan};
/// Runs the command.
pub fn run(_command: &Scan, _options: &LineOptions) -> Result<u8, Failure> {
    Ok(0)
}
