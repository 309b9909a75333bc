//! The workspace: the directories and files that a job finds, private, and gone when it ends.
//!
//! [`render`] says what is in it and is pure; [`Workspace`] puts it on disk and takes it away again. A
//! workspace is marked and locked while it is in use, so that what a killed run left behind is known as such and
//! removed by the next one, and so that a directory of somebody else's is never emptied.
//!
//! Where workspaces lie by default, the skeleton of one stays for the next run of the job: its directories, and files that
//! are empty. To make and remove them takes longer than starting a shell. The file that marks it says what they are. Files
//! that hold no secret stay too where they were, with nothing in them but ends of lines.

mod claim;
mod clear;
mod documents;
mod layout;
mod place;

use std::cell::OnceCell;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use nix::fcntl::Flock;

use claim::{Claim, Fate, Found, KEPT, claim};
use clear::Stamps;
pub use layout::{Layout, Rendered, render};
pub use place::{Home, make_home, pipes};

use crate::contract::path;

/// A workspace on disk. Dropping it removes it, or what is secret in it.
pub struct Workspace {
    root: PathBuf,
    layout: Layout,
    fate: Fate,
    marker: PathBuf,
    lock: Flock<File>,
    /// What was in it when it was claimed.
    found: Found,
    /// Whether it lies where workspaces lie by default.
    is_at_home: bool,
    /// When its directories had last changed before anything of the job ran.
    stamps: OnceCell<Stamps>,
}

/// Why a directory cannot become a workspace.
pub enum Unavailable {
    /// Another run is using it.
    InUse,
    /// Anything else.
    Failed(anyhow::Error),
}

impl Workspace {
    /// Makes `root` a workspace. What it is to hold is not in it before [`Workspace::fill`], and what a run that was killed
    /// has left may be.
    ///
    /// # Errors
    ///
    /// When another run uses it, when it holds something that is no workspace's, and when it cannot be written.
    pub fn claim(root: &Path, layout: Layout, keep: bool) -> Result<Workspace, Unavailable> {
        let Claim { marker, lock, fate, found } = claim(root)?;
        let is_at_home = fate == Fate::Emptied;
        let fate = if keep { Fate::Kept } else { fate };
        let (root, stamps) = (root.to_owned(), OnceCell::new());
        Ok(Workspace { root, layout, fate, marker, lock, found, is_at_home, stamps })
    }

    /// Removes what runs that were killed left beside it.
    ///
    /// # Errors
    ///
    /// When it lies where nothing can be written.
    pub fn tidy_up(&self) -> Result<()> {
        if self.is_at_home { place::remove_stale(&self.marker) } else { Ok(()) }
    }

    /// Fills it. What a run that was killed left in it is removed first.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn fill(&self) -> Result<()> {
        match &self.found {
            Found::Skeleton(found) if *found == self.layout.skeleton() => match self.write_files(false) {
                // A person has put something there.
                Err(error) if is_in_the_way(&error) => {}
                Ok(()) => {
                    let _ = self.stamps.set(Stamps::take(&self.root, &self.layout, &self.lock));
                    return Ok(());
                }
                failed => return failed,
            },
            Found::Skeleton(_) | Found::Remains => {}
            Found::Nothing => return self.write(),
        }
        clear::empty(&self.root)
            .and_then(|()| self.lock.set_len(0))
            .with_context(|| format!("cannot use the workspace {}", self.root.display()))?;
        self.write()
    }

    fn write(&self) -> Result<()> {
        for directory in &self.layout.directories {
            let directory = self.root.join(directory);
            make_directory(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
        }
        self.write_files(true)
    }

    /// Writes its files, with those that are empty or without.
    fn write_files(&self, with_empty: bool) -> Result<()> {
        for (name, file) in
            self.layout.files.iter().filter(|(_, file)| with_empty || !file.contents.is_empty())
        {
            let path = self.root.join(name);
            let anew = || write_private(&path, &file.contents);
            let written = match with_empty || file.secret {
                true => anew(),
                false => match clear::write_over(&path, &file.contents) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => anew(),
                    written => written,
                },
            };
            written.with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Takes it away, or what is secret in it.
    fn remove(&self) -> io::Result<()> {
        match self.fate {
            Fate::Emptied => {
                let stamps = self.stamps.get_or_init(Stamps::default);
                if !clear::clear(&self.root, &self.layout, stamps)? {
                    return fs::remove_file(&self.marker);
                }
                let skeleton = self.layout.skeleton();
                if !matches!(&self.found, Found::Skeleton(found) if *found == skeleton) {
                    self.lock.set_len(0)?;
                    (&*self.lock).write_all(&skeleton)?;
                }
                return place::lay_down(&self.marker, &self.root.join(claim::MARKER));
            }
            Fate::Removed | Fate::RemovedButRoot => {
                clear::empty(&self.root)?;
                fs::remove_file(&self.marker)?;
            }
            Fate::Kept => {
                for (name, _) in self.layout.files.iter().filter(|(_, file)| file.secret) {
                    match fs::remove_file(self.root.join(name)) {
                        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                        _ => {}
                    }
                }
                let secrets = self.root.join(path::SECRETS);
                if secrets.exists() {
                    clear::remove_tree(&secrets)?;
                }
                self.lock.set_len(0)?;
                return (&*self.lock).write_all(KEPT);
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

/// Whether a file could not be made because there is one.
fn is_in_the_way(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::AlreadyExists)
}

/// Makes a directory, and those above it, unless it is there; says whether it was not.
fn make_directory(path: &Path) -> io::Result<bool> {
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map(|()| true)
        }
        // Something else of that name is noticed when a file is written below it.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        made => made.map(|()| true),
    }
}

/// Writes a file that nobody else can read, not even for an instant.
fn write_private(path: &Path, contents: &[u8]) -> io::Result<()> {
    let open = || OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = match open() {
        // A name may hold a `/`.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            path.parent().map_or(Ok(false), make_directory)?;
            open()?
        }
        opened => opened?,
    };
    file.write_all(contents)
}
