//! `shipctl scan`: where the values of the line's secrets are, and should not be.

mod secrets;

use std::io::{self, IsTerminal as _};

use serde_json::Value as Json;

use crate::cli::{LineOptions, ListFormat, Scan};
use crate::exit;
use crate::load::read_good;
use crate::output::{Failure, print};
use crate::printable::{self, Printable};
use crate::scan::{self, SecretMatch, SecretSearch, are_all_known};

/// Runs the command. The status is 1 if something was found, and 3 if some secrets could not be looked for.
///
/// # Errors
///
/// On errors in the YAML, when there is nothing to look for or nowhere to look, and when something cannot be read.
pub fn run(command: &Scan, options: &LineOptions) -> Result<u8, Failure> {
    let mut line = read_good(options)?;
    let credentials = secrets::fetch(&mut line, options);
    let all_known = are_all_known(&line.pipeline, &credentials);
    let secrets = scan::secrets(&credentials);
    secrets::check(&secrets, all_known)?;
    let mut search = SecretSearch::new(&secrets, &line);
    if command.staged {
        search.staged()
    } else if command.history {
        search.history()
    } else if command.paths.is_empty() {
        search.tracked()
    } else {
        command.paths.iter().for_each(|path| search.given(path));
        Ok(())
    }
    .map_err(anyhow::Error::from)?;
    for (path, error) in &search.unreadable {
        eprintln!("error: cannot read {}: {error}", Printable(&path.to_string_lossy()));
    }
    print(&match command.format {
        ListFormat::Json => {
            let found: Json = search.found.iter().map(SecretMatch::to_json).collect();
            printable::json(format!("{found:#}\n"))
        }
        ListFormat::Text => search.found.iter().map(|found| found.to_text() + "\n").collect(),
    })?;
    if search.found.is_empty() && io::stderr().is_terminal() {
        eprintln!("shipctl: none of {} secrets was found", secrets.len());
    }
    Ok(match search {
        SecretSearch { ref found, .. } if !found.is_empty() => exit::SECRETS_FOUND,
        SecretSearch { ref unreadable, .. } if !unreadable.is_empty() => exit::SHIPCTL_FAILED,
        _ if !all_known => exit::NOT_ALL_LOOKED_FOR,
        _ => exit::SUCCESS,
    })
}
