//! A container that a TASK runs in, seen from outside.
//!
//! The command line of an engine (podman, docker) starts it, and that is all the engine has to do: its first process is this
//! program again ([`first`]), which connects to a socket of ours. From then on a shell there is led as one here is: by the pipes
//! with names in the directory for pipes, which is mounted at the same path, and with our own descriptors as its stdin, stdout
//! and stderr. What has to be done where the processes are, the first process is asked to do ([`message`]).
//!
//! When the connection ends, because we are through or were killed, the first process ends all of the container.

mod client;
pub(super) mod first;
mod link;
mod message;
pub(super) mod service;

use std::ffi::OsString;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Instant;

use nix::sys::signal::Signal;
use nix::sys::wait::WaitStatus;
use nix::unistd::Pid;

use super::command::Variables;
use super::process_tree::Tree;
use super::signals::Signals;
use super::{Error, Job, control};
pub use client::{Removal, remove_containers};

use crate::poll::PollSet;
use client::Client;
use link::{ANSWER_LIMIT, Link};
use message::{Reply, Request, Start};

/// The name of the socket among the pipes to a shell. No script is called like this.
const SOCKET: &str = ".first";

/// What engines say when they pull an image.
const PULLING: &[&str] = &["Trying to pull", "Unable to find image"];

/// The line of what an engine says that tells what is wrong: the last one that is no advice of its own.
pub fn last_line(said: &str) -> &str {
    let is_advice = |line: &str| {
        line.starts_with("Usage:")
            || (line.starts_with("Run '") || line.starts_with("See '")) && line.contains(" --help'")
    };
    let mut lines = said.lines().rev().map(str::trim);
    lines.find(|line| !line.is_empty() && !is_advice(line)).unwrap_or("it does not say why")
}

/// How to start the container of a TASK.
#[derive(Debug, Clone, Default)]
pub struct Container {
    /// The image.
    pub image: String,
    /// The command line of the engine that starts the first process; what the first process takes comes behind it.
    pub start: Vec<OsString>,
    /// How the container is removed, should it be left.
    pub removal: Removal,
    /// What stands before and behind the `PATH` of the image.
    pub path: (OsString, OsString),
    /// The workspace, as it is mounted.
    pub workspace: PathBuf,
    /// The environment of the engine.
    pub environment: Variables,
}

/// A container that has been started, and ends when this is dropped.
pub(super) struct Running {
    /// The TASK that it is for, by its number.
    pub(super) task: usize,
    image: String,
    client: Client,
    /// Whether the engine has said that it pulls the image.
    pulls: bool,
    link: Link,
    /// How the shell has ended, if it has, and what its program was called then.
    end: Option<(WaitStatus, Option<String>)>,
    /// Why the shell could not be started.
    failure: Option<Error>,
    count: Option<(u32, bool)>,
}

/// The shell that is to be started in a container.
pub(super) struct NewShell<'a> {
    /// What bash takes for its script.
    pub(super) script: OsString,
    pub(super) stdin: BorrowedFd<'a>,
    /// Its stdout and stderr.
    pub(super) output: BorrowedFd<'a>,
    /// Whether that is a terminal that controls it.
    pub(super) terminal: bool,
}

/// A command that is to be started in a container.
pub(super) struct NewCommand<'a> {
    /// The command and its arguments.
    pub(super) words: &'a [OsString],
    /// The variables on top of those of the image.
    pub(super) environment: &'a Variables,
    /// Where it starts.
    pub(super) directory: &'a Path,
    /// Its stdin, stdout and stderr.
    pub(super) streams: [BorrowedFd<'a>; 3],
    /// The terminal that controls it.
    pub(super) terminal: Option<BorrowedFd<'a>>,
}

impl Running {
    /// Starts the container of a TASK with a shell in it; the socket is made in `directory`.
    pub(super) fn start(
        job: &Job,
        task: usize,
        container: &Container,
        shell: &NewShell,
        directory: &Path,
        tree: &mut Tree,
        signals: &Signals,
    ) -> Result<Running, Error> {
        let (request, descriptors) = request(job, task, container, shell)?;
        // What the engine leaves behind to look after the container is no process of the job.
        tree.collect_orphans(false);
        let running = Running::launch(task, container, &request, descriptors, directory, signals)?;
        tree.add_client(running.client.pid());
        Ok(running)
    }

    /// Starts the container with a command in it that is no part of a job, in these variables on top of those of the image. Its
    /// stdin, stdout and stderr are given, and the terminal that is to control it where it has one.
    pub(super) fn start_command(
        container: &Container,
        command: &NewCommand,
        directory: &Path,
        signals: &Signals,
    ) -> Result<Running, Error> {
        let start = Start {
            namespace: first::pid_namespace().unwrap_or_default(),
            terminal: command.terminal.is_some(),
            is_command: true,
            port: 0,
            command: command.words.to_vec(),
            directory: command.directory.into(),
            workspace: container.workspace.clone().into(),
            path: container.path.clone(),
            environment: command.environment.clone(),
        };
        let descriptors =
            command.streams.into_iter().chain(command.terminal).map(own).collect::<Result<_, _>>()?;
        let request = Request::Start(Box::new(start));
        Running::launch(
            0,
            container,
            &request,
            descriptors,
            &control::make_directory(directory)
                .map_err(Error::system(format!("make a directory in {}", directory.display())))?,
            signals,
        )
    }

    /// Starts the engine, and has a request ready for the first process.
    fn launch(
        task: usize,
        container: &Container,
        request: &Request,
        descriptors: Vec<OwnedFd>,
        directory: &Path,
        signals: &Signals,
    ) -> Result<Running, Error> {
        let socket = directory.join(SOCKET);
        let link = Link::await_at(&socket, request, descriptors)
            .map_err(Error::system(format!("wait for the container at {}", socket.display())))?;
        let mut command = container.start.clone();
        command.push(socket.into_os_string());
        let client = Client::start(&command, &container.removal, &container.environment, signals)?;
        Ok(Running {
            task,
            image: container.image.clone(),
            client,
            pulls: false,
            link,
            end: None,
            failure: None,
            count: None,
        })
    }

    /// Starts another shell in it, when the one before has ended.
    pub(super) fn start_again(
        &mut self,
        job: &Job,
        container: &Container,
        shell: &NewShell,
    ) -> Result<(), Error> {
        let (request, descriptors) = request(job, self.task, container, shell)?;
        (self.end, self.failure) = (None, None);
        self.link.send(&request, &descriptors);
        Ok(())
    }

    /// Whether another shell can be started in it.
    pub(super) fn is_open(&self) -> bool {
        self.link.is_open()
    }

    /// What tells that something has happened: at the first process, or before that comes, at the engine.
    pub(super) fn readable(&self) -> [Option<BorrowedFd<'_>>; 3] {
        let [output, end] = self.client.readable();
        [self.link.readable(), output, end.filter(|_| self.link.is_awaited())]
    }

    /// Takes what has happened. Gives what is to be said of it.
    pub(super) fn attend(&mut self) -> Option<String> {
        let said = self.client.said();
        self.receive();
        let pulls = PULLING.iter().any(|words| said.contains(words));
        (pulls && !std::mem::replace(&mut self.pulls, pulls)).then(|| format!("pulling {}", self.image))
    }

    /// Reads what the first process has said.
    fn receive(&mut self) {
        for reply in self.link.replies() {
            match reply {
                Reply::NotStarted { message, status } => {
                    self.failure = Some(Error::Container { image: self.image.clone(), message, status });
                }
                Reply::Ended { status, program } => {
                    let status = WaitStatus::from_raw(Pid::this(), status).ok();
                    self.end = status.map(|status| (status, program));
                }
                Reply::Count { members, finishing } => self.count = Some((members, finishing)),
                Reply::Ready => {}
            }
        }
    }

    /// How the shell has ended, if it has.
    ///
    /// # Errors
    ///
    /// When it never began.
    pub(super) fn end(&mut self) -> Result<Option<WaitStatus>, Error> {
        self.receive();
        if let Some(error) = self.failure.take() {
            return Err(error);
        }
        if self.end.is_none() && self.link.is_awaited() {
            if !self.client.has_ended() {
                return Ok(None);
            }
            self.link.give_up();
            return Err(Error::Engine { image: self.image.clone(), said: self.client.said() });
        }
        if self.end.is_none() && !self.link.is_open() {
            // The container was ended from outside.
            self.end = Some((WaitStatus::Signaled(Pid::this(), Signal::SIGKILL, false), None));
        }
        Ok(self.end.as_ref().map(|(status, _)| *status))
    }

    /// What the program of the shell was called when it ended.
    pub(super) fn program_at_end(&self) -> Option<&str> {
        self.end.as_ref().and_then(|(_, program)| program.as_deref())
    }

    /// Passes a signal on to the shell, or to its process group.
    pub(super) fn signal(&mut self, signal: i32, group: bool) {
        self.link.send(&Request::Signal { signal, group }, &[]);
    }

    /// Sends a signal to every process of the shell.
    pub(super) fn signal_all(&mut self, signal: i32) {
        self.link.send(&Request::SignalAll(signal), &[]);
    }

    /// Tells every process to end that was not told yet, or kills them all, but those that read what others write if they are
    /// to be spared. What has not begun will not.
    pub(super) fn terminate(&mut self, afresh: bool, kill: bool, spare_readers: bool) {
        if self.link.is_awaited() {
            self.link.give_up();
        }
        self.link.send(&Request::Terminate { afresh, kill, spare_readers }, &[]);
    }

    /// How many processes there are, and whether one of them is about to end by itself.
    pub(super) fn count(&mut self) -> (u32, bool) {
        self.count = None;
        if self.link.is_open() {
            self.link.send(&Request::Count, &[]);
        }
        let limit = Instant::now() + ANSWER_LIMIT;
        while self.count.is_none()
            && self.link.is_open()
            && let Some(answer) = self.link.readable()
        {
            let left = limit.saturating_duration_since(Instant::now());
            let mut set = PollSet::default();
            set.readable(answer);
            let _ = set.wait(Some(left));
            if Instant::now() >= limit {
                self.link.give_up();
            }
            self.receive();
        }
        self.count.unwrap_or_default()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The engine may be through with one that was ended from outside before it has removed it.
        let by_itself = self.link.is_open();
        self.link.give_up();
        self.client.finish(by_itself);
    }
}

/// What the first process is sent for a shell.
fn request(
    job: &Job,
    task: usize,
    container: &Container,
    shell: &NewShell,
) -> Result<(Request, Vec<OwnedFd>), Error> {
    let start = Start {
        namespace: first::pid_namespace().unwrap_or_default(),
        terminal: shell.terminal,
        is_command: false,
        port: 0,
        command: vec![first::SHELL.into(), shell.script.clone()],
        directory: job.root.into(),
        workspace: container.workspace.clone().into(),
        path: container.path.clone(),
        environment: job.tasks[task].environment.clone(),
    };
    Ok((Request::Start(Box::new(start)), vec![own(shell.stdin)?, own(shell.output)?]))
}

/// A descriptor of our own for what a borrowed one stands for.
fn own(fd: BorrowedFd) -> Result<OwnedFd, Error> {
    fd.try_clone_to_owned().map_err(Error::system("pass on a descriptor"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_advice_of_an_engine_is_not_what_is_wrong() {
        for (said, line) in [
            ("Error: unknown flag: --x\nSee 'podman run --help'\n", "Error: unknown flag: --x"),
            (
                "docker: no such image.\n\nRun 'docker run --help' for more information\n",
                "docker: no such image.",
            ),
            (
                "unknown flag: --x\n\nUsage:  docker run [OPTIONS]\n\nRun 'docker run --help' for more information\n",
                "unknown flag: --x",
            ),
            ("\n", "it does not say why"),
        ] {
            assert_eq!(last_line(said), line);
        }
    }
}
