//! The command that starts another one on another machine.

use std::ffi::OsString;
use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::super::command::{Variables, c_string, find, words};
use super::super::{Error, Signals};
use crate::platform::{self, Launch, end_of};
use crate::poll::wait_for_end;

/// How long it may take to end once its job has, or once it was told to end, before it is killed.
pub(super) const END_LIMIT: Duration = Duration::from_secs(5);

/// The command while it runs. Dropping it ends it.
pub(super) struct Remote {
    pid: Pid,
    /// What can be read once it has ended.
    end: Option<OwnedFd>,
    /// `None` once there is nothing more to be said.
    pub(super) stdin: Option<OwnedFd>,
    /// How it ended.
    ended: Option<WaitStatus>,
}

impl Remote {
    /// Starts a command; its stdout and stderr are read here.
    pub(super) fn start(
        line: &[OsString],
        environment: &Variables,
        signals: &Signals,
    ) -> Result<(Remote, OwnedFd, OwnedFd), Error> {
        let pipe = || platform::pipe().map_err(Error::system("make a pipe"));
        let ((stdin_end, stdin), (stdout, stdout_end), (stderr, stderr_end)) = (pipe()?, pipe()?, pipe()?);
        fcntl(&stdin, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map_err(Error::system("prepare a pipe"))?;
        let shown = line[0].to_string_lossy();
        let failed = |why: &dyn fmt::Display| {
            let message = format!("`{shown}`, which is to start the job, cannot be started: {why}");
            Error::Remote { message, hint: None }
        };
        let program = find(&line[0], environment).map_err(|error| failed(&error))?;
        let launch = Launch {
            program: &c_string(program.as_os_str())?,
            arguments: &words(line)?,
            environment: environment.words(),
            directory: None,
            mount: None,
            stdin: Some(stdin_end.as_fd()),
            stdout: Some(stdout_end.as_fd()),
            stderr: Some(stderr_end.as_fd()),
            // Ctrl-C is for us: the job ends in order then.
            session: true,
            outlives: false,
            blocked: signals.before(),
        };
        let pid = platform::spawn(&launch).map_err(|error| failed(&error))?;
        Ok((Remote { pid, end: end_of(pid), stdin: Some(stdin), ended: None }, stdout, stderr))
    }

    /// What can be read once it has ended.
    pub(super) fn end(&self) -> Option<BorrowedFd<'_>> {
        self.end.as_ref().map(AsFd::as_fd)
    }

    /// How it ended, in words.
    pub(super) fn described(&self) -> String {
        match self.ended {
            Some(WaitStatus::Exited(_, status)) => format!("ended with status {status}"),
            Some(WaitStatus::Signaled(_, signal, _)) => format!("was ended by {}", signal.as_str()),
            _ => "closed its stdout".to_owned(),
        }
    }

    /// Whether it ended because what it was to start is not there.
    pub(super) fn found_nothing(&self) -> bool {
        matches!(self.ended, Some(WaitStatus::Exited(_, 126 | 127)))
    }

    /// Tells it, and all that it has started in its own session, to end.
    pub(super) fn terminate(&self) {
        platform::kill(self.group(), libc::SIGTERM);
    }

    fn group(&self) -> Pid {
        Pid::from_raw(-self.pid.as_raw())
    }

    pub(super) fn has_ended(&mut self) -> bool {
        has_ended(self.pid, &mut self.ended)
    }

    /// Waits for its end, at most so long.
    pub(super) fn wait(&mut self, limit: Duration) -> bool {
        let Remote { pid, end, ended, .. } = self;
        let end = end.as_ref().map(AsFd::as_fd);
        wait_for_end(end, Instant::now() + limit, || has_ended(*pid, ended).then_some(())).is_some()
    }
}

/// Whether a command has ended, and notes how.
fn has_ended(pid: Pid, ended: &mut Option<WaitStatus>) -> bool {
    if ended.is_none() {
        *ended = match waitpid(pid, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) | Err(Errno::EINTR) => None,
            // Another part has waited for it.
            Err(_) => Some(WaitStatus::Exited(pid, 0)),
            Ok(status) => Some(status),
        };
    }
    ended.is_some()
}

impl Drop for Remote {
    fn drop(&mut self) {
        // The other side ends by itself without us, and the command with it.
        self.stdin = None;
        if self.wait(END_LIMIT) {
            return;
        }
        for signal in [libc::SIGTERM, libc::SIGKILL] {
            platform::kill(self.group(), signal);
            if self.wait(END_LIMIT) {
                return;
            }
        }
    }
}
