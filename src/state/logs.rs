//! The logs of builds: a file for each, `logs/<job>/<number>.log`, secrets masked, a time before each line.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nix::libc;

use super::place::{LOGS, StateFiles};
use super::running::file_name;
use super::{BuildRef, DIRECTORY};

/// Makes the file for the log of a build of the line in `directory`, for its owner alone. One of an older build of this
/// number, before a reset, is gone with that.
///
/// # Errors
///
/// When it cannot be made, or a link stands in its place.
pub fn create(directory: &Path, build: &BuildRef) -> io::Result<File> {
    let place = StateFiles::of(directory);
    place.refuse_links().and_then(|()| place.make()).map_err(|error| io::Error::other(error.to_string()))?;
    let path = path(directory, build);
    let jobs = path.parent().unwrap_or(&path);
    DirBuilder::new().recursive(true).mode(0o700).create(jobs)?;
    if fs::symlink_metadata(jobs)?.is_symlink() {
        return Err(io::Error::other(format!("{} is a symbolic link: remove it", jobs.display())));
    }
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600).custom_flags(libc::O_NOFOLLOW);
    options.open(path)
}

/// Opens the log of a build, if it was kept.
///
/// # Errors
///
/// When it cannot be read.
pub fn open(directory: &Path, build: &BuildRef) -> io::Result<Option<File>> {
    match OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW).open(path(directory, build)) {
        Ok(file) => Ok(Some(file)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Keeps a file of test results of a build, below its other results.
///
/// # Errors
///
/// When it cannot be written, or a link stands in its place.
pub fn keep_result(
    directory: &Path,
    build: &BuildRef,
    below: &[&str],
    name: &OsStr,
    text: &str,
) -> io::Result<()> {
    StateFiles::of(directory).refuse_links().map_err(|error| io::Error::other(error.to_string()))?;
    let mut path = path(directory, build).with_extension(RESULTS);
    path.extend(below);
    DirBuilder::new().recursive(true).mode(0o700).create(&path)?;
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600).custom_flags(libc::O_NOFOLLOW);
    options.open(path.join(name))?.write_all(text.as_bytes())
}

/// The directories with the results of one kind that a build has left: of each entry of its matrix, in order.
pub fn kept_results(directory: &Path, build: &BuildRef, kind: &str) -> Vec<PathBuf> {
    let results = path(directory, build).with_extension(RESULTS);
    let entries = fs::read_dir(results).into_iter().flatten().flatten();
    let mut numbers: Vec<u32> =
        entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    numbers.sort_unstable();
    let results = path(directory, build).with_extension(RESULTS);
    numbers.into_iter().map(|number| results.join(number.to_string()).join(kind)).collect()
}

/// What the directory of a build's test results ends in.
const RESULTS: &str = "results";

/// Removes the logs of all builds but these, and their test results. What cannot be removed stays.
pub fn retain(directory: &Path, builds: &[BuildRef]) {
    let kept: std::collections::HashSet<_> = builds.iter().map(|build| path(directory, build)).collect();
    let entries = |directory: &Path| fs::read_dir(directory).into_iter().flatten().flatten();
    for job in entries(&directory.join(DIRECTORY).join(LOGS)) {
        if job.file_type().is_ok_and(|kind| kind.is_dir()) {
            let of_others = |path: &PathBuf| !kept.contains(&path.with_extension("log"));
            for path in entries(&job.path()).map(|entry| entry.path()).filter(of_others) {
                let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
            }
        }
    }
}

fn path(directory: &Path, build: &BuildRef) -> PathBuf {
    let job = directory.join(DIRECTORY).join(LOGS).join(file_name(&build.job));
    job.join(format!("{}.log", build.number))
}
