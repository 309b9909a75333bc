//! The line between `shipctl` and a shell: the shell says how an entry ended and waits to be told what to do.
//!
//! It is named pipes in a directory of its own, of which `shipctl` holds both ends: one for answers, and one for questions if
//! there can be any. The shell opens them anew for each exchange, so no descriptor of ours is ever open while a script runs:
//! none can be inherited, closed or written to by accident. The directory is not in the workspace, which a script may empty.
//! (Pipes without a name would be opened by way of `/proc/<pid of shipctl>/fd`, which is nobody's since the memory of
//! `shipctl` is nobody's.)
//!
//! What bash takes for its script lies there too. Its first line waits for a word from us, and as bash reads line by line,
//! what follows may be written meanwhile. So a shell can be started before it is known what it is to run: to load bash and
//! its libraries takes longer than most of what there is to do.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use nix::unistd::{Pid, mkfifo, read, write};

/// A pipe for answers, in a directory of its own. Dropping it takes both away, or leaves them for the next shell.
#[derive(Debug)]
struct Answers {
    directory: PathBuf,
    pipe: File,
    /// Whether its shell is known to do nothing with it once it is let go.
    untouched: bool,
}

/// The line to one shell.
pub(super) struct Control {
    answers: Answers,
    /// The pipe for questions, if the shell asks any.
    questions: Option<File>,
    script: File,
    script_path: PathBuf,
    received: Vec<u8>,
}

/// The directory that a shell has left for the next one: to make and remove them takes longer.
const IDLE: &str = "idle";

// No script is called like this.
const QUESTIONS: &str = ".questions";
const ANSWERS: &str = ".answers";

/// What a shell says when it has come to a point where it needs an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ask {
    /// The number of the question.
    pub number: u64,
    /// Which point that is.
    pub point: Point,
    /// The options in effect, as in `$-`.
    pub options: String,
    /// The EXIT trap as `trap -p` prints it; empty if there is none.
    pub trap: Vec<u8>,
}

/// A point at which a shell asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Point {
    /// Between two entries; the last command had this status.
    Between(u8),
    /// In the EXIT trap, with this `$?`. After a signal that is not what the process will end with.
    Leaving(u8),
    /// At the beginning of a copy of the shell, which is this process.
    Copy(Pid),
}

impl Control {
    /// Makes the pipe for answers in `home`, and a script that is called `name`. `wait` is its first line, which waits for
    /// something to come through the pipe at this path.
    pub(super) fn new(home: &Path, name: &str, wait: impl Fn(&Path) -> String) -> io::Result<Control> {
        let answers = Answers::new(home)?;
        let script_path = answers.directory.join(name);
        let mut script = OpenOptions::new();
        let script = script.write(true).create(true).truncate(true).mode(0o600).open(&script_path)?;
        let mut control = Control { answers, questions: None, script, script_path, received: Vec::new() };
        control.script.write_all(wait(&control.answers()).as_bytes())?;
        Ok(control)
    }

    /// The path that the shell writes its questions to.
    pub(super) fn questions(&self) -> PathBuf {
        self.answers.directory.join(QUESTIONS)
    }

    /// The path that the shell reads the answers from.
    pub(super) fn answers(&self) -> PathBuf {
        self.answers.directory.join(ANSWERS)
    }

    /// The path of what bash takes for its script.
    pub(super) fn script(&self) -> &OsStr {
        self.script_path.as_os_str()
    }

    /// Lets the shell go: to what follows in its script, in which it asks or does not.
    pub(super) fn release(&mut self, code: &str, asks: bool) -> io::Result<()> {
        if asks {
            self.questions = Some(make_pipe(&self.questions())?);
        }
        self.script.write_all(code.as_bytes())?;
        self.answers.untouched = !asks;
        write(&self.answers.pipe, b"\0")?;
        Ok(())
    }

    /// Reads what the shell has said.
    pub(super) fn receive(&mut self) -> nix::Result<()> {
        let Some(questions) = &self.questions else { return Ok(()) };
        let mut buffer = [0; 4096];
        loop {
            match read(questions, &mut buffer) {
                Ok(0) | Err(Errno::EAGAIN) => return Ok(()),
                Ok(n) => self.received.extend_from_slice(&buffer[..n]),
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The next question, if it has been received whole.
    pub(super) fn question(&mut self) -> Option<Ask> {
        while let Some(end) = self.received.iter().position(|&byte| byte == 0) {
            let ask = Ask::parse(&self.received[..end]);
            self.received.drain(..=end);
            if ask.is_some() {
                return ask;
            }
        }
        None
    }

    /// Answers a question with shell code to be evaluated.
    pub(super) fn answer(&self, number: u64, code: &str) -> nix::Result<()> {
        // Far below the capacity of a pipe that is empty: it cannot block.
        write(&self.answers.pipe, format!("{number} {code}\0").as_bytes()).map(drop)
    }

    /// Where questions come from, if there can be any.
    pub(super) fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        self.questions.as_ref().map(AsFd::as_fd)
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // What stays goes with those of runs that were killed.
        let _ = fs::remove_file(&self.script_path);
        if self.questions.is_some() {
            let _ = fs::remove_file(self.questions());
        }
    }
}

impl Answers {
    /// In a directory that tells whose it is: it begins with the number of this process.
    fn new(home: &Path) -> io::Result<Answers> {
        let mut number = 0;
        loop {
            let directory = home.join(format!("{}.{number}", Pid::this()));
            let path = directory.join(ANSWERS);
            let is_taken = fs::rename(home.join(IDLE), &directory).is_ok();
            if !is_taken && let Err(error) = DirBuilder::new().mode(0o700).create(&directory) {
                // Of an earlier process of that number, or of the shell before.
                if error.kind() == ErrorKind::AlreadyExists {
                    number += 1;
                    continue;
                }
                return Err(error);
            }
            match if is_taken { open(&path) } else { make_pipe(&path) } {
                Ok(pipe) => return Ok(Answers { directory, pipe, untouched: false }),
                Err(error) => {
                    let _ = fs::remove_dir_all(&directory);
                    // Somebody may have been in what was left.
                    if !is_taken {
                        return Err(error);
                    }
                }
            }
        }
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        // Not in place of those of another shell.
        if !self.untouched || fs::rename(&self.directory, self.directory.with_file_name(IDLE)).is_err() {
            let _ = fs::remove_file(self.directory.join(ANSWERS));
            let _ = fs::remove_dir(&self.directory);
        }
    }
}

/// Makes a pipe with a name, of which both ends are here.
fn make_pipe(path: &Path) -> io::Result<File> {
    mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR)?;
    open(path)
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path)
}

impl Ask {
    /// Reads a number, then `between <status> <options>`, `leaving <status> <options>` or `copy <pid> <options>`, a
    /// newline, the trap, and a full stop. Anything else was cut short, or not written by the driver.
    fn parse(message: &[u8]) -> Option<Ask> {
        let message = message.strip_suffix(b".")?;
        let end = memchr::memchr(b'\n', message)?;
        let mut words = std::str::from_utf8(&message[..end]).ok()?.split(' ');
        let number = words.next()?.parse().ok()?;
        let (point, value) = (words.next()?, words.next()?);
        let point = match point {
            "between" => Point::Between(value.parse().ok()?),
            "leaving" => Point::Leaving(value.parse().ok()?),
            "copy" => Point::Copy(Pid::from_raw(value.parse().ok()?)),
            _ => return None,
        };
        Some(Ask { number, point, options: words.next()?.to_owned(), trap: message[end + 1..].to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn a_question_is_read() {
        let ask = Ask::parse(b"8 leaving 3 ehB\ntrap -- 'a\nb' EXIT\n.").unwrap();
        assert_eq!((ask.number, ask.point), (8, Point::Leaving(3)));
        assert_eq!((ask.options.as_str(), ask.trap.as_slice()), ("ehB", b"trap -- 'a\nb' EXIT\n".as_slice()));
        assert_eq!(Ask::parse(b"1 copy 77 hB\n.").unwrap().point, Point::Copy(Pid::from_raw(77)));
        for spoofed in
            ["", ".", "between", "1 between 999 hB\n.", "1 between 0\n.", "1 over 0 hB\n.", "between 0 hB\n."]
        {
            assert_eq!(Ask::parse(spoofed.as_bytes()), None);
        }
    }

    #[test]
    fn pipes_last_as_long_as_no_shell_has_asked() {
        let directory = tempfile::tempdir().unwrap();
        let count = || fs::read_dir(directory.path()).unwrap().count();
        let shell = |asks| {
            let mut control = Control::new(directory.path(), "name", |_| String::new()).unwrap();
            let taken = control.answers.directory.join("taken");
            let was_taken = taken.exists();
            File::create(taken).unwrap();
            control.release("", asks).unwrap();
            was_taken
        };
        assert_eq!([false, false, true, false].map(shell), [false, true, true, false]);
        assert_eq!(count(), 2, "those that were asked through are full of things that nobody knows");
        fs::remove_file(directory.path().join(IDLE).join(ANSWERS)).unwrap();
        assert!(!shell(false));
    }

    #[test]
    fn the_next_shell_gets_what_none_has_asked_through() {
        let directory = tempfile::tempdir().unwrap();
        let shell = |asks| {
            let mut control = Control::new(directory.path(), "name", |_| String::new()).unwrap();
            let seen = fs::metadata(control.answers()).unwrap();
            control.release("", asks).unwrap();
            drop(control);
            let left: Vec<_> =
                fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
            (seen.ino(), left)
        };
        let idle = vec![directory.path().join(IDLE)];
        let (first, left) = shell(false);
        assert_eq!(left, idle);
        assert_eq!(fs::read_dir(&idle[0]).unwrap().count(), 1, "the script of the shell stays");
        let (second, left) = shell(true);
        assert_eq!((second, left), (first, vec![]));
        // What has lost its pipe is no use.
        shell(false);
        fs::remove_file(idle[0].join(ANSWERS)).unwrap();
        assert_eq!(shell(false).1, idle);
    }

    #[test]
    fn a_question_that_a_signal_has_cut_short_is_none() {
        let directory = tempfile::tempdir().unwrap();
        for cut in ["", "\x00", "\x001 between 0 ehB\n", "\x001 between 0 ehB\ntrap -- 'a' EXIT\n"] {
            let mut control = Control::new(directory.path(), "name", |_| String::new()).unwrap();
            control.received.extend_from_slice(cut.as_bytes());
            control.received.extend_from_slice(b"\x002 leaving 143 ehB\ntrap -- 'a' EXIT\n.\x00");
            assert_eq!(control.question().map(|ask| (ask.number, ask.point)), Some((2, Point::Leaving(143))));
            assert_eq!(control.question(), None);
        }
    }
}
