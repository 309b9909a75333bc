//! Nothing secret goes into state: what a run is about to store is held against the secrets that it had.

use std::fmt;
use std::path::PathBuf;

use memchr::memmem::Finder;
use zeroize::Zeroizing;

use super::tree::read_file;
use super::{Change, EntryKind, Files, Result};
use crate::mask::MIN_LENGTH;
use crate::secret::Secret;

/// A secret that is shorter is looked for as a whole value or file only: inside of others it would be found by chance.
pub const SEARCHED: usize = 8;

/// A secret of the run.
#[derive(Clone, Copy)]
pub struct RunSecret<'a> {
    /// The value.
    pub value: &'a Secret,
    /// Where it comes from, in words: `integration my_aws, field secretKey`.
    pub origin: &'a str,
    /// Whether it is looked for inside of values and files, too. Say no to what is secret only because somebody put it
    /// into a key-value pair: `us-east-1` is in every state file of Terraform.
    pub inside: bool,
}

/// Something that is about to be stored and is, or has in it, a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leak {
    /// The job or resource whose state it is.
    pub name: String,
    /// What holds the secret.
    pub place: LeakPlace,
    /// Where the secret comes from.
    pub origin: String,
}

/// What holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeakPlace {
    /// The key-value with this key.
    Key(String),
    /// The state file at this path, relative to the directory of state files.
    File(PathBuf),
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            LeakPlace::Key(key) => write!(f, "the key `{key}` of {}", self.name)?,
            LeakPlace::File(path) => write!(f, "the state file {} of {}", path.display(), self.name)?,
        }
        write!(f, " holds a secret of this run: {}", self.origin)
    }
}

/// The secrets among what `changes` would store, each place with the first secret found in it. Secrets shorter than
/// [`MIN_LENGTH`] are not looked for. What was stored before is not looked at again.
///
/// # Errors
///
/// When a file cannot be read.
pub fn leaks(secrets: &[RunSecret], changes: &[Change]) -> Result<Vec<Leak>> {
    let needles: Vec<_> = secrets.iter().filter_map(Needle::of).collect();
    let mut leaks = Vec::new();
    if needles.is_empty() {
        return Ok(leaks);
    }
    for change in changes {
        let mut add = |place, origin: &str| {
            leaks.push(Leak { name: change.name.clone(), place, origin: origin.to_owned() });
        };
        for (key, value) in change.texts() {
            let value = value.as_bytes();
            if let Some(needle) = needles.iter().find(|needle| needle.is(value) || needle.is_in(value)) {
                add(LeakPlace::Key(key.to_owned()), needle.origin);
            }
        }
        let Files::Taken(tree) = &change.files else { continue };
        for entry in tree.entries() {
            if let EntryKind::File { size, .. } = entry.kind
                && let Some(origin) = search_file(&needles, &tree.root.join(&entry.path), size)?
            {
                add(LeakPlace::File(entry.path.clone()), origin);
            }
        }
    }
    Ok(leaks)
}

/// A secret, made ready for searching.
struct Needle<'a> {
    origin: &'a str,
    /// Without the line ends around it.
    text: &'a [u8],
    /// What is looked for inside: the text, and as it stands in JSON if that is something else.
    inside: Option<(Finder<'a>, Option<Zeroizing<String>>)>,
}

impl<'a> Needle<'a> {
    fn of(secret: &RunSecret<'a>) -> Option<Needle<'a>> {
        let text = secret.value.expose().trim_matches(['\r', '\n']);
        if text.len() < MIN_LENGTH {
            return None;
        }
        let inside = (secret.inside && text.len() >= SEARCHED).then(|| {
            // A text has a form in JSON, always; without one, the text itself is still looked for.
            let json = Zeroizing::new(serde_json::to_string(text).unwrap_or_default());
            let escaped = json.len() > text.len() + 2;
            (Finder::new(text.as_bytes()), escaped.then_some(json))
        });
        Some(Needle { origin: secret.origin, text: text.as_bytes(), inside })
    }

    fn is(&self, value: &[u8]) -> bool {
        value.trim_ascii() == self.text.trim_ascii()
    }

    fn is_in(&self, value: &[u8]) -> bool {
        self.inside.as_ref().is_some_and(|(finder, json)| {
            finder.find(value).is_some()
                || json.as_ref().is_some_and(|json| {
                    // Without its quotes: it may be part of a longer text.
                    memchr::memmem::find(value, &json.as_bytes()[1..json.len() - 1]).is_some()
                })
        })
    }

    /// How many bytes of what it looks for may stand at the end of one piece of a file and go on in the next.
    fn overlap(&self) -> usize {
        let json = self.inside.as_ref().and_then(|(_, json)| json.as_ref());
        json.map_or(self.text.len(), |json| json.len())
    }
}

/// The origin of a secret that a file is, or has in it.
fn search_file<'a>(needles: &[Needle<'a>], path: &std::path::Path, size: u64) -> Result<Option<&'a str>> {
    let overlap = needles.iter().map(Needle::overlap).max().unwrap_or_default();
    let mut held = Zeroizing::new(Vec::new());
    let mut found = None;
    read_file(path, |piece| {
        held.extend_from_slice(piece);
        let whole = held.len() as u64 == size;
        let hit = |needle: &&Needle| (whole && needle.is(&held)) || needle.is_in(&held);
        found = found.or_else(|| needles.iter().find(hit).map(|needle| needle.origin));
        let done = held.len().saturating_sub(overlap);
        held.drain(..done);
        Ok(())
    })?;
    Ok(found)
}
