//! What a run changes: descriptions that are applied to the latest version inside the transaction that stores the next
//! one, so that of two runs at once neither undoes the other.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::{Error, Result, StateErrorKind, Tree, Version, VersionRef};
use crate::contract::envfile;

/// What a run does to one job or resource.
#[derive(Clone, Debug)]
pub struct Change {
    /// The name of the job or resource.
    pub name: String,
    /// What the next version starts from.
    pub base: Base,
    /// What goes into it.
    pub entries: Entries,
    /// Its files.
    pub files: Files,
    /// Whether a version is made even if it is as the latest one: so with jobs.
    pub even_unchanged: bool,
    /// What the YAML says of a resource: version 1 if nothing is stored yet.
    pub seed: Option<Seed>,
}

/// What the next version starts from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Base {
    /// The latest version, or the seed if there is none.
    #[default]
    Latest,
    /// Nothing: `overwrite: true`, and jobs.
    Empty,
    /// The version of something else: `replicate`.
    Given {
        /// What its version is called.
        version_name: Option<String>,
        /// Its property bag.
        bag: Map<String, Json>,
    },
}

/// The files of the next version.
#[derive(Clone, Debug, Default)]
pub enum Files {
    /// Those of the latest version.
    #[default]
    Latest,
    /// None.
    Empty,
    /// Those of a directory.
    Taken(Tree),
    /// Those of another version, which has to be there.
    Of(VersionRef),
}

/// The version of a resource that its YAML gives it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Seed {
    /// What it is called.
    pub version_name: Option<String>,
    /// Its property bag.
    pub bag: Map<String, Json>,
}

/// Key-values that a job stored for the next version of something.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Entries {
    /// The value of the key `versionName`, which is no property.
    pub version_name: Option<String>,
    /// What is merged into the property bag: objects key by key, all else as it is.
    pub properties: Map<String, Json>,
}

const VERSION_NAME: &str = "versionName";
const PARAMS: &str = "params";

impl Entries {
    /// Reads `state/<name>.env`, whose text is `text`, for something of type `kind`. The key-values of `params` go into
    /// the property of that name; of a key that comes twice, the last one counts.
    ///
    /// # Errors
    ///
    /// When a key or value is not UTF-8: the error names the key.
    pub fn parse(text: &[u8], name: &str, kind: &str) -> Result<Entries> {
        let mut entries = Entries::default();
        let mut values = Map::new();
        for (key, value) in envfile::state_entries(text) {
            let (Ok(key), Ok(value)) = (str::from_utf8(key), str::from_utf8(&value)) else {
                return Err(Error::new(
                    StateErrorKind::Unfit,
                    format!(
                        "the key-value `{}` of state/{name}.env is not UTF-8, so it cannot be kept: put it into a state \
                         file, or encode it",
                        String::from_utf8_lossy(key)
                    ),
                ));
            };
            if key == VERSION_NAME {
                entries.version_name = Some(value.to_owned());
            } else {
                values.insert(key.to_owned(), Json::String(value.to_owned()));
            }
        }
        if kind != PARAMS {
            entries.properties = values;
        } else if !values.is_empty() {
            entries.properties.insert(PARAMS.to_owned(), Json::Object(values));
        }
        Ok(entries)
    }

    /// The key-values as they were written, those of params too. A version's name is among them.
    pub(super) fn values(&self) -> impl Iterator<Item = (&str, &str)> {
        let name = self.version_name.iter().map(|name| (VERSION_NAME, name.as_str()));
        name.chain(texts(&self.properties))
    }
}

/// The texts in a property bag, with their keys.
fn texts(bag: &Map<String, Json>) -> Box<dyn Iterator<Item = (&str, &str)> + '_> {
    fn of<'a>(key: &'a str, value: &'a Json) -> Box<dyn Iterator<Item = (&'a str, &'a str)> + 'a> {
        match value {
            Json::String(text) => Box::new(std::iter::once((key, text.as_str()))),
            Json::Array(items) => Box::new(items.iter().flat_map(move |item| of(key, item))),
            Json::Object(map) => texts(map),
            _ => Box::new(std::iter::empty()),
        }
    }
    Box::new(bag.iter().flat_map(|(key, value)| of(key, value)))
}

impl Change {
    /// Stores `entries` on top of the latest version of `name`, whose files stay.
    pub fn merge(name: impl Into<String>, entries: Entries) -> Change {
        Change {
            name: name.into(),
            base: Base::Latest,
            entries,
            files: Files::Latest,
            even_unchanged: false,
            seed: None,
        }
    }

    /// The next version of the job `name`: `entries` and the files of its state, whatever was there before.
    pub fn job(name: impl Into<String>, entries: Entries, files: Tree) -> Change {
        Change {
            name: name.into(),
            base: Base::Empty,
            entries,
            files: Files::Taken(files),
            even_unchanged: true,
            seed: None,
        }
    }

    /// The texts that it brings, with their keys.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        let given = match &self.base {
            Base::Given { bag, .. } => Some(texts(bag)),
            Base::Latest | Base::Empty => None,
        };
        self.entries.values().chain(given.into_iter().flatten())
    }

    /// The name and property bag that the change makes of the latest version. A change that starts from nothing, or
    /// from something else, and says no name leaves the version the name it started with.
    pub(super) fn apply(&self, latest: Option<&Version>) -> (Option<String>, Map<String, Json>) {
        let (mut version_name, mut bag) = match (&self.base, latest, &self.seed) {
            (Base::Latest, Some(latest), _) => (latest.version_name.clone(), latest.bag.clone()),
            (Base::Latest, None, Some(seed)) => (seed.version_name.clone(), seed.bag.clone()),
            (Base::Latest, None, None) | (Base::Empty, ..) => (None, Map::new()),
            (Base::Given { version_name, bag }, ..) => (version_name.clone(), bag.clone()),
        };
        if self.entries.version_name.is_some() {
            version_name.clone_from(&self.entries.version_name);
        }
        merge(&mut bag, &self.entries.properties);
        (version_name, bag)
    }
}

/// Merges objects key by key; all else is replaced. A number that is stored as the text it was written as stays.
fn merge(bag: &mut Map<String, Json>, properties: &Map<String, Json>) {
    for (key, value) in properties {
        match (bag.get_mut(key), value) {
            (Some(Json::Object(old)), Json::Object(new)) => merge(old, new),
            (Some(old), new) if !same(old, new) => *old = new.clone(),
            (Some(_), _) => {}
            (None, new) => _ = bag.insert(key.clone(), new.clone()),
        }
    }
}

/// Whether two values are the same to a script: `1` in the YAML and `1` from a state file are.
pub(super) fn same(one: &Json, other: &Json) -> bool {
    match (one, other) {
        (Json::Object(one), Json::Object(other)) => same_bag(one, other),
        (Json::Array(one), Json::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Json::String(text), Json::Bool(bool)) | (Json::Bool(bool), Json::String(text)) => {
            text == if *bool { "true" } else { "false" }
        }
        (Json::String(text), Json::Number(number)) | (Json::Number(number), Json::String(text)) => {
            text == number.as_str()
        }
        _ => one == other,
    }
}

/// Whether two property bags hold the same; the order of keys does not count.
pub(super) fn same_bag(one: &Map<String, Json>, other: &Map<String, Json>) -> bool {
    one.len() == other.len()
        && one.iter().all(|(key, value)| other.get(key).is_some_and(|other| same(value, other)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn bag(json: Json) -> Map<String, Json> {
        match json {
            Json::Object(map) => map,
            _ => panic!("no object"),
        }
    }

    #[test]
    fn the_version_name_is_no_property_and_the_last_of_a_key_counts() {
        let text = b"A=1\nversionName=v1\nB=\"two\nlines\"\nA=3\nversionName=v2\n";
        let entries = Entries::parse(text, "res", "image").unwrap();
        assert_eq!(entries.version_name.as_deref(), Some("v2"));
        assert_eq!(Json::Object(entries.properties), json!({"A": "3", "B": "two\nlines"}));
        let entries = Entries::parse(text, "res", "params").unwrap();
        assert_eq!(Json::Object(entries.properties), json!({"params": {"A": "3", "B": "two\nlines"}}));
        assert_eq!(Entries::parse(b"versionName=x\n", "res", "params").unwrap().properties, Map::new());
        let error = Entries::parse(b"KEY=\xff\n", "res", "image").unwrap_err();
        assert!(error.to_string().contains("`KEY` of state/res.env is not UTF-8"), "{error}");
    }

    #[test]
    fn merging_keeps_order_and_what_is_the_same_as_text() {
        let mut base = bag(json!({"z": 1, "params": {"X": 1.50, "Y": true, "Z": {"a": 1}}, "a": null}));
        merge(&mut base, &bag(json!({"params": {"Y": "true", "Z": "flat", "N": "new"}, "z": "1", "a": "x"})));
        let expected = json!({"z": 1, "params": {"X": 1.50, "Y": true, "Z": "flat", "N": "new"}, "a": "x"});
        assert_eq!(serde_json::to_string(&base).unwrap(), expected.to_string());
    }

    #[test]
    fn the_order_of_keys_is_no_change() {
        assert!(same(&json!({"a": [1, "2"], "b": null}), &json!({"b": null, "a": ["1", 2]})));
        assert!(!same(&json!({"a": 1}), &json!({"a": 1, "b": 1})));
        assert!(!same(&json!(null), &json!("")));
        assert!(!same(&json!("1.0"), &json!(1)));
    }
}
