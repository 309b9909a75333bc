//! Taking away what a job has left in its workspace, but not the skeleton, which stays for the next run. Files that hold no
//! secret stay too, but for what is in them.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

use super::Layout;
use super::claim::MARKER;

/// When the directories of a skeleton last changed: one that has not changed since need not be looked through.
///
/// It is the change time, which programs cannot set.
#[derive(Default)]
pub(super) struct Stamps(HashMap<PathBuf, Time>);

/// Seconds and nanoseconds, by the clock of the file system.
type Time = (i64, i64);

fn changed(metadata: &Metadata) -> Time {
    (metadata.ctime(), metadata.ctime_nsec())
}

impl Stamps {
    /// Takes them down for a workspace that was claimed with `marker`. Directories that are as new as that are left out: the
    /// clock of a file system may stand still for some milliseconds, so that the next change of theirs might not show.
    pub(super) fn take(root: &Path, layout: &Layout, marker: &File) -> Stamps {
        let claimed = marker.metadata().map_or((0, 0), |marker| changed(&marker));
        let old = layout.directories.iter().filter_map(|directory| {
            let time = changed(&fs::symlink_metadata(root.join(directory)).ok()?);
            (time < claimed).then(|| (directory.clone(), time))
        });
        Stamps(old.collect())
    }
}

/// Removes everything in a workspace but its marker.
pub(super) fn empty(root: &Path) -> io::Result<()> {
    remove_others(root, |name| name == MARKER)
}

/// Removes everything in a workspace but its marker and the skeleton of a layout; says whether all of that is there.
pub(super) fn clear(root: &Path, layout: &Layout, stamps: &Stamps) -> io::Result<bool> {
    remove_others(root, |name| name == MARKER || layout.may_have(Path::new(name)))?;
    let mut whole = true;
    // Parents come first: what lies below something that is no directory of ours is never looked at.
    for directory in &layout.directories {
        let path = root.join(directory);
        match keep(&path, |there| there.is_dir() && there.mode() & 0o7777 == 0o700)? {
            Some(there) if stamps.0.get(directory) == Some(&changed(&there)) => {}
            Some(_) => remove_others(&path, |name| layout.may_have(&directory.join(name)))?,
            None => whole = false,
        }
    }
    for file in layout.empty_files() {
        whole &= keep(&root.join(file), |there| is_own_file(there) && there.len() == 0)?.is_some();
    }
    for file in layout.blanks() {
        let path = root.join(file);
        // Something else is there.
        if blank(&path).is_err_and(|error| error.kind() != io::ErrorKind::NotFound) {
            remove_tree(&path)?;
        }
    }
    Ok(whole)
}

/// Longer files, in bytes, do not keep their length.
const LONG: u64 = 64 * 1024;

/// Whether it is a file that is its owner's alone, and has no other name.
fn is_own_file(there: &Metadata) -> bool {
    there.is_file() && there.nlink() == 1 && there.mode() & 0o7777 == 0o600
}

/// Overwrites a file of the owner's alone with ends of lines.
///
/// It keeps its length, as the next one is as long most likely: to take space from a file and give it some again is slow. And
/// of one that has nothing in it, some file systems have what is written next on the disk before it is closed: they take it
/// for the file of somebody who replaces it.
fn blank(path: &Path) -> io::Result<()> {
    overwrite(path, |length| vec![b'\n'; if length > LONG { 1 } else { length as usize }])
}

/// Writes a file anew that is there, and is of its owner alone.
pub(super) fn write_over(path: &Path, contents: &[u8]) -> io::Result<()> {
    overwrite(path, |_| contents)
}

/// The same with contents that depend on how long it is, in bytes.
fn overwrite<T: AsRef<[u8]>>(path: &Path, contents: impl FnOnce(u64) -> T) -> io::Result<()> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let mut file = OpenOptions::new().write(true).custom_flags(flags.bits()).open(path)?;
    let there = file.metadata()?;
    if !is_own_file(&there) {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    let contents = contents(there.len());
    let contents = contents.as_ref();
    file.write_all(contents)?;
    if there.len() > contents.len() as u64 { file.set_len(contents.len() as u64) } else { Ok(()) }
}

/// Removes what is at a path unless it is what it should be; gives what is known of that.
fn keep(path: &Path, is_ours: impl Fn(&Metadata) -> bool) -> io::Result<Option<Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(there) if is_ours(&there) => Ok(Some(there)),
        Ok(_) => remove_tree(path).map(|()| None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes everything in a directory but what is called so.
fn remove_others(directory: &Path, stays: impl Fn(&OsStr) -> bool) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if !stays(&entry.file_name()) {
            match entry.file_type()?.is_dir() {
                true => remove_tree(&entry.path())?,
                false => fs::remove_file(entry.path())?,
            }
        }
    }
    Ok(())
}

/// Removes a file or a tree, also one with directories that are not writable (as those of module caches are not).
pub(super) fn remove_tree(path: &Path) -> io::Result<()> {
    if !fs::symlink_metadata(path)?.is_dir() {
        return fs::remove_file(path);
    }
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            make_writable(path)?;
            fs::remove_dir_all(path)
        }
        done => done,
    }
}

fn make_writable(directory: &Path) -> io::Result<()> {
    fs::set_permissions(directory, fs::Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            make_writable(&entry.path())?;
        }
    }
    Ok(())
}
