//! Terminating what runs: at the time limit, by a signal, or because a task left it behind.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use nix::libc;
use nix::unistd::Pid;

use super::{EventLoop, LoopEvent, ShellPipes};
use crate::platform;
use crate::platform::Arrival;
use crate::run::event::Event;
use crate::run::flow::Part;
use crate::run::launch::ShellProcess;
use crate::run::process_tree::Member;
use crate::run::terminal::Terminal;
use crate::run::{Error, Outcome, SECTION_LIMIT, signal_name};

/// How long a process that a task left behind has to end after TERM. Nothing waits for its work, so not long.
const LEFTOVER_GRACE: Duration = Duration::from_secs(1);

/// How long those have that read what others write, once these were killed: they come to an end by themselves then.
const READER_GRACE: Duration = Duration::from_millis(500);

/// How long a process may take to vanish after KILL; one that does not is stuck in the kernel or another user's.
const KILL_PATIENCE: Duration = Duration::from_secs(2);

/// How long those that are about to end by themselves may take, unless the job has a shorter grace period.
const FINISHING_LIMIT: Duration = Duration::from_secs(10);

/// How often to look for processes that are left: their ends are not all announced, only those of children.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// How long those that are left may be silent before they are told to end. Where it is not known who reads from a pipe, that is
/// all the time that what stands behind `>( … )` has to come to its end by itself.
const QUIET: Duration = if platform::KNOWS_READERS { LOOK_AGAIN } else { Duration::from_millis(200) };

/// How often to look for processes that began after the others were told to end.
const LOOK_FOR_NEW: Duration = Duration::from_millis(100);

/// The termination of all processes, from TERM to KILL.
pub(in crate::run) struct Termination {
    /// When those that are left will be killed.
    kill_at: Instant,
    /// Until when those are left alone that read what others write.
    readers_until: Instant,
    /// Those that were told to end. A shell that hears it between two commands may start another all the same.
    told: HashSet<Member>,
    /// Whether the first process of a container was asked to tell them.
    has_begun: bool,
}

impl EventLoop<'_, '_> {
    /// When there will be something to do.
    pub(in crate::run) fn deadline(&self) -> Option<Instant> {
        match &self.termination {
            Some(termination) => Some(termination.kill_at.min(Instant::now() + LOOK_FOR_NEW)),
            None => self.limit,
        }
    }

    /// Whether the processes are being ended.
    pub(in crate::run) fn is_terminating(&self) -> bool {
        self.termination.is_some()
    }

    /// Gives a section that begins after an interruption its own time.
    pub(in crate::run) fn begin(&mut self, part: Part) {
        if self.interrupted && matches!(part, Part::Section(_)) {
            self.limit = Instant::now().checked_add(SECTION_LIMIT);
        }
    }

    /// The deadline has passed.
    pub(in crate::run) fn on_time(&mut self) {
        let now = Instant::now();
        if self.termination.is_some() {
            self.go_on_terminating();
        } else if self.limit.is_some_and(|limit| limit <= now) {
            let limit =
                if self.interrupted { SECTION_LIMIT } else { self.job.time_limit.unwrap_or_default() };
            let message = format!("time limit of {} s reached", limit.as_secs_f64());
            self.console.event(&Event::Notice { message: &message });
            self.cut = Some(Outcome::TimedOut);
            self.limit = None;
            self.terminate_tree(self.job.grace, None);
        }
    }

    /// A signal came: INT and TERM cut the run short, others go to the shell.
    pub(in crate::run) fn on_signal(&mut self, arrival: Arrival, shell: Option<ShellProcess>) {
        match arrival.signal {
            signal @ (libc::SIGINT | libc::SIGTERM) => self.cancel(signal),
            libc::SIGTSTP => self.pause(),
            libc::SIGCONT => {
                if let Some(terminal) = &mut self.terminal {
                    terminal.go_on();
                }
            }
            libc::SIGCHLD | libc::SIGTTIN | libc::SIGTTOU => {}
            // The shell hears of it from its own terminal.
            libc::SIGWINCH if self.terminal.as_ref().is_some_and(Terminal::resize) => {}
            signal => {
                let Some(shell) = shell else { return };
                // What a terminal sends goes to a process group; what a user sends, to a process.
                let group = matches!(signal, libc::SIGHUP | libc::SIGQUIT | libc::SIGWINCH);
                match (shell, &mut self.container) {
                    (ShellProcess::Here(pid), _) if group => {
                        platform::kill(Pid::from_raw(-pid.as_raw()), signal)
                    }
                    (ShellProcess::Here(pid), _) => platform::kill(pid, signal),
                    (ShellProcess::InContainer, Some(container)) => container.signal(signal, group),
                    (ShellProcess::InContainer, None) => {}
                }
            }
        }
    }

    /// INT or TERM: the first ends what runs and leaves it time, the second ends everything.
    fn cancel(&mut self, signal: i32) {
        let name = signal_name(signal);
        if self.interrupted || self.cut.is_some() {
            self.console.event(&Event::Notice { message: &format!("{name}: skipping the rest") });
            self.abandoned = true;
            self.cut = self.cut.or(Some(Outcome::Cancelled(signal)));
            self.terminate_tree(Duration::ZERO, None);
        } else {
            self.console.event(&Event::Notice { message: &format!("cancelled by {name}") });
            self.cut = Some(Outcome::Cancelled(signal));
            self.terminate_tree(self.job.grace, None);
        }
    }

    /// Ctrl-Z: the whole tree stops with us, and goes on with us. The clock stands still meanwhile.
    fn pause(&mut self) {
        let before = Instant::now();
        self.signal_all(libc::SIGSTOP);
        if let Some(terminal) = &mut self.terminal {
            terminal.leave();
        }
        platform::kill(Pid::this(), libc::SIGSTOP);
        if let Some(terminal) = &mut self.terminal {
            terminal.go_on();
        }
        self.signal_all(libc::SIGCONT);
        let slept = before.elapsed();
        self.limit = self.limit.map(|limit| limit + slept);
        if let Some(termination) = &mut self.termination {
            termination.kill_at += slept;
        }
    }

    /// Sends a signal to every process.
    fn signal_all(&mut self, signal: i32) {
        match &mut self.container {
            Some(container) => container.signal_all(signal),
            None => self.tree.signal(signal),
        }
    }

    /// Whether a process of the job is left.
    fn has_members(&mut self) -> bool {
        if let Some(container) = &mut self.container {
            return container.count().0 > 0;
        }
        if !self.tree.has_children() {
            return false;
        }
        self.tree.reap();
        !self.tree.members().is_empty()
    }

    /// Whether one of them is about to end by itself.
    fn is_finishing(&mut self) -> bool {
        match &mut self.container {
            Some(container) => container.count().1,
            None => !self.tree.readers().finishing.is_empty(),
        }
    }

    /// Begins to end every process. Those that read what others write get `reader_grace` to end by themselves, when the
    /// others are gone; without that they are ended like all.
    fn terminate_tree(&mut self, grace: Duration, reader_grace: Option<Duration>) {
        let now = Instant::now();
        let kill_at = now.checked_add(grace).unwrap_or(now + crate::run::GRACE);
        self.termination = Some(Termination {
            kill_at,
            readers_until: reader_grace.map_or(now, |grace| kill_at + grace),
            told: HashSet::new(),
            has_begun: false,
        });
        self.go_on_terminating();
    }

    /// Tells every process to end that has not been told yet, or kills them all if their time is up.
    fn go_on_terminating(&mut self) {
        let Some(termination) = &mut self.termination else { return };
        let now = Instant::now();
        let (kill, spare_readers) = (termination.kill_at <= now, now < termination.readers_until);
        match &mut self.container {
            Some(container) => {
                let afresh = !std::mem::replace(&mut termination.has_begun, true);
                container.terminate(afresh, kill, spare_readers);
            }
            None => self.tree.terminate(&mut termination.told, kill, spare_readers),
        }
        if kill {
            termination.kill_at = now + LOOK_AGAIN;
        }
    }

    /// Ends all that the shell has left behind, and passes on what it still had to say. Never waits for the pipe to
    /// close: a process that holds it may be out of reach.
    pub(in crate::run) fn sweep(&mut self, mut line: Option<&mut ShellPipes>) -> Result<(), Error> {
        if let Some(line) = line.as_deref_mut() {
            self.drain(&mut line.output)?;
        }
        let mut give_up = None;
        let patience = Instant::now() + self.job.grace.min(FINISHING_LIMIT);
        while self.has_members() {
            match &self.termination {
                None => {
                    let before = self.written;
                    let until = Instant::now() + QUIET;
                    if let LoopEvent::Signal(arrival) = self.wait(line.as_deref_mut(), None, Some(until))? {
                        self.on_signal(arrival, None);
                    }
                    let finishing = self.written > before || self.is_finishing();
                    if finishing && self.termination.is_none() && Instant::now() < patience {
                        continue;
                    }
                    if finishing && self.termination.is_none() {
                        let message = "processes that the script left behind did not end in time";
                        self.console.event(&Event::Notice { message });
                    }
                    if self.termination.is_none() {
                        self.terminate_tree(self.job.grace.min(LEFTOVER_GRACE), Some(READER_GRACE));
                    }
                }
                Some(termination) => {
                    let give_up = *give_up.get_or_insert(termination.kill_at + KILL_PATIENCE);
                    if give_up <= Instant::now() {
                        self.console.event(&Event::Notice { message: "some processes could not be ended" });
                        break;
                    }
                    self.go_on_terminating();
                }
            }
            let until = Instant::now() + LOOK_AGAIN;
            if let LoopEvent::Signal(arrival) = self.wait(line.as_deref_mut(), None, Some(until))? {
                self.on_signal(arrival, None);
            }
        }
        self.termination = None;
        if let Some(line) = line {
            self.drain(&mut line.output)?;
        }
        Ok(())
    }
}
