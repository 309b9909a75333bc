//! Files on their way from one machine to the other.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, symlink,
};
use std::path::{Component, Path, PathBuf};

use nix::fcntl::OFlag;

use super::frame::{FrameKind, PIECE, append, bytes_of};

/// Something that is to be sent.
#[derive(Debug)]
pub struct Item {
    /// Where it lies.
    pub from: PathBuf,
    /// Where it is to lie, relative to where the other side puts all of it. Parents come before what is in them.
    pub to: PathBuf,
    /// Its permissions.
    pub mode: u32,
    /// What it is.
    pub what: What,
}

/// What an item is.
#[derive(Debug)]
pub enum What {
    /// A directory; what is in it has items of its own.
    Directory,
    /// A regular file.
    File,
    /// A symbolic link.
    Link,
}

/// All that is below a directory, but what is neither file, directory nor link.
///
/// # Errors
///
/// When a directory cannot be read.
pub fn walk(root: &Path) -> io::Result<Vec<Item>> {
    let mut items = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(within) = open.pop() {
        for entry in fs::read_dir(root.join(&within))? {
            let entry = entry?;
            let (from, to) = (entry.path(), within.join(entry.file_name()));
            let metadata = fs::symlink_metadata(&from)?;
            let what = match metadata.file_type() {
                kind if kind.is_dir() => What::Directory,
                kind if kind.is_file() => What::File,
                kind if kind.is_symlink() => What::Link,
                _ => continue,
            };
            if matches!(what, What::Directory) {
                open.push(to.clone());
            }
            items.push(Item { from, to, mode: metadata.mode() & 0o777, what });
        }
    }
    Ok(items)
}

/// A frame without secrets.
fn frame(kind: FrameKind, bytes: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    append(&mut frame, kind, bytes);
    frame
}

/// Files that are sent, frame by frame.
#[derive(Debug)]
pub struct Upload {
    items: VecDeque<Item>,
    file: Option<File>,
    is_over: bool,
}

impl Upload {
    /// Sends these.
    pub fn new(items: Vec<Item>) -> Upload {
        Upload { items: items.into(), file: None, is_over: false }
    }

    /// The next frame; `None` after the last one.
    pub(super) fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        if let Some(file) = &mut self.file {
            let mut piece = vec![0; PIECE];
            let length = loop {
                match file.read(&mut piece) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    read => break read?,
                }
            };
            if length > 0 {
                return Ok(Some(frame(FrameKind::Content, &piece[..length])));
            }
            self.file = None;
        }
        let Some(item) = self.items.pop_front() else {
            let is_over = std::mem::replace(&mut self.is_over, true);
            return Ok((!is_over).then(|| frame(FrameKind::EndOfFiles, &[])));
        };
        let named =
            |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", item.from.display()));
        let (kind, target) = match item.what {
            What::Directory => (b'd', PathBuf::new()),
            What::File => (b'f', PathBuf::new()),
            What::Link => (b'l', fs::read_link(&item.from).map_err(named)?),
        };
        if kind == b'f' {
            let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
            let file = OpenOptions::new().read(true).custom_flags(flags.bits()).open(&item.from);
            self.file = Some(file.map_err(named)?);
        }
        let path = item.to.as_os_str().as_bytes();
        let length = u32::try_from(path.len()).unwrap_or(u32::MAX).to_le_bytes();
        let fields = [&[kind], &item.mode.to_le_bytes()[..], &length, path, target.as_os_str().as_bytes()];
        Ok(Some(frame(FrameKind::Entry, &fields.concat())))
    }
}

/// Copies all that is below a directory into another one.
///
/// # Errors
///
/// When something cannot be read or written, or is there.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let (mut upload, mut download) = (Upload::new(walk(from)?), Download::into(to));
    while let Some(frame) = upload.next()? {
        match frame[0] {
            kind if kind == FrameKind::Entry as u8 => download.entry(bytes_of(&frame))?,
            kind if kind == FrameKind::Content as u8 => download.content(bytes_of(&frame))?,
            _ => download.finish()?,
        }
    }
    Ok(())
}

/// Files that are received, into a directory. Nothing that is there is overwritten, and no link is followed.
#[derive(Debug)]
pub struct Download {
    root: PathBuf,
    file: Option<(File, PathBuf, u32)>,
    directories: Vec<(PathBuf, u32)>,
    links: Vec<(PathBuf, PathBuf)>,
}

impl Download {
    /// Puts them into this directory.
    pub fn into(root: &Path) -> Download {
        Download { root: root.to_owned(), file: None, directories: Vec::new(), links: Vec::new() }
    }

    /// Takes the beginning of the next one.
    pub(super) fn entry(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.end_file()?;
        let parse = || {
            let (kind, rest) = bytes.split_first()?;
            let (mode, rest) = rest.split_first_chunk()?;
            let (length, rest) = rest.split_first_chunk()?;
            let (path, target) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            let path = Path::new(OsStr::from_bytes(path));
            let is_below = path.components().all(|part| matches!(part, Component::Normal(_)));
            let is_named = is_below && path.file_name().is_some();
            is_named.then(|| (*kind, u32::from_le_bytes(*mode), path, Path::new(OsStr::from_bytes(target))))
        };
        let Some((kind, mode, path, target)) = parse() else {
            return Err(io::Error::other("a file came with a name that cannot be"));
        };
        let at = self.root.join(path);
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", at.display()));
        match kind {
            b'd' => {
                // Private until all is in it.
                match DirBuilder::new().mode(0o700).create(&at) {
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists && is_directory(&at) => {}
                    made => {
                        made.map_err(named)?;
                        self.directories.push((at, mode));
                    }
                }
            }
            b'f' => {
                let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&at);
                self.file = Some((file.map_err(named)?, at, mode));
            }
            _ => self.links.push((at, target.to_owned())),
        }
        Ok(())
    }

    /// Takes the next bytes of the last one.
    pub(super) fn content(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.file {
            Some((file, path, _)) => file
                .write_all(bytes)
                .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
            None => Err(io::Error::other("the content of no file came")),
        }
    }

    fn end_file(&mut self) -> io::Result<()> {
        match self.file.take() {
            Some((file, _, mode)) => file.set_permissions(Permissions::from_mode(mode & 0o777)),
            None => Ok(()),
        }
    }

    /// Finishes what was received. Links come last, so that no file is written through one.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.end_file()?;
        for (at, target) in self.links.drain(..) {
            // An empty directory stands for what comes.
            let _ = fs::remove_dir(&at);
            symlink(target, at)?;
        }
        for (at, mode) in self.directories.drain(..).rev() {
            fs::set_permissions(at, Permissions::from_mode(mode & 0o777))?;
        }
        Ok(())
    }
}

fn is_directory(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_arrive_as_they_were_sent() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let large: Vec<u8> = (0..PIECE * 2 + 7).map(|n| (n % 251) as u8).collect();
        fs::create_dir_all(from.path().join("a/b")).unwrap();
        fs::create_dir(to.path().join("a")).unwrap();
        fs::write(from.path().join("a/b/large"), &large).unwrap();
        fs::write(from.path().join("a/empty"), "").unwrap();
        fs::set_permissions(from.path().join("a/empty"), Permissions::from_mode(0o555)).unwrap();
        symlink("../nowhere", from.path().join("a/link")).unwrap();
        fs::set_permissions(from.path().join("a/b"), Permissions::from_mode(0o555)).unwrap();
        copy(from.path(), to.path()).unwrap();
        assert_eq!(fs::read(to.path().join("a/b/large")).unwrap(), large);
        assert_eq!(fs::read_link(to.path().join("a/link")).unwrap(), Path::new("../nowhere"));
        let mode = |path: &str| fs::metadata(to.path().join(path)).unwrap().mode() & 0o777;
        assert_eq!((mode("a/empty"), mode("a/b")), (0o555, 0o555));
        fs::set_permissions(to.path().join("a/b"), Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(from.path().join("a/b"), Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn no_file_lands_elsewhere() {
        let to = tempfile::tempdir().unwrap();
        for path in ["../x", "/tmp/x", "", "a/../../x", "."] {
            let mut upload = Upload::new(vec![Item {
                from: to.path().to_owned(),
                to: path.into(),
                mode: 0o700,
                what: What::Directory,
            }]);
            let frame = upload.next().unwrap().unwrap();
            assert!(Download::into(to.path()).entry(bytes_of(&frame)).is_err(), "{path}");
        }
    }
}
