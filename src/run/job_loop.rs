//! The job loop: part after part of a job, each in a shell.

use std::time::Duration;

use super::event::{Event, StepKind, StepResult};
use super::event_loop::EventLoop;
use super::flow::Part;
use super::shell::Shell;
use super::{Error, Outcome};

impl EventLoop<'_, '_> {
    /// Runs the whole job.
    pub(super) fn run(mut self) -> Result<Outcome, Error> {
        self.console.event(&Event::JobStart { job: self.job.name });
        while let Some(part) = self.next()? {
            match Shell::start(&mut self, part).and_then(Shell::run) {
                Ok(()) => {}
                Err(error) => self.failed(part, error)?,
            }
        }
        self.container = None;
        let outcome = self.flow.outcome();
        self.add_steps_not_run();
        let (job, duration) = (self.job.name, self.started.elapsed());
        self.console.event(&Event::JobEnd { job, outcome, duration, steps: &self.steps });
        self.flush();
        Ok(outcome)
    }

    /// `shipctl` could not start a part, or lead it on. If no line of a script has run, that is all there is to say;
    /// otherwise the part has failed, and what is due after that is still due.
    fn failed(&mut self, part: Part, error: Error) -> Result<(), Error> {
        self.sweep(None)?;
        if !self.entered {
            return Err(error);
        }
        self.console.event(&Event::Notice { message: &error.to_string() });
        let outcome = Outcome::Failed(error.status());
        self.flow.ended(part, outcome);
        let name = part.name(&self.job).to_owned();
        let step = StepResult {
            name,
            kind: part.kind(),
            outcome: Some(outcome),
            overlooked: 0,
            duration: Duration::ZERO,
        };
        self.console.event(&Event::StepEnd { step: &step });
        self.steps.push(step);
        Ok(())
    }

    /// Puts the tasks that never began behind those that did.
    fn add_steps_not_run(&mut self) {
        let is_task = |step: &StepResult| step.kind == StepKind::Task;
        let ran = self.steps.iter().filter(|step| is_task(step)).count();
        let at = self.steps.iter().rposition(is_task).map_or(0, |last| last + 1);
        let missing = self.job.tasks.iter().skip(ran).map(|task| StepResult {
            name: task.name.clone(),
            kind: StepKind::Task,
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
        self.termination = None;
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
}
