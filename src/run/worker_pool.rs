//! The worker pool: processes of our own, each of which runs one job after another, so that several run side by side.
//!
//! Processes, and not threads: what a job leaves behind becomes a child of the process that ran it (see `process_tree`),
//! so only with a process each is it known which job it belongs to. They are forked, not executed: all that was read and resolved is
//! there already. A worker is forked for its first job and kept for more, as forking takes longer than a small job may.
//!
//! ```text
//! queue     a pipe of jobs that all workers read: the first one that is free takes the next job
//! updates   a pipe from each worker: what has become of its jobs
//! log       a pipe from each worker: its stdout, and its stderr if that is wanted
//! ```

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::{Pid, dup2_stderr, dup2_stdin, dup2_stdout, read, write};

use super::{Error, Outcome, Signals};
use crate::platform;
use crate::poll::PollSet;

/// How long a thread that has ended may still be seen.
const LINGERING: Duration = Duration::from_secs(1);

/// What is read of a log at once.
const PIECE: usize = 64 * 1024;

/// How long the next lines of the logs are left to gather after a few have come: to be woken for each would take the time
/// of the jobs. The first ones after a pause, and many, come at once.
const GATHERING: Duration = Duration::from_millis(5);

/// How much of the logs is a few lines, in bytes.
const FEW: usize = 4 * 1024;

/// The workers of a run.
pub struct WorkerPool<'s> {
    signals: &'s Signals,
    queue: Pipe,
    workers: Vec<Worker>,
    buffer: Vec<u8>,
    /// Until when the logs gather.
    gathering: Option<Instant>,
}

/// The ends of a pipe.
struct Pipe {
    from: OwnedFd,
    to: OwnedFd,
}

struct Worker {
    pid: Pid,
    /// `None` once it has closed it.
    updates: Option<OwnedFd>,
    /// `None` once no process can write to it any more.
    log: Option<OwnedFd>,
}

/// What a worker reports of a job, which goes by a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Update {
    /// The job.
    pub job: u32,
    /// The number of the build; 0 if it has none.
    pub build: u32,
    /// How long it took, in milliseconds.
    pub took: u32,
    /// What has become of it.
    pub stage: Stage,
}

/// What has become of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It has begun.
    Started,
    /// It has ended.
    Ended(Outcome),
    /// `shipctl` could not run it, or not store what it made; this is the exit status.
    Broken(u8),
}

/// What happens in a pool.
#[derive(Debug)]
pub enum PoolEvent {
    /// The worker of this number has written to its log.
    Log(usize, Vec<u8>),
    /// The worker of this number reports of a job.
    Update(usize, Update),
    /// The worker of this number has exited.
    Exited(usize),
    /// A signal came; the flag says that the workers have it too.
    Signal(i32, bool),
    /// The stream can be written to.
    Writable,
}

/// A worker's side of the pool: where its jobs come from, and its updates go to.
pub struct WorkerHandle {
    queue: OwnedFd,
    updates: OwnedFd,
}

impl<'s> WorkerPool<'s> {
    /// A pool without workers.
    ///
    /// # Errors
    ///
    /// When no pipe can be made.
    pub fn new(signals: &'s Signals) -> Result<WorkerPool<'s>, Error> {
        let queue = pipe()?;
        Ok(WorkerPool { signals, queue, workers: Vec::new(), buffer: vec![0; PIECE], gathering: None })
    }

    /// How many workers there are.
    pub fn living(&self) -> usize {
        self.workers.iter().filter(|worker| worker.updates.is_some()).count()
    }

    /// Spawns a worker, which does `work` and exits. Its stdin is empty; its stderr goes into its log if
    /// `with_stderr`.
    ///
    /// # Errors
    ///
    /// When the system has no more processes to give, or this process has several threads.
    pub fn spawn(&mut self, with_stderr: bool, work: impl FnOnce(WorkerHandle)) -> Result<(), Error> {
        let (updates, log) = (pipe()?, pipe()?);
        for from in [&updates.from, &log.from] {
            fcntl(from, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map_err(Error::system("prepare a pipe"))?;
        }
        // In the child of a process with several threads only one lives on, and locks that the others hold stay shut.
        let patience = Instant::now() + LINGERING;
        while platform::threads() > 1 {
            if Instant::now() > patience {
                let why = io::Error::other("this process has several threads");
                return Err(Error::System("start a worker".to_owned(), why));
            }
            thread::yield_now();
        }
        let parent = Pid::this();
        if let Some(pid) = platform::fork().map_err(Error::system("start a worker"))? {
            self.workers.push(Worker { pid, updates: Some(updates.from), log: Some(log.from) });
            return Ok(());
        }
        // Should the parent be killed, the worker ends its job in order.
        let heard = platform::end_with_parent(parent);
        if heard && settle(&log.to, with_stderr).is_ok() {
            // An end that is kept keeps the pipe open; so these take the places of ends that are the parent's.
            let queue = std::mem::replace(&mut self.queue.from, updates.from);
            drop(std::mem::replace(&mut self.queue.to, log.from));
            drop(log.to);
            self.workers.clear();
            work(WorkerHandle { queue, updates: updates.to });
        }
        std::process::exit(0)
    }

    /// Queues a job for the first worker that is free.
    ///
    /// # Errors
    ///
    /// When the pipe does not take it.
    pub fn enqueue(&self, job: u32) -> Result<(), Error> {
        write(&self.queue.to, &job.to_le_bytes()).map(drop).map_err(Error::system("queue a job"))
    }

    /// Takes the jobs back that no worker has begun.
    pub fn withdraw(&self) -> Vec<u32> {
        let mut jobs = Vec::new();
        if fcntl(&self.queue.from, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).is_ok() {
            while let Some(job) = read_job(&self.queue.from) {
                jobs.push(job);
            }
            let _ = fcntl(&self.queue.from, FcntlArg::F_SETFL(OFlag::empty()));
        }
        jobs
    }

    /// Sends a signal to all workers.
    pub fn signal(&self, signal: i32) {
        for worker in self.workers.iter().filter(|worker| worker.updates.is_some()) {
            platform::kill(worker.pid, signal);
        }
    }

    /// Waits until something happens, or `until`. Update of a worker come behind what it has written before.
    ///
    /// # Errors
    ///
    /// When the system does not let us wait.
    pub fn wait(
        &mut self,
        until: Option<Instant>,
        logs: bool,
        stream: Option<BorrowedFd>,
    ) -> Result<Vec<PoolEvent>, Error> {
        self.gathering = self.gathering.filter(|gathered| logs && *gathered > Instant::now());
        let logs = logs && self.gathering.is_none();
        let until = until.into_iter().chain(self.gathering).min();
        let mut set = PollSet::default();
        set.readable(self.signals.as_fd());
        let stream = set.writable(stream);
        for worker in &self.workers {
            set.readable(worker.updates.as_ref().map(AsFd::as_fd));
            set.readable(worker.log.as_ref().filter(|_| logs).map(AsFd::as_fd));
        }
        let left =
            until.map(|until| until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1)));
        let ready = set.wait(left).map_err(Error::system("wait for the workers"))?;
        let mut events = Vec::new();
        while let Some(arrival) = self.signals.next().map_err(Error::system("read signals"))? {
            if arrival.signal != libc::SIGCHLD {
                events.push(PoolEvent::Signal(arrival.signal, arrival.from_kernel));
            }
        }
        for number in 0..self.workers.len() {
            self.read_worker(number, logs, &mut events);
        }
        if ready.has(stream) {
            events.push(PoolEvent::Writable);
        }
        let logged = events.iter().map(|event| match event {
            PoolEvent::Log(_, bytes) => bytes.len(),
            _ => 0,
        });
        if (1..FEW).contains(&logged.sum()) {
            self.gathering = Some(Instant::now() + GATHERING);
        }
        Ok(events)
    }

    /// Takes what a worker has said. Update are read first: what was written before them is in the log by then.
    fn read_worker(&mut self, number: usize, logs: bool, events: &mut Vec<PoolEvent>) {
        let worker = &mut self.workers[number];
        let mut updates = Vec::new();
        let mut gone = false;
        while let Some(from) = &worker.updates {
            let mut message = [0; Update::SIZE];
            match read(from, &mut message) {
                Ok(Update::SIZE) => updates.extend(Update::parse(&message)),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => break,
                _ => {
                    worker.updates = None;
                    gone = true;
                }
            }
        }
        if logs || !updates.is_empty() || gone {
            while let Some(log) = &worker.log {
                match read(log, &mut self.buffer) {
                    Ok(0) => worker.log = None,
                    Ok(n) => events.push(PoolEvent::Log(number, self.buffer[..n].to_vec())),
                    Err(Errno::EINTR) => {}
                    Err(_) => break,
                }
            }
        }
        events.extend(updates.into_iter().map(|update| PoolEvent::Update(number, update)));
        if gone {
            let _ = waitpid(worker.pid, Some(WaitPidFlag::empty()));
            events.push(PoolEvent::Exited(number));
        }
    }

    /// Ends the queue, and waits for the workers to exit once they are through.
    pub fn shut_down(self) {
        let WorkerPool { queue, workers, .. } = self;
        drop(queue);
        for worker in workers.into_iter().filter(|worker| worker.updates.is_some()) {
            drop(worker.log);
            let _ = waitpid(worker.pid, None);
        }
    }
}

impl WorkerHandle {
    /// The next job; `None` if there are no more to come.
    pub fn next_job(&self) -> Option<u32> {
        read_job(&self.queue)
    }

    /// Sends updates, all at once.
    pub fn send(&self, updates: &[Update]) {
        // Without a parent, there is no reader.
        let _ = write(
            &self.updates,
            updates.iter().copied().map(Update::message).collect::<Vec<_>>().as_flattened(),
        );
    }
}

impl Update {
    const SIZE: usize = 17;

    fn message(self) -> [u8; Update::SIZE] {
        let (kind, value) = match self.stage {
            Stage::Started => (0, 0),
            Stage::Ended(Outcome::Success) => (1, 0),
            Stage::Ended(Outcome::Failed(status)) => (2, i32::from(status)),
            Stage::Ended(Outcome::Signalled(signal)) => (3, signal),
            Stage::Ended(Outcome::TimedOut) => (4, 0),
            Stage::Ended(Outcome::Cancelled(signal)) => (5, signal),
            Stage::Broken(status) => (6, i32::from(status)),
        };
        let mut message = [kind; Update::SIZE];
        message[1..5].copy_from_slice(&self.job.to_le_bytes());
        message[5..9].copy_from_slice(&self.build.to_le_bytes());
        message[9..13].copy_from_slice(&self.took.to_le_bytes());
        message[13..].copy_from_slice(&value.to_le_bytes());
        message
    }

    fn parse(message: &[u8; Update::SIZE]) -> Option<Update> {
        let number = |at: usize| message[at..at + 4].try_into().map(u32::from_le_bytes).ok();
        let value = number(13)?;
        let status = u8::try_from(value).unwrap_or(u8::MAX);
        let stage = match message[0] {
            0 => Stage::Started,
            1 => Stage::Ended(Outcome::Success),
            2 => Stage::Ended(Outcome::Failed(status)),
            3 => Stage::Ended(Outcome::Signalled(value.cast_signed())),
            4 => Stage::Ended(Outcome::TimedOut),
            5 => Stage::Ended(Outcome::Cancelled(value.cast_signed())),
            6 => Stage::Broken(status),
            _ => return None,
        };
        Some(Update { job: number(1)?, build: number(5)?, took: number(9)?, stage })
    }
}

fn pipe() -> Result<Pipe, Error> {
    let (from, to) = platform::pipe().map_err(Error::system("make a pipe"))?;
    Ok(Pipe { from, to })
}

/// Gives a worker its stdin, stdout and stderr.
fn settle(log: &OwnedFd, with_stderr: bool) -> io::Result<()> {
    dup2_stdin(fs::File::open("/dev/null")?)?;
    dup2_stdout(log)?;
    if with_stderr {
        dup2_stderr(log)?;
    }
    Ok(())
}

/// The number of a job is far smaller than what a pipe keeps whole.
fn read_job(from: &OwnedFd) -> Option<u32> {
    let mut job = [0; 4];
    loop {
        match read(from, &mut job) {
            Ok(4) => return Some(u32::from_le_bytes(job)),
            Err(Errno::EINTR) => {}
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_arrive_as_they_were_told() {
        for stage in [
            Stage::Started,
            Stage::Ended(Outcome::Success),
            Stage::Ended(Outcome::Failed(7)),
            Stage::Ended(Outcome::Signalled(9)),
            Stage::Ended(Outcome::TimedOut),
            Stage::Ended(Outcome::Cancelled(2)),
            Stage::Broken(125),
        ] {
            let update = Update { job: 70_000, build: 3, took: 1 << 20, stage };
            assert_eq!(Update::parse(&update.message()), Some(update));
        }
    }
}
