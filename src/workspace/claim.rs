//! Making a directory a workspace: whose it is, what is in it, and what becomes of it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use super::{Unavailable, make_directory, place};

/// The file that marks a workspace in a directory that was given, and is locked while it is in use. Where workspaces lie
/// by default it lies elsewhere as long as they are in use, see `place`. It holds [`KEPT`] when what is in the workspace stays on purpose.
pub(super) const MARKER: &str = ".shipctl-workspace";
pub(super) const KEPT: &[u8] = b"kept\n";

/// What is in a directory that becomes a workspace.
#[derive(PartialEq)]
pub(super) enum Found {
    /// Nothing.
    Nothing,
    /// A skeleton: this, as [`Layout::skeleton`] has it.
    Skeleton(Vec<u8>),
    /// What somebody left.
    Remains,
}

/// What becomes of a workspace in the end.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Fate {
    /// What is in it goes, and its skeleton stays for the next run.
    Emptied,
    /// It goes.
    Removed,
    /// What is in it goes; the directory was there before.
    RemovedButRoot,
    /// Its secret files go.
    Kept,
}

/// A directory that is ours.
pub(super) struct Claim {
    pub(super) marker: PathBuf,
    pub(super) lock: Flock<File>,
    pub(super) fate: Fate,
    pub(super) found: Found,
}

/// Marks and locks a directory, which is made if it is not there.
pub(super) fn claim(root: &Path) -> Result<Claim, Unavailable> {
    let failed = |error: io::Error| {
        let context = format!("cannot use {} as the workspace", root.display());
        Unavailable::Failed(anyhow::Error::from(error).context(context))
    };
    if let Some(marker) = place::busy(root) {
        let locked = lock(&marker, Some(&root.join(MARKER))).map_err(failed)?;
        let (lock, origin) = locked.ok_or(Unavailable::InUse)?;
        let made = make_directory(root).map_err(failed)?;
        let found = match origin {
            Origin::Idle => Found::Skeleton(read(&lock).map_err(failed)?),
            Origin::New if made => Found::Nothing,
            Origin::New | Origin::There => Found::Remains,
        };
        return Ok(Claim { marker, lock, fate: Fate::Emptied, found });
    }
    let made = !root.exists();
    make_directory(root).map_err(failed)?;
    let marker = root.join(MARKER);
    if !made && !marker.exists() {
        refuse_foreign(root).map_err(Unavailable::Failed)?;
    }
    let (lock, origin) = lock(&marker, None).map_err(failed)?.ok_or(Unavailable::InUse)?;
    let found = if origin == Origin::New { Found::Nothing } else { Found::Remains };
    let fate = if made { Fate::Removed } else { Fate::RemovedButRoot };
    Ok(Claim { marker, lock, fate, found })
}

/// Where a file that is locked comes from.
#[derive(PartialEq)]
pub(super) enum Origin {
    /// It was made.
    New,
    /// It was an idle one, under another name.
    Idle,
    /// It was there: somebody was killed.
    There,
}

/// What a small file holds.
pub(super) fn read(mut file: &File) -> io::Result<Vec<u8>> {
    let mut contents = Vec::new();
    file.read_to_end(&mut contents)?;
    Ok(contents)
}

/// Locks a file, which is made if it is not there, of an idle one if there is one. `None` if somebody else has locked it.
pub(super) fn lock(path: &Path, idle: Option<&Path>) -> io::Result<Option<(Flock<File>, Origin)>> {
    loop {
        let open = |new: bool| {
            let mut options = OpenOptions::new();
            options.create(true).create_new(new).read(true).append(true).mode(0o600).open(path)
        };
        let (file, origin) = if idle.is_some_and(|idle| place::take_up(idle, path)) {
            (open(false)?, Origin::Idle)
        } else {
            match open(true) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => (open(false)?, Origin::There),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    path.parent().map_or(Ok(false), make_directory)?;
                    continue;
                }
                opened => (opened?, Origin::New),
            }
        };
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            // Whoever held the lock before may have removed the file after it was opened here.
            Ok(lock) if place::is_same_file(&lock, path) => return Ok(Some((lock, origin))),
            Ok(_) => {}
            Err((_, Errno::EWOULDBLOCK)) => return Ok(None),
            Err((_, error)) => return Err(error.into()),
        }
    }
}

/// An existing directory without a marker becomes a workspace only if it is empty.
fn refuse_foreign(root: &Path) -> Result<()> {
    let mut entries =
        fs::read_dir(root).with_context(|| format!("cannot use {} as the workspace", root.display()))?;
    if entries.next().is_some() {
        bail!(
            "{} is not empty and no workspace of shipctl: a workspace is wiped, so give --workspace a new or an empty directory",
            root.display()
        );
    }
    Ok(())
}
