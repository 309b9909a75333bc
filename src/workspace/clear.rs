//! Taking away what a job has left in its workspace, but not the skeleton, which stays for the next run.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::Layout;
use super::claim::MARKER;

/// When the directories of a skeleton last changed: one that has not changed since need not be looked through.
///
/// It is the change time, which programs cannot set.
#[derive(Default)]
pub(super) struct Stamps(HashMap<PathBuf, Time, foldhash::fast::RandomState>);

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
    remove_others(root, |name| name == MARKER || layout.has_in_skeleton(Path::new(name)))?;
    let mut whole = true;
    // Parents come first: what lies below something that is no directory of ours is never looked at.
    for directory in &layout.directories {
        let path = root.join(directory);
        match keep(&path, |there| there.is_dir() && there.mode() & 0o7777 == 0o700)? {
            Some(there) if stamps.0.get(directory) == Some(&changed(&there)) => {}
            Some(_) => remove_others(&path, |name| layout.has_in_skeleton(&directory.join(name)))?,
            None => whole = false,
        }
    }
    for file in layout.empty_files() {
        let is_ours = |there: &Metadata| {
            there.is_file() && there.len() == 0 && there.nlink() == 1 && there.mode() & 0o7777 == 0o600
        };
        whole &= keep(&root.join(file), is_ours)?.is_some();
    }
    Ok(whole)
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
