//! The workspace: the directories and files that a job finds, private, and gone when it ends.
//!
//! [`render`] says what is in it and is pure; [`Workspace::create`] puts it on disk and takes it away again. A
//! workspace is marked and locked while it is in use, so that what a killed run left behind is known as such and
//! removed by the next one, and so that a directory of somebody else's is never emptied.
//!
//! Where workspaces lie by default, empty directories stay for the next run of the same job: making and removing a
//! dozen of them takes longer than starting a shell.

mod documents;
mod layout;
mod place;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use indexmap::IndexSet;
use nix::fcntl::{Flock, FlockArg};

pub use layout::{Layout, Rendered, render};
pub use place::{Home, remove_stale};

use crate::contract::path;

/// The file that marks a workspace and is locked while it is in use. It is empty when nothing is in the workspace,
/// holds [`IN_USE`] while something is, and [`KEPT`] when that stays on purpose.
const MARKER: &str = ".shipctl-workspace";
const IN_USE: &[u8] = b"+";
const KEPT: &[u8] = b"kept\n";

/// A workspace on disk. Dropping it removes it, or what is secret in it.
pub struct Workspace {
    root: PathBuf,
    secret_files: Vec<PathBuf>,
    directories: IndexSet<PathBuf>,
    fate: Fate,
    marker: Flock<File>,
}

/// What becomes of a workspace in the end.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    /// Its files go; its directories stay for the next run of the job.
    Emptied,
    /// It goes.
    Removed,
    /// What is in it goes; the directory was there before.
    RemovedButRoot,
    /// Its secret files go.
    Kept,
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
    pub fn create(root: &Path, layout: Layout, keep: bool) -> Result<Workspace, Unavailable> {
        let (marker, made) = claim(root)?;
        let fate = match (place::is_default(root), made) {
            (true, _) => Fate::Emptied,
            (false, true) => Fate::Removed,
            (false, false) => Fate::RemovedButRoot,
        };
        let Layout { directories, files } = layout;
        let mut workspace =
            Workspace { root: root.to_owned(), secret_files: Vec::new(), directories, fate, marker };
        workspace.fill(&files, made).map_err(Unavailable::Failed)?;
        if keep {
            workspace.fate = Fate::Kept;
        }
        Ok(workspace)
    }

    fn fill(&mut self, files: &indexmap::IndexMap<PathBuf, Rendered>, made: bool) -> Result<()> {
        let mut present = IndexSet::new();
        if !made {
            present = place::clear(&self.root, &self.directories)
                .with_context(|| format!("cannot empty the workspace {}", self.root.display()))?;
        }
        self.mark(IN_USE)
            .with_context(|| format!("cannot write to the workspace {}", self.root.display()))?;
        for directory in self.directories.difference(&present) {
            let directory = self.root.join(directory);
            make_directory(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
        }
        for (name, file) in files {
            let path = self.root.join(name);
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

    fn mark(&self, content: &[u8]) -> io::Result<()> {
        self.marker.set_len(0)?;
        (&*self.marker).write_all(content)
    }

    /// Takes it away, or what is secret in it.
    fn remove(&self) -> io::Result<()> {
        match self.fate {
            Fate::Emptied => {
                place::clear(&self.root, &self.directories)?;
                return self.mark(b"");
            }
            Fate::Removed | Fate::RemovedButRoot => {
                place::clear(&self.root, &IndexSet::new())?;
                fs::remove_file(self.root.join(MARKER))?;
            }
            Fate::Kept => {
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
                return self.mark(KEPT);
            }
        }
        if self.fate == Fate::Removed { fs::remove_dir(&self.root) } else { Ok(()) }
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        if let Err(error) = self.remove() {
            eprintln!(
                "warning: cannot remove the workspace {}: {error}; secret files may be left in it",
                self.root.display()
            );
        }
    }
}

/// Marks and locks a directory, which is made if it is not there; says whether it was.
fn claim(root: &Path) -> Result<(Flock<File>, bool), Unavailable> {
    let failed = |error: io::Error| {
        let context = format!("cannot use {} as the workspace", root.display());
        Unavailable::Failed(anyhow::Error::from(error).context(context))
    };
    loop {
        let made = match fs::DirBuilder::new().mode(0o700).create(root) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                make_directory(root).map_err(failed)?;
                true
            }
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
            return Ok((lock, made));
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

fn make_directory(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Writes a file that nobody else can read, not even for an instant.
fn write_private(path: &Path, contents: &[u8]) -> io::Result<()> {
    let open = || OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = match open() {
        // A name may hold a `/`.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            path.parent().map_or(Ok(()), make_directory)?;
            open()?
        }
        opened => opened?,
    };
    file.write_all(contents)
}
