//! Processes: runs a job's scripts in bash, and any command in a job's environment.
//!
//! ```text
//! job_loop ─┬─ flow        which part of the job is due next
//!           └─ shell       one bash: what it says and what it is told
//!                ├─ driver      what the bash reads
//!                ├─ control     the pipes between the two
//!                ├─ container   where the bash is, if not here
//!                └─ event_loop  waits for output, the shell, signals and the clock
//!                     ├─ terminal   what the shell has instead of the terminal that we are on
//!                     ├─ terminate ── process_tree   how all of it ends, wherever it has gone
//!                     └─ masked_console ── console   what is seen of it
//! worker_pool              several jobs side by side
//! remote                   a job on another machine
//! ```
//!
//! Each TASK has a bash of its own; a section runs in the bash of the task before it as long as that lives, and in a
//! fresh one otherwise. `driver` tells how one bash is led through a script without the script noticing.

mod agent;
mod capture;
mod command;
mod container;
mod control;
mod driver;
mod job_loop;

mod event;
mod event_loop;
mod exec;
mod flow;
mod launch;
mod masked_console;
mod masking;
mod process_tree;
mod shell;
mod signals;
mod terminal;

pub mod console;
pub mod remote;
pub mod worker_pool;

use std::fmt;
use std::io;
use std::path::Path;
use std::time::Duration;

pub use crate::platform::{executed_as, keep_memory_private, take_file_limit_for_error};
pub use agent::SshAgent;
pub use capture::{Captured, capture};
pub use command::Variables;
pub use container::first::{COMMAND as FIRST_PROCESS, first_process};
pub use container::service::{SOCKET as SERVICE_SOCKET, Service, Services};
pub use container::{Container, Removal, last_line, remove_containers};
pub use event::{Event, StepKind, StepResult};
pub use exec::container::{InContainer, exec_in_container};
pub use exec::exec;
pub use launch::{Started, can_mount_at, start};
pub use masking::Masking;
pub use signals::Signals;

use serde::{Deserialize, Serialize};

use crate::exit;
use crate::printable::Printable;
use console::Console;

/// A job, down to what matters for running it.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its tasks, in order.
    pub tasks: &'a [Task],
    /// What runs around them.
    pub sections: &'a Sections,
    /// The directory every task starts in, from `/` on.
    pub root: &'a Path,
    /// A directory that its shells on this machine see at a second path as well, and that path: [`can_mount_at`] says
    /// whether that can be.
    pub mount: Option<(&'a Path, &'a Path)>,
    /// A directory for the scripts as bash reads them, from `/` on. It is made, for the owner alone, if it is not there.
    pub scripts: &'a Path,
    /// A private directory for the pipes between this process and the shells, out of the way of scripts.
    pub pipes: &'a Path,
    /// How long the job may take.
    pub time_limit: Option<Duration>,
    /// How long a process that was told to end may take before it is killed; [`GRACE`] unless there is a reason.
    pub grace: Duration,
}

/// Where the programs of a job are looked for without a `PATH`: `srun --export=NONE`, for one, starts jobs without one.
pub const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Variables by which bash takes options and commands from its caller: a job's shell has its own.
pub const SHELL_SETTINGS: &[&str] =
    &["SHELLOPTS", "BASHOPTS", "BASH_ENV", "ENV", "BASH_XTRACEFD", "POSIXLY_CORRECT"];

/// The usual grace period between TERM and KILL.
pub const GRACE: Duration = Duration::from_secs(10);

/// How long each of `on_failure`, `on_cancel` and `always` may take once a job was cut short.
const SECTION_LIMIT: Duration = Duration::from_secs(60);

/// A TASK.
#[derive(Debug, Clone, Default)]
pub struct Task {
    /// Its name.
    pub name: String,
    /// The entries of its script.
    pub entries: Vec<String>,
    /// The complete environment of its shell; nothing is inherited, but from the image where it runs in a container.
    pub environment: Variables,
    /// The container that it runs in, if not on this machine.
    pub container: Option<Container>,
}

/// The scripts around the tasks: the entries of each section.
#[derive(Debug, Clone, Default)]
pub struct Sections {
    /// Before the first task, in a shell of its own. `exit N` in it fails the job.
    pub on_start: Vec<String>,
    /// After the last task, if all went well.
    pub on_success: Vec<String>,
    /// After the task that failed.
    pub on_failure: Vec<String>,
    /// After SIGINT or SIGTERM.
    pub on_cancel: Vec<String>,
    /// In the end, whatever happened.
    pub always: Vec<String>,
}

/// How a job, a step or a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Well.
    Success,
    /// With an exit status other than 0.
    Failed(u8),
    /// By a signal that did not come from `shipctl`.
    Signalled(i32),
    /// By the time limit.
    TimedOut,
    /// Because `shipctl` was told to stop, by this signal.
    Cancelled(i32),
}

impl Outcome {
    /// The exit status that says so.
    pub fn status(self) -> u8 {
        match self {
            Outcome::Success => exit::SUCCESS,
            Outcome::Failed(status) => status,
            Outcome::Signalled(signal) | Outcome::Cancelled(signal) => exit::of_signal(signal),
            Outcome::TimedOut => exit::TIMED_OUT,
        }
    }

    /// The name of this kind of end, as in the JSON log.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Success => "success",
            Outcome::Failed(_) => "failed",
            Outcome::Signalled(_) => "signalled",
            Outcome::TimedOut => "timed-out",
            Outcome::Cancelled(_) => "cancelled",
        }
    }

    /// The same for people: `failed with status 3`.
    pub fn describe(self) -> String {
        match self {
            Outcome::Success => "succeeded".to_owned(),
            Outcome::Failed(status) => format!("failed with status {status}"),
            Outcome::Signalled(signal) => format!("ended by {}", signal_name(signal)),
            Outcome::TimedOut => "timed out".to_owned(),
            Outcome::Cancelled(signal) => format!("cancelled by {}", signal_name(signal)),
        }
    }

    /// What an exit status says.
    fn of_status(status: u8) -> Outcome {
        if status == 0 { Outcome::Success } else { Outcome::Failed(status) }
    }
}

/// `SIGINT`, or `signal 34` where a signal has no name.
fn signal_name(signal: i32) -> String {
    nix::sys::signal::Signal::try_from(signal)
        .map_or_else(|_| format!("signal {signal}"), |s| s.as_str().to_owned())
}

/// Why something could not be run.
#[derive(Debug)]
pub enum Error {
    /// There is no such command.
    NotFound(String),
    /// The command is there, but cannot be executed.
    NotExecutable(String, io::Error),
    /// A command line and environment are larger than the kernel takes; says what takes up most of it.
    TooLarge(String),
    /// Something that `shipctl` itself needs failed.
    System(String, io::Error),
    /// An engine could not start a container.
    Engine {
        /// The image.
        image: String,
        /// What the engine has said.
        said: String,
    },
    /// A signal told us to end before anything of the job ran.
    Interrupted(i32),
    /// A job could not be begun on another machine.
    Remote {
        /// Why.
        message: String,
        /// What can be done about it.
        hint: Option<String>,
    },
    /// A container runs, but not what was to run in it.
    Container {
        /// The image.
        image: String,
        /// Why.
        message: String,
        /// The exit status that says so.
        status: u8,
    },
}

impl Error {
    /// The exit status that says so.
    pub fn status(&self) -> u8 {
        match self {
            Error::NotFound(_) => exit::NOT_FOUND,
            Error::NotExecutable(..) => exit::NOT_EXECUTABLE,
            Error::Interrupted(signal) => exit::of_signal(*signal),
            Error::Container { status, .. } => *status,
            Error::TooLarge(_) | Error::System(..) | Error::Engine { .. } | Error::Remote { .. } => {
                exit::SHIPCTL_FAILED
            }
        }
    }

    /// Says what was being done when an operation of the system failed.
    fn system<E: Into<io::Error>>(doing: impl Into<String>) -> impl FnOnce(E) -> Error {
        let doing = doing.into();
        move |error| Error::System(doing, error.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::NotFound(command) => write!(f, "{command}: command not found"),
            Error::NotExecutable(command, why) => write!(f, "{command}: cannot be executed: {why}"),
            Error::TooLarge(largest) => {
                write!(f, "the environment is too large for the kernel; its largest variables are {largest}")
            }
            Error::System(doing, why) => write!(f, "cannot {doing}: {why}"),
            Error::Interrupted(signal) => {
                write!(f, "told to end by {} before the first line of the job", signal_name(*signal))
            }
            Error::Engine { image, said } => {
                let said = container::last_line(said);
                write!(f, "the container of {} did not start: {}", Printable(image), Printable(said))
            }
            Error::Remote { message, .. } => write!(f, "the job was not begun: {}", Printable(message)),
            Error::Container { image, message, .. } => {
                write!(f, "in the container of {}: {}", Printable(image), Printable(message))
            }
        }
    }
}

impl std::error::Error for Error {}

/// Runs a job that was [`start`]ed and says how it ended.
///
/// Fails only if no line of the job's scripts could be run. Every process that the job has started is gone when this
/// returns. Children of this process that are not the job's may be waited for here, so there should be none.
pub fn run<'c>(
    job: &Job,
    started: Started<'c>,
    masking: &mut Masking,
    signals: &Signals,
    console: &mut Console<'c>,
) -> Result<Outcome, Error> {
    driver::make_directory(job.scripts)?;
    event_loop::EventLoop::new(job, started, masking, signals, console).run()
}
