//! Random changes, against a model of a few lines.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};
use shipctl::state::{Base, Change, Entries, Files, Seed, Store, Tree, VersionRef};

use crate::support::{Dice, build, line, tree, write};

#[derive(Clone, Debug, Default, PartialEq)]
struct Version {
    name: Option<String>,
    bag: BTreeMap<String, String>,
    files: BTreeSet<(String, String)>,
}

/// All that is stored, as somebody who never saw a database would keep it.
type Model = BTreeMap<String, Vec<Version>>;

fn texts(bag: &BTreeMap<String, String>) -> Map<String, Json> {
    bag.iter().map(|(key, value)| (key.clone(), Json::String(value.clone()))).collect()
}

fn random_bag(dice: &mut Dice) -> BTreeMap<String, String> {
    (0..dice.roll(3)).map(|_| (format!("k{}", dice.roll(4)), dice.roll(3).to_string())).collect()
}

fn random_name(dice: &mut Dice) -> Option<String> {
    (dice.roll(4) == 0).then(|| format!("v{}", dice.roll(3)))
}

#[test]
fn the_store_does_what_the_model_does() {
    for start in 1..=12 {
        let line = line();
        let mut store = Store::open(line.path()).unwrap();
        let (mut model, mut dice) = (Model::new(), Dice(start * 0x9e37_79b9));
        for _ in 0..40 {
            let count = 1 + dice.roll(3);
            let mut changes = Vec::new();
            let mut expected = Vec::new();
            for n in 0..count {
                let source = line.path().join(format!("source-{n}"));
                let _ = std::fs::remove_dir_all(&source);
                let change = random_change(&mut dice, &model, &source);
                expected.push(apply(&mut model, &change.0, change.1));
                changes.push(change.0);
            }
            assert_eq!(build(&mut store, "builder", &changes), expected, "{start}: {changes:?}");
            if dice.roll(5) == 0 {
                store.close().unwrap();
                store = Store::open(line.path()).unwrap();
            }
        }
        compare(&store, &model);
    }
}

/// A change, and the files that it brings.
fn random_change(
    dice: &mut Dice,
    model: &Model,
    source: &std::path::Path,
) -> (Change, BTreeSet<(String, String)>) {
    let base = match dice.roll(4) {
        0 => Base::Empty,
        1 => Base::Given { version_name: random_name(dice), bag: texts(&random_bag(dice)) },
        _ => Base::Latest,
    };
    let mut brought = BTreeSet::new();
    let stored: Vec<_> = model.iter().filter(|(_, versions)| !versions.is_empty()).collect();
    let files = match dice.roll(5) {
        0 => Files::Empty,
        1 if !stored.is_empty() => {
            let (name, versions) = stored[dice.roll(stored.len())];
            let number = dice.roll(versions.len());
            brought.clone_from(&versions[number].files);
            Files::Of(VersionRef { name: name.clone(), number: number as u32 + 1 })
        }
        2 => {
            for _ in 0..dice.roll(3) {
                let (path, content) = (format!("f{}", dice.roll(3)), dice.roll(3).to_string());
                write(&source.join(&path), &content, 0o600);
                brought.retain(|(old, _)| *old != path);
                brought.insert((path, content));
            }
            Files::Taken(tree(source))
        }
        _ => Files::Latest,
    };
    let seed =
        (dice.roll(3) == 0).then(|| Seed { version_name: random_name(dice), bag: texts(&random_bag(dice)) });
    let entries = Entries { version_name: random_name(dice), properties: texts(&random_bag(dice)) };
    let name = format!("r{}", dice.roll(3));
    (Change { name, base, entries, files, even_unchanged: dice.roll(6) == 0, seed }, brought)
}

fn strings(bag: &Map<String, Json>) -> BTreeMap<String, String> {
    bag.iter().map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned())).collect()
}

fn apply(model: &mut Model, change: &Change, brought: BTreeSet<(String, String)>) -> Option<u32> {
    let versions = model.entry(change.name.clone()).or_default();
    let seed = change.seed.as_ref().map(|seed| Version {
        name: seed.version_name.clone(),
        bag: strings(&seed.bag),
        files: BTreeSet::new(),
    });
    let latest = versions.last().cloned().or_else(|| seed.clone()).unwrap_or_default();
    let mut next = match &change.base {
        Base::Latest => latest.clone(),
        Base::Empty => Version::default(),
        Base::Given { version_name, bag } => {
            Version { name: version_name.clone(), bag: strings(bag), files: BTreeSet::new() }
        }
    };
    next.bag.extend(strings(&change.entries.properties));
    next.name = change.entries.version_name.clone().or(next.name);
    next.files = if matches!(change.files, Files::Latest) { latest.files.clone() } else { brought };
    if next == latest && !change.even_unchanged {
        return None;
    }
    if versions.is_empty() {
        versions.extend(seed);
    }
    versions.push(next);
    Some(versions.len() as u32)
}

fn compare(store: &Store, model: &Model) {
    for (name, expected) in model {
        let mut stored = store.versions(name, u32::MAX).unwrap();
        stored.reverse();
        assert_eq!(stored.len(), expected.len(), "{name}");
        for (at, (stored, expected)) in stored.iter().zip(expected).enumerate() {
            assert_eq!(stored.number as usize, at + 1);
            let back = tempfile::tempdir().unwrap();
            store.restore_files(stored, back.path()).unwrap();
            let taken: Tree = tree(back.path());
            let files = taken
                .entries()
                .iter()
                .map(|entry| {
                    let content = std::fs::read_to_string(back.path().join(&entry.path)).unwrap();
                    (entry.path.to_str().unwrap().to_owned(), content)
                })
                .collect();
            let stored = Version { name: stored.version_name.clone(), bag: strings(&stored.bag), files };
            assert_eq!(&stored, expected, "{name} #{}", at + 1);
        }
    }
}
