//! What objects hold: JSON.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::{Value as Json, json};

use super::super::place::escape;
use super::super::timestamp::{millis, time};
use super::super::tree::{Hash, hex, stays_below};
use super::super::version::{List, Version, VersionRef};
use super::super::{BuildRecord, BuildRef, Ended, Ending, EntryKind, Progress, Seed, TreeEntry};

/// A version, and what the YAML said of it when that was last taken in.
#[derive(Clone)]
pub(super) struct Stored {
    pub(super) version: Version,
    pub(super) written: Option<Seed>,
}

impl Stored {
    /// The version that the YAML gives, with number 0: it has none yet.
    pub(super) fn of_seed(name: &str, seed: &Seed, created: SystemTime) -> Stored {
        let version = Version {
            name: name.to_owned(),
            number: 0,
            version_name: seed.version_name.clone(),
            bag: seed.bag.clone(),
            created,
            build: None,
            tree: None,
        };
        Stored { version, written: Some(seed.clone()) }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let Version { name, number, version_name, bag, created, build, tree } = &self.version;
        let build = build.as_ref().map(|build| json!({"job": build.job, "number": build.number}));
        let files = match tree {
            Some(List::Hash(hash)) => Some(hash),
            Some(List::Row(_)) | None => None,
        };
        let written = self
            .written
            .as_ref()
            .map(|seed| json!({"versionName": seed.version_name, "propertyBag": seed.bag}));
        let document = json!({
            "name": name, "versionNumber": number, "versionName": version_name, "propertyBag": bag,
            "made": millis(*created), "build": build, "files": files, "written": written,
        });
        document.to_string().into_bytes()
    }

    pub(super) fn parse(bytes: &[u8]) -> Option<Stored> {
        let json: Json = serde_json::from_slice(bytes).ok()?;
        let text = |json: &Json| json.as_str().map(str::to_owned);
        let build =
            |json: &Json| Some(BuildRef { job: text(&json["job"])?, number: number(&json["number"])? });
        let seed = |json: &Json| {
            let bag = json["propertyBag"].as_object()?.clone();
            Some(Seed { version_name: text(&json["versionName"]), bag })
        };
        let hash = text(&json["files"]).filter(|hash| hash.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let version = Version {
            name: text(&json["name"])?,
            number: number(&json["versionNumber"])?,
            version_name: text(&json["versionName"]),
            bag: json["propertyBag"].as_object()?.clone(),
            created: time(json["made"].as_i64()?),
            build: build(&json["build"]),
            tree: hash.map(List::Hash),
        };
        Some(Stored { version, written: seed(&json["written"]) })
    }
}

fn number(json: &Json) -> Option<u32> {
    u32::try_from(json.as_u64()?).ok()
}

/// A list of files.
pub(super) fn of_list(entries: &[TreeEntry]) -> Vec<u8> {
    let text = |path: &Path| {
        let mut text = String::new();
        escape(&mut text, path.as_os_str().as_bytes(), b"/-_.~ ");
        text
    };
    let entry = |TreeEntry { path, mode, kind }: &TreeEntry| match kind {
        EntryKind::Directory => json!({"path": text(path), "directory": mode}),
        EntryKind::File { size, hash } => {
            json!({"path": text(path), "file": mode, "size": size, "hash": hex(hash)})
        }
        EntryKind::Symlink { target } => json!({"path": text(path), "link": text(target)}),
    };
    Json::Array(entries.iter().map(entry).collect()).to_string().into_bytes()
}

/// The files of a list; `None` if it is none, or one of them would lie elsewhere.
pub(super) fn list(bytes: &[u8]) -> Option<Vec<TreeEntry>> {
    let json: Json = serde_json::from_slice(bytes).ok()?;
    let entry = |json: &Json| {
        let path = unescape(json["path"].as_str()?)?;
        let (mode, kind) = if let Some(mode) = number(&json["directory"]) {
            (mode, EntryKind::Directory)
        } else if let Some(mode) = number(&json["file"]) {
            (mode, EntryKind::File { size: json["size"].as_u64()?, hash: unhex(json["hash"].as_str()?)? })
        } else {
            (0, EntryKind::Symlink { target: unescape(json["link"].as_str()?)? })
        };
        stays_below(path.as_os_str()).then_some(TreeEntry { path, mode, kind })
    };
    json.as_array()?.iter().map(entry).collect()
}

fn unescape(text: &str) -> Option<PathBuf> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first == b'%' {
            let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &rest[2..];
        } else {
            bytes.push(*first);
        }
    }
    Some(OsString::from_vec(bytes).into())
}

fn unhex(text: &str) -> Option<Hash> {
    let digits = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..text.len()).step_by(2).map(digits).collect();
    bytes?.try_into().ok()
}

/// The end of a build.
pub(super) fn of_end(ended: &Ended, outputs: &[VersionRef]) -> Vec<u8> {
    let outputs: Vec<_> = outputs.iter().map(|version| json!([version.name, version.number])).collect();
    let duration = u64::try_from(ended.duration.as_millis()).unwrap_or(u64::MAX);
    let document = json!({
        "ended": millis(ended.at), "duration": duration, "result": ended.ending.word(), "status": ended.status,
        "made": outputs,
    });
    document.to_string().into_bytes()
}

/// A build, of what was written when it began and when it ended.
pub(super) fn build(beginning: &[u8], ended: Option<&[u8]>) -> Option<BuildRecord> {
    let beginning: Json = serde_json::from_slice(beginning).ok()?;
    let ended: Option<Json> = ended.map(serde_json::from_slice).transpose().ok()?;
    let references = |json: &Json| {
        let version =
            |json: &Json| Some(VersionRef { name: json[0].as_str()?.to_owned(), number: number(&json[1])? });
        json.as_array()?.iter().map(version).collect::<Option<Vec<_>>>()
    };
    let progress = match &ended {
        None => Progress::Started,
        Some(ended) => Progress::Ended(Ended {
            at: time(ended["ended"].as_i64()?),
            duration: Duration::from_millis(ended["duration"].as_u64()?),
            ending: Ending::of(ended["result"].as_str()?),
            status: u8::try_from(ended["status"].as_u64()?).ok()?,
        }),
    };
    Some(BuildRecord {
        reference: BuildRef {
            job: beginning["job"].as_str()?.to_owned(),
            number: number(&beginning["number"])?,
        },
        started: time(beginning["started"].as_i64()?),
        progress,
        used: references(&beginning["used"])?,
        outputs: ended.map_or(Some(Vec::new()), |ended| references(&ended["made"]))?,
    })
}
