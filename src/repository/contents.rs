//! What a repository holds: the files that it tracks, and all that it keeps.

use std::ffi::{OsStr, OsString};
use std::io::{self, BufReader, Read, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};

use super::git::{Git, GitError};

/// Why a repository could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// Git says so.
    #[error(transparent)]
    Git(#[from] GitError),
    /// What git says could not be read.
    #[error("git: {0}")]
    Io(io::Error),
    /// It has nothing to be read from.
    #[error("git: it has no pipes")]
    NoPipes,
    /// This subcommand has failed.
    #[error("git {0} failed ({1})")]
    Failed(&'static str, ExitStatus),
    /// It says this of an object.
    #[error("git cat-file: {0}")]
    Object(String),
}

impl From<io::Error> for Unreadable {
    fn from(error: io::Error) -> Self {
        Unreadable::Io(error)
    }
}

/// The files that git tracks in the repository of a directory, relative to the directory.
///
/// # Errors
///
/// When there is no repository.
pub fn tracked(directory: &Path) -> Result<Vec<PathBuf>, Unreadable> {
    let top = PathBuf::from(Git::at(directory, "rev-parse").arg("--show-cdup").line()?);
    let files = Git::at(directory, "ls-files").offline().args(["-z", "--full-name", "--", ":/"]);
    Ok(paths(files)?.into_iter().map(|path| top.join(path)).collect())
}

/// Goes through the files that are staged and differ from the last commit, as they are staged.
///
/// # Errors
///
/// When there is no repository, when git fails, or the visitor does.
pub fn each_staged(
    directory: &Path,
    visit: &mut dyn FnMut(&Path, &mut dyn Read) -> io::Result<()>,
) -> Result<(), Unreadable> {
    let top = Git::at(directory, "rev-parse").arg("--show-toplevel").line()?;
    let top = Path::new(&top);
    let options = ["--cached", "--name-only", "--no-renames", "--diff-filter=ACMT", "-z"];
    for path in paths(Git::at(top, "diff").offline().args(options))? {
        let mut object = OsString::from(":");
        object.push(&path);
        let content = Git::at(top, "cat-file").offline().arg("blob").arg(&object).run()?;
        visit(&top.join(&path), &mut content.as_slice())?;
    }
    Ok(())
}

/// Which of the paths, relative to a directory, git tracks.
///
/// # Errors
///
/// When there is no repository.
pub fn tracked_of(directory: &Path, of: &[&Path]) -> Result<Vec<PathBuf>, Unreadable> {
    paths(Git::at(directory, "ls-files").literal().offline().args(["-z", "--"]).args(of))
}

/// Whether a file is tracked by git, or would be added by `git add .`: nothing says to ignore it. Without a repository it
/// is not.
pub fn is_for_git(path: &Path) -> bool {
    let Ok(path) = path.canonicalize() else { return false };
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else { return false };
    let git = || {
        let options = ["--cached", "--others", "--exclude-standard", "-z", "--"];
        Git::at(directory, "ls-files").literal().offline().args(options).arg(name)
    };
    directory.ancestors().any(|directory| directory.join(".git").exists())
        && paths(git()).is_ok_and(|found| !found.is_empty())
}

fn paths(git: Git) -> Result<Vec<PathBuf>, Unreadable> {
    let listed = git.run()?;
    let names = listed.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    Ok(names.map(|name| Path::new(OsStr::from_bytes(name)).to_owned()).collect())
}

/// Something that git keeps.
pub struct Object {
    /// Its name.
    pub id: String,
    /// Where it is, or was, in the tree; `None` for a commit or a tag.
    pub path: Option<PathBuf>,
}

/// Goes through all files, commits and tags that git keeps: those of all branches and tags, what the reflog remembers,
/// and what is staged.
///
/// # Errors
///
/// When git fails, or the visitor does.
pub fn each_object(
    directory: &Path,
    visit: &mut dyn FnMut(&Object, &mut dyn Read) -> io::Result<()>,
) -> Result<(), Unreadable> {
    let list = ["--objects", "--all", "--reflog", "--indexed-objects"];
    let list = Git::at(directory, "rev-list").offline().args(list).start(Stdio::null())?;
    let contents = Git::at(directory, "cat-file").offline().arg("--batch").start(Stdio::piped())?;
    let mut list = Started(list);
    let mut contents = Started(contents);
    let (Some(names), Some(mut ask), Some(answers)) =
        (list.0.stdout.take(), contents.0.stdin.take(), contents.0.stdout.take())
    else {
        return Err(Unreadable::NoPipes);
    };
    let mut answers = BufReader::with_capacity(64 << 10, answers);
    let mut names = BufReader::new(names);
    let mut line = Vec::new();
    while read_line(&mut names, &mut line)? {
        let (id, path) = match line.iter().position(|byte| *byte == b' ') {
            Some(blank) => (&line[..blank], Some(&line[blank + 1..])),
            None => (&line[..], None),
        };
        let object = Object {
            id: String::from_utf8_lossy(id).into_owned(),
            path: path.filter(|path| !path.is_empty()).map(|path| OsString::from_vec(path.to_owned()).into()),
        };
        ask.write_all(format!("{}\n", object.id).as_bytes())?;
        answer(&mut answers, object, visit)?;
    }
    drop(ask);
    for (mut started, name) in [(list, "rev-list"), (contents, "cat-file")] {
        let status = started.0.wait()?;
        if !status.success() {
            return Err(Unreadable::Failed(name, status));
        }
    }
    Ok(())
}

/// Reads what `git cat-file --batch` says of one object. Trees are passed over: they hold names.
fn answer(
    answers: &mut BufReader<impl Read>,
    mut object: Object,
    visit: &mut dyn FnMut(&Object, &mut dyn Read) -> io::Result<()>,
) -> Result<(), Unreadable> {
    let mut header = Vec::new();
    read_line(answers, &mut header)?;
    let header = String::from_utf8_lossy(&header).into_owned();
    let words: Vec<_> = header.split(' ').collect();
    let &[_, kind, size] = words.as_slice() else { return Err(Unreadable::Object(header)) };
    let Ok(size) = size.parse::<u64>() else { return Err(Unreadable::Object(header)) };
    let mut content = answers.take(size);
    if kind != "blob" {
        object.path = None;
    }
    if kind != "tree" {
        visit(&object, &mut content)?;
    }
    io::copy(&mut content, &mut io::sink())?;
    let mut end = [0];
    Ok(content.into_inner().read_exact(&mut end)?)
}

/// The commit that brought a file, as far as git finds one: its short name.
pub fn commit_of(directory: &Path, object: &Object) -> Option<String> {
    let log = Git::at(directory, "log").offline();
    let log = log.args(["--all", "--reflog", "--format=%h", &format!("--find-object={}", object.id)]);
    log.line().ok()?.lines().last().map(str::to_owned)
}

/// Reads a line without its end; `false` at the end of the stream.
fn read_line(from: &mut impl io::BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let length = from.read_until(b'\n', line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    Ok(length > 0)
}

/// A process that ends when it is not waited for any more.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        if !matches!(self.0.try_wait(), Ok(Some(_))) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}
