//! `shipctl state`: the versions of jobs and resources.

mod find;
mod import;
mod show;

use serde_json::Value as Json;

use crate::cli::{LineOptions, ListFormat, State, StateCommand};
use crate::exit;
use crate::load::{line_of_state, store};
use crate::output::{Failure, print, table};
use crate::printable;
use crate::state::{Version, logs, rfc3339};
use find::find;
use show::{file_document, maker, show};

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
                ListFormat::Text => {
                    let mut rows = vec![["VERSION", "NAME", "MADE", "BY"].map(str::to_owned)];
                    rows.extend(versions.iter().map(|version| {
                        let called = version.version_name.clone().unwrap_or_default();
                        [version.number.to_string(), called, rfc3339(version.created), maker(version, &line)]
                    }));
                    table(&rows)
                }
            })?;
        }
        StateCommand::Export { name, to, number } => {
            let (store, version) = find(&line, name, *number)?;
            store.export(&version, to)?;
            print(&format!("{} is in {}\n", version.reference(), to.display()))?;
        }
        StateCommand::Import { from } => import::import(&line, from)?,
        StateCommand::Prune { keep } => {
            let Some(mut store) = store::open_existing(&line)? else {
                print("nothing is stored\n")?;
                return Ok(exit::SUCCESS);
            };
            let pruned = store.prune(*keep)?;
            let builds: Vec<_> =
                store.history(None, u32::MAX)?.into_iter().map(|build| build.reference).collect();
            logs::retain(&line.directory, &builds);
            store.close()?;
            let (versions, builds) = (pruned.versions, pruned.builds);
            print(&format!(
                "dropped: versions {versions}, runs {builds}, bytes of files {}\n",
                pruned.bytes
            ))?;
        }
    }
    Ok(exit::SUCCESS)
}
