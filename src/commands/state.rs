//! `shipctl state`: the versions of jobs and resources.

mod find;
mod import;
mod prune;
mod show;
mod versions;

use serde_json::Value as Json;

use crate::cli::{LineOptions, ListFormat, State, StateCommand};
use crate::exit;
use crate::load::line_of_state;
use crate::output::{Failure, print};
use crate::printable;
use crate::state::Version;
use find::find;
use show::{file_document, show};
use versions::versions_table;

/// Runs the command.
///
/// # Errors
///
/// When nothing is stored of what it names, or the state cannot be read or written.
pub fn run(command: &State, options: &LineOptions) -> Result<u8, Failure> {
    let line = line_of_state(options)?;
    match &command.command {
        StateCommand::Show { name, number, format } => {
            let (store, version) = find(&line, name, *number)?;
            let files = store.files(&version)?;
            print(&match format {
                ListFormat::Json => {
                    let mut document = version.document();
                    document["files"] = files.iter().map(file_document).collect();
                    format!("{document:#}\n")
                }
                ListFormat::Text => show(&version, &files, &line),
            })?;
        }
        StateCommand::Versions { name, format } => {
            let (store, _) = find(&line, name, None)?;
            let versions = store.versions(name, u32::MAX)?;
            print(&match format {
                ListFormat::Json => printable::json(format!(
                    "{:#}\n",
                    Json::Array(versions.iter().map(Version::document).collect())
                )),
                ListFormat::Text => versions_table(&versions, &line),
            })?;
        }
        StateCommand::Export { name, to, number } => {
            let (store, version) = find(&line, name, *number)?;
            store.export(&version, to)?;
            print(&format!("{} is in {}\n", version.reference(), to.display()))?;
        }
        StateCommand::Import { from } => import::import(&line, from)?,
        StateCommand::Prune { keep } => prune::prune(&line, *keep)?,
    }
    Ok(exit::SUCCESS)
}
