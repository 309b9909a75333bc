//! The functions that copy files from and to the state of the job and of its resources, as `cp -vr` would.
//!
//! What they say on the way goes to stderr: the original mixed it into the results.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, symlink};
use std::path::{Path, PathBuf};

use super::state::directory;
use super::variables::prefix;
use super::{Call, Failure};
use crate::contract::{path, suffix, var};
use crate::exit;

/// `copy_file_to_state`: into the state that the job will leave.
pub(super) fn to_state(call: &mut Call) -> Result<u8, Failure> {
    let from = PathBuf::from(call.arg(0));
    let to = existing(directory(call, var::JOB_STATE)?)?;
    copy(call, &from, &to)
}

/// `copy_file_from_prev_state`: out of the state that the job left last time. A file that is not there is skipped.
pub(super) fn from_previous_state(call: &mut Call) -> Result<u8, Failure> {
    let from = directory(call, var::JOB_PREVIOUS_STATE)?.join(call.arg(0));
    let to = PathBuf::from(call.arg(1));
    copy_if_there(call, &from, &to)
}

/// `refresh_file_to_state`: the file into the state that the job will leave, or if there is none, the one it left
/// last time.
pub(super) fn refresh_state(call: &mut Call) -> Result<u8, Failure> {
    let new = PathBuf::from(call.arg(0));
    let to = existing(directory(call, var::JOB_STATE)?)?;
    let previous = directory(call, var::JOB_PREVIOUS_STATE)?;
    refresh(call, &new, &previous, &to)
}

/// `copy_file_from_resource_state`: out of the files of a resource that came in. A file that is not there is skipped.
pub(super) fn from_resource(call: &mut Call) -> Result<u8, Failure> {
    let from = resource_files(call, path::IN, call.arg(0))?.join(call.arg(1));
    let to = PathBuf::from(call.arg(2));
    copy_if_there(call, &from, &to)
}

/// `copy_file_to_resource_state`: the file into those of a resource that goes out, or if there is none, the one that
/// came in with it.
pub(super) fn to_resource(call: &mut Call) -> Result<u8, Failure> {
    let new = PathBuf::from(call.arg(0));
    let to = existing(resource_files(call, path::OUT, call.arg(1))?)?;
    let previous = resource_files(call, path::IN, call.arg(1))?;
    refresh(call, &new, &previous, &to)
}

/// The directory of a resource's files. The original's functions called it `state` for every type.
pub(super) fn resource_files(call: &Call, operation: &str, name: &OsStr) -> Result<PathBuf, Failure> {
    let resource = directory(call, var::JOB_PATH)?.join(operation).join(name);
    let kind = call.context.var(&format!("{}_{}", prefix(&name.to_string_lossy())?, suffix::TYPE));
    let typed = kind.filter(|kind| !kind.is_empty()).map(|kind| resource.join(&*kind));
    Ok(match typed {
        Some(typed) if typed.is_dir() || !resource.join(path::STATE).is_dir() => typed,
        _ => resource.join(path::STATE),
    })
}

fn refresh(call: &mut Call, new: &Path, previous: &Path, to: &Path) -> Result<u8, Failure> {
    if new.exists() {
        return copy(call, new, to);
    }
    // What was copied from `out/file` stands in the state as `file`.
    let mut old = previous.join(new);
    if let (false, Some(name)) = (old.exists(), new.file_name()) {
        old = previous.join(name);
    }
    call.say(format_args!("{} does not exist, looking in {}", new.display(), previous.display()));
    copy_if_there(call, &old, to)
}

fn copy_if_there(call: &mut Call, from: &Path, to: &Path) -> Result<u8, Failure> {
    if from.exists() {
        return copy(call, from, to);
    }
    call.say(format_args!("{} does not exist, nothing is copied", from.display()));
    Ok(exit::SUCCESS)
}

fn existing(directory: PathBuf) -> Result<PathBuf, Failure> {
    if directory.is_dir() {
        return Ok(directory);
    }
    Err(Failure::Failed(format!("there is no directory {}", directory.display())))
}

/// `cp -vr FROM TO`. A link that the user names is followed, for in the state it would lead nowhere; links inside of
/// a directory stay links.
fn copy(call: &mut Call, from: &Path, to: &Path) -> Result<u8, Failure> {
    let failed = |error| Failure::Failed(format!("cannot copy {}: {error}", from.display()));
    let metadata = fs::metadata(from).map_err(failed)?;
    // `dir/.` means what is in it, as does `.`, which has no name.
    let content_alone = from.as_os_str().as_bytes().ends_with(b"/.");
    let to = match from.file_name() {
        Some(name) if to.is_dir() && !content_alone => to.join(name),
        _ => to.to_owned(),
    };
    if metadata.is_dir() && is_inside(&to, from).map_err(failed)? {
        let message = format!("cannot copy {} into itself ({})", from.display(), to.display());
        return Err(Failure::Failed(message));
    }
    let mut say = |from: &Path, to: &Path| {
        // The copy counts; whether its messages can be written does not.
        _ = writeln!(call.err, "'{}' -> '{}'", from.display(), to.display());
    };
    copy_any(from, &metadata, &to, &mut say)?;
    Ok(exit::SUCCESS)
}

/// Whether `to`, which need not be there yet, lies in the directory `from`.
fn is_inside(to: &Path, from: &Path) -> io::Result<bool> {
    let from = fs::canonicalize(from)?;
    let there = to.ancestors().find_map(|part| {
        let part = if part.as_os_str().is_empty() { Path::new(".") } else { part };
        fs::canonicalize(part).ok()
    });
    Ok(there.is_some_and(|there| there.starts_with(from)))
}

/// Copies everything in the directory `from` into the directory `to`.
pub(super) fn copy_content(from: &Path, to: &Path, say: &mut dyn FnMut(&Path, &Path)) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::Failed(format!("cannot read {}: {error}", from.display()));
    let mut names = Vec::new();
    for entry in fs::read_dir(from).map_err(failed)? {
        names.push(entry.map_err(failed)?.file_name());
    }
    names.sort();
    for name in names {
        let (from, to) = (from.join(&name), to.join(&name));
        let metadata = fs::symlink_metadata(&from).map_err(failed)?;
        copy_any(&from, &metadata, &to, say)?;
    }
    Ok(())
}

fn copy_any(
    from: &Path,
    metadata: &Metadata,
    to: &Path,
    say: &mut dyn FnMut(&Path, &Path),
) -> Result<(), Failure> {
    let failed = |error: io::Error| {
        Failure::Failed(format!("cannot copy {} to {}: {error}", from.display(), to.display()))
    };
    if metadata.is_dir() {
        if !to.is_dir() {
            DirBuilder::new().mode(0o700).create(to).map_err(failed)?;
        }
        say(from, to);
        copy_content(from, to, say)?;
        // Last, for the directory may be one that nothing can be put into.
        return fs::set_permissions(to, metadata.permissions()).map_err(failed);
    }
    if metadata.is_symlink() {
        if fs::symlink_metadata(to).is_ok_and(|old| !old.is_dir()) {
            fs::remove_file(to).map_err(failed)?;
        }
        fs::read_link(from).and_then(|target| symlink(target, to)).map_err(failed)?;
    } else if metadata.is_file() {
        if fs::metadata(to).is_ok_and(|old| (old.dev(), old.ino()) == (metadata.dev(), metadata.ino())) {
            return Err(failed(io::Error::other("they are the same file")));
        }
        fs::copy(from, to).map_err(failed)?;
    } else {
        return Err(failed(io::Error::other("it is neither a file, a directory nor a link")));
    }
    say(from, to);
    Ok(())
}
