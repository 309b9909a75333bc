//! The workspace: the directories and files that a job finds, private, and gone when it ends.
//!
//! [`render`] says what is in it and is pure; [`Workspace`] puts it on disk and takes it away again. Each run has a new
//! directory. It is locked while it is in use: what is not locked was left by a run that was killed, and is removed by
//! the next command that makes a workspace. All that is done to it is done below the directory that was opened when it was
//! made: a script that puts something else in its place has nothing else emptied.

mod documents;
mod given;
mod home;
mod layout;
mod remove;
mod strays;

use std::fs::File;
use std::io::Write as _;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::path::{Path, PathBuf};
use std::sync::Once;

use anyhow::{Context as _, Result, anyhow};
use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, mkdirat};

use given::GivenWorkspace;
use home::{Claim, OpenHome, Taken};
pub use home::{Home, Pipes};
pub use layout::{Layout, Rendered, render};
use remove::Blocked;

use crate::contract::path;

/// A workspace on disk. Dropping it removes it, or what is secret in it.
pub struct Workspace {
    root: PathBuf,
    layout: Layout,
    place: Location,
    keep: bool,
}

/// Where a workspace lies.
enum Location {
    /// Where they lie by default.
    Home(Claim),
    /// In a directory that was given.
    Given(GivenWorkspace),
}

/// Why a directory cannot become a workspace.
pub enum Unavailable {
    /// Another run is using it.
    InUse,
    /// What a run has left in it cannot be removed; this says what.
    Blocked(String),
    /// Anything else.
    Failed(anyhow::Error),
}

impl From<anyhow::Error> for Unavailable {
    fn from(error: anyhow::Error) -> Self {
        Unavailable::Failed(error)
    }
}

impl Workspace {
    /// Makes a new directory `root`. What it is to hold is not in it before [`Workspace::fill`].
    ///
    /// # Errors
    ///
    /// When another run uses it, when it holds something that is no workspace's, and when it cannot be written.
    pub fn claim(root: &Path, layout: Layout, keep: bool) -> Result<Workspace, Unavailable> {
        let place = match Home::of(root) {
            None => Location::Given(GivenWorkspace::claim(root)?),
            Some((home, name)) => {
                let claimed = OpenHome::open(home)?.claim(name);
                match claimed.with_context(|| format!("cannot use {} as the workspace", root.display()))? {
                    Ok(claim) => Location::Home(claim),
                    Err(Taken::InUse) => return Err(Unavailable::InUse),
                    Err(Taken::Blocked(blocked)) => return Err(Unavailable::Blocked(blocked.to_string())),
                }
            }
        };
        Ok(Workspace { root: root.to_owned(), layout, place, keep })
    }

    /// Fills it, once nothing is left of commands that were killed.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn fill(&self) -> Result<()> {
        clear_once();
        let failed = |what: &str, path: &Path| format!("cannot {what} {}", self.root.join(path).display());
        for directory in &self.layout.directories {
            match mkdirat(self.directory(), directory, Mode::S_IRWXU) {
                // Two names may mean the same. A file of that name is noticed when something is written below it.
                Ok(()) | Err(Errno::EEXIST) => {}
                Err(error) => return Err(error).with_context(|| failed("make", directory)),
            }
        }
        for (path, file) in &self.layout.files {
            self.write(path, file).with_context(|| failed("write", path))?;
        }
        Ok(())
    }

    /// Notes that a job runs in it: should this process be killed, the next command ends what the job has started.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn note_run(&self) -> Result<()> {
        let lock = match &self.place {
            Location::Home(claim) => claim.lock(),
            Location::Given(given) => given.lock(),
        };
        strays::note(lock, &self.root).with_context(|| format!("cannot lock {}", self.root.display()))
    }

    /// Writes a file that no other user can read, not even for an instant.
    fn write(&self, path: &Path, file: &Rendered) -> std::io::Result<()> {
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let mode = if file.executable { Mode::S_IRWXU } else { Mode::S_IRUSR | Mode::S_IWUSR };
        let opened = openat(self.directory(), path, flags, mode)?;
        File::from(opened).write_all(&file.contents)
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn directory(&self) -> BorrowedFd<'_> {
        match &self.place {
            Location::Home(claim) => claim.directory.as_fd(),
            Location::Given(given) => given.directory.as_fd(),
        }
    }

    /// Takes it away, or what is secret in it.
    fn remove(&mut self) -> Result<()> {
        let blocked = |blocked: Blocked| anyhow!("{blocked}");
        if self.keep {
            self.remove_secrets().map_err(blocked)?;
            return Ok(match &mut self.place {
                Location::Home(claim) => claim.keep(),
                Location::Given(given) => given.keep(),
            }?);
        }
        match &mut self.place {
            Location::Given(given) => given.remove(),
            Location::Home(claim) if claim.is_there() => claim.remove(),
            Location::Home(_) => self.remove_moved(),
        }
        .map_err(blocked)
    }

    /// Removes what has taken its place. The script has moved it elsewhere, perhaps: what it has left there stays, but for
    /// secrets.
    fn remove_moved(&mut self) -> Result<(), Blocked> {
        let secrets = self.remove_secrets();
        if let Location::Home(claim) = &mut self.place {
            claim.remove()?;
        }
        secrets
    }

    /// Removes what is secret in it; goes on where something cannot be removed.
    fn remove_secrets(&self) -> Result<(), Blocked> {
        let mut result = remove::remove(self.directory(), path::SECRETS.as_ref());
        for (name, _) in self.layout.files.iter().filter(|(_, file)| file.secret) {
            result = result.and(remove::remove_file(self.directory(), name));
        }
        result
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        if let Err(error) = self.remove() {
            eprintln!(
                "warning: cannot remove all of the workspace {}: {error}; the next command tries again",
                self.root.display()
            );
        }
    }
}

/// [`clear`], when it is called for the first time in this process: a line makes many workspaces.
fn clear_once() {
    static CLEARED: Once = Once::new();
    CLEARED.call_once(clear);
}

/// Removes what processes that were killed have left: workspaces with their secrets, and pipes.
pub fn clear() {
    let homes = [Home::Memory, Home::Disk];
    let is_another = Home::Memory.directory() != Home::Disk.directory();
    for home in homes.into_iter().take(if is_another { 2 } else { 1 }) {
        if let Some(home) = OpenHome::open_existing(home) {
            home.clear();
            given::clear(&home);
        }
    }
}
