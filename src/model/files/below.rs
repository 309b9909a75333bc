//! The files of a line that lie in folders below it: the original read all files of a repository whose names end in
//! `shippable.yml`.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Line, tree};
use crate::diagnostic::{DECLARED_TWICE, Diagnostic, Severity};
use crate::model::Pipeline;
use crate::source::{SourceId, read_text};
use crate::yaml::{Map, Node, Value};

/// The keys that count there. A CI section is that of some other project, and integrations are not taken from anywhere.
const KEYS: &[&str] = &["resources", "triggers", "jobs"];

/// How deep such folders may lie, and how many are looked into: a line is looked for in each command.
const DEPTH: usize = 3;
const FOLDERS: usize = 500;

/// Folders that hold what others have written.
const FOREIGN: &[&str] = &["node_modules", "vendor", "target", "build", "dist", "venv"];

/// The files of a directory whose names end in `.shippable.yml` and that hold parts of a line.
pub(super) fn others(directory: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> =
        entries(directory).into_iter().filter(|path| is_other(path) && holds_part(path)).collect();
    found.sort();
    found
}

/// The files in folders below a directory that hold parts of a line.
pub(super) fn paths(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![(directory.to_owned(), 0)];
    let mut next = 0;
    while let Some((folder, depth)) = folders.get(next).cloned() {
        next += 1;
        let mut paths = entries(&folder);
        paths.sort();
        for path in paths {
            if depth > 0 && (is_other(&path) || is_one(&path)) && holds_part(&path) {
                found.push(path);
            } else if depth < DEPTH && folders.len() < FOLDERS && is_own_folder(&path) {
                folders.push((path, depth + 1));
            }
        }
    }
    found
}

/// Adds what the files in folders below have. A name that the line itself has is left out there, with a warning.
pub(super) fn add(line: &mut Line, shown_from: &Path) {
    for path in paths(&line.directory) {
        let shown = path.strip_prefix(shown_from).unwrap_or(&path).to_owned();
        let Ok(text) = read_text(&path) else { continue };
        let Ok(id) = line.sources.add(shown, text) else { continue };
        add_file(line, id);
    }
}

pub(super) fn add_file(line: &mut Line, id: SourceId) {
    let mut problems = Vec::new();
    let root = tree(&line.sources, id, &mut problems);
    // It may not have been meant for this line.
    for problem in &mut problems {
        problem.severity = Severity::Warning;
    }
    line.diagnostics.append(&mut problems);
    let Some(Node { value: Value::Map(map), place }) = root else { return };
    let mut own = Map::default();
    for (key, mut entry) in map.into_iter().filter(|(key, _)| KEYS.contains(&key.as_str())) {
        if let Value::List(nodes) = &mut entry.node.value {
            nodes.retain(|node| is_new(&line.pipeline, node, &mut line.diagnostics));
        }
        own.insert(key, entry);
    }
    line.pipeline.read(Node { value: Value::Map(own), place }, &line.sources, &mut line.diagnostics);
}

/// Whether the line has nothing of this name.
fn is_new(pipeline: &Pipeline, node: &Node, diagnostics: &mut Vec<Diagnostic>) -> bool {
    let Some(name) = node.get("name") else { return true };
    let text = name.text().unwrap_or_default();
    let resource = pipeline.resources.get(text).map(|resource| resource.name.place);
    let Some(first) = resource.or_else(|| pipeline.jobs.get(text).map(|job| job.name.place)) else {
        return true;
    };
    diagnostics.push(
        Diagnostic::warning(format!("`{text}` is declared in the line already: this one is left out"))
            .rule(DECLARED_TWICE)
            .at(name.place)
            .and_at(first, "the one that counts")
            .hint("rename or remove one of them"),
    );
    false
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

/// Whether it is a folder of this project. Links lead elsewhere, and may lead in circles.
fn is_own_folder(path: &Path) -> bool {
    let is_hidden = name(path).starts_with('.');
    let is_folder = || fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir());
    !is_hidden && !FOREIGN.contains(&name(path)) && is_folder() && !path.join(".git").exists()
}

/// `front.shippable.yml`
fn is_other(path: &Path) -> bool {
    let name = name(path);
    name.ends_with(".shippable.yml") || name.ends_with(".shippable.yaml")
}

/// One of the names that are looked for in the directory of a line.
fn is_one(path: &Path) -> bool {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let is_yaml = path.extension().is_some_and(|end| end == "yml" || end == "yaml");
    is_yaml && super::STEMS.contains(&stem)
}

/// Whether a file has a part of a line at its top.
fn holds_part(path: &Path) -> bool {
    let is_part = |line: &str| {
        KEYS.iter().any(|key| line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(':')))
    };
    path.is_file() && read_text(path).is_ok_and(|text| text.lines().any(is_part))
}
