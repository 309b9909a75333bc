//! The files of a line and of its repositories, and waiting until one changes.
//!
//! The files are looked at again and again rather than watched by the kernel: that works on all file systems, shared
//! ones included, and needs no limit of the system to be raised. It takes at most a twentieth of a processor.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::read;
use crate::cli::{LineOptions, Run};
use crate::output::Failure;
use crate::printable::Printable;
use crate::repository;

/// How long to wait between two looks, at least.
const PAUSE: Duration = Duration::from_millis(400);

/// How long files that change are left to settle.
const SETTLING: Duration = Duration::from_millis(100);

/// What is watched.
pub struct Watched {
    /// Directories, with all in them that git does not ignore.
    places: Vec<PathBuf>,
    /// Files, wherever they are.
    files: Vec<PathBuf>,
    /// What the runs write.
    left_out: Vec<PathBuf>,
}

/// What tells whether a file has changed.
pub type Files = BTreeMap<PathBuf, (Option<SystemTime>, u64, u64)>;

impl Watched {
    /// The files of the line, those that options name, and the repositories in which it is worked.
    ///
    /// # Errors
    ///
    /// When the current directory is gone.
    pub fn new(command: &Run, options: &LineOptions) -> Result<Watched, Failure> {
        let line = read(options)?;
        let job = &command.options;
        let sources = line.sources.ids().map(|id| line.sources.get(id).path().to_owned());
        let given = job.env_file.iter().chain(&job.secret_file).cloned();
        let mut places: Vec<PathBuf> = job.repo.iter().map(|(_, path)| path.clone()).collect();
        // Without a line, all that is below may be the whole home directory.
        places.extend((!line.sources.is_empty()).then(|| line.directory.clone()));
        let written = command.report.iter().cloned().chain(line.state.map(PathBuf::from));
        Ok(Watched {
            places: absolute(places),
            files: absolute(sources.chain(given)),
            left_out: absolute(written),
        })
    }

    /// Whether there is neither a line nor a repository.
    pub fn has_no_places(&self) -> bool {
        self.places.is_empty()
    }

    /// The files as they are now.
    pub fn files(&self) -> Files {
        let mut paths = self.files.clone();
        for place in &self.places {
            // What a job takes of a repository is what was committed, unless it is told otherwise.
            paths.push(place.join(".git/logs/HEAD"));
            match repository::files_of_work(place) {
                Some(files) => paths.extend(files),
                None => walk(place, &mut paths),
            }
        }
        let is_left_out = |path: &Path| self.left_out.iter().any(|other| path.starts_with(other));
        let of = |metadata: Metadata| (metadata.modified().ok(), metadata.len(), metadata.ino());
        let known = paths.into_iter().filter(|path| !is_left_out(path));
        known
            .filter_map(|path| Some((of(fs::metadata(&path).ok()?), path)))
            .map(|(of, path)| (path, of))
            .collect()
    }

    /// Waits until something is another than it was, and says what.
    pub fn change(&self, before: &Files) -> String {
        loop {
            let started = Instant::now();
            let mut now = self.files();
            if now != *before {
                loop {
                    thread::sleep(SETTLING);
                    let settled = self.files();
                    if settled == now {
                        break;
                    }
                    now = settled;
                }
            }
            let other = |path: &&PathBuf| before.get(*path) != now.get(*path);
            let gone = before.keys().filter(|path| !now.contains_key(*path));
            let changed: Vec<_> = now.keys().filter(other).chain(gone).collect();
            if let [first, others @ ..] = changed.as_slice() {
                let here = std::env::current_dir().unwrap_or_default();
                let shown = first.strip_prefix(here).unwrap_or(first).to_string_lossy();
                let shown = Printable(&shown).to_string();
                return match others.len() {
                    0 => format!("{shown} has changed"),
                    more => format!("{shown} and {more} more have changed"),
                };
            }
            thread::sleep(PAUSE.max(started.elapsed() * 20));
        }
    }
}

/// Each file has one path.
fn absolute(paths: impl IntoIterator<Item = PathBuf>) -> Vec<PathBuf> {
    paths.into_iter().filter_map(|path| std::path::absolute(path).ok()).collect()
}

/// The files below a directory that is in no repository of git, but for hidden ones.
fn walk(directory: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && !is_hidden => walk(&entry.path(), paths),
            Ok(kind) if !kind.is_dir() && !is_hidden => paths.push(entry.path()),
            _ => {}
        }
    }
}
