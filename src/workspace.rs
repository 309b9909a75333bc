//! The workspace: the directories and files that a job finds, private, and gone when it ends.
//!
//! [`render`] says what is in it and is pure; [`Workspace::create`] puts it on disk and takes it away again. A
//! workspace is marked and locked while it is in use, so that what a killed run left behind is known as such and
//! removed by the next one, and so that a directory of somebody else's is never emptied.

mod documents;
mod place;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use nix::fcntl::{Flock, FlockArg};

use crate::contract::path;

pub use documents::render;
pub use place::{default_root, remove_stale};

/// What is in a workspace, with paths relative to it.
#[derive(Default)]
pub struct Layout {
    /// Directories, parents first.
    pub directories: Vec<PathBuf>,
    /// Files.
    pub files: Vec<Rendered>,
}

/// A file of a workspace.
pub struct Rendered {
    /// Where it goes.
    pub path: PathBuf,
    /// What it holds; wiped from memory when dropped.
    pub contents: zeroize::Zeroizing<Vec<u8>>,
    /// Whether a secret is in it: it is removed even when the workspace is kept.
    pub secret: bool,
}

impl Layout {
    /// The file at a path relative to the workspace.
    pub fn file(&self, path: &Path) -> Option<&Rendered> {
        self.files.iter().find(|file| file.path == path)
    }
}

/// The file that marks a workspace and is locked while it is in use.
const MARKER: &str = ".shipctl-workspace";

/// A workspace on disk. Dropping it removes it, or what is secret in it.
pub struct Workspace {
    root: PathBuf,
    secret_files: Vec<PathBuf>,
    keep: bool,
    /// Whether the directory itself was made here.
    made: bool,
    _lock: Flock<File>,
}

/// Why a directory cannot become a workspace.
pub enum Unavailable {
    /// Another run is using it.
    InUse,
    /// Anything else.
    Failed(anyhow::Error),
}

impl Workspace {
    /// Makes `root` a workspace and fills it. What a run that was killed left in it is removed first.
    ///
    /// # Errors
    ///
    /// When another run uses it, when it holds something that is no workspace's, and when it cannot be written.
    /// Then nothing of it is left.
    pub fn create(root: &Path, layout: &Layout, keep: bool) -> Result<Workspace, Unavailable> {
        let (lock, made) = claim(root)?;
        let mut workspace =
            Workspace { root: root.to_owned(), secret_files: Vec::new(), keep: false, made, _lock: lock };
        workspace.fill(layout).map_err(Unavailable::Failed)?;
        workspace.keep = keep;
        Ok(workspace)
    }

    fn fill(&mut self, layout: &Layout) -> Result<()> {
        empty(&self.root).with_context(|| format!("cannot empty the workspace {}", self.root.display()))?;
        for directory in &layout.directories {
            let directory = self.root.join(directory);
            make_directory(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
        }
        for file in &layout.files {
            let path = self.root.join(&file.path);
            // A name may hold a `/`.
            let parent = path.parent().unwrap_or(&self.root);
            make_directory(parent).with_context(|| format!("cannot make {}", parent.display()))?;
            write_private(&path, &file.contents)
                .with_context(|| format!("cannot write {}", path.display()))?;
            if file.secret {
                self.secret_files.push(path);
            }
        }
        Ok(())
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Takes it away, or what is secret in it.
    fn remove(&self) -> io::Result<()> {
        if self.keep {
            for file in &self.secret_files {
                match fs::remove_file(file) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
            let secrets = self.root.join(path::SECRETS);
            if secrets.exists() {
                place::remove_tree(&secrets)?;
            }
            // A marker with something in it is that of a workspace which nobody but a run that needs it removes.
            return fs::write(self.root.join(MARKER), "kept\n");
        }
        empty(&self.root)?;
        fs::remove_file(self.root.join(MARKER))?;
        if self.made { fs::remove_dir(&self.root) } else { Ok(()) }
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        if let Err(error) = self.remove() {
            eprintln!(
                "shipctl: warning: cannot remove the workspace {}: {error}; secret files may be left in it",
                self.root.display()
            );
        }
    }
}

/// Marks and locks a directory, which is made if it is not there.
fn claim(root: &Path) -> Result<(Flock<File>, bool), Unavailable> {
    let failed = |error: io::Error| {
        Unavailable::Failed(
            anyhow::Error::from(error).context(format!("cannot use {} as the workspace", root.display())),
        )
    };
    loop {
        if let Some(parent) = root.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(failed)?;
        }
        let made = match fs::DirBuilder::new().mode(0o700).create(root) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
            Err(error) => return Err(failed(error)),
        };
        let marker = root.join(MARKER);
        if !made && !marker.exists() {
            refuse_foreign(root).map_err(Unavailable::Failed)?;
        }
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&marker).map_err(failed)?;
        let lock = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => lock,
            Err((_, nix::errno::Errno::EWOULDBLOCK)) => return Err(Unavailable::InUse),
            Err((_, error)) => return Err(failed(error.into())),
        };
        // Whoever held the lock before may have removed the marker after it was opened here.
        if place::is_same_file(&lock, &marker) {
            return Ok((lock, made || place::is_default(root)));
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

/// Removes everything in a workspace but its marker.
fn empty(root: &Path) -> io::Result<()> {
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        if entry.file_name() != MARKER {
            place::remove_tree(&entry.path())?;
        }
    }
    Ok(())
}

fn make_directory(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Writes a file that nobody else can read, not even for an instant.
fn write_private(path: &Path, contents: &[u8]) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(contents)
}
