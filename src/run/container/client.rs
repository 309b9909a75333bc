//! The process of an engine that stays with a container.

use std::ffi::OsString;
use std::fs;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{Pid, read};

use super::super::command::{Variables, c_string, find, not_started, words};
use super::super::{Error, Signals};
use crate::platform::{self, Launch, end_of};
use crate::poll::{PollSet, is_readable};

/// How long an engine may take to remove a container that has ended.
const REMOVAL_LIMIT: Duration = Duration::from_secs(20);

/// How often to look whether it has ended, on a kernel that does not tell.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How much of what an engine says is kept.
const SAID_LIMIT: usize = 64 * 1024;

/// The command lines that have a container removed.
#[derive(Debug, Clone, Default)]
pub struct Removal {
    /// Has it removed, if it is there.
    pub remove: Vec<OsString>,
    /// Prints something as long as it is there.
    pub list: Vec<OsString>,
}

/// A container as its engine knows it.
pub(super) struct Client {
    pid: Pid,
    end: Option<OwnedFd>,
    /// Where its output is read.
    output: Option<OwnedFd>,
    said: Vec<u8>,
    removal: Removal,
    environment: Variables,
}

impl Client {
    /// Starts the engine with these words.
    pub(super) fn start(
        command: &[OsString],
        removal: &Removal,
        environment: &Variables,
        signals: &Signals,
    ) -> Result<Client, Error> {
        let (output, end) = platform::pipe().map_err(Error::system("make a pipe"))?;
        fcntl(&output, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map_err(Error::system("prepare a pipe"))?;
        let null = fs::File::open("/dev/null").map_err(Error::system("open /dev/null"))?;
        let engine = find(&command[0], environment)?;
        let launch = Launch {
            program: &c_string(engine.as_os_str())?,
            arguments: &words(command)?,
            environment: environment.words(),
            directory: None,
            stdin: Some(null.as_fd()),
            stdout: Some(end.as_fd()),
            stderr: Some(end.as_fd()),
            // Keys on the terminal are not for it.
            session: true,
            // Killed while it starts a container, it would leave that; the first process finds that we are gone, and ends.
            outlives: true,
            blocked: signals.before(),
            mount: None,
        };
        let pid = platform::spawn(&launch).map_err(|error| not_started(&engine, error, environment))?;
        Ok(Client {
            pid,
            end: end_of(pid),
            output: Some(output),
            said: Vec::new(),
            removal: removal.clone(),
            environment: environment.clone(),
        })
    }

    pub(super) fn pid(&self) -> Pid {
        self.pid
    }

    /// What can be read when it says something, and once it has ended.
    pub(super) fn readable(&self) -> [Option<BorrowedFd<'_>>; 2] {
        [self.output.as_ref().map(AsFd::as_fd), self.end.as_ref().map(AsFd::as_fd)]
    }

    /// Takes what it says, so that it never waits for us, and gives all that it has said.
    pub(super) fn said(&mut self) -> String {
        let mut buffer = [0; 4096];
        while let Some(output) = &self.output {
            match read(output, &mut buffer) {
                Ok(n @ 1..) => {
                    let room = SAID_LIMIT.saturating_sub(self.said.len());
                    self.said.extend_from_slice(&buffer[..n.min(room)]);
                }
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => break,
                Ok(0) | Err(_) => self.output = None,
            }
        }
        String::from_utf8_lossy(&self.said).trim().to_owned()
    }

    /// Whether it has ended, whatever has reaped it.
    pub(super) fn has_ended(&self) -> bool {
        match &self.end {
            Some(end) => is_readable(end.as_fd()),
            None => platform::ended_child(Some(self.pid)) != Ok(None),
        }
    }

    /// Waits until the engine is through with a container whose first process ends (`by_itself`), or removes it at once: also if it
    /// was killed before it was through.
    pub(super) fn finish(&mut self, by_itself: bool) {
        if !by_itself && !self.has_ended() {
            platform::kill(self.pid, libc::SIGKILL);
        }
        let limit = Instant::now() + REMOVAL_LIMIT;
        while !self.has_ended() && Instant::now() < limit {
            self.said();
            let mut set = PollSet::default();
            self.readable().into_iter().for_each(|fd| _ = set.readable(fd));
            let _ = set.wait(Some(LOOK_AGAIN));
        }
        if !self.has_ended() {
            platform::kill(self.pid, libc::SIGKILL);
        }
        // One that was killed while its container ran may have been waited for with all other children.
        let is_through = matches!(waitpid(self.pid, None), Ok(WaitStatus::Exited(_, 0)));
        if !by_itself || !is_through {
            remove_containers(std::slice::from_ref(&self.removal), &self.environment);
        }
    }
}

/// Has an engine remove containers, again as long as one of them is there. Podman ends with 0 without having removed one that it is
/// removing already or whose network another uses, and can list one by then that it cannot inspect.
pub fn remove_containers(removals: &[Removal], environment: &Variables) {
    let limit = Instant::now() + REMOVAL_LIMIT;
    let mut left: Vec<_> = removals.iter().collect();
    while !left.is_empty() && Instant::now() < limit {
        left.retain(|removal| {
            call(&removal.remove, environment).is_some()
                && call(&removal.list, environment).is_some_and(|printed| !printed.is_empty())
        });
    }
}

/// Has an engine do something, without a word on the screen. Gives what it prints.
fn call(line: &[OsString], environment: &Variables) -> Option<Vec<u8>> {
    let [program, arguments @ ..] = line else { return None };
    let mut command = Command::new(find(program, environment).ok()?);
    command.args(arguments);
    environment.give_to(&mut command);
    command.stdin(Stdio::null()).stderr(Stdio::null()).output().map(|output| output.stdout).ok()
}
