//! How versions and their files are shown.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use crate::model::files::Line;
use crate::output::table;
use crate::printable::Printable;
use crate::state::{EntryKind, TreeEntry, Version, rfc3339};

/// What made a version.
pub(super) fn maker(version: &Version, line: &Line) -> String {
    match &version.build {
        Some(build) => build.to_string(),
        // Pruning leaves the runs whose versions it leaves.
        None if line.pipeline.jobs.contains_key(&version.name) => "a run elsewhere".to_owned(),
        None => "the YAML".to_owned(),
    }
}

/// A version with its files, for people.
pub(super) fn show(version: &Version, files: &[TreeEntry], line: &Line) -> String {
    let mut text = version.reference().to_string();
    if let Some(name) = &version.version_name {
        let _ = write!(text, " · {}", Printable(name));
    }
    let _ = writeln!(text, "\n  made: {} by {}", rfc3339(version.created), Printable(&maker(version, line)));
    for (key, value) in &version.bag {
        let _ = match value {
            Json::String(value) => writeln!(text, "  {}: {}", Printable(key), Printable(value)),
            value => writeln!(text, "  {}: {value}", Printable(key)),
        };
    }
    let rows: Vec<_> = files.iter().map(file_row).collect();
    text + &table(&rows)
}

fn file_row(entry: &TreeEntry) -> [String; 3] {
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

/// A file of a version, for programs.
pub(super) fn file_document(entry: &TreeEntry) -> Json {
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
