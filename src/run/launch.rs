//! Starting a shell: it is loaded while there is still something to do, and waits until it is let go.

use std::ffi::OsStr;
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, OwnedFd};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;
use nix::sys::wait::waitpid;
use nix::unistd::{Pid, pipe2};

use super::command::{c_string, find, not_started};
use super::console::Console;
use super::control::Control;
use super::driver;
use super::flow::{Flow, Part};
use super::platform::{self, Launch, Session};
use super::signals::Signals;
use super::terminal::{SignalKeys, Terminal};
use super::tree::Tree;
use super::{Error, Job};

/// What a run has before it begins.
pub struct Started<'c> {
    pub(super) tree: Tree,
    pub(super) terminal: Option<Terminal<'c>>,
    /// The first shell of the job, if anything of it is to be run.
    pub(super) waiting: Option<Waiting>,
}

/// Begins to run a job, of which nothing has to be there yet but the directory it starts in: its first shell is loaded, and
/// waits.
///
/// # Errors
///
/// When the shell cannot be started.
pub fn start<'c>(job: &Job, signals: &Signals, console: &mut Console<'c>) -> Result<Started<'c>, Error> {
    // First of all: what is a child of ours by now is no part of the job.
    let tree = Tree::new().map_err(Error::system("collect orphaned processes"))?;
    let terminal = console.open_terminal();
    let waiting = Waiting::start_first(job, terminal.as_ref(), signals)?;
    Ok(Started { tree, terminal, waiting })
}

/// A shell that has not run anything. Dropping it ends it.
pub(super) struct Waiting {
    pub(super) process: Process,
    /// The part of the job that it was started for.
    pub(super) part: Part,
    /// The line to it.
    pub(super) control: Control,
    /// Where its output is read.
    pub(super) output: OwnedFd,
    /// What it has its terminal in.
    pub(super) session: Option<Session>,
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

impl Waiting {
    /// Starts a shell for a part of the job, in the environment of this task.
    pub(super) fn start(
        job: &Job,
        part: Part,
        task: usize,
        terminal: Option<&Terminal>,
        signals: &Signals,
    ) -> Result<Waiting, Error> {
        let control = Control::new(job.pipes, &driver::stem(part.name(job)), driver::opening)
            .map_err(Error::system("make the pipes to a shell"))?;
        let environment = &job.tasks[task].environment;
        let bash = find(OsStr::new("bash"), environment).map_err(|why| {
            Error::System("find bash in the PATH of the task".to_owned(), io::Error::other(why))
        })?;
        let root = c_string(job.root.as_os_str())?;
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
            blocked: signals.before(),
        };
        let (started, output, session) = match terminal {
            None => start_on_pipe(&launch)?,
            Some(terminal) => start_on_terminal(&launch, terminal)?,
        };
        let pid = started.map_err(|error| not_started(&bash, error, environment))?;
        Ok(Waiting { process: Process(pid), part, control, output, session })
    }

    /// The same for the first part of a job; `None` if nothing of it is to be run.
    pub(super) fn start_first(
        job: &Job,
        terminal: Option<&Terminal>,
        signals: &Signals,
    ) -> Result<Option<Waiting>, Error> {
        let mut flow = Flow::new(job);
        let Some(part) = flow.next() else { return Ok(None) };
        Waiting::start(job, part, flow.task(), terminal, signals).map(Some)
    }
}

/// A shell that was started if that could be done, where its output is read, and the session of its terminal.
type Spawned = (io::Result<Pid>, OwnedFd, Option<Session>);

fn start_on_pipe(launch: &Launch) -> Result<Spawned, Error> {
    let (output, end) = pipe2(OFlag::O_CLOEXEC).map_err(Error::system("make a pipe"))?;
    fcntl(&output, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map_err(Error::system("prepare a pipe"))?;
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
