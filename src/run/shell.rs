//! One bash: led through a task or a section, and through the sections that follow as long as it lives.

use std::io;
use std::time::{Duration, Instant};

use nix::libc;
use nix::sys::wait::WaitStatus;
use nix::unistd::Pid;

use super::control::{Ask, Point};
use super::driver::{self, Scripts};
use super::event::{Event, Step};
use super::flow::Part;
use super::launch::Waiting;
use super::platform::Session;
use super::watch::{Happening, Line, Watch};
use super::{Error, Kind, Outcome};
use crate::exit;

/// A shell that has been started.
pub(super) struct Shell<'w, 'a, 'c> {
    watch: &'w mut Watch<'a, 'c>,
    line: Line,
    pid: Pid,
    /// What it has its terminal in; it outlives the shell, for the copy.
    _session: Option<Session>,
    /// The part of the job that is running, and when it began.
    part: Part,
    part_begun: Instant,
    scripts: Scripts<'a>,
    at: At,
    entry_begun: Instant,
    /// How many entries of the section have failed.
    overlooked: usize,
    /// The options that the script has set, as in `$-`.
    options: String,
    /// The script's EXIT trap as this bash prints it.
    script_trap: Option<Vec<u8>>,
    /// The copy that the shell has left behind.
    copy: Copy,
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

/// The copy of a shell that is to take its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Copy {
    None,
    /// It was asked for.
    Wanted,
    /// It is this process, and waits for the answer to the question of this number to take over.
    Ready(Pid, u64),
}

/// How long a copy may take to come forward once the shell is gone.
const COPY_PATIENCE: Duration = Duration::from_secs(1);

impl<'w, 'a, 'c> Shell<'w, 'a, 'c> {
    /// Lets a shell go that leads through a part of the job: the one that waits for that, or a fresh one.
    pub(super) fn start(watch: &'w mut Watch<'a, 'c>, part: Part) -> Result<Shell<'w, 'a, 'c>, Error> {
        let waiting = watch.waiting.take().filter(|waiting| waiting.part == part);
        let waiting = match waiting {
            Some(waiting) => waiting,
            None => {
                let (task, terminal) = (watch.flow.task(), watch.terminal.as_ref());
                Waiting::start(&watch.job, part, task, terminal, watch.signals)?
            }
        };
        let mut scripts = Scripts::new(watch.job.scripts, part.name(&watch.job));
        let entries: &[String] = if let Part::Task(_) = part { part.entries(&watch.job) } else { &[] };
        let is_last = watch.flow.is_last_in_shell(part);
        let code = scripts.task(&waiting.control, entries.len(), is_last);
        if let Some(first) = entries.first() {
            scripts.write_entry(1, first, "")?;
        }
        let Waiting { process, mut control, output, session, .. } = waiting;
        if let Some(session) = &session {
            watch.tree.spare(session.leader());
        }
        let asks = driver::asks(entries.len(), is_last);
        control.release(&code, asks).map_err(Error::system("let the shell go"))?;
        let now = Instant::now();
        let has_begun = !entries.is_empty();
        let mut shell = Shell {
            watch,
            line: Line { control, output: Some(output) },
            pid: process.release(),
            _session: session,
            part,
            part_begun: now,
            scripts,
            at: At::Start,
            entry_begun: now,
            overlooked: 0,
            options: String::new(),
            script_trap: None,
            copy: Copy::None,
        };
        if has_begun {
            shell.report_start();
            shell.enter(1);
        }
        Ok(shell)
    }

    /// Leads the shell through all that is due in it.
    pub(super) fn run(mut self) -> Result<(), Error> {
        loop {
            let until = self.watch.deadline();
            match self.watch.wait(Some(&mut self.line), Some(self.pid), until)? {
                Happening::Ask(ask) => {
                    let number = ask.number;
                    if let Some(code) = self.answer(ask)? {
                        self.tell(number, &code)?;
                    }
                }
                Happening::Signal(arrival) => self.watch.on_signal(arrival, Some(self.pid)),
                Happening::Time => self.watch.on_time(),
                Happening::End(status) => {
                    let outcome = match status {
                        WaitStatus::Exited(_, status) => Outcome::of_status(status as u8),
                        WaitStatus::Signaled(_, signal, _) => Outcome::Signalled(signal as i32),
                        _ => Outcome::Success,
                    };
                    if self.at == At::Done || !self.take_over(outcome)? {
                        return self.ended(outcome);
                    }
                }
            }
        }
    }

    fn tell(&self, number: u64, code: &str) -> Result<(), Error> {
        self.line.control.answer(number, code).map_err(Error::system("answer the shell"))
    }

    /// What to tell the shell, if that is known yet.
    fn answer(&mut self, ask: Ask) -> Result<Option<String>, Error> {
        Ok(Some(match (ask.point, self.at) {
            (Point::Copy(pid), _) => {
                self.copy = Copy::Ready(pid, ask.number);
                return Ok(None);
            }
            (Point::Leaving(_), At::Start | At::Done) => String::new(),
            (Point::Leaving(status), _) => {
                let mut code = String::new();
                if !self.watch.is_ending() {
                    self.options = ask.options;
                    self.copy = Copy::Wanted;
                    code.push_str(&driver::copy());
                }
                if let Some(trap) = self.script_trap.take() {
                    code.push('\n');
                    code.push_str(&self.scripts.write_trap(&trap, status)?);
                }
                code
            }
            // It was told to end, and a command that survived that must not lead on.
            (Point::Between(_), At::Entry(_) | At::Trap(_)) if self.watch.is_ending() => {
                format!(r"\builtin exit {}", exit::of_signal(libc::SIGTERM))
            }
            (Point::Between(status), at) => {
                let mut code = self.keep_trap(&ask);
                self.options = ask.options;
                code.push_str(&match at {
                    At::Start => self.begin()?,
                    At::Entry(entry) => self.entry_ended(entry, status)?,
                    At::Trap(outcome) => self.next_part(outcome)?,
                    At::Done => String::new(),
                });
                code
            }
        }))
    }

    /// Keeps the EXIT trap that the script may have set, and gives back the code that sets ours again.
    fn keep_trap(&mut self, ask: &Ask) -> String {
        if ask.trap == driver::our_trap().as_bytes() {
            return String::new();
        }
        // `trap '' EXIT` and `trap - EXIT` mean none.
        let nothing = ask.trap.is_empty() || ask.trap.starts_with(b"trap -- '' ");
        self.script_trap = (!nothing).then(|| ask.trap.clone());
        format!("{}; {}; ", driver::arm(), driver::more(!nothing))
    }

    /// Begins the part that is due.
    fn begin(&mut self) -> Result<String, Error> {
        self.scripts.turn_to(self.part.name(&self.watch.job));
        self.report_start();
        match (self.part, self.part.entries(&self.watch.job).len()) {
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
        let script = &self.part.entries(&self.watch.job)[entry - 1];
        let before = self.scripts.write_entry(entry, script, &self.options)?;
        self.enter(entry);
        Ok(before.to_owned())
    }

    /// The shell is at an entry now.
    fn enter(&mut self, entry: usize) {
        let script = &self.part.entries(&self.watch.job)[entry - 1];
        let step = self.part.name(&self.watch.job);
        self.watch.report.event(&Event::EntryStart { step, entry, script });
        self.at = At::Entry(entry);
        self.watch.entered = true;
        self.entry_begun = Instant::now();
    }

    /// An entry has ended: on to the next, or to the end of the part.
    fn entry_ended(&mut self, entry: usize, status: u8) -> Result<String, Error> {
        self.report_entry(entry, status);
        let last = entry == self.part.entries(&self.watch.job).len();
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
        let code = self.scripts.write_trap(&trap, outcome.status())?;
        Ok(driver::then_ask(&code, self.part.kind() == Kind::Section))
    }

    /// The part is over: on to the next one, if it is for this shell.
    fn next_part(&mut self, outcome: Outcome) -> Result<String, Error> {
        self.report_part(outcome);
        self.watch.flow.ended(self.part, outcome);
        match self.watch.flow.next_in_shell() {
            Some(part) => {
                self.part = part;
                self.begin()
            }
            None => {
                self.at = At::Done;
                Ok(driver::LEAVE.to_owned())
            }
        }
    }

    /// The shell's process has ended on its own, and with it the part. If it has left a copy, that leads on; says
    /// whether.
    fn take_over(&mut self, outcome: Outcome) -> Result<bool, Error> {
        if self.copy == Copy::None || self.watch.cut.is_some() || self.watch.tree.members().is_empty() {
            return Ok(false);
        }
        let patience = Instant::now() + COPY_PATIENCE;
        while self.copy == Copy::Wanted && self.watch.cut.is_none() && Instant::now() < patience {
            match self.watch.wait(Some(&mut self.line), None, Some(patience))? {
                Happening::Ask(Ask { number, point: Point::Copy(pid), .. }) => {
                    self.copy = Copy::Ready(pid, number)
                }
                Happening::Signal(arrival) => self.watch.on_signal(arrival, None),
                _ => {}
            }
        }
        let Copy::Ready(pid, number) = self.copy else { return Ok(false) };
        if self.watch.cut.is_some() {
            return Ok(false);
        }
        self.pid = pid;
        self.copy = Copy::None;
        if let At::Entry(entry) = self.at {
            self.report_entry(entry, outcome.status());
        }
        let code = self.next_part(outcome)?;
        self.tell(number, &code)?;
        Ok(true)
    }

    /// The shell has ended for good: what it left behind goes too, and if it had something to do, this was its end.
    fn ended(mut self, outcome: Outcome) -> Result<(), Error> {
        let cut = self.watch.cut;
        self.watch.sweep(Some(&mut self.line))?;
        if let At::Entry(entry) = self.at {
            self.report_entry(entry, outcome.status());
        }
        match (self.at, cut) {
            (At::Start, None) => {
                let why = io::Error::other(format!("bash {} before the first line", outcome.describe()));
                return Err(Error::System("lead bash through the script".to_owned(), why));
            }
            (At::Start | At::Done, _) => {}
            (_, Some(cut)) => self.report_part(cut),
            (_, None) => {
                self.report_part(outcome);
                self.watch.flow.ended(self.part, outcome);
            }
        }
        Ok(())
    }

    fn report_start(&mut self) {
        self.watch.begin(self.part);
        self.part_begun = Instant::now();
        self.overlooked = 0;
        let step = self.part.name(&self.watch.job);
        self.watch.report.event(&Event::StepStart { step, kind: self.part.kind() });
    }

    fn report_entry(&mut self, entry: usize, status: u8) {
        let step = self.part.name(&self.watch.job);
        let duration = self.entry_begun.elapsed();
        self.watch.report.event(&Event::EntryEnd { step, entry, status, duration });
    }

    fn report_part(&mut self, outcome: Outcome) {
        let step = Step {
            name: self.part.name(&self.watch.job).to_owned(),
            kind: self.part.kind(),
            outcome: Some(outcome),
            overlooked: self.overlooked,
            duration: self.part_begun.elapsed(),
        };
        self.watch.report.event(&Event::StepEnd { step: &step });
        self.watch.steps.push(step);
    }
}
