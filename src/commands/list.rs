//! `shipctl list`: jobs, resources and integrations.

use crate::cli::{LineOptions, List, ListFormat};
use crate::exit;
use crate::inventory;
use crate::load::read_good;
use crate::output::{Failure, print};

/// Runs the command.
///
/// # Errors
///
/// On errors in the YAML.
pub fn run(command: &List, options: &LineOptions) -> Result<u8, Failure> {
    let tables = inventory::tables(&read_good(options)?, command.what);
    print(&match (command.format, command.what) {
        (ListFormat::Json, Some(_)) => tables.iter().map(inventory::Table::as_json).collect(),
        (ListFormat::Json, None) => inventory::all_as_json(&tables),
        (ListFormat::Text, what) => inventory::text(&tables, what.is_none()),
    })?;
    Ok(exit::SUCCESS)
}
