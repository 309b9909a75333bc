//! `shipctl key remove-recipient`.

use crate::cli::LineOptions;
use crate::edit;
use crate::encryption::listed;
use crate::exit;
use crate::load::read_good;
use crate::output::{Failure, print};

/// Runs the command.
pub(in crate::commands::key) fn remove(recipient: &str, options: &LineOptions) -> Result<u8, Failure> {
    let _lock = edit::lock(options, None)?;
    let line = read_good(options)?;
    let found = listed::find(&line, recipient)?;
    let mut draft = edit::draft(&line, options)?;
    draft.remove_recipient(found.place)?;
    edit::commit(&line, draft, options)?;
    let file = line.sources.get(found.place.source).path();
    print(&format!("removed {} from the recipients of {}\n", found.listed, file.display()))?;
    if listed::has_encrypted(&line) {
        eprintln!(
            "shipctl: `shipctl key rotate` encrypts the values to the others; what {} could open until now is to be changed where it comes from",
            found.listed
        );
    }
    Ok(exit::SUCCESS)
}
