//! The same in a container: a command in the image of a TASK.
//!
//! The engine has neither our terminal nor our process group for what it runs. So the command has a terminal of ours for itself
//! where stdout or stderr is one, and every signal is passed on.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write as _};
use std::os::fd::AsFd as _;
use std::path::Path;

use nix::libc;
use nix::sys::wait::WaitStatus;
use nix::unistd::Pid;

use super::Ways;
use crate::platform;
use crate::platform::Arrival;
use crate::run::container::{Container, NewCommand, Running};
use crate::run::masking::Masking;
use crate::run::terminal::Terminal;
use crate::run::{Error, Outcome, Signals, Variables};

/// A command for the container of a TASK.
pub struct InContainer<'a> {
    /// The container.
    pub container: &'a Container,
    /// The command and its arguments.
    pub words: &'a [OsString],
    /// The variables on top of those of the image.
    pub environment: Variables,
    /// Where it starts.
    pub directory: &'a Path,
    /// A private directory that the container has at the same path.
    pub pipes: &'a Path,
}

/// Runs a command in a container and says how it ended. The container ends with it.
///
/// With `masking`, what it prints is masked. What is to be done `meanwhile` is done once the engine has been started.
///
/// # Errors
///
/// When the container or the command cannot be started.
pub fn exec_in_container(
    command: InContainer,
    masking: Option<&mut Masking>,
    signals: &Signals,
    meanwhile: impl FnOnce(),
) -> Result<Outcome, Error> {
    let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
    let mut ways = match masking.is_some() || stdout.is_terminal() || stderr.is_terminal() {
        true => Ways::new(stdout.as_fd(), stderr.as_fd(), masking)?,
        false => Ways::default(),
    };
    let terminal = ways.terminal.as_ref();
    terminal.map_or(Ok(()), Terminal::prepare).map_err(Error::system("prepare a terminal"))?;
    let keyboard = terminal.filter(|terminal| terminal.is_stdin()).map(Terminal::slave);
    let new = NewCommand {
        words: command.words,
        environment: &command.environment,
        directory: command.directory,
        streams: [
            keyboard.unwrap_or(stdin.as_fd()),
            ways.end(0).unwrap_or(stdout.as_fd()),
            ways.end(1).unwrap_or(stderr.as_fd()),
        ],
        terminal: terminal.map(Terminal::slave),
    };
    let mut running = Running::start_command(command.container, &new, command.pipes, signals)?;
    // Wiped while the container begins.
    drop(command.environment);
    ways.ends.clear();
    meanwhile();
    attend(&mut running, signals, &mut ways)
}

/// Stays with the command until it has ended.
fn attend(running: &mut Running, signals: &Signals, ways: &mut Ways) -> Result<Outcome, Error> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        ways.wait(signals, running.readable().into_iter().flatten(), &mut buffer)?;
        while let Some(arrival) = signals.next().map_err(Error::system("read signals"))? {
            if arrival.signal != libc::SIGCHLD {
                forward(ways, running, arrival);
            }
        }
        if let Some(said) = running.attend() {
            let _ = write!(io::stderr(), "shipctl: {said} …\r\n");
        }
        if let Some(status) = running.end()? {
            ways.finish(signals, &mut buffer)?;
            return Ok(match status {
                WaitStatus::Exited(_, status) => Outcome::of_status(status as u8),
                WaitStatus::Signaled(_, signal, _) => Outcome::Signalled(signal as i32),
                _ => Outcome::Success,
            });
        }
    }
}

/// Passes on a signal: a key that the real terminal made one of to the process group of the command, any other to the command.
fn forward(ways: &mut Ways, running: &mut Running, arrival: Arrival) {
    match (arrival.signal, &mut ways.terminal) {
        // The kernel tells the command once its terminal has the size.
        (libc::SIGWINCH, Some(terminal)) => {
            terminal.resize();
        }
        (libc::SIGTSTP, terminal) => {
            running.signal(libc::SIGTSTP, true);
            terminal.iter_mut().for_each(|terminal| terminal.leave());
            platform::kill(Pid::this(), libc::SIGSTOP);
        }
        (libc::SIGCONT, terminal) => {
            terminal.iter_mut().for_each(|terminal| terminal.go_on());
            running.signal(libc::SIGCONT, true);
        }
        (signal, _) => running.signal(signal, arrival.from_kernel),
    }
}
