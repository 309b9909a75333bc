//! One bash: led through a task or a section, and through the sections that follow as long as it lives.

mod end;

use std::time::Instant;

use nix::libc;
use nix::sys::wait::WaitStatus;

use super::control::{Ask, Point};
use super::driver::{self, Scripts};
use super::event::{Event, StepResult};
use super::event_loop::{EventLoop, LoopEvent, ShellPipes};
use super::flow::Part;
use super::launch::{ShellHost, ShellProcess, WaitingShell};
use super::{Error, Outcome, StepKind};
use crate::exit;
use crate::platform::Session;

/// A shell that has been started.
pub(super) struct Shell<'w, 'a, 'c> {
    event_loop: &'w mut EventLoop<'a, 'c>,
    pipes: ShellPipes,
    process: ShellProcess,
    /// What it has its terminal in; it outlives the shell.
    _session: Option<Session>,
    /// The part of the job that is running, and when it began.
    part: Part,
    part_begun: Instant,
    scripts: Scripts<'a>,
    at: At,
    /// Whether the driver comes to its end when the shell is told nothing more.
    at_end_of_driver: bool,
    entry_begun: Instant,
    /// How many entries of the section have failed.
    overlooked: usize,
    /// The options that the script has set, as in `$-`.
    options: String,
    /// The script's EXIT trap as this bash prints it.
    script_trap: Option<Vec<u8>>,
    /// The DEBUG trap that the script has set, as code that sets it again.
    debug_trap: String,
    /// While a section runs in a subshell of a shell that leaves: the number of the question that follows it.
    after_subshell: Option<u64>,
    /// The part in which the shell left: what is still due in it runs in subshells.
    left: Option<Part>,
    /// Whether it has said that it leaves.
    leaves: bool,
}

/// Where a shell is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Before the first entry of its part.
    Start,
    /// In the entry of this number.
    Entry(usize),
    /// In the script's EXIT trap; the part had ended like this.
    Trap(Outcome),
    /// Nothing is due in it any more.
    Done,
}

/// How far the number of a question jumps after a subshell, which has counted on for itself.
const JUMP: u64 = 1 << 32;

impl<'w, 'a, 'c> Shell<'w, 'a, 'c> {
    /// Lets a shell go that leads through a part of the job: the one that waits for that, or a fresh one.
    pub(super) fn start(
        event_loop: &'w mut EventLoop<'a, 'c>,
        part: Part,
    ) -> Result<Shell<'w, 'a, 'c>, Error> {
        let waiting = event_loop.waiting.take().filter(|waiting| waiting.part == part);
        let waiting = match waiting {
            Some(waiting) => waiting,
            None => {
                let (task, terminal) = (event_loop.flow.task(), event_loop.terminal.as_ref());
                let before = event_loop.container.take();
                WaitingShell::start(
                    &event_loop.job,
                    part,
                    task,
                    terminal,
                    event_loop.signals,
                    &mut event_loop.tree,
                    before,
                )?
            }
        };
        let scripts = Scripts::new(event_loop.job.scripts, part.name(&event_loop.job));
        let entries: &[String] = if let Part::Task(_) = part { part.entries(&event_loop.job) } else { &[] };
        let code = scripts.task(entries.len());
        let WaitingShell { place, mut control, output, session, .. } = waiting;
        if let Some(session) = &session {
            event_loop.tree.spare(session.leader());
        }
        control.release(&code).map_err(Error::system("write the script of the shell"))?;
        // A bash that never begins must not go on for ever either.
        event_loop.begin(part);
        let now = Instant::now();
        let process = match place {
            ShellHost::Here(process) => {
                let pid = process.release();
                event_loop.tree.watch(pid);
                ShellProcess::Here(pid)
            }
            ShellHost::Container(container) => {
                event_loop.container = Some(*container);
                ShellProcess::InContainer
            }
        };
        Ok(Shell {
            event_loop,
            pipes: ShellPipes { control, output: Some(output) },
            process,
            _session: session,
            part,
            part_begun: now,
            scripts,
            at: At::Start,
            at_end_of_driver: entries.is_empty(),
            entry_begun: now,
            overlooked: 0,
            options: String::new(),
            script_trap: None,
            debug_trap: String::new(),
            after_subshell: None,
            left: None,
            leaves: false,
        })
    }

    /// Leads the shell through all that is due in it.
    pub(super) fn run(mut self) -> Result<(), Error> {
        loop {
            let until = self.event_loop.deadline();
            match self.event_loop.wait(Some(&mut self.pipes), Some(self.process), until)? {
                LoopEvent::Ask(ask) => {
                    let number = ask.number;
                    let code = self.answer(ask)?;
                    self.tell(number, code)?;
                }
                LoopEvent::Signal(arrival) => self.event_loop.on_signal(arrival, Some(self.process)),
                LoopEvent::Time => self.event_loop.on_time(),
                LoopEvent::End(status) => {
                    let outcome = match status {
                        WaitStatus::Exited(_, status) => Outcome::of_status(status as u8),
                        WaitStatus::Signaled(_, signal, _) => Outcome::Signalled(signal as i32),
                        _ => Outcome::Success,
                    };
                    return self.ended(outcome);
                }
            }
        }
    }

    fn tell(&mut self, number: u64, code: String) -> Result<(), Error> {
        self.pipes.control.answer(number, code).map_err(Error::system("answer the shell"))
    }

    /// What to tell the shell.
    fn answer(&mut self, ask: Ask) -> Result<String, Error> {
        if let Some(next) = self.after_subshell.filter(|next| ask.number >= *next)
            && let Point::Between(status) = ask.point
        {
            return self.subshell_ended(next, status);
        }
        Ok(match (ask.point, self.at) {
            (Point::Leaving(_) | Point::Signalled(_) | Point::Ended(_), At::Start | At::Done) => {
                String::new()
            }
            (Point::Leaving(status) | Point::Signalled(status) | Point::Ended(status), _) => {
                let mut code = String::new();
                self.leaves = true;
                if let Some(trap) = self.script_trap.take() {
                    code = self.scripts.write_trap(&trap, status, &ask.options, &debug_trap(&ask))?;
                }
                self.options = ask.options;
                let outcome = match ask.point {
                    // Most likely; what it was is known when the process has ended.
                    Point::Signalled(_) => Some(Outcome::Signalled(libc::SIGTERM)),
                    Point::Leaving(_) => Some(Outcome::of_status(status)),
                    Point::Ended(_) | Point::Between(_) => None,
                };
                if let Some(outcome) = outcome.filter(|_| self.after_subshell.is_none())
                    && !self.event_loop.is_terminating()
                {
                    self.left = Some(self.part);
                    if let At::Entry(entry) = self.at {
                        self.report_entry(entry, outcome.status());
                    }
                    self.at = At::Trap(outcome);
                    code = format!(
                        "{{ {code}\n{{ _shipctl=\"between $? $-\"; }} >/dev/null 2>&1\n{}\n}}",
                        driver::ask_as(ask.number + JUMP)
                    );
                }
                code
            }
            // It was told to end, and a command that survived that must not lead on.
            (Point::Between(_), At::Entry(_) | At::Trap(_)) if self.event_loop.is_terminating() => {
                driver::exit_with(exit::of_signal(libc::SIGTERM))
            }
            (Point::Between(_), At::Trap(outcome))
                if self.left.is_some() && self.after_subshell.is_none() =>
            {
                self.end_part(outcome);
                self.next_subshell(ask.number)?
            }
            (Point::Between(status), at) => {
                let mut code = self.keep_trap(&ask);
                self.debug_trap = debug_trap(&ask);
                self.options = ask.options;
                code.push_str(&match at {
                    At::Start => self.begin()?,
                    At::Entry(entry) => self.entry_ended(entry, status)?,
                    At::Trap(outcome) => self.next_part(outcome)?,
                    At::Done => String::new(),
                });
                code
            }
        })
    }

    /// A section that ran in a subshell is over; the shell asks on with the question of this number.
    fn subshell_ended(&mut self, number: u64, status: u8) -> Result<String, Error> {
        self.after_subshell = None;
        self.script_trap = None;
        // One that has come to its end has said so; this one has left.
        if let At::Entry(_) | At::Trap(_) = self.at {
            let outcome = Outcome::of_status(status);
            if let At::Entry(entry) = self.at {
                self.report_entry(entry, status);
            }
            self.end_part(outcome);
        }
        self.next_subshell(number)
    }

    /// Runs the section that is due in a subshell of a shell that leaves, behind the question of this number.
    fn next_subshell(&mut self, number: u64) -> Result<String, Error> {
        match self.event_loop.flow.next_in_shell() {
            Some(part) => {
                self.part = part;
                let code = self.begin()?;
                let next = number + JUMP;
                self.after_subshell = Some(next);
                Ok(driver::in_subshell(&code, next))
            }
            None => {
                self.at = At::Done;
                Ok(String::new())
            }
        }
    }

    /// Keeps the EXIT trap that the script may have set, and gives back the code that sets ours again.
    fn keep_trap(&mut self, ask: &Ask) -> String {
        if ask.trap == driver::our_trap().as_bytes() {
            return String::new();
        }
        let is_none = is_reset(&ask.trap) || ask.trap.starts_with(b"trap -- '' ");
        self.script_trap = (!is_none).then(|| ask.trap.clone());
        format!("{}; ", driver::arm())
    }

    /// Begins the part that is due.
    fn begin(&mut self) -> Result<String, Error> {
        self.scripts.turn_to(self.part.name(&self.event_loop.job));
        self.report_start();
        match (self.part, self.part.entries(&self.event_loop.job).len()) {
            (_, 0) => self.part_ended(Outcome::Success),
            (Part::Task(_), _) => self.begin_entry(1),
            (Part::Section(_), entries) => {
                let before = self.begin_entry(1)?;
                self.scripts.write_section(entries, &before)
            }
        }
    }

    /// Begins an entry, which the shell comes to by itself after what it is told.
    fn begin_entry(&mut self, entry: usize) -> Result<String, Error> {
        let script = &self.part.entries(&self.event_loop.job)[entry - 1];
        let before = self.scripts.write_entry(entry, script, &self.options, &self.debug_trap)?;
        self.enter(entry);
        Ok(before)
    }

    /// The shell is at an entry now.
    fn enter(&mut self, entry: usize) {
        let script = &self.part.entries(&self.event_loop.job)[entry - 1];
        let step = self.part.name(&self.event_loop.job);
        self.event_loop.console.event(&Event::EntryStart { step, entry, script });
        self.at = At::Entry(entry);
        self.event_loop.entered = true;
        self.entry_begun = Instant::now();
    }

    /// An entry has ended: on to the next, or to the end of the part.
    fn entry_ended(&mut self, entry: usize, status: u8) -> Result<String, Error> {
        self.report_entry(entry, status);
        let last = entry == self.part.entries(&self.event_loop.job).len();
        self.at_end_of_driver |= last && self.part.kind() == StepKind::Task;
        match self.part {
            Part::Task(_) if status != 0 => self.part_ended(Outcome::Failed(status)),
            Part::Section(_) if status != 0 => {
                self.overlooked += 1;
                if last { self.part_ended(Outcome::Success) } else { self.begin_entry(entry + 1) }
            }
            _ if last => self.part_ended(Outcome::Success),
            _ => self.begin_entry(entry + 1),
        }
    }

    /// The last entry of the part has ended: the script's own EXIT trap is due, if there is one.
    fn part_ended(&mut self, outcome: Outcome) -> Result<String, Error> {
        let Some(trap) = self.script_trap.take() else { return self.next_part(outcome) };
        self.at = At::Trap(outcome);
        let code = self.scripts.write_trap(&trap, outcome.status(), &self.options, &self.debug_trap)?;
        Ok(driver::then_ask(&code, self.part.kind() == StepKind::Section))
    }

    /// The part is over: on to the next one, if it is for this shell.
    fn next_part(&mut self, outcome: Outcome) -> Result<String, Error> {
        self.end_part(outcome);
        match self.event_loop.flow.next_in_shell() {
            Some(part) => {
                self.part = part;
                self.begin()
            }
            None => {
                self.at = At::Done;
                Ok(if self.at_end_of_driver { String::new() } else { driver::LEAVE.to_owned() })
            }
        }
    }

    fn report_start(&mut self) {
        self.event_loop.begin(self.part);
        self.part_begun = Instant::now();
        self.overlooked = 0;
        let step = self.part.name(&self.event_loop.job);
        self.event_loop.console.event(&Event::StepStart { step, kind: self.part.kind() });
    }

    fn report_entry(&mut self, entry: usize, status: u8) {
        let step = self.part.name(&self.event_loop.job);
        let duration = self.entry_begun.elapsed();
        self.event_loop.console.event(&Event::EntryEnd { step, entry, status, duration });
    }

    /// The part has ended by itself.
    fn end_part(&mut self, outcome: Outcome) {
        self.report_part(outcome);
        self.event_loop.flow.ended(self.part, outcome);
    }

    fn report_part(&mut self, outcome: Outcome) {
        let step = StepResult {
            name: self.part.name(&self.event_loop.job).to_owned(),
            kind: self.part.kind(),
            outcome: Some(outcome),
            overlooked: self.overlooked,
            duration: self.part_begun.elapsed(),
        };
        self.event_loop.console.event(&Event::StepEnd { step: &step });
        self.event_loop.steps.push(step);
    }
}

/// The DEBUG trap that the script may have set, as code that sets it again.
fn debug_trap(ask: &Ask) -> String {
    if is_reset(&ask.debug_trap) {
        return String::new();
    }
    format!("{}; ", String::from_utf8_lossy(&ask.debug_trap).trim_end())
}

/// Whether `trap -p` has printed no trap: nothing, or in POSIX mode `-`.
fn is_reset(trap: &[u8]) -> bool {
    trap.trim_ascii_end().is_empty() || trap.starts_with(b"trap -- - ")
}
