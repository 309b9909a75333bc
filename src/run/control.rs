//! The line between `shipctl` and a shell: the shell says how an entry ended and waits to be told what to do.
//!
//! It is two named pipes in a directory of its own, of which `shipctl` holds both ends: one for questions and one for
//! answers. The shell opens them anew for each exchange, so no descriptor of ours is ever open while a script runs:
//! none can be inherited, closed or written to by accident. The directory is not in the workspace, which a script may empty.
//! (Pipes without a name would be opened by way of `/proc/<pid of shipctl>/fd`, which no other process may read, as the
//! memory of `shipctl` is private.)
//!
//! What bash takes for its script lies there too. Its first lines ask, and as bash reads line by line, what follows may be
//! written before the answer. So a shell can be started before it is known what it is to run: to load bash and
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

/// The line to one shell: two named pipes and a script, in a directory of its own that goes with this.
pub(super) struct Control {
    directory: PathBuf,
    answers: File,
    questions: File,
    script: File,
    script_path: PathBuf,
    received: Vec<u8>,
    /// The DEBUG trap that came ahead of the question.
    debug_trap: Vec<u8>,
    /// The last answer, for a question that is repeated.
    last: Option<(u64, String)>,
}

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
    /// The DEBUG trap likewise.
    pub debug_trap: Vec<u8>,
}

/// A point at which a shell asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Point {
    /// Between two entries; the last command had this status.
    Between(u8),
    /// In the EXIT trap, with this `$?`.
    Leaving(u8),
    /// In the EXIT trap after a signal.
    Signalled(u8),
    /// In the EXIT trap after an `exit` or a signal: which of them is seen when the process has ended.
    Ended(u8),
}

impl Control {
    /// Makes the pipes in `home`, and a script that is called `name` and begins with what `opening` makes of the paths of the
    /// pipes for questions and answers.
    pub(super) fn new(
        home: &Path,
        name: &str,
        opening: impl Fn(&Path, &Path) -> String,
    ) -> io::Result<Control> {
        let directory = make_directory(home)?;
        let (questions, answers) = (directory.join(QUESTIONS), directory.join(ANSWERS));
        let script_path = directory.join(name);
        let mut script = OpenOptions::new();
        let mut script = script.write(true).create(true).truncate(true).mode(0o600).open(&script_path)?;
        script.write_all(opening(&questions, &answers).as_bytes())?;
        Ok(Control {
            directory,
            answers: make_pipe(&answers)?,
            questions: make_pipe(&questions)?,
            script,
            script_path,
            received: Vec::new(),
            debug_trap: Vec::new(),
            last: None,
        })
    }

    /// The directory of the pipes.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The path of what bash takes for its script.
    pub(super) fn script(&self) -> &OsStr {
        self.script_path.as_os_str()
    }

    /// Writes what follows in the script. The shell comes to it once its first question is answered.
    pub(super) fn release(&mut self, code: &str) -> io::Result<()> {
        self.script.write_all(code.as_bytes())
    }

    /// Reads what the shell has said.
    pub(super) fn receive(&mut self) -> nix::Result<()> {
        let mut buffer = [0; 4096];
        loop {
            match read(&self.questions, &mut buffer) {
                Ok(0) | Err(Errno::EAGAIN) => return Ok(()),
                Ok(n) => self.received.extend_from_slice(&buffer[..n]),
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The next question, if it has been received whole. One that was answered already is answered again.
    pub(super) fn question(&mut self) -> nix::Result<Option<Ask>> {
        while let Some(end) = self.received.iter().position(|&byte| byte == 0) {
            let message: Vec<u8> = self.received.drain(..=end).collect();
            let message = &message[..end];
            let Some(mut ask) = Ask::parse(message) else {
                if message.starts_with(b"trap -- ") {
                    self.debug_trap = message.to_vec();
                }
                continue;
            };
            match &self.last {
                Some((number, _)) if ask.number < *number => {}
                Some((number, code)) if ask.number == *number => self.send(*number, code)?,
                _ => {
                    ask.debug_trap = std::mem::take(&mut self.debug_trap);
                    return Ok(Some(ask));
                }
            }
        }
        Ok(None)
    }

    /// Answers a question with shell code to be evaluated.
    pub(super) fn answer(&mut self, number: u64, code: String) -> nix::Result<()> {
        self.send(number, &code)?;
        self.last = Some((number, code));
        Ok(())
    }

    fn send(&self, number: u64, code: &str) -> nix::Result<()> {
        match write(&self.answers, format!("{number} {code} #.\0").as_bytes()) {
            // The pipe is full of answers that the shell has not read: it asks again.
            Err(Errno::EAGAIN) => Ok(()),
            written => written.map(drop),
        }
    }

    /// Where questions come from.
    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.questions.as_fd()
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // What stays goes with the directory of the run.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Makes a directory of its own for one shell.
/// Makes a new directory, for its owner alone.
pub(super) fn make_directory(home: &Path) -> io::Result<PathBuf> {
    for number in 0.. {
        let directory = home.join(format!("{}.{number}", Pid::this()));
        match DirBuilder::new().mode(0o700).create(&directory) {
            Ok(()) => return Ok(directory),
            // Of the shell before.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
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
    /// Reads a number, then `between <status> <options>`, the same with `leaving`, `signalled` or `ended`, a
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
            "signalled" => Point::Signalled(value.parse().ok()?),
            "ended" => Point::Ended(value.parse().ok()?),
            _ => return None,
        };
        let (options, trap) = (words.next()?.to_owned(), message[end + 1..].to_vec());
        Some(Ask { number, point, options, trap, debug_trap: Vec::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_read() {
        let ask = Ask::parse(b"8 leaving 3 ehB\ntrap -- 'a\nb' EXIT\n.").unwrap();
        assert_eq!((ask.number, ask.point), (8, Point::Leaving(3)));
        assert_eq!((ask.options.as_str(), ask.trap.as_slice()), ("ehB", b"trap -- 'a\nb' EXIT\n".as_slice()));
        assert_eq!(Ask::parse(b"1 ended 0 hB\n.").unwrap().point, Point::Ended(0));
        for spoofed in
            ["", ".", "between", "1 between 999 hB\n.", "1 between 0\n.", "1 over 0 hB\n.", "between 0 hB\n."]
        {
            assert_eq!(Ask::parse(spoofed.as_bytes()), None);
        }
    }

    #[test]
    fn a_question_that_is_repeated_is_answered_again() {
        let directory = tempfile::tempdir().unwrap();
        let mut control = Control::new(directory.path(), "name", |_, _| String::new()).unwrap();
        control.received.extend_from_slice(b"trap -- 'echo' DEBUG\n\x001 between 0 ehB\n.\x00");
        let ask = control.question().unwrap().unwrap();
        assert_eq!(ask.debug_trap, b"trap -- 'echo' DEBUG\n");
        control.answer(1, "code".to_owned()).unwrap();
        control.received.extend_from_slice(b"\x001 between 0 ehB\n.\x00");
        assert_eq!(control.question().unwrap(), None);
        let mut buffer = [0; 100];
        let read = read(&control.answers, &mut buffer).unwrap();
        assert_eq!(&buffer[..read], b"1 code #.\x001 code #.\x00");
        drop(control);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_question_that_a_signal_has_cut_short_is_none() {
        let directory = tempfile::tempdir().unwrap();
        for cut in ["", "\x00", "\x001 between 0 ehB\n", "\x001 between 0 ehB\ntrap -- 'a' EXIT\n"] {
            let mut control = Control::new(directory.path(), "name", |_, _| String::new()).unwrap();
            control.received.extend_from_slice(cut.as_bytes());
            control.received.extend_from_slice(b"\x002 leaving 143 ehB\ntrap -- 'a' EXIT\n.\x00");
            assert_eq!(
                control.question().unwrap().map(|ask| (ask.number, ask.point)),
                Some((2, Point::Leaving(143)))
            );
            assert_eq!(control.question().unwrap(), None);
        }
    }
}
