//! Builds that have begun and have not ended: each is a file, `builds/<job>/<number>`, until the database has it.
//!
//! So a build costs one transaction, not two; and one that needs nothing that is stored has its number without the
//! database, which is opened while its script runs. `builds/<job>/last` holds the number of the last build of the job
//! that has begun; the process that begins one locks it. The file of a build is locked as long as the build is running, and
//! a process that is killed loses the lock: then the file tells of an interrupted build. (A number of a process would not do:
//! it is given again, and means nothing in another container.)
//!
//! A kill at any moment leaves no number to be given twice: the file of a build is there before its number is in `last`,
//! and no file is begun twice. A power cut may take `last` back to an older number; then the database says so when the
//! build ends.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::place::BUILDS;
use super::timestamp::{millis, time};
use super::{BuildRecord, BuildRef, Progress, VersionRef, place};

const LAST: &str = "last";

/// Longer names of files are not possible everywhere.
const MAX_NAME: usize = 200;

/// What is known of a job without its database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Count {
    /// The number of the last build that has begun; 0 if there was none.
    pub(super) number: u32,
    /// Whether one of its versions may have files, which the next build finds.
    pub(super) has_files: bool,
}

/// A build that is running: its file, locked.
#[derive(Debug)]
pub(super) struct RunningBuild {
    path: PathBuf,
    /// Held as long as the build runs.
    _lock: Flock<File>,
}

impl RunningBuild {
    /// Whether its file is still there: it has not ended, and the state was not reset.
    pub(super) fn is_there(&self) -> bool {
        self.path.exists()
    }

    /// The database has it now.
    pub(super) fn end(&self) {
        // One that stays is known to have ended: the database has it.
        let _ = fs::remove_file(&self.path);
    }
}

/// The file `last` of a job, locked: no other process begins a build of it.
pub(super) struct Last {
    directory: PathBuf,
    file: Flock<File>,
}

impl Last {
    /// Waits for a process that is just beginning a build of the job, and makes the file if it is not there.
    pub(super) fn lock(state: &Path, job: &str) -> io::Result<Last> {
        let directory = directory(state, job);
        loop {
            match Last::lock_in(&directory, true) {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
                }
                Ok(Some(last)) => return Ok(last),
                // A reset has just removed it.
                Ok(None) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The same, if the file is there.
    pub(super) fn existing(state: &Path, job: &str) -> io::Result<Option<Last>> {
        match Last::lock_in(&directory(state, job), false) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            locked => locked,
        }
    }

    /// Locks it if it is there, or can be made where it should be; `None` if it was removed meanwhile.
    fn lock_in(directory: &Path, make: bool) -> io::Result<Option<Last>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(make).mode(0o600);
        if fs::symlink_metadata(directory)?.is_symlink() {
            return Err(io::Error::other(format!("{} is a symbolic link: remove it", directory.display())));
        }
        let file = place::lock(&directory.join(LAST), &options)?;
        Ok(file.map(|file| Last { directory: directory.to_owned(), file }))
    }

    /// What is known of the job here.
    pub(super) fn read(&self) -> io::Result<Option<Count>> {
        let mut text = String::new();
        (&*self.file).read_to_string(&mut text)?;
        Ok(Count::parse(&text))
    }

    /// Begins a build, the one after `count`; `describe` says what goes into its file.
    pub(super) fn begin(
        self,
        mut count: Count,
        describe: impl FnOnce(u32) -> String,
    ) -> io::Result<(u32, RunningBuild)> {
        let (path, file) = loop {
            count.number += 1;
            let path = self.directory.join(count.number.to_string());
            match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
                Ok(file) => break (path, file),
                // A process was killed before it could say so here.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        };
        let mut lock =
            Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, error)| io::Error::from(error))?;
        lock.write_all(describe(count.number).as_bytes())?;
        self.write(count)?;
        Ok((count.number, RunningBuild { path, _lock: lock }))
    }

    /// Writes it over what was there, in one go and of the same length, so that no moment finds half of it.
    fn write(&self, count: Count) -> io::Result<()> {
        let files = if count.has_files { "files" } else { "-" };
        self.file.write_all_at(format!("{:>10} {files:>5}\n", count.number).as_bytes(), 0)
    }
}

impl Count {
    fn parse(text: &str) -> Option<Count> {
        let (number, files) = text.strip_suffix('\n')?.trim_start().split_once(' ')?;
        Some(Count { number: number.parse().ok()?, has_files: files.trim_start() != "-" })
    }
}

/// What is known of a job, if anything.
pub(super) fn count(state: &Path, job: &str) -> Option<Count> {
    Count::parse(&fs::read_to_string(directory(state, job).join(LAST)).ok()?)
}

/// Says from now on that a version of a job may have files, before it has any.
pub(super) fn note_files(state: &Path, job: &str) -> io::Result<()> {
    let Some(last) = Last::existing(state, job)? else { return Ok(()) };
    match last.read()? {
        Some(count) if !count.has_files => last.write(Count { has_files: true, ..count }),
        _ => Ok(()),
    }
}

/// What the file of a build says of it.
pub(super) fn describe(
    job: &str,
    number: u32,
    started: std::time::SystemTime,
    used: &[VersionRef],
) -> String {
    let used: Vec<_> = used.iter().map(|version| json!([version.name, version.number])).collect();
    json!({"job": job, "number": number, "started": millis(started), "used": used}).to_string()
}

/// The builds of a job, or of all jobs, that have begun and not ended, in any order. Some of them may have ended by now.
pub(super) fn list(state: &Path, job: Option<&str>) -> Vec<BuildRecord> {
    let directories = match job {
        Some(job) => vec![directory(state, job)],
        None => entries(&state.join(BUILDS)),
    };
    let files = directories.iter().flat_map(|directory| entries(directory));
    let records = files.filter_map(|path| read(&path));
    records.filter(|record| job.is_none_or(|job| record.reference.job == job)).collect()
}

/// Takes away the files of builds that are not running, where `is_old` says so.
pub(super) fn prune(state: &Path, mut is_old: impl FnMut(&BuildRef) -> bool) -> usize {
    let mut pruned = 0;
    for directory in entries(&state.join(BUILDS)) {
        // No process begins one meanwhile: what is not locked now never will be.
        let Ok(Some(_last)) = Last::lock_in(&directory, false) else { continue };
        for path in entries(&directory) {
            let record = read(&path).filter(|record| record.progress == Progress::Interrupted);
            if record.is_some_and(|record| is_old(&record.reference)) && fs::remove_file(&path).is_ok() {
                pruned += 1;
            }
        }
    }
    pruned
}

/// Forgets all builds, those that are running too.
pub(super) fn reset(state: &Path) -> io::Result<()> {
    match fs::remove_dir_all(state.join(BUILDS)) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The build that a file tells of; `None` if it is no build's, or the build is just beginning.
fn read(path: &Path) -> Option<BuildRecord> {
    let mut file = File::open(path).ok()?;
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    let mut json: Json = serde_json::from_str(&text).ok()?;
    let number = |json: &Json| u32::try_from(json.as_u64()?).ok();
    let used = json["used"].as_array()?.iter().map(|version| {
        Some(VersionRef { name: version[0].as_str()?.to_owned(), number: number(&version[1])? })
    });
    let used = used.collect::<Option<_>>()?;
    let (started, number) = (time(json["started"].as_i64()?), number(&json["number"])?);
    // Earlier versions kept the file of a build that had ended under another name.
    if path.file_name().and_then(OsStr::to_str) != Some(&number.to_string()) {
        return None;
    }
    let Json::String(job) = json["job"].take() else { return None };
    let progress = match Flock::lock(file, FlockArg::LockSharedNonblock) {
        Err((_, Errno::EWOULDBLOCK)) => Progress::Running,
        _ => Progress::Interrupted,
    };
    Some(BuildRecord { reference: BuildRef { job, number }, started, progress, used, outputs: Vec::new() })
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

/// The directory of a job's builds.
fn directory(state: &Path, job: &str) -> PathBuf {
    state.join(BUILDS).join(file_name(job))
}

/// The name of a file that stands for a job or resource. Any text is the name of one of these, but not that of a file.
pub(super) fn file_name(job: &str) -> String {
    let mut name = String::new();
    place::escape(&mut name, job.as_bytes(), b"-_");
    if name.is_empty() || name.len() > MAX_NAME {
        name = "%%".to_owned();
        for byte in Sha256::digest(job.as_bytes()) {
            // Writing to a string cannot fail.
            let _ = write!(name, "{byte:02x}");
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_directory_of_its_own() {
        let long = "x".repeat(1000);
        let names = ["", ".", "..", "a/b", "a%2Fb", "last", "ü", &long, &long[1..]];
        let directories: std::collections::HashSet<_> =
            names.iter().map(|name| directory(Path::new("/s"), name)).collect();
        assert_eq!(directories.len(), names.len());
        assert!(directories.iter().all(|path| path.parent() == Some(Path::new("/s/builds"))));
        assert!(directories.iter().all(|path| path.file_name().unwrap().len() < 255));
    }

    #[test]
    fn half_a_count_is_none() {
        let whole = Count { number: 12, has_files: false };
        assert_eq!(Count::parse("        12     -\n"), Some(whole));
        assert_eq!(Count::parse("        12 files\n"), Some(Count { has_files: true, ..whole }));
        for text in ["", "        12", "        12 fi", "\0\0\0\n"] {
            assert_eq!(Count::parse(text), None);
        }
    }
}
