//! Waiting: for output, for the shell, for signals and for the clock, all in one place and one thread.

use std::collections::{HashSet, VecDeque};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::wait::WaitStatus;
use nix::unistd::{Pid, read};

use super::console::Console;
use super::control::{Ask, Control};
use super::event::{Event, Kind, Step};
use super::flow::{Flow, Part};
use super::report::Report;
use super::shell::Shell;
use super::signals::{Arrival, Signals};
use super::tree::{Member, Tree};
use super::{Error, Job, Outcome, SECTION_LIMIT, platform, signal_name};
use crate::mask::Patterns;

/// How long a process that a task left behind has to end after TERM. Nobody waits for its work, so not long.
const LEFTOVER_GRACE: Duration = Duration::from_secs(1);

/// How long a process may take to vanish after KILL; one that does not is stuck in the kernel or another user's.
const KILL_PATIENCE: Duration = Duration::from_secs(2);

/// How often to look for processes that are left: their ends are not all announced, only those of children.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// How often to look for processes that began after the others were told to end.
const LOOK_FOR_NEW: Duration = Duration::from_millis(100);

/// What a pipe holds: more than that cannot have been written before a question was asked.
const PIPE_CAPACITY: usize = 64 * 1024;

/// A run in progress.
pub(super) struct Watch<'a, 'c> {
    pub(super) job: Job<'a>,
    pub(super) flow: Flow<'a>,
    pub(super) report: Report<'a, 'c>,
    pub(super) signals: &'a Signals,
    pub(super) tree: Tree,
    /// The steps that have begun.
    pub(super) steps: Vec<Step>,
    /// Why what runs now is being ended, if it is.
    pub(super) cut: Option<Outcome>,
    /// Whether the job was cut short: only its last sections are due.
    interrupted: bool,
    /// Whether not even those are wanted.
    abandoned: bool,
    begun: Instant,
    /// When the time of the job, or after an interruption that of the section, is up.
    limit: Option<Instant>,
    /// Set while the processes are being ended.
    ending: Option<Ending>,
    arrived: VecDeque<Arrival>,
    buffer: Vec<u8>,
}

/// The end of the processes.
struct Ending {
    /// When those that are left will be killed.
    kill_at: Instant,
    /// Those that were told to end. A shell that hears it between two commands may start another all the same.
    told: HashSet<Member>,
}

/// The pipes to a shell.
pub(super) struct Line {
    pub(super) control: Control,
    /// `None` once nobody can write to it any more.
    pub(super) output: Option<OwnedFd>,
}

/// Something that must be answered.
pub(super) enum Happening {
    /// The shell asks.
    Ask(Ask),
    /// A signal came.
    Signal(Arrival),
    /// The shell's process has ended.
    End(WaitStatus),
    /// The time that was waited for has come, or it is worth looking again.
    Time,
}

impl<'a, 'c> Watch<'a, 'c> {
    pub(super) fn new(
        job: &Job<'a>,
        mask: &'a Patterns,
        signals: &'a Signals,
        console: &'a mut Console<'c>,
    ) -> Result<Watch<'a, 'c>, Error> {
        let begun = Instant::now();
        Ok(Watch {
            job: *job,
            flow: Flow::new(job),
            report: Report::new(console, mask),
            signals,
            tree: Tree::new().map_err(Error::system("collect orphaned processes"))?,
            steps: Vec::new(),
            cut: None,
            interrupted: false,
            abandoned: false,
            begun,
            limit: job.time_limit.and_then(|limit| begun.checked_add(limit)),
            ending: None,
            arrived: VecDeque::new(),
            buffer: vec![0; PIPE_CAPACITY],
        })
    }

    /// Runs the whole job.
    pub(super) fn run(mut self) -> Result<Outcome, Error> {
        self.report.event(&Event::JobStart { job: self.job.name });
        while let Some(part) = self.next()? {
            match Shell::start(&mut self, part).and_then(Shell::run) {
                Ok(()) => {}
                // No user code has run: there is nothing to report and nothing to clean up.
                Err(error) if self.steps.is_empty() => return Err(error),
                Err(error) => {
                    self.sweep(None)?;
                    self.report.event(&Event::Notice { message: &error.to_string() });
                    self.flow.ended(part, Outcome::Failed(error.status()));
                }
            }
        }
        let outcome = self.flow.outcome();
        self.add_steps_not_run();
        let (job, duration) = (self.job.name, self.begun.elapsed());
        self.report.event(&Event::JobEnd { job, outcome, duration, steps: &self.steps });
        self.flush();
        Ok(outcome)
    }

    /// Puts the tasks that never began behind those that did.
    fn add_steps_not_run(&mut self) {
        let is_task = |step: &Step| step.kind == Kind::Task;
        let ran = self.steps.iter().filter(|step| is_task(step)).count();
        let at = self.steps.iter().rposition(is_task).map_or(0, |last| last + 1);
        let missing = self.job.tasks.iter().skip(ran).map(|task| Step {
            name: task.name.clone(),
            kind: Kind::Task,
            outcome: None,
            overlooked: 0,
            duration: Duration::ZERO,
        });
        self.steps.splice(at..at, missing);
    }

    /// The part that is due, and needs a shell.
    fn next(&mut self) -> Result<Option<Part>, Error> {
        self.take_signals()?;
        while let Some(arrival) = self.arrived.pop_front() {
            self.on_signal(arrival, None);
        }
        self.ending = None;
        if let Some(outcome) = self.cut.take()
            && !self.interrupted
        {
            self.interrupted = true;
            self.flow.interrupted(outcome);
        }
        if self.abandoned {
            self.flow.abandon();
        }
        Ok(self.flow.next())
    }

    /// Waits for the next thing that must be answered, passing on output meanwhile.
    pub(super) fn wait(
        &mut self,
        mut line: Option<&mut Line>,
        shell: Option<Pid>,
        until: Option<Instant>,
    ) -> Result<Happening, Error> {
        loop {
            if let Some(line) = line.as_deref_mut()
                && let Some(ask) = line.control.question()
            {
                // All that was written before the question is in the pipe now.
                self.drain(&mut line.output)?;
                return Ok(Happening::Ask(ask));
            }
            if let Some(arrival) = self.arrived.pop_front() {
                if arrival.signal != libc::SIGCHLD {
                    return Ok(Happening::Signal(arrival));
                }
                if let Some(status) = self.tree.reap(shell) {
                    return Ok(Happening::End(status));
                }
                if shell.is_none() {
                    return Ok(Happening::Time);
                }
            }
            let now = Instant::now();
            if until.is_some_and(|until| until <= now) {
                return Ok(Happening::Time);
            }
            let until = until.map(|until| until - now);
            let idle = self.report.console().idle(now);
            let timeout = match (until, idle) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
            let stream = self.report.console().stream();
            // A log that nobody reads holds up the output, but neither the shell's questions nor the clock.
            let output = line.as_deref().and_then(|line| line.output.as_ref());
            let output = output.filter(|_| !self.report.console().is_full());
            let control = line.as_deref().map(|line| line.control.as_fd());
            let fds = [Some(self.signals.as_fd()), control, output.map(AsFd::as_fd), stream];
            let [signal, question, output, writable] = ready(fds, timeout)?;
            if writable {
                self.report.console().write_some();
            }
            if signal {
                self.take_signals()?;
            }
            let Some(line) = line.as_deref_mut() else { continue };
            if output {
                self.read_output(&mut line.output)?;
            }
            if question {
                line.control.receive().map_err(Error::system("hear the shell"))?;
            }
        }
    }

    /// When there will be something to do.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.ending {
            Some(ending) => Some(ending.kill_at.min(Instant::now() + LOOK_FOR_NEW)),
            None => self.limit,
        }
    }

    /// Whether the processes are being ended.
    pub(super) fn is_ending(&self) -> bool {
        self.ending.is_some()
    }

    /// Gives a section that begins after an interruption its own time.
    pub(super) fn begin(&mut self, part: Part) {
        if self.interrupted && matches!(part, Part::Section(_)) {
            self.limit = Instant::now().checked_add(SECTION_LIMIT);
        }
    }

    /// The deadline has passed.
    pub(super) fn on_time(&mut self) {
        let now = Instant::now();
        if self.ending.is_some() {
            self.go_on_ending();
        } else if self.limit.is_some_and(|limit| limit <= now) {
            let limit =
                if self.interrupted { SECTION_LIMIT } else { self.job.time_limit.unwrap_or_default() };
            let message = format!("time limit of {} s reached", limit.as_secs_f64());
            self.report.event(&Event::Notice { message: &message });
            self.cut = Some(Outcome::TimedOut);
            self.limit = None;
            self.end_tree(self.job.grace);
        }
    }

    /// A signal came: INT and TERM cut the run short, others go to the shell.
    pub(super) fn on_signal(&mut self, arrival: Arrival, shell: Option<Pid>) {
        match arrival.signal {
            signal @ (libc::SIGINT | libc::SIGTERM) => self.cancel(signal),
            libc::SIGTSTP => self.pause(),
            libc::SIGCHLD | libc::SIGCONT | libc::SIGTTIN | libc::SIGTTOU => {}
            signal => {
                let Some(shell) = shell else { return };
                // What a terminal sends goes to a process group; what a user sends, to a process.
                let group = matches!(signal, libc::SIGHUP | libc::SIGQUIT | libc::SIGWINCH);
                platform::kill(if group { Pid::from_raw(-shell.as_raw()) } else { shell }, signal);
            }
        }
    }

    /// INT or TERM: the first ends what runs and leaves it time, the second ends everything.
    fn cancel(&mut self, signal: i32) {
        let name = signal_name(signal);
        if self.interrupted || self.cut.is_some() {
            self.report.event(&Event::Notice { message: &format!("{name}: skipping the rest") });
            self.abandoned = true;
            self.cut = self.cut.or(Some(Outcome::Cancelled(signal)));
            self.end_tree(Duration::ZERO);
        } else {
            self.report.event(&Event::Notice { message: &format!("cancelled by {name}") });
            self.cut = Some(Outcome::Cancelled(signal));
            self.end_tree(self.job.grace);
        }
    }

    /// Ctrl-Z: the whole tree stops with us, and goes on with us. The clock stands still meanwhile.
    fn pause(&mut self) {
        let before = Instant::now();
        self.tree.signal(libc::SIGSTOP);
        platform::kill(Pid::this(), libc::SIGSTOP);
        self.tree.signal(libc::SIGCONT);
        let slept = before.elapsed();
        self.limit = self.limit.map(|limit| limit + slept);
        if let Some(ending) = &mut self.ending {
            ending.kill_at += slept;
        }
    }

    /// Begins to end every process.
    fn end_tree(&mut self, grace: Duration) {
        let now = Instant::now();
        let kill_at = now.checked_add(grace).unwrap_or(now + super::GRACE);
        self.ending = Some(Ending { kill_at, told: HashSet::new() });
        self.go_on_ending();
    }

    /// Tells every process to end that has not been told yet, or kills them all if their time is up.
    fn go_on_ending(&mut self) {
        let Some(ending) = &mut self.ending else { return };
        let now = Instant::now();
        for member in self.tree.members() {
            if ending.kill_at <= now {
                platform::kill(member.pid, libc::SIGKILL);
            } else if ending.told.insert(member) {
                platform::kill(member.pid, libc::SIGTERM);
                // One that is stopped must be woken to hear it.
                platform::kill(member.pid, libc::SIGCONT);
            }
        }
        if ending.kill_at <= now {
            ending.kill_at = now + LOOK_AGAIN;
        }
    }

    /// Ends all that the shell has left behind, and passes on what it still had to say. Never waits for the pipe to
    /// close: who holds it may be beyond our reach.
    pub(super) fn sweep(&mut self, mut line: Option<&mut Line>) -> Result<(), Error> {
        if let Some(line) = line.as_deref_mut() {
            self.drain(&mut line.output)?;
        }
        let mut give_up = None;
        while self.tree.has_children() {
            self.tree.reap(None);
            if self.tree.members().is_empty() {
                break;
            }
            match &self.ending {
                None => self.end_tree(self.job.grace.min(LEFTOVER_GRACE)),
                Some(ending) => {
                    let give_up = *give_up.get_or_insert(ending.kill_at + KILL_PATIENCE);
                    if give_up <= Instant::now() {
                        self.report.event(&Event::Notice { message: "some processes could not be ended" });
                        break;
                    }
                    self.go_on_ending();
                }
            }
            let until = Instant::now() + LOOK_AGAIN;
            if let Happening::Signal(arrival) = self.wait(line.as_deref_mut(), None, Some(until))? {
                self.on_signal(arrival, None);
            }
        }
        self.ending = None;
        if let Some(line) = line {
            self.drain(&mut line.output)?;
        }
        Ok(())
    }

    fn take_signals(&mut self) -> Result<(), Error> {
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
                self.report.output(&self.buffer[..n]);
                Ok(n)
            }
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(0),
            Err(error) => Err(Error::system("read the output of the shell")(error)),
        }
    }

    /// Writes out what the console still holds. Whoever presses Ctrl-C now does not want it.
    fn flush(&mut self) {
        while let Some(stream) = self.report.console().stream() {
            match ready([Some(self.signals.as_fd()), Some(stream)], None) {
                Ok([_, true]) => self.report.console().write_some(),
                Ok([true, _]) if self.take_signals().is_ok() => {
                    if self.arrived.drain(..).any(|a| matches!(a.signal, libc::SIGINT | libc::SIGTERM)) {
                        return;
                    }
                }
                _ => return,
            }
        }
    }
}

/// Waits until one of the descriptors can be read (the last one: written), or the time is up; says which can.
fn ready<const N: usize>(
    fds: [Option<BorrowedFd>; N],
    timeout: Option<Duration>,
) -> Result<[bool; N], Error> {
    let mut polled = Vec::with_capacity(N);
    for (i, fd) in fds.iter().enumerate() {
        if let Some(fd) = fd {
            polled.push(PollFd::new(*fd, if i + 1 == N { PollFlags::POLLOUT } else { PollFlags::POLLIN }));
        }
    }
    // Rounded up: waking a moment too early would mean to poll again and again until it is over.
    let timeout = timeout.map_or(PollTimeout::NONE, |t| {
        PollTimeout::try_from(t.as_micros().div_ceil(1000)).unwrap_or(PollTimeout::MAX)
    });
    match poll(&mut polled, timeout) {
        Ok(_) | Err(Errno::EINTR) => {}
        Err(error) => return Err(Error::system("wait for the shell")(error)),
    }
    let mut polled = polled.iter();
    Ok(fds.map(|fd| fd.is_some() && polled.next().and_then(PollFd::any).unwrap_or(false)))
}
