//! One command in a job's environment: everything but the environment is the command's own.

use std::ffi::{CStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, pipe2, read, write};

use super::command::{c_string, find, not_started, variables, words};
use super::platform::{self, Launch};
use super::signals::Arrival;
use super::{Error, Outcome, Signals};
use crate::mask::{Masker, Patterns};

/// Runs a command with exactly this environment and says how it ended.
///
/// The command has our stdin, stdout, stderr, terminal, process group and directory; `PATH` is the one of its own
/// environment. Signals that reach us alone are passed on, those that the terminal sends to both of us are not; when
/// the command stops (Ctrl-Z), so do we, and it goes on when we do. With `mask`, stdout and stderr go through a pipe
/// and a masker each, and are no terminal any more.
///
/// # Panics
///
/// If `command` is empty.
pub fn exec(
    command: &[OsString],
    environment: &[(OsString, OsString)],
    mask: Option<&Patterns>,
    signals: &Signals,
) -> Result<Outcome, Error> {
    let file = find(&command[0], environment)?;
    let arguments = words(command)?;
    let environment_words = variables(environment)?;
    let stdout = std::io::stdout();
    let stderr = std::io::stderr();
    let mut streams = Vec::new();
    let mut ends = Vec::new();
    if let Some(mask) = mask {
        for to in [stdout.as_fd(), stderr.as_fd()] {
            let (from, end) = pipe2(OFlag::O_CLOEXEC).map_err(Error::system("make a pipe"))?;
            fcntl(&from, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map_err(Error::system("prepare a pipe"))?;
            streams.push(Stream { from: Some(from), to, masker: Masker::new(mask) });
            ends.push(end);
        }
    }
    let mut launch = Launch {
        program: &c_string(file.as_os_str())?,
        arguments: &arguments,
        environment: &environment_words,
        directory: None,
        stdout: ends.first().map(AsFd::as_fd),
        stderr: ends.last().map(AsFd::as_fd),
        session: false,
        blocked: signals.before(),
    };
    let pid = match platform::spawn(&launch) {
        // A script without a first line that names its interpreter is one for sh, as everywhere.
        Err(error) if error.raw_os_error() == Some(libc::ENOEXEC) => {
            let shell: &CStr = c"/bin/sh";
            let mut arguments = vec![shell.to_owned(), launch.program.to_owned()];
            arguments.extend_from_slice(&launch.arguments[1..]);
            launch.program = shell;
            launch.arguments = &arguments;
            platform::spawn(&launch).map_err(|error| not_started(Path::new("/bin/sh"), error, environment))?
        }
        started => started.map_err(|error| not_started(&file, error, environment))?,
    };
    drop(ends);
    attend(pid, signals, &mut streams)
}

/// Stays with the command until it has ended.
fn attend(pid: Pid, signals: &Signals, streams: &mut [Stream]) -> Result<Outcome, Error> {
    let mut buffer = if streams.is_empty() { Vec::new() } else { vec![0; 64 * 1024] };
    loop {
        let mut polled = vec![PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        polled.extend(
            streams
                .iter()
                .filter_map(|s| s.from.as_ref())
                .map(|fd| PollFd::new(fd.as_fd(), PollFlags::POLLIN)),
        );
        match poll(&mut polled, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(Error::system("wait for the command")(error)),
        }
        for stream in &mut *streams {
            stream.pass_on(&mut buffer, 1);
        }
        while let Some(arrival) = signals.next().map_err(Error::system("read signals"))? {
            if arrival.signal != libc::SIGCHLD {
                forward(arrival, pid);
            } else if let Some(outcome) = look(pid)? {
                for stream in &mut *streams {
                    // What the command itself has written is in the pipe; others may hold it open for ever.
                    stream.pass_on(&mut buffer, usize::MAX);
                    stream.finish();
                }
                return Ok(outcome);
            }
        }
    }
}

/// Passes on a signal that the command has not got yet.
fn forward(arrival: Arrival, pid: Pid) {
    // A key on the terminal reaches the whole process group; the command itself (`kill 0`) has meant us, or has it.
    if !arrival.from_kernel && arrival.sender != pid {
        platform::kill(pid, arrival.signal);
    }
}

/// Looks how the command is: its outcome if it has ended. If it has stopped, so do we.
fn look(pid: Pid) -> Result<Option<Outcome>, Error> {
    loop {
        return match waitpid(pid, Some(WaitPidFlag::WNOHANG | WaitPidFlag::WUNTRACED)) {
            Ok(WaitStatus::Exited(_, status)) => Ok(Some(Outcome::of_status(status as u8))),
            Ok(WaitStatus::Signaled(_, signal, _)) => Ok(Some(Outcome::Signalled(signal as i32))),
            Ok(WaitStatus::Stopped(..)) => {
                platform::kill(Pid::this(), libc::SIGSTOP);
                platform::kill(pid, libc::SIGCONT);
                continue;
            }
            Ok(_) => Ok(None),
            Err(Errno::EINTR) => continue,
            Err(error) => Err(Error::system("wait for the command")(error)),
        };
    }
}

/// A stream of the command that is masked.
struct Stream<'a> {
    /// The pipe from the command; `None` once either side is closed.
    from: Option<OwnedFd>,
    to: BorrowedFd<'a>,
    masker: Masker,
}

impl Stream<'_> {
    /// Passes on what is in the pipe, with at most `reads` reads.
    fn pass_on(&mut self, buffer: &mut [u8], reads: usize) {
        for _ in 0..reads {
            let Some(from) = &self.from else { return };
            match read(from, buffer) {
                Ok(0) => self.from = None,
                Ok(n) => {
                    let mut masked = Vec::with_capacity(n);
                    self.masker.push(&buffer[..n], &mut masked);
                    self.write(&masked);
                }
                Err(Errno::EINTR) => {}
                Err(_) => return,
            }
        }
    }

    fn finish(&mut self) {
        let mut rest = Vec::new();
        self.masker.finish(&mut rest);
        self.write(&rest);
    }

    /// Writes all of it. When nobody reads any more, the command learns it as it would without us: its pipe is closed.
    fn write(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match write(self.to, bytes) {
                Ok(n) => bytes = &bytes[n..],
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => {
                    let mut polled = [PollFd::new(self.to, PollFlags::POLLOUT)];
                    let _ = poll(&mut polled, PollTimeout::NONE);
                }
                Err(_) => {
                    self.from = None;
                    return;
                }
            }
        }
    }
}
