//! Starting a shell: it loads while the workspace is still being filled, and waits for the first question before it runs anything.

use std::ffi::OsStr;
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;
use nix::sys::wait::waitpid;
use nix::unistd::Pid;

use super::command::{c_string, find, not_started};
use super::console::Console;
use super::container::{Container, NewShell, Running};
use super::control::Control;
use super::driver;
use super::flow::{Flow, Part};
use super::process_tree::Tree;
use super::signals::Signals;
use super::terminal::{SignalKeys, Terminal};
use super::{Error, Job};
use crate::platform::{self, Launch, Mount, Session};

/// Whether the shells of a job can see a directory of it at this path, which is a directory.
pub fn can_mount_at(path: &Path) -> bool {
    c_string(path.as_os_str()).is_ok_and(|path| platform::can_mount_at(&path))
}

/// What a run has before it begins.
pub struct Started<'c> {
    pub(super) tree: Tree,
    pub(super) terminal: Option<Terminal<'c>>,
    /// The first shell of the job, if anything of it is to be run.
    pub(super) waiting: Option<WaitingShell>,
}

/// Begins to run a job, of which nothing has to be there yet but the directory it starts in: its first shell is loaded, and
/// waits.
///
/// # Errors
///
/// When the shell cannot be started.
pub fn start<'c>(job: &Job, signals: &Signals, console: &mut Console<'c>) -> Result<Started<'c>, Error> {
    // First of all: what is a child of ours by now is no part of the job.
    let mut tree = Tree::new().map_err(Error::system("collect orphaned processes"))?;
    let terminal = console.open_terminal();
    let waiting = WaitingShell::start_first(job, terminal.as_ref(), signals, &mut tree)?;
    Ok(Started { tree, terminal, waiting })
}

/// A shell that has not run anything. Dropping it ends it.
pub(super) struct WaitingShell {
    /// Where it is.
    pub(super) place: ShellHost,
    /// The part of the job that it was started for.
    pub(super) part: Part,
    /// The pipes to it.
    pub(super) control: Control,
    /// Where its output is read.
    pub(super) output: OwnedFd,
    /// What it has its terminal in.
    pub(super) session: Option<Session>,
}

/// Where a shell runs.
pub(super) enum ShellHost {
    /// On this machine, as a child of this process.
    Here(Process),
    /// In a container.
    Container(Box<Running>),
}

/// The process of a shell that has been let go.
#[derive(Clone, Copy)]
pub(super) enum ShellProcess {
    /// A child of this process.
    Here(Pid),
    /// A child of the first process of the container that the run is in.
    InContainer,
}

/// A process that is killed when this is dropped.
pub(super) struct Process(Pid);

impl Process {
    /// Lets it live.
    pub(super) fn release(self) -> Pid {
        ManuallyDrop::new(self).0
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        platform::kill(self.0, libc::SIGKILL);
        let _ = waitpid(self.0, None);
    }
}

impl WaitingShell {
    /// Starts a shell for a part of the job, in the environment of this task and where that runs; in the container that the
    /// shell before it was in, if that is the task's.
    pub(super) fn start(
        job: &Job,
        part: Part,
        task: usize,
        terminal: Option<&Terminal>,
        signals: &Signals,
        tree: &mut Tree,
        before: Option<Running>,
    ) -> Result<WaitingShell, Error> {
        let container = job.tasks[task].container.as_ref();
        // Another pid namespace does not show our process.
        let us = container.is_none().then(Pid::this);
        let control = Control::new(job.pipes, &driver::stem(part.name(job)), |questions, answers| {
            driver::opening(questions, answers, us)
        });
        let control = control.map_err(Error::system("make the pipes to a shell"))?;
        let before = match before {
            Some(running) if container.is_some() && running.task == task && running.is_open() => {
                Some(running)
            }
            Some(running) => {
                // It has ended when the next one begins.
                drop(running);
                None
            }
            None => None,
        };
        if let Some(container) = container {
            return start_in_container(job, part, task, container, terminal, signals, tree, before, control);
        }
        tree.collect_orphans(true);
        let environment = &job.tasks[task].environment;
        let bash = find(OsStr::new("bash"), environment).map_err(|why| {
            Error::System("find bash in the PATH of the task".to_owned(), io::Error::other(why))
        })?;
        let root = c_string(job.root.as_os_str())?;
        let mount = match job.mount {
            Some((source, target)) => Some((c_string(source.as_os_str())?, c_string(target.as_os_str())?)),
            None => None,
        };
        // Told by a whole path, bash does not look for itself.
        let program = c_string(bash.as_os_str())?;
        let arguments = [program.clone(), c_string(control.script())?];
        let launch = Launch {
            program: &program,
            arguments: &arguments,
            environment: environment.words(),
            directory: Some(&root),
            stdin: None,
            stdout: None,
            stderr: None,
            session: true,
            outlives: false,
            blocked: signals.before(),
            mount: mount.as_ref().map(|(source, target)| Mount { source, target }),
        };
        let (started, output, session) = match terminal {
            None => start_on_pipe(&launch)?,
            Some(terminal) => start_on_terminal(&launch, terminal)?,
        };
        let pid = started.map_err(|error| not_started(&bash, error, environment))?;
        Ok(WaitingShell { place: ShellHost::Here(Process(pid)), part, control, output, session })
    }

    /// The same for the first part of a job; `None` if nothing of it is to be run.
    pub(super) fn start_first(
        job: &Job,
        terminal: Option<&Terminal>,
        signals: &Signals,
        tree: &mut Tree,
    ) -> Result<Option<WaitingShell>, Error> {
        let mut flow = Flow::new(job);
        let Some(part) = flow.next() else { return Ok(None) };
        WaitingShell::start(job, part, flow.task(), terminal, signals, tree, None).map(Some)
    }
}

/// A shell that was started if that could be done, where its output is read, and the session of its terminal.
type Spawned = (io::Result<Pid>, OwnedFd, Option<Session>);

/// A pipe for output, of which our end never waits.
fn output_pipe() -> Result<(OwnedFd, OwnedFd), Error> {
    let (output, end) = platform::pipe().map_err(Error::system("make a pipe"))?;
    fcntl(&output, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map_err(Error::system("prepare a pipe"))?;
    Ok((output, end))
}

fn start_on_pipe(launch: &Launch) -> Result<Spawned, Error> {
    let (output, end) = output_pipe()?;
    let launch = Launch { stdout: Some(end.as_fd()), stderr: Some(end.as_fd()), ..*launch };
    Ok((platform::spawn(&launch), output, None))
}

fn start_on_terminal(launch: &Launch, terminal: &Terminal) -> Result<Spawned, Error> {
    let output = terminal.output().map_err(Error::system("prepare a terminal"))?;
    let launch = Launch { stdout: Some(terminal.slave()), stderr: Some(terminal.slave()), ..*launch };
    let (session, started) =
        terminal.start(&launch, SignalKeys::Ours).map_err(Error::system("open a session on a terminal"))?;
    Ok((started, output, Some(session)))
}

/// Starts a shell in the container of a task: in one that is there already, or in a new one.
#[allow(clippy::too_many_arguments, reason = "all that a start takes, and what is reused")]
fn start_in_container(
    job: &Job,
    part: Part,
    task: usize,
    container: &Container,
    terminal: Option<&Terminal>,
    signals: &Signals,
    tree: &mut Tree,
    before: Option<Running>,
    control: Control,
) -> Result<WaitingShell, Error> {
    let stdin = io::stdin();
    let (output, end) = match terminal {
        None => {
            let (output, end) = output_pipe()?;
            (output, Some(end))
        }
        Some(terminal) => {
            terminal.prepare().map_err(Error::system("prepare a terminal"))?;
            (terminal.output().map_err(Error::system("prepare a terminal"))?, None)
        }
    };
    let slave = terminal.map(Terminal::slave);
    let shell = NewShell {
        script: control.script().to_owned(),
        stdin: slave.filter(|_| terminal.is_some_and(Terminal::is_stdin)).unwrap_or(stdin.as_fd()),
        output: end.as_ref().map(AsFd::as_fd).or(slave).unwrap_or(stdin.as_fd()),
        terminal: terminal.is_some(),
    };
    let running = match before {
        Some(mut running) => {
            running.start_again(job, container, &shell)?;
            running
        }
        None => Running::start(job, task, container, &shell, control.directory(), tree, signals)?,
    };
    Ok(WaitingShell { place: ShellHost::Container(Box::new(running)), part, control, output, session: None })
}
