//! The road from YAML to a finished job has one direction: who may import whom, and what is named in one room only.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Each room with the rooms it imports. The commands may import them all.
const ROOMS: &[(&str, &[&str])] = &[
    ("contract", &[]),
    ("exit", &[]),
    ("http", &[]),
    ("nearest", &[]),
    ("printable", &[]),
    ("secret", &[]),
    ("secure", &["secret"]),
    ("source", &["printable"]),
    ("aws", &["http", "secret"]),
    ("diagnostic", &["nearest", "printable", "source"]),
    ("graph", &["printable"]),
    ("yaml", &["diagnostic", "printable", "source"]),
    ("model", &["contract", "diagnostic", "nearest", "secret", "secure", "source", "yaml"]),
    ("edit", &["diagnostic", "model", "source", "yaml"]),
    ("init", &["contract", "edit", "model", "printable", "source", "yaml"]),
    ("resolve", &["contract", "diagnostic", "model", "source", "yaml"]),
    ("check", &["diagnostic", "model", "resolve", "yaml"]),
    ("order", &["model"]),
    ("mask", &["contract", "secret"]),
    ("scan", &["mask", "secret"]),
    ("credentials", &["aws", "contract", "diagnostic", "model", "resolve", "secret", "secure", "source"]),
    ("repository", &["credentials", "diagnostic", "mask", "nearest", "secret", "source"]),
    ("state", &["contract", "mask", "secret"]),
    (
        "environment",
        &[
            "contract",
            "credentials",
            "diagnostic",
            "model",
            "repository",
            "resolve",
            "secret",
            "source",
            "state",
            "versions",
            "yaml",
        ],
    ),
    ("versions", &["model", "resolve", "secret", "source", "state", "yaml"]),
    (
        "managed",
        &[
            "contract",
            "diagnostic",
            "environment",
            "mask",
            "model",
            "resolve",
            "source",
            "state",
            "versions",
            "yaml",
        ],
    ),
    ("workspace", &["contract", "credentials", "environment", "repository", "resolve", "versions", "yaml"]),
    (
        "tools",
        &[
            "aws",
            "contract",
            "credentials",
            "diagnostic",
            "environment",
            "model",
            "resolve",
            "secret",
            "source",
        ],
    ),
    ("policy", &["aws", "contract", "credentials", "environment", "model", "resolve", "yaml"]),
    ("schema", &["model"]),
    ("run", &["exit", "mask", "printable", "secret"]),
    ("lookup", &["contract", "exit", "http", "nearest", "printable"]),
    ("cli", &["environment", "lookup"]),
];

/// The files of the source, by room.
fn rooms() -> BTreeMap<String, Vec<PathBuf>> {
    fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { walk(&path, found) } else { found.push(path) }
        }
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    walk(&source, &mut files);
    let mut rooms: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for file in files {
        let room = file.strip_prefix(&source).unwrap().iter().next().unwrap().to_str().unwrap();
        rooms.entry(room.trim_end_matches(".rs").to_owned()).or_default().push(file);
    }
    rooms
}

/// The code of a file, without comments and without its tests.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let code = text.split("#[cfg(test)]").next().unwrap();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn rooms_import_what_lies_before_them() {
    let rooms = rooms();
    for (room, files) in &rooms {
        if ["lib", "main", "commands"].contains(&room.as_str()) {
            continue;
        }
        let (_, allowed) =
            ROOMS.iter().find(|(name, _)| name == room).unwrap_or_else(|| panic!("{room} is new"));
        for file in files {
            for import in code(file).split("crate::").skip(1) {
                let imported = import.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap();
                let good = allowed.contains(&imported) || imported == room;
                assert!(good, "{} imports {imported}", file.display());
            }
        }
    }
    assert!(ROOMS.iter().all(|(room, _)| rooms.contains_key(*room)));
}

#[test]
fn what_is_dangerous_or_heavy_is_named_in_few_places() {
    for (word, places) in [
        ("unsafe ", &["run/platform.rs"][..]),
        ("serde_yaml::", &["yaml/reader.rs"]),
        ("clap::", &["cli", "commands.rs", "lib.rs"]),
        ("rusqlite::", &["state", "state.rs"]),
    ] {
        for file in rooms().values().flatten() {
            let inside = places.iter().any(|place| file.to_str().unwrap().contains(&format!("/src/{place}")));
            assert!(inside || !code(file).contains(word), "{} has `{word}`", file.display());
        }
    }
}

#[test]
fn secrets_leave_by_few_doors() {
    let doors: Vec<_> = rooms()
        .into_iter()
        .filter(|(_, files)| files.iter().any(|file| code(file).contains(".expose()")))
        .map(|(room, _)| room)
        .collect();
    assert_eq!(
        doors,
        [
            "aws",
            "commands",
            "credentials",
            "environment",
            "mask",
            "repository",
            "scan",
            "secure",
            "state",
            "tools",
            "workspace"
        ]
    );
}
