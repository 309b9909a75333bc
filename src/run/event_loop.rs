//! The event loop: waits for output, for the shell, for signals and for the clock, all in one place and one thread.

mod terminate;

use std::collections::VecDeque;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Instant;

use nix::errno::Errno;
use nix::libc;
use nix::sys::wait::WaitStatus;
use nix::unistd::read;

use super::console::Console;
use super::container::Running;
use super::control::{Ask, Control};

use super::event::{Event, StepResult};
use super::flow::Flow;
use super::launch::{ShellProcess, Started, WaitingShell};
use super::masked_console::MaskedConsole;
use super::masking::Masking;
use super::process_tree::Tree;
use super::signals::Signals;
use super::terminal::{SignalKeys, Terminal};
use super::{Error, Job, Outcome};
use crate::platform::Arrival;
use crate::poll::PollSet;
use terminate::Termination;

/// What a pipe holds by default: no more can have been written before a question was asked.
const PIPE_CAPACITY: usize = 64 * 1024;

/// How much of it is read at first. Scripts mostly write a line, and whatever memory is cleared for them takes its time.
const FIRST_READ: usize = 2 * 1024;

/// A run in progress, and the loop that waits for what happens in it.
pub(super) struct EventLoop<'a, 'c> {
    pub(super) job: Job<'a>,
    pub(super) flow: Flow<'a>,
    pub(super) console: MaskedConsole<'a, 'c>,
    pub(super) signals: &'a Signals,
    pub(super) tree: Tree,
    /// What the shells have for a terminal, if we are on one.
    pub(super) terminal: Option<Terminal<'c>>,
    /// The container that the shell is in, if it is in one.
    pub(super) container: Option<Running>,
    /// The shell that waits for its part to begin.
    pub(super) waiting: Option<WaitingShell>,
    /// The steps that have begun.
    pub(super) steps: Vec<StepResult>,
    /// Whether a line of a script may have run.
    pub(super) entered: bool,
    /// Why what runs now is being ended, if it is.
    pub(super) cut: Option<Outcome>,
    /// Whether the job was cut short: only its last sections are due.
    pub(super) interrupted: bool,
    /// Whether not even those are wanted.
    pub(super) abandoned: bool,
    /// When it began.
    pub(super) started: Instant,
    /// When the time of the job, or after an interruption that of the section, is up.
    pub(super) limit: Option<Instant>,
    /// Set while the processes are being ended.
    pub(super) termination: Option<Termination>,
    /// The signals that have come and were not acted on.
    pub(super) arrived: VecDeque<Arrival>,
    /// How much the scripts have written, in bytes.
    pub(super) written: usize,
    buffer: Vec<u8>,
}

/// The pipes to a shell.
pub(super) struct ShellPipes {
    pub(super) control: Control,
    /// `None` once no process can write to it any more.
    pub(super) output: Option<OwnedFd>,
}

/// An event that must be answered.
pub(super) enum LoopEvent {
    /// The shell asks.
    Ask(Ask),
    /// A signal came.
    Signal(Arrival),
    /// The shell's process has ended.
    End(WaitStatus),
    /// The time that was waited for has come, or it is worth looking again.
    Time,
}

impl<'a, 'c> EventLoop<'a, 'c> {
    pub(super) fn new(
        job: &Job<'a>,
        Started { tree, terminal, waiting }: Started<'c>,
        masking: &'a mut Masking,
        signals: &'a Signals,
        console: &'a mut Console<'c>,
    ) -> EventLoop<'a, 'c> {
        let started = Instant::now();
        EventLoop {
            job: *job,
            flow: Flow::new(job),
            console: MaskedConsole::new(console, masking),
            signals,
            tree,
            terminal,
            container: None,
            waiting,
            steps: Vec::new(),
            entered: false,
            cut: None,
            interrupted: false,
            abandoned: false,
            started,
            limit: job.time_limit.and_then(|limit| started.checked_add(limit)),
            termination: None,
            arrived: VecDeque::new(),
            written: 0,
            buffer: vec![0; FIRST_READ],
        }
    }

    /// Waits for the next event that must be answered, passing on output meanwhile.
    pub(super) fn wait(
        &mut self,
        mut pipes: Option<&mut ShellPipes>,
        shell: Option<ShellProcess>,
        until: Option<Instant>,
    ) -> Result<LoopEvent, Error> {
        loop {
            if let Some(pipes) = pipes.as_deref_mut()
                && let Some(ask) = pipes.control.question().map_err(Error::system("answer the shell"))?
            {
                // All that was written before the question is in the pipe now.
                self.drain(&mut pipes.output)?;
                return Ok(LoopEvent::Ask(ask));
            }
            if let Some(arrival) = self.arrived.pop_front() {
                if arrival.signal != libc::SIGCHLD {
                    return Ok(LoopEvent::Signal(arrival));
                }
                if shell.is_none() {
                    return Ok(LoopEvent::Time);
                }
            }
            // Asked each time: the search for what a shell has left reaps it too.
            if shell.is_some()
                && let Some(status) = self.end_of_shell()?
            {
                return Ok(LoopEvent::End(status));
            }
            let now = Instant::now();
            if until.is_some_and(|until| until <= now) {
                return Ok(LoopEvent::Time);
            }
            let until = until.map(|until| until - now);
            let idle = self.console.inner().idle(now);
            let (keys, look_again) = self.terminal.as_ref().map_or((None, None), Terminal::keys);
            let writable = self.terminal.as_ref().and_then(Terminal::writable);
            let timeout = [until, idle, look_again].into_iter().flatten().min();
            let stream = self.console.inner().stream();
            // A log that is not read holds up the output, but neither the shell's questions nor the clock.
            let output = pipes.as_deref().and_then(|pipes| pipes.output.as_ref());
            let output = output.filter(|_| !self.console.inner().is_full());
            let control = pipes.as_deref().map(|pipes| pipes.control.as_fd());
            let mut set = PollSet::default();
            let signals = set.readable(self.signals.as_fd());
            let (control, output) = (set.readable(control), set.readable(output.map(AsFd::as_fd)));
            let (keys, takes_keys) = (set.readable(keys), set.writable(writable));
            let stream = set.writable(stream);
            let container = match &self.container {
                Some(container) => container.readable().map(|fd| set.readable(fd)).to_vec(),
                None => {
                    set.readable(self.tree.watched_fd().filter(|_| shell.is_some()));
                    Vec::new()
                }
            };
            let ready = set.wait(timeout).map_err(Error::system("wait for the shell"))?;
            self.attend_terminal(ready.has(keys), ready.has(takes_keys));
            if ready.has(stream) {
                self.console.inner().write_some();
            }
            if ready.has(signals) {
                self.take_signals()?;
            }
            if container.into_iter().any(|token| ready.has(token))
                && let Some(container) = &mut self.container
                && let Some(message) = container.attend()
            {
                self.console.event(&Event::Notice { message: &message });
            }
            let Some(pipes) = pipes.as_deref_mut() else { continue };
            if ready.has(output) {
                self.read_output(&mut pipes.output)?;
            }
            if ready.has(control) {
                pipes.control.receive().map_err(Error::system("hear the shell"))?;
            }
        }
    }

    /// How the shell has ended, if it has.
    fn end_of_shell(&mut self) -> Result<Option<WaitStatus>, Error> {
        match &mut self.container {
            None => Ok(self.tree.watched_end()),
            Some(container) => {
                self.tree.reap();
                container.end()
            }
        }
    }

    /// What the program of the shell was called when it ended.
    pub(super) fn program_at_end(&self) -> Option<&str> {
        match &self.container {
            None => self.tree.program_at_end(),
            Some(container) => container.program_at_end(),
        }
    }

    /// Does what is due at the terminal.
    fn attend_terminal(&mut self, key: bool, takes_keys: bool) {
        let Some(terminal) = &mut self.terminal else { return };
        terminal.enter();
        if takes_keys {
            terminal.pass_keys();
        }
        if key {
            terminal.take_keys(SignalKeys::Ours);
        }
    }

    /// Takes the signals that have come.
    pub(super) fn take_signals(&mut self) -> Result<(), Error> {
        while let Some(arrival) = self.signals.next().map_err(Error::system("read signals"))? {
            self.arrived.push_back(arrival);
        }
        Ok(())
    }

    /// Passes on all that is in the pipe, but no more than was there when this began.
    pub(super) fn drain(&mut self, output: &mut Option<OwnedFd>) -> Result<(), Error> {
        let mut total = 0;
        while total < PIPE_CAPACITY {
            match self.read_output(output)? {
                0 => break,
                n => total += n,
            }
        }
        Ok(())
    }

    /// Passes on what is in the pipe, if anything; says how much that was.
    fn read_output(&mut self, output: &mut Option<OwnedFd>) -> Result<usize, Error> {
        let Some(pipe) = output else { return Ok(0) };
        match read(&*pipe, &mut self.buffer) {
            Ok(0) => {
                *output = None;
                Ok(0)
            }
            Ok(n) => {
                self.console.output(&self.buffer[..n]);
                self.written += n;
                if n == self.buffer.len() {
                    self.buffer.resize(PIPE_CAPACITY, 0);
                }
                Ok(n)
            }
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(0),
            Err(error) => Err(Error::system("read the output of the shell")(error)),
        }
    }

    /// Writes out what the console still holds, unless Ctrl-C is pressed meanwhile.
    pub(super) fn flush(&mut self) {
        while let Some(stream) = self.console.inner().stream() {
            let keys = self.terminal.as_ref().and_then(|terminal| terminal.keys().0);
            let mut set = PollSet::default();
            let signals = set.readable(self.signals.as_fd());
            let (keys, stream) = (set.readable(keys), set.writable(stream));
            let Ok(ready) = set.wait(None) else { return };
            let key = ready.has(keys);
            self.attend_terminal(key, false);
            match (ready.has(signals), ready.has(stream)) {
                (_, true) => self.console.inner().write_some(),
                (true, _) if self.take_signals().is_ok() => {
                    if self.arrived.drain(..).any(|a| matches!(a.signal, libc::SIGINT | libc::SIGTERM)) {
                        return;
                    }
                }
                (false, false) if key => {}
                _ => return,
            }
        }
    }
}
