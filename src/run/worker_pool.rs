//! Workers: processes of our own, each of which runs one job after another, so that several run side by side.
//!
//! A process each, and no thread: whatever a job leaves behind becomes a child of the process that ran it (see `tree`),
//! so only with a process each is it known whose it is. They are forked, not executed: all that was read and resolved is
//! there already. A worker is forked for its first job and kept for more, as forking takes longer than a small job may.
//!
//! ```text
//! orders   a pipe that all workers read: whoever is free takes the next one
//! news     a pipe from each worker: what has become of its jobs
//! log      a pipe from each worker: its stdout, and its stderr if that is wanted
//! ```

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::{Pid, dup2_stderr, dup2_stdin, dup2_stdout, getppid, pipe2, read, write};

use super::{Error, Outcome, Signals, platform};

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
pub struct Crew<'s> {
    signals: &'s Signals,
    orders: Pipe,
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
    news: Option<OwnedFd>,
    /// `None` once nobody can write to it any more.
    log: Option<OwnedFd>,
}

/// What a worker says of a job, which goes by a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct News {
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
    Begun,
    /// It has ended.
    Ended(Outcome),
    /// `shipctl` could not run it, or not store what it made; this is the exit status.
    Broken(u8),
}

/// Something that happened.
#[derive(Debug)]
pub enum Happening {
    /// The worker of this number has written to its log.
    Log(usize, Vec<u8>),
    /// The worker of this number has news.
    News(usize, News),
    /// The worker of this number is gone.
    Gone(usize),
    /// A signal came; the flag says that the workers have it too.
    Signal(i32, bool),
    /// The stream can be written to.
    Writable,
}

/// A worker's side: where orders come from, and news go to.
pub struct Desk {
    orders: OwnedFd,
    news: OwnedFd,
}

impl<'s> Crew<'s> {
    /// A crew of none yet.
    ///
    /// # Errors
    ///
    /// When no pipe can be made.
    pub fn new(signals: &'s Signals) -> Result<Crew<'s>, Error> {
        let orders = pipe()?;
        Ok(Crew { signals, orders, workers: Vec::new(), buffer: vec![0; PIECE], gathering: None })
    }

    /// How many workers there are.
    pub fn living(&self) -> usize {
        self.workers.iter().filter(|worker| worker.news.is_some()).count()
    }

    /// Hires a worker, which does `work` and is gone with it. Its stdin is empty; its stderr goes into its log if
    /// `with_stderr`.
    ///
    /// # Errors
    ///
    /// When the system has no more processes to give, or this process has several threads.
    pub fn hire(&mut self, with_stderr: bool, work: impl FnOnce(Desk)) -> Result<(), Error> {
        let (news, log) = (pipe()?, pipe()?);
        for from in [&news.from, &log.from] {
            fcntl(from, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map_err(Error::system("prepare a pipe"))?;
        }
        // In the child of a process with several threads only one lives on, and locks that the others hold stay shut.
        let patience = Instant::now() + LINGERING;
        while fs::read_dir("/proc/self/task").map_or(1, Iterator::count) > 1 {
            if Instant::now() > patience {
                let why = io::Error::other("this process has several threads");
                return Err(Error::System("start a worker".to_owned(), why));
            }
            thread::yield_now();
        }
        let parent = Pid::this();
        if let Some(pid) = platform::fork().map_err(Error::system("start a worker"))? {
            self.workers.push(Worker { pid, news: Some(news.from), log: Some(log.from) });
            return Ok(());
        }
        // Should the parent be killed, the worker ends its job in order.
        let heard = prctl::set_pdeathsig(Signal::SIGTERM).is_ok() && getppid() == parent;
        if heard && settle(&log.to, with_stderr).is_ok() {
            // Whoever keeps an end of a pipe keeps it open; so these take the places of ends that are the parent's.
            let orders = std::mem::replace(&mut self.orders.from, news.from);
            drop(std::mem::replace(&mut self.orders.to, log.from));
            drop(log.to);
            self.workers.clear();
            work(Desk { orders, news: news.to });
        }
        std::process::exit(0)
    }

    /// Gives an order to whoever is free first.
    ///
    /// # Errors
    ///
    /// When the pipe does not take it.
    pub fn order(&self, job: u32) -> Result<(), Error> {
        write(&self.orders.to, &job.to_le_bytes()).map(drop).map_err(Error::system("give an order"))
    }

    /// Takes back the orders that nobody has begun.
    pub fn take_back(&self) -> Vec<u32> {
        let mut orders = Vec::new();
        if fcntl(&self.orders.from, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).is_ok() {
            while let Some(order) = read_order(&self.orders.from) {
                orders.push(order);
            }
            let _ = fcntl(&self.orders.from, FcntlArg::F_SETFL(OFlag::empty()));
        }
        orders
    }

    /// Sends a signal to all workers.
    pub fn signal(&self, signal: i32) {
        for worker in self.workers.iter().filter(|worker| worker.news.is_some()) {
            platform::kill(worker.pid, signal);
        }
    }

    /// Waits until something happens, or `until`. News of a worker come behind what it has written before.
    ///
    /// # Errors
    ///
    /// When the system does not let us wait.
    pub fn wait(
        &mut self,
        until: Option<Instant>,
        logs: bool,
        stream: Option<BorrowedFd>,
    ) -> Result<Vec<Happening>, Error> {
        self.gathering = self.gathering.filter(|gathered| logs && *gathered > Instant::now());
        let logs = logs && self.gathering.is_none();
        let until = until.into_iter().chain(self.gathering).min();
        let timeout = until.map_or(PollTimeout::NONE, |until| {
            let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            PollTimeout::try_from(left.as_micros().div_ceil(1000)).unwrap_or(PollTimeout::MAX)
        });
        let mut polled = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        polled.extend(stream.map(|stream| PollFd::new(stream, PollFlags::POLLOUT)));
        for worker in &self.workers {
            let log = worker.log.as_ref().filter(|_| logs);
            let fds = [worker.news.as_ref(), log].into_iter().flatten();
            polled.extend(fds.map(|fd| PollFd::new(fd.as_fd(), PollFlags::POLLIN)));
        }
        match poll(&mut polled, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(Error::system("wait for the workers")(error)),
        }
        let writable = stream.is_some() && polled[1].any().unwrap_or(false);
        let mut happened = Vec::new();
        while let Some(arrival) = self.signals.next().map_err(Error::system("read signals"))? {
            if arrival.signal != libc::SIGCHLD {
                happened.push(Happening::Signal(arrival.signal, arrival.from_kernel));
            }
        }
        for number in 0..self.workers.len() {
            self.hear(number, logs, &mut happened);
        }
        if writable {
            happened.push(Happening::Writable);
        }
        let logged = happened.iter().map(|happening| match happening {
            Happening::Log(_, bytes) => bytes.len(),
            _ => 0,
        });
        if (1..FEW).contains(&logged.sum()) {
            self.gathering = Some(Instant::now() + GATHERING);
        }
        Ok(happened)
    }

    /// Takes what a worker has said. News are read first: what was written before them is in the log by then.
    fn hear(&mut self, number: usize, logs: bool, happened: &mut Vec<Happening>) {
        let worker = &mut self.workers[number];
        let mut news = Vec::new();
        let mut gone = false;
        while let Some(from) = &worker.news {
            let mut message = [0; News::SIZE];
            match read(from, &mut message) {
                Ok(News::SIZE) => news.extend(News::parse(&message)),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => break,
                _ => {
                    worker.news = None;
                    gone = true;
                }
            }
        }
        if logs || !news.is_empty() || gone {
            while let Some(log) = &worker.log {
                match read(log, &mut self.buffer) {
                    Ok(0) => worker.log = None,
                    Ok(n) => happened.push(Happening::Log(number, self.buffer[..n].to_vec())),
                    Err(Errno::EINTR) => {}
                    Err(_) => break,
                }
            }
        }
        happened.extend(news.into_iter().map(|news| Happening::News(number, news)));
        if gone {
            let _ = waitpid(worker.pid, Some(WaitPidFlag::empty()));
            happened.push(Happening::Gone(number));
        }
    }

    /// Sends the workers home once they are through, and waits for them.
    pub fn dismiss(self) {
        let Crew { orders, workers, .. } = self;
        drop(orders);
        for worker in workers.into_iter().filter(|worker| worker.news.is_some()) {
            drop(worker.log);
            let _ = waitpid(worker.pid, None);
        }
    }
}

impl Desk {
    /// The next order; `None` if there are no more to come.
    pub fn next_order(&self) -> Option<u32> {
        read_order(&self.orders)
    }

    /// Tells the news, all at once.
    pub fn tell(&self, news: &[News]) {
        // Without a parent there is nobody to tell.
        let _ = write(&self.news, news.iter().copied().map(News::message).collect::<Vec<_>>().as_flattened());
    }
}

impl News {
    const SIZE: usize = 17;

    fn message(self) -> [u8; News::SIZE] {
        let (kind, value) = match self.stage {
            Stage::Begun => (0, 0),
            Stage::Ended(Outcome::Success) => (1, 0),
            Stage::Ended(Outcome::Failed(status)) => (2, i32::from(status)),
            Stage::Ended(Outcome::Signalled(signal)) => (3, signal),
            Stage::Ended(Outcome::TimedOut) => (4, 0),
            Stage::Ended(Outcome::Cancelled(signal)) => (5, signal),
            Stage::Broken(status) => (6, i32::from(status)),
        };
        let mut message = [kind; News::SIZE];
        message[1..5].copy_from_slice(&self.job.to_le_bytes());
        message[5..9].copy_from_slice(&self.build.to_le_bytes());
        message[9..13].copy_from_slice(&self.took.to_le_bytes());
        message[13..].copy_from_slice(&value.to_le_bytes());
        message
    }

    fn parse(message: &[u8; News::SIZE]) -> Option<News> {
        let number = |at: usize| message[at..at + 4].try_into().map(u32::from_le_bytes).ok();
        let value = number(13)?;
        let status = u8::try_from(value).unwrap_or(u8::MAX);
        let stage = match message[0] {
            0 => Stage::Begun,
            1 => Stage::Ended(Outcome::Success),
            2 => Stage::Ended(Outcome::Failed(status)),
            3 => Stage::Ended(Outcome::Signalled(value.cast_signed())),
            4 => Stage::Ended(Outcome::TimedOut),
            5 => Stage::Ended(Outcome::Cancelled(value.cast_signed())),
            6 => Stage::Broken(status),
            _ => return None,
        };
        Some(News { job: number(1)?, build: number(5)?, took: number(9)?, stage })
    }
}

fn pipe() -> Result<Pipe, Error> {
    let (from, to) = pipe2(OFlag::O_CLOEXEC).map_err(Error::system("make a pipe"))?;
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

/// An order is far smaller than what a pipe keeps whole.
fn read_order(from: &OwnedFd) -> Option<u32> {
    let mut order = [0; 4];
    loop {
        match read(from, &mut order) {
            Ok(4) => return Some(u32::from_le_bytes(order)),
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
            Stage::Begun,
            Stage::Ended(Outcome::Success),
            Stage::Ended(Outcome::Failed(7)),
            Stage::Ended(Outcome::Signalled(9)),
            Stage::Ended(Outcome::TimedOut),
            Stage::Ended(Outcome::Cancelled(2)),
            Stage::Broken(125),
        ] {
            let news = News { job: 70_000, build: 3, took: 1 << 20, stage };
            assert_eq!(News::parse(&news.message()), Some(news));
        }
    }
}
