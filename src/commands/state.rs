//! `shipctl state`: the versions of jobs and resources.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::anyhow;
use serde_json::{Value as Json, json};

use crate::cli::{LineOptions, ListFormat, State, StateCommand};
use crate::exit;
use crate::load::{line_of_state, store};
use crate::model::files::Line;
use crate::nearest::nearest;
use crate::output::{Failure, print};
use crate::printable::{self, Printable};
use crate::state::{Entry, EntryKind, Given, Import, Store, Version, VersionRef, logs, rfc3339};

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
                        [version.number.to_string(), called, rfc3339(version.made), maker(version, &line)]
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
        StateCommand::Import { from } => import(&line, from)?,
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

/// Takes in what was exported: all that can be, and then says what could not.
fn import(line: &Line, from: &[PathBuf]) -> Result<(), Failure> {
    let mut store = store::open(line)?;
    let mut failed = Vec::new();
    for directory in from {
        let given = match Given::read(directory) {
            Ok(given) => given,
            Err(error) => {
                failed.push(error);
                continue;
            }
        };
        match store.import(&given) {
            Ok(Import::Stored) => {
                print(&format!("{} is stored\n", Printable(&given.reference().to_string())))?
            }
            Ok(Import::Known) => {
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

/// A version of a job or resource, the last one unless there is a number.
fn find(line: &Line, name: &str, number: Option<u32>) -> Result<(Store, Version), Failure> {
    let store = store::open_existing(line)?;
    let Some(store) = store else { return Err(nothing(line, name, &[])) };
    let Some(last) = store.latest(name)? else {
        let known: Vec<_> = store.all_latest()?.into_iter().map(|version| version.name).collect();
        return Err(nothing(line, name, &known));
    };
    match number {
        None => Ok((store, last)),
        Some(number) => match store.by_number(name, number)? {
            Some(version) => Ok((store, version)),
            None => {
                let message = anyhow!(
                    "`{name}` has no version number {number}: its last one is {}; `shipctl state versions {name}` lists \
                     them",
                    last.number
                );
                Err(message.into())
            }
        },
    }
}

/// The error for a name of which no version is stored.
fn nothing(line: &Line, name: &str, known: &[String]) -> Failure {
    let pipeline = &line.pipeline;
    let why = if pipeline.resources.contains_key(name) {
        "no run has changed it, so it is as the YAML has it".to_owned()
    } else if pipeline.jobs.contains_key(name) {
        "the job has not succeeded yet".to_owned()
    } else {
        let names = pipeline.resources.keys().chain(pipeline.jobs.keys()).chain(known);
        match nearest(name, names.map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => "nothing is stored at all".to_owned(),
            None => format!("there are {}", known.join(", ")),
        }
    };
    anyhow!("no version of `{name}` is stored: {why}").into()
}

/// What made a version.
fn maker(version: &Version, line: &Line) -> String {
    match &version.build {
        Some(build) => build.to_string(),
        // Pruning leaves the runs whose versions it leaves.
        None if line.pipeline.jobs.contains_key(&version.name) => "a run elsewhere".to_owned(),
        None => "the YAML".to_owned(),
    }
}

fn show(version: &Version, files: &[Entry], line: &Line) -> String {
    let mut text = version.reference().to_string();
    if let Some(name) = &version.version_name {
        let _ = write!(text, " · {}", Printable(name));
    }
    let _ = writeln!(text, "\n  made: {} by {}", rfc3339(version.made), Printable(&maker(version, line)));
    for (key, value) in &version.bag {
        let _ = match value {
            Json::String(value) => writeln!(text, "  {}: {}", Printable(key), Printable(value)),
            value => writeln!(text, "  {}: {value}", Printable(key)),
        };
    }
    let rows: Vec<_> = files.iter().map(file_row).collect();
    text + &table(&rows)
}

fn file_row(entry: &Entry) -> [String; 3] {
    let path = entry.path.to_string_lossy();
    match &entry.kind {
        EntryKind::Directory => [format!("  {:03o}", entry.mode), String::new(), format!("{path}/")],
        EntryKind::File { size, .. } => {
            [format!("  {:03o}", entry.mode), size.to_string(), path.into_owned()]
        }
        EntryKind::Symlink { target } => {
            ["  link".to_owned(), String::new(), format!("{path} -> {}", target.display())]
        }
    }
}

fn file_document(entry: &Entry) -> Json {
    let path = entry.path.to_string_lossy();
    match &entry.kind {
        EntryKind::Directory => {
            json!({"path": path, "type": "directory", "mode": format!("{:03o}", entry.mode)})
        }
        EntryKind::File { size, .. } => {
            json!({"path": path, "type": "file", "mode": format!("{:03o}", entry.mode), "size": size})
        }
        EntryKind::Symlink { target } => {
            json!({"path": path, "type": "symlink", "target": target.to_string_lossy()})
        }
    }
}

/// A version by its name and number.
pub(super) fn reference(version: &VersionRef) -> Json {
    json!({"name": version.name, "number": version.number})
}

/// Rows with their columns one below the other.
pub(super) fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let shown: Vec<_> =
        rows.iter().map(|row| row.each_ref().map(|cell| Printable(cell).to_string())).collect();
    let widths: Vec<_> =
        (0..N).map(|column| shown.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)).collect();
    let mut text = String::new();
    for row in &shown {
        let line: String = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}  ")).collect();
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}
