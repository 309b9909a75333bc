//! `shipctl schema`: the JSON Schema of the files of a line.

use crate::exit;
use crate::output::{Failure, print};
use crate::schema;

/// Prints the schema.
///
/// # Errors
///
/// If it cannot be printed.
pub fn run() -> Result<u8, Failure> {
    print(&format!("{:#}\n", schema::schema()))?;
    Ok(exit::SUCCESS)
}
