//! A program of our own (git) whose output is taken, while signals are held.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitStatus, Output};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, read};

use super::Signals;
use super::command::{Variables, c_string, find};
use crate::platform::{self, Launch, end_of};
use crate::poll::PollSet;

/// How a program ended.
#[derive(Debug)]
pub enum Captured {
    /// By itself, with what it printed.
    Ended(Output),
    /// This signal told us to end, and the program with us.
    Stopped(i32),
}

/// Runs a program and takes what it prints.
///
/// A signal that would end us ends the program, which could not even hear it otherwise: a process begins with the
/// signals blocked that its parent holds. Of `command`, the program and its arguments count.
///
/// # Errors
///
/// When it cannot be started.
pub fn capture(command: &Command, environment: &Variables, signals: &Signals) -> io::Result<Captured> {
    let program = find(command.get_program(), environment)
        .map_err(|error| io::Error::new(io::ErrorKind::NotFound, error.to_string()))?;
    let words = [command.get_program()].into_iter().chain(command.get_args());
    let arguments = words.map(c_string).collect::<Result<Vec<_>, _>>().map_err(unusable)?;
    let (out, out_end) = pipe()?;
    let (err, err_end) = pipe()?;
    let pid = platform::spawn(&Launch {
        program: &c_string(program.as_os_str()).map_err(unusable)?,
        arguments: &arguments,
        environment: environment.words(),
        directory: None,
        stdin: None,
        stdout: Some(out_end.as_fd()),
        stderr: Some(err_end.as_fd()),
        session: false,
        outlives: false,
        blocked: signals.before(),
        mount: None,
    })?;
    drop((out_end, err_end));
    let mut streams = [Stream::new(out), Stream::new(err)];
    let (status, stopped) = attend(pid, signals, &mut streams)?;
    let [stdout, stderr] = streams.map(|stream| stream.printed);
    Ok(match stopped {
        Some(signal) => Captured::Stopped(signal),
        None => Captured::Ended(Output { status, stdout, stderr }),
    })
}

/// A pipe that never makes us wait for what it gives.
fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (from, to) = platform::pipe()?;
    fcntl(&from, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok((from, to))
}

/// What it prints on stdout or stderr.
struct Stream {
    /// The pipe; `None` once no process can print any more.
    from: Option<OwnedFd>,
    printed: Vec<u8>,
}

impl Stream {
    fn new(from: OwnedFd) -> Stream {
        Stream { from: Some(from), printed: Vec::new() }
    }

    /// Takes what is there.
    fn take(&mut self) -> io::Result<()> {
        let mut buffer = [0; 8 * 1024];
        while let Some(from) = &self.from {
            match read(from, &mut buffer) {
                Ok(0) => self.from = None,
                Ok(n) => self.printed.extend_from_slice(&buffer[..n]),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// Stays with it until it has ended. What it started may live on and hold the pipes open, as the master of shared ssh
/// connections does. Says which signal told us to end, too.
fn attend(pid: Pid, signals: &Signals, streams: &mut [Stream; 2]) -> io::Result<(ExitStatus, Option<i32>)> {
    let mut stopped = None;
    let end = end_of(pid);
    loop {
        let mut set = PollSet::default();
        set.readable(signals.as_fd());
        for fd in end.iter().chain(streams.iter().filter_map(|stream| stream.from.as_ref())) {
            set.readable(fd.as_fd());
        }
        set.wait(None)?;
        while let Some(arrival) = signals.next()? {
            if arrival.ends_programs() {
                stopped.get_or_insert(arrival.signal);
                // A key on the terminal has reached it already; a second signal does no harm to what is ending.
                platform::kill(pid, libc::SIGTERM);
            }
        }
        // Looked at before the pipes: then what it printed at the very end is in them.
        let status = match waitpid(pid, Some(WaitPidFlag::WNOHANG))? {
            WaitStatus::Exited(_, status) => Some(ExitStatus::from_raw(status << 8)),
            WaitStatus::Signaled(_, signal, _) => Some(ExitStatus::from_raw(signal as i32)),
            _ => None,
        };
        streams.iter_mut().try_for_each(Stream::take)?;
        if let Some(status) = status {
            return Ok((status, stopped));
        }
    }
}

impl Variables {
    /// Our own, with those on top that are set for a command.
    ///
    /// # Errors
    ///
    /// When there is a NUL in one of these.
    pub fn inherited(command: &Command) -> io::Result<Variables> {
        let set: Vec<_> = command.get_envs().collect();
        let ours: Vec<_> = std::env::vars_os().collect();
        let inherited = ours.iter().filter(|(name, _)| set.iter().all(|(known, _)| known != name));
        let inherited = inherited.map(|(name, value)| (&**name, &**value));
        let own = set.iter().filter_map(|(name, value)| Some((*name, (*value)?)));
        Variables::new(inherited.chain(own)).map_err(unusable)
    }
}

fn unusable(error: super::Error) -> io::Error {
    io::Error::other(error.to_string())
}
