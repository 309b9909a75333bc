//! Nothing secret goes into state: what a run is about to store is held against the secrets that it had.

use std::fmt;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use memchr::memmem;
use zeroize::Zeroizing;

use super::tree::read_file;
use super::{Change, EntryKind, Files, Result};
use crate::contract::MIN_MASKED;
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
    /// Whether it is looked for inside of values and files too, as it is, as JSON escapes it, and in base64. Say no to what is secret only because it was put
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
/// [`MIN_MASKED`] are not looked for. What was stored before is not looked at again.
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
    /// What is looked for inside: the text, and what JSON and base64 make of it.
    inside: Vec<Zeroizing<Vec<u8>>>,
}

impl<'a> Needle<'a> {
    fn of(secret: &RunSecret<'a>) -> Option<Needle<'a>> {
        let text = secret.value.expose().trim_matches(['\r', '\n']);
        if text.len() < MIN_MASKED {
            return None;
        }
        let mut inside = Vec::new();
        if secret.inside && text.len() >= SEARCHED {
            inside.push(Zeroizing::new(text.as_bytes().to_vec()));
            // A text has a form in JSON, always. It may be part of a longer one, which has the quotes elsewhere.
            let json = Zeroizing::new(serde_json::to_vec(text).unwrap_or_default());
            if json.len() > text.len() + 2 {
                inside.push(Zeroizing::new(json[1..json.len() - 1].to_vec()));
            }
            inside.extend((0..3).map(|before| base64_of(text.as_bytes(), before)));
        }
        Some(Needle { origin: secret.origin, text: text.as_bytes(), inside })
    }

    fn is(&self, value: &[u8]) -> bool {
        value.trim_ascii() == self.text.trim_ascii()
    }

    fn is_in(&self, value: &[u8]) -> bool {
        self.inside.iter().any(|form| memmem::find(value, form).is_some())
    }

    /// How many bytes of what it looks for may stand at the end of one piece of a file and go on in the next.
    fn overlap(&self) -> usize {
        self.inside.iter().map(|form| form.len()).max().unwrap_or_default()
    }
}

/// The base64 of `text` with `before` bytes in front of it (0 to 2), as far as it depends on `text` alone.
fn base64_of(text: &[u8], before: usize) -> Zeroizing<Vec<u8>> {
    let padded = Zeroizing::new([&[0; 2][..before], text].concat());
    let encoded = Zeroizing::new(STANDARD_NO_PAD.encode(&*padded).into_bytes());
    let inner = (8 * before).div_ceil(6)..8 * padded.len() / 6;
    Zeroizing::new(encoded[inner].to_vec())
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
