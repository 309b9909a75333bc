//! What may begin, what runs, and what a failure keeps from beginning. Pure bookkeeping.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Instant;

use crate::order::Order;
use crate::run::Outcome;
use crate::run::worker_pool::{Stage, Update};

/// The jobs of a line, each by its number in the order.
pub(super) struct Schedule<'o> {
    pub(super) order: &'o Order<'o>,
    states: Vec<JobState>,
    /// How many jobs are given out, or run.
    given: usize,
    /// How many jobs each waits for still.
    open: Vec<usize>,
    /// Which jobs wait for each, and whether it has to succeed for them.
    after: Vec<Vec<(usize, bool)>>,
    /// Who goes on with which job by itself once this one has succeeded.
    follows: Vec<Option<u32>>,
    ready: VecDeque<usize>,
    /// The status of the first job that failed.
    failed: Option<u8>,
}

/// What has become of a job.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum JobState {
    /// It waits for others.
    Waiting,
    /// It was given out.
    Given,
    /// A worker has it.
    Running {
        /// Its number.
        worker: usize,
        /// Since when.
        since: Instant,
    },
    /// It has run.
    Ended(Update),
    /// It does not run, because this one failed.
    Kept(usize),
    /// It does not run, because all of it was stopped.
    Stopped,
}

impl JobState {
    /// Whether it ran, and well.
    pub(super) fn is_good(self) -> bool {
        matches!(self, JobState::Ended(Update { stage: Stage::Ended(Outcome::Success), .. }))
    }

    /// Whether it was cancelled.
    pub(super) fn is_cancelled(self) -> bool {
        matches!(self, JobState::Ended(Update { stage: Stage::Ended(Outcome::Cancelled(_)), .. }))
    }
}

impl<'o> Schedule<'o> {
    /// A line of which nothing has begun.
    pub(super) fn new(order: &'o Order<'o>) -> Schedule<'o> {
        let count = order.members.len();
        let mut after = vec![Vec::new(); count];
        for (index, member) in order.members.iter().enumerate() {
            member.after.iter().for_each(|wait| after[wait.member].push((index, wait.starts)));
        }
        let open: Vec<usize> = order.members.iter().map(|member| member.after.len()).collect();
        // Waiting for nothing else, it would be given to no other worker either.
        let follows = after.iter().map(|next| {
            let alone = next.iter().find(|(job, starts)| *starts && open[*job] == 1);
            alone.and_then(|(job, _)| u32::try_from(*job).ok())
        });
        Schedule {
            order,
            states: vec![JobState::Waiting; count],
            given: 0,
            follows: follows.collect(),
            ready: (0..count).filter(|&job| open[job] == 0).collect(),
            open,
            after,
            failed: None,
        }
    }

    /// Takes the next job that may begin.
    pub(super) fn next(&mut self) -> Option<u32> {
        let job = self.ready.pop_front()?;
        self.set(job, JobState::Given);
        u32::try_from(job).ok()
    }

    /// Takes note of what has become of a job.
    fn set(&mut self, job: usize, state: JobState) {
        let is_given = |state| matches!(state, JobState::Given | JobState::Running { .. });
        self.given -= usize::from(is_given(self.states[job]));
        self.given += usize::from(is_given(state));
        self.states[job] = state;
    }

    /// Which job a worker goes on with by itself, once one has succeeded.
    pub(super) fn follows(&self) -> &[Option<u32>] {
        &self.follows
    }

    /// How many jobs are given out, or run.
    pub(super) fn given(&self) -> usize {
        self.given
    }

    /// How many jobs are in such a state.
    pub(super) fn count(&self, is: impl Fn(JobState) -> bool) -> usize {
        self.states.iter().filter(|state| is(**state)).count()
    }

    /// Whether anything is still to be waited for.
    pub(super) fn is_open(&self) -> bool {
        !self.ready.is_empty() || self.given > 0
    }

    /// The state of each job, with its name.
    pub(super) fn jobs(&self) -> impl Iterator<Item = (&str, JobState)> {
        self.order.members.iter().map(|member| member.job.name.text.as_str()).zip(self.states.iter().copied())
    }

    /// What has become of a job.
    pub(super) fn state(&self, job: usize) -> JobState {
        self.states[job]
    }

    /// The name of a job.
    pub(super) fn name(&self, job: usize) -> &str {
        &self.order.members[job].job.name.text
    }

    /// The job that a worker has.
    pub(super) fn job_of(&self, worker: usize) -> Option<u32> {
        let has = |state: &JobState| matches!(state, JobState::Running { worker: of, .. } if *of == worker);
        self.states.iter().position(has).and_then(|job| u32::try_from(job).ok())
    }

    /// A worker has begun a job.
    pub(super) fn started(&mut self, job: u32, worker: usize) {
        self.set(job as usize, JobState::Running { worker, since: Instant::now() });
    }

    /// A job has ended. Returns those that do not run because of that.
    pub(super) fn ended(&mut self, update: Update) -> Vec<usize> {
        let job = update.job as usize;
        self.set(job, JobState::Ended(update));
        if !self.states[job].is_good() {
            let status = match update.stage {
                Stage::Ended(outcome) => outcome.status(),
                Stage::Broken(status) => status,
                Stage::Started => return Vec::new(),
            };
            self.failed.get_or_insert(status);
        }
        let mut kept = Vec::new();
        let mut done = vec![(job, job)];
        while let Some((job, because)) = done.pop() {
            let good = self.states[job].is_good();
            for (next, has_to_succeed) in self.after[job].clone() {
                self.open[next] -= 1;
                if self.states[next] != JobState::Waiting {
                    continue;
                }
                if has_to_succeed && !good {
                    self.set(next, JobState::Kept(because));
                    kept.push(next);
                    done.push((next, because));
                } else if self.open[next] == 0 {
                    if good && self.follows[job].is_some_and(|follower| follower as usize == next) {
                        self.set(next, JobState::Given);
                    } else {
                        self.ready.push_back(next);
                    }
                }
            }
        }
        kept
    }

    /// Nothing more is to begin; these were given out, but not begun.
    pub(super) fn stop(&mut self, taken_back: &[u32]) {
        self.ready.clear();
        for job in taken_back {
            self.set(*job as usize, JobState::Stopped);
        }
        for state in &mut self.states {
            if *state == JobState::Waiting {
                *state = JobState::Stopped;
            }
        }
    }

    /// The exit status of it all.
    pub(super) fn status(&self) -> u8 {
        self.failed.unwrap_or_default()
    }
}
