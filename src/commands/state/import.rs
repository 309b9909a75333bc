//! `shipctl state import`: versions that were exported elsewhere.

use std::path::PathBuf;

use crate::exit;
use crate::load::store;
use crate::model::files::Line;
use crate::output::{Failure, print};
use crate::printable::{self, Printable};
use crate::state::{ImportOutcome, ImportedVersion};

/// Takes in what was exported: all that can be, and then says what could not.
pub(super) fn import(line: &Line, from: &[PathBuf]) -> Result<(), Failure> {
    let mut store = store::open(line)?;
    let mut failed = Vec::new();
    for directory in from {
        let given = match ImportedVersion::read(directory) {
            Ok(given) => given,
            Err(error) => {
                failed.push(error);
                continue;
            }
        };
        match store.import(&given) {
            Ok(ImportOutcome::Stored) => {
                print(&format!("{} is stored\n", Printable(&given.reference().to_string())))?
            }
            Ok(ImportOutcome::Known) => {
                print(&format!("{} was stored already\n", Printable(&given.reference().to_string())))?;
            }
            Err(error) => failed.push(error),
        }
    }
    store.close()?;
    if failed.is_empty() {
        return Ok(());
    }
    let message = failed.iter().map(|error| printable::lines(&format!("error: {error}\n"))).collect();
    Err(Failure { status: exit::SHIPCTL_FAILED, message })
}
