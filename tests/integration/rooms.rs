//! The road from YAML to a finished job has one direction: who may import whom, and what is named in one room only.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

/// Each room with the rooms it imports, which come before it.
const ROOMS: &[(&str, &[&str])] = &[
    ("contract", &[]),
    ("exit", &[]),
    ("http", &[]),
    ("nearest", &[]),
    ("platform", &["exit"]),
    ("poll", &[]),
    ("printable", &[]),
    ("file", &[]),
    ("results", &[]),
    ("secret", &[]),
    ("secure", &["file", "secret"]),
    ("source", &["file", "printable"]),
    ("aws", &["http", "secret"]),
    ("mask", &["contract", "secret"]),
    ("state", &["aws", "contract", "platform", "secret"]),
    ("lookup", &["contract", "exit", "file", "http", "nearest", "printable"]),
    ("container", &[]),
    ("main", &[]),
    ("paint", &[]),
    ("diagnostic", &["nearest", "paint", "printable", "source"]),
    ("yaml", &["diagnostic", "printable", "source"]),
    (
        "value_source",
        &["aws", "diagnostic", "file", "platform", "poll", "secret", "secure", "source", "yaml"],
    ),
    ("model", &["contract", "diagnostic", "nearest", "secure", "source", "value_source", "yaml"]),
    ("resolve", &["contract", "diagnostic", "model", "source", "yaml"]),
    ("order", &["model"]),
    (
        "credentials",
        &[
            "aws",
            "contract",
            "diagnostic",
            "file",
            "model",
            "printable",
            "resolve",
            "secret",
            "secure",
            "source",
            "value_source",
        ],
    ),
    ("repository", &["credentials", "diagnostic", "mask", "nearest", "secret", "source"]),
    (
        "scan",
        &[
            "credentials",
            "diagnostic",
            "file",
            "mask",
            "model",
            "printable",
            "repository",
            "secret",
            "secure",
        ],
    ),
    ("versions", &["model", "resolve", "secret", "source", "state", "yaml"]),
    ("graph", &["model", "order", "printable", "source", "state"]),
    ("schema", &["model", "value_source"]),
    ("run", &["contract", "exit", "mask", "paint", "platform", "poll", "printable", "results", "secret"]),
    ("trace", &["http", "run", "secret"]),
    (
        "environment",
        &[
            "contract",
            "credentials",
            "diagnostic",
            "mask",
            "model",
            "paint",
            "printable",
            "repository",
            "resolve",
            "secret",
            "source",
            "state",
            "versions",
            "yaml",
        ],
    ),
    (
        "check",
        &[
            "credentials",
            "diagnostic",
            "environment",
            "model",
            "paint",
            "repository",
            "resolve",
            "secure",
            "source",
            "versions",
            "yaml",
        ],
    ),
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
    (
        "workspace",
        &["contract", "credentials", "environment", "platform", "repository", "resolve", "versions", "yaml"],
    ),
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
    ("policy", &["aws", "contract", "credentials", "diagnostic", "environment", "model", "resolve", "yaml"]),
    (
        "export",
        &[
            "contract",
            "credentials",
            "environment",
            "managed",
            "model",
            "order",
            "repository",
            "resolve",
            "source",
            "value_source",
            "versions",
            "yaml",
        ],
    ),
    ("cli", &["diagnostic", "environment", "export", "lookup", "nearest"]),
    ("inventory", &["cli", "model", "printable", "source"]),
    ("completion", &["cli", "environment", "lookup", "model"]),
    (
        "output",
        &["cli", "container", "diagnostic", "exit", "mask", "paint", "printable", "run", "secure", "source"],
    ),
    ("prompt", &["exit", "output", "secret", "secure"]),
    (
        "load",
        &[
            "aws",
            "cli",
            "credentials",
            "diagnostic",
            "model",
            "output",
            "printable",
            "prompt",
            "repository",
            "secure",
            "state",
        ],
    ),
    ("edit", &["check", "cli", "diagnostic", "file", "load", "model", "output", "source", "yaml"]),
    ("init", &["contract", "edit", "model", "printable", "source", "yaml"]),
    (
        "encryption",
        &[
            "cli",
            "diagnostic",
            "edit",
            "exit",
            "load",
            "model",
            "output",
            "printable",
            "prompt",
            "repository",
            "secret",
            "secure",
            "source",
        ],
    ),
    (
        "integration",
        &[
            "cli",
            "contract",
            "edit",
            "encryption",
            "exit",
            "init",
            "mask",
            "model",
            "nearest",
            "output",
            "printable",
            "prompt",
            "secret",
            "source",
            "value_source",
            "yaml",
        ],
    ),
    ("deploy", &["aws", "managed"]),
    (
        "job",
        &[
            "aws",
            "cli",
            "container",
            "contract",
            "credentials",
            "deploy",
            "diagnostic",
            "environment",
            "exit",
            "file",
            "load",
            "lookup",
            "managed",
            "mask",
            "model",
            "output",
            "paint",
            "printable",
            "repository",
            "resolve",
            "results",
            "run",
            "secret",
            "secure",
            "source",
            "state",
            "tools",
            "trace",
            "versions",
            "workspace",
            "yaml",
        ],
    ),
    (
        "line",
        &[
            "cli",
            "credentials",
            "diagnostic",
            "exit",
            "job",
            "load",
            "model",
            "order",
            "output",
            "paint",
            "printable",
            "repository",
            "resolve",
            "run",
            "state",
            "tools",
            "trace",
            "workspace",
        ],
    ),
    (
        "commands",
        &[
            "aws",
            "check",
            "cli",
            "completion",
            "contract",
            "credentials",
            "diagnostic",
            "edit",
            "encryption",
            "environment",
            "exit",
            "export",
            "graph",
            "init",
            "integration",
            "inventory",
            "job",
            "line",
            "load",
            "lookup",
            "mask",
            "model",
            "nearest",
            "order",
            "output",
            "paint",
            "policy",
            "printable",
            "prompt",
            "resolve",
            "run",
            "scan",
            "schema",
            "secure",
            "source",
            "state",
            "trace",
            "yaml",
        ],
    ),
    ("lib", &["cli", "commands", "completion", "exit", "lookup", "output", "run"]),
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
    if file.ends_with("tests.rs") {
        return String::new();
    }
    let text = fs::read_to_string(file).unwrap();
    let code = text.split("#[cfg(test)]").next().unwrap();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn rooms_import_what_lies_before_them() {
    let rooms = rooms();
    for (room, files) in &rooms {
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
    for (index, (room, imports)) in ROOMS.iter().enumerate() {
        assert!(rooms.contains_key(*room), "{room} is gone");
        let is_before = |import: &&str| ROOMS[..index].iter().any(|(name, _)| *name == *import);
        assert!(imports.iter().all(is_before), "{room} comes before what it imports");
    }
}

/// The files of the source by the names of their modules: `run/shell.rs` is `run::shell`.
fn modules() -> BTreeMap<String, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let name = |file: &Path| {
        file.strip_prefix(&source).unwrap().with_extension("").to_str().unwrap().replace('/', "::")
    };
    rooms().values().flatten().map(|file| (name(file), code(file))).collect()
}

/// The paths of a module's code: those that it imports, and those that it names in full.
fn paths(code: &str) -> Vec<String> {
    fn expand(prefix: &str, text: &str, paths: &mut Vec<String>) {
        let Some((head, rest)) = text.split_once('{') else {
            return paths.push(format!("{prefix}{}", text.trim()));
        };
        let (prefix, mut depth, mut part) = (format!("{prefix}{}", head.trim()), 0, String::new());
        for c in rest.rsplit_once('}').map_or(rest, |(inside, _)| inside).chars().chain([',']) {
            depth += i32::from(c == '{') - i32::from(c == '}');
            if c == ',' && depth == 0 {
                expand(&prefix, &std::mem::take(&mut part), paths);
            } else {
                part.push(c);
            }
        }
    }
    let import = Regex::new(r"(?m)^\s*(?:pub(?:\([^)]*\))?\s+)?use\s+([^;]+);").unwrap();
    let named = Regex::new(r"\b(?:[a-z_0-9]+::)+\w+").unwrap();
    let mut paths = Vec::new();
    for found in import.captures_iter(code) {
        expand("", &found[1], &mut paths);
    }
    paths.extend(named.find_iter(&import.replace_all(code, "")).map(|found| found.as_str().to_owned()));
    paths
}

/// The module that a path leads to, as far as it is one of these.
fn target(modules: &BTreeMap<String, String>, from: &str, path: &str) -> String {
    let mut words: Vec<&str> = path.split("::").collect();
    let mut at: Vec<&str> = from.split("::").collect();
    match words[0] {
        "crate" => at.clear(),
        "super" => {}
        _ => words.insert(0, "self"),
    }
    while words.first() == Some(&"super") {
        at.pop();
        words.remove(0);
    }
    for word in words.into_iter().filter(|word| !["crate", "self"].contains(word)) {
        at.push(word);
        if !modules.contains_key(&at.join("::")) {
            at.pop();
            break;
        }
    }
    at.join("::")
}

/// Which modules a module uses. What it takes from the file of the folder that it is in does not count: that one tells what the
/// folder is about, and what all in it share.
fn uses() -> BTreeMap<String, BTreeSet<String>> {
    let modules = modules();
    let uses = |name: &str, code: &str| -> BTreeSet<String> {
        let targets = paths(code).into_iter().map(|path| target(&modules, name, &path));
        targets
            .filter(|other| !other.is_empty() && other != name && !name.starts_with(&format!("{other}::")))
            .collect()
    };
    modules.iter().map(|(name, code)| (name.clone(), uses(name, code))).collect()
}

/// All that can be reached from a module.
fn reached<'a>(uses: &'a BTreeMap<String, BTreeSet<String>>, from: &'a str) -> BTreeSet<&'a str> {
    let (mut reached, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(module) = next.pop() {
        next.extend(uses[module].iter().map(String::as_str).filter(|other| reached.insert(*other)));
    }
    reached
}

#[test]
fn the_documents_name_what_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| fs::read_to_string(root.join(name)).unwrap();
    let path = Regex::new(r"`((?:src|tests|docs|benches|packaging|fixtures|\.ci|\.github)/[^` ]*)`").unwrap();
    let item = Regex::new(r"`(\w+)`\s+(?:of|in)\s+`(src/[^` ]+\.rs)`").unwrap();
    for document in ["docs/architecture.md", "CONTRIBUTING.md"] {
        let text = read(document);
        for named in path.captures_iter(&text) {
            assert!(root.join(&named[1]).exists(), "{document}: there is no {}", &named[1]);
        }
        for named in item.captures_iter(&text) {
            let word = Regex::new(&format!(r"\b{}\b", &named[1])).unwrap();
            assert!(word.is_match(&read(&named[2])), "{document}: there is no {}", &named[0]);
        }
    }
    let text = read("docs/architecture.md");
    let bold: Vec<_> = text.split("**").skip(1).step_by(2).flat_map(|names| names.split(", ")).collect();
    for (room, _) in ROOMS.iter().filter(|(room, _)| !["lib", "main"].contains(room)) {
        assert!(bold.contains(room), "docs/architecture.md does not say what {room} is for");
    }
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let uses = uses();
    let reached: BTreeMap<&str, _> = uses.keys().map(|name| (name.as_str(), reached(&uses, name))).collect();
    let mut circles = BTreeSet::new();
    for (name, all) in &reached {
        let circle: Vec<&str> = all.iter().copied().filter(|other| reached[other].contains(name)).collect();
        if !circle.is_empty() {
            circles.insert(circle.join(" "));
        }
    }
    assert!(circles.is_empty(), "files that use each other in a circle: {circles:#?}");
}

#[test]
fn what_is_dangerous_or_heavy_is_named_in_few_places() {
    for (word, places) in [
        ("unsafe ", &["platform"][..]),
        ("nix::poll", &["poll.rs"]),
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

/// The most lines of code in a file of `commands`; blank lines and comments do not count.
const GLUE: usize = 60;

#[test]
fn commands_are_glue() {
    for file in &rooms()["commands"] {
        let lines = code(file).lines().filter(|line| !line.trim().is_empty()).count();
        let file = file.display();
        assert!(
            lines <= GLUE,
            "{file} has {lines} lines of code, more than {GLUE}: move its work into a room"
        );
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
            "credentials",
            "encryption",
            "environment",
            "integration",
            "job",
            "mask",
            "repository",
            "scan",
            "secure",
            "state",
            "tools",
            "trace",
            "value_source",
            "workspace"
        ]
    );
}
