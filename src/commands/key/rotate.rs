//! `shipctl key rotate`.

use crate::cli::LineOptions;
use crate::edit::lock;
use crate::encryption::new_key::file_of_key;
use crate::encryption::rotate;
use crate::exit;
use crate::load::read_good;
use crate::output::{Failure, print};

/// Runs the command. Either all values are encrypted anew, or the files stay as they are.
pub(super) fn run(new_key: bool, force: bool, options: &LineOptions) -> Result<u8, Failure> {
    let key = if new_key { Some(file_of_key()?.0) } else { None };
    let _lock = lock(options, key.as_deref())?;
    let line = read_good(options)?;
    let rotated = rotate(&line, new_key, force, options)?;
    let paths = rotated.edited.iter().map(|edited| line.sources.get(edited.source).path());
    let names: Vec<_> = paths.map(|path| path.display().to_string()).collect();
    let place = if names.is_empty() { String::new() } else { format!(" in {}", names.join(", ")) };
    let plural = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    print(&format!(
        "encrypted {}{place} to {}\n",
        plural(rotated.count, "value"),
        plural(rotated.recipients, "recipient")
    ))?;
    Ok(exit::SUCCESS)
}
