//! The other side: a worker that runs the job, and a supervisor between it and the machine that started it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, dup2_stdin, dup2_stdout, read};
use zeroize::Zeroizing;

use super::super::{Error, Signals};
use super::frame::{Frame, FrameKind, ReceivedBytes, SURE, UnsentBytes, framed, hello};
use super::transfer::{Download, Upload};
use super::{SIGN_OF_LIFE, SILENCE};
use crate::platform;
use crate::poll::PollSet;

/// How long a worker that was told to end may take before it is killed: longer than all that a job may still do then.
const LAST_LIMIT: Duration = Duration::from_secs(300);

/// How often is looked whether time is up, in milliseconds.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// What is read at once.
const PIECE: usize = 64 * 1024;

/// Runs `work` in a process of its own, between stdin and stdout of this one: frames that are for the job are passed to it,
/// and what it writes is passed on. When stdin ends, or nothing has come from there for too long, the worker is told to end as by SIGTERM.
///
/// # Errors
///
/// When the worker cannot be started, and when the system does not let us wait.
pub fn supervise(signals: &Signals, work: impl FnOnce(Input, Output)) -> Result<(), Error> {
    let pipe = || platform::pipe().map_err(Error::system("make a pipe"));
    let ((from_us, to_worker), (from_worker, to_us)) = (pipe()?, pipe()?);
    fcntl(&to_worker, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map_err(Error::system("prepare a pipe"))?;
    let parent = Pid::this();
    let Some(worker) = platform::fork().map_err(Error::system("start a worker"))? else {
        drop((to_worker, from_worker));
        // Should the supervisor be killed, the worker ends its job in order.
        let is_heard = platform::end_with_parent(parent);
        if is_heard && let Ok((input, output)) = settle(from_us, to_us) {
            work(input, output);
        }
        std::process::exit(0)
    };
    drop((from_us, to_us));
    let (stdin, stdout) = (io::stdin(), io::stdout());
    Supervisor::new(signals, (stdin.as_fd(), stdout.as_fd()), worker, (from_worker, to_worker)).run()
}

/// Gives the worker its ends of the pipes, as its stdin and stdout: what is printed by mistake must not lie between frames.
fn settle(from: OwnedFd, to: OwnedFd) -> io::Result<(Input, Output)> {
    dup2_stdin(File::open("/dev/null")?)?;
    dup2_stdout(OpenOptions::new().write(true).open("/dev/null")?)?;
    Ok((Input { from: from.into(), received: ReceivedBytes::default() }, Output { to: to.into() }))
}

struct Supervisor<'s> {
    signals: &'s Signals,
    stdin: BorrowedFd<'s>,
    stdout: BorrowedFd<'s>,
    /// How long nothing may come from the other side before it counts as lost.
    silence: Duration,
    worker: Pid,
    /// Where the worker reads; `None` once there is nothing more to come.
    to_worker: Option<OwnedFd>,
    from_worker: OwnedFd,
    /// When something came from the other side last.
    heard: Instant,
    /// Whether the other side is there.
    is_open: bool,
    /// Whether the other side has stopped on purpose, and shows no life.
    is_stopped: bool,
    /// When the worker is killed.
    kill_at: Option<Instant>,
    /// What came from the other side.
    received: ReceivedBytes,
    /// What came from the worker.
    reported: ReceivedBytes,
    /// What is for the worker.
    input: UnsentBytes,
    /// What is for the other side.
    out: UnsentBytes,
}

impl<'s> Supervisor<'s> {
    /// Stands between the other side, which is at these ends of stdin and stdout, and a worker, which reads and writes at those.
    fn new(
        signals: &'s Signals,
        (stdin, stdout): (BorrowedFd<'s>, BorrowedFd<'s>),
        worker: Pid,
        (from_worker, to_worker): (OwnedFd, OwnedFd),
    ) -> Supervisor<'s> {
        Supervisor {
            signals,
            stdin,
            stdout,
            silence: SILENCE,
            worker,
            to_worker: Some(to_worker),
            from_worker,
            heard: Instant::now(),
            is_open: true,
            is_stopped: false,
            kill_at: None,
            received: ReceivedBytes::default(),
            reported: ReceivedBytes::default(),
            input: UnsentBytes::default(),
            out: UnsentBytes::default(),
        }
    }

    fn run(mut self) -> Result<(), Error> {
        self.out.push(&hello());
        let mut shown = Instant::now();
        let mut status = None;
        // Whether the worker may still write.
        let mut is_reporting = true;
        loop {
            let now = Instant::now();
            if now >= shown + SIGN_OF_LIFE {
                self.out.push(&framed(FrameKind::Alive, &[]));
                shown = now;
            }
            let is_read = self.is_open && !self.input.is_full();
            if !is_read {
                // That nothing is heard is our own doing.
                self.heard = now;
            }
            if self.is_open && !self.is_stopped && now >= self.heard + self.silence {
                self.lose(now);
            }
            if self.kill_at.is_some_and(|kill_at| now >= kill_at) {
                self.kill_at = None;
                platform::kill(self.worker, libc::SIGKILL);
            }
            let is_heard = is_reporting && !self.out.is_full();
            let mut set = PollSet::default();
            set.readable(self.signals.as_fd());
            let heard = set.readable(is_read.then_some(self.stdin));
            let report = set.readable(is_heard.then(|| self.from_worker.as_fd()));
            let answer = set.writable((!self.out.is_empty()).then_some(self.stdout));
            let to_worker = self.to_worker.as_ref().filter(|_| !self.input.is_empty());
            let passed_on = set.writable(to_worker.map(AsFd::as_fd));
            let ready = set.wait(Some(LOOK_AGAIN)).map_err(Error::system("wait for the job"))?;
            while let Some(arrival) = self.signals.next().map_err(Error::system("read signals"))? {
                if arrival.ends_programs() {
                    platform::kill(self.worker, arrival.signal);
                }
            }
            if ready.has(heard) && !self.take_input() {
                self.lose(Instant::now());
            }
            if ready.has(passed_on)
                && let Some(to) = &self.to_worker
                && !self.input.write_some(to.as_fd(), PIECE)
            {
                self.to_worker = None;
            }
            if ready.has(report) {
                is_reporting = self.take_report();
            }
            if ready.has(answer) && !self.out.write_some(self.stdout, SURE) && self.is_open {
                self.lose(Instant::now());
            }
            if status.is_none() {
                status = match waitpid(self.worker, Some(WaitPidFlag::WNOHANG)) {
                    Ok(WaitStatus::StillAlive) | Err(Errno::EINTR) => None,
                    ended => Some(ended),
                };
            }
            if status.is_none() || is_reporting {
                continue;
            }
            if matches!(status, Some(Ok(WaitStatus::Signaled(..)))) {
                self.out.push(&framed(FrameKind::Killed, &[]));
                status = Some(Err(Errno::ECHILD));
            }
            if self.out.is_empty() || !self.is_open {
                return Ok(());
            }
        }
    }

    /// The other side is gone: the worker ends its job.
    fn lose(&mut self, now: Instant) {
        self.is_open = false;
        self.to_worker = None;
        platform::kill(self.worker, libc::SIGTERM);
        // It may have been stopped.
        platform::kill(self.worker, libc::SIGCONT);
        self.kill_at = Some(now + LAST_LIMIT);
    }

    /// Takes what comes from the other side; says whether more may come.
    fn take_input(&mut self) -> bool {
        let mut buffer = Zeroizing::new(vec![0; PIECE]);
        match read(self.stdin, &mut buffer) {
            Ok(0) => return false,
            Ok(n) => self.received.push(&buffer[..n]),
            Err(Errno::EINTR | Errno::EAGAIN) => return true,
            Err(_) => return false,
        }
        self.heard = Instant::now();
        loop {
            match self.received.next() {
                Ok(None) => return true,
                Ok(Some(Frame { kind: FrameKind::Alive, .. })) => {}
                Ok(Some(frame)) if frame.kind == FrameKind::Signal => {
                    let Some(signal) = frame.bytes.first_chunk().map(|bytes| i32::from_le_bytes(*bytes))
                    else {
                        return false;
                    };
                    self.is_stopped = signal == libc::SIGTSTP;
                    platform::kill(self.worker, signal);
                }
                Ok(Some(frame)) => self.input.push_frame(&frame),
                Err(_) => return false,
            }
        }
    }

    /// Passes on what the worker reports, frame by frame; says whether more may come.
    fn take_report(&mut self) -> bool {
        let mut buffer = vec![0; PIECE];
        match read(&self.from_worker, &mut buffer) {
            Ok(0) => return false,
            Ok(n) => self.reported.push(&buffer[..n]),
            Err(Errno::EINTR | Errno::EAGAIN) => return true,
            Err(_) => return false,
        }
        while let Ok(Some(frame)) = self.reported.next() {
            self.out.push_frame(&frame);
        }
        true
    }
}

/// Where a worker gets its job from.
pub struct Input {
    from: File,
    received: ReceivedBytes,
}

impl Input {
    /// The job, and then its files, which go into `files`.
    ///
    /// # Errors
    ///
    /// When the machine that sends them is lost, and when a file cannot be written.
    pub fn job(&mut self) -> io::Result<Zeroizing<Vec<u8>>> {
        match self.next()? {
            frame if frame.kind == FrameKind::Job => Ok(frame.take()),
            _ => Err(io::Error::other("something else came than a job")),
        }
    }

    /// Takes the files of the job.
    ///
    /// # Errors
    ///
    /// As [`Input::job`].
    pub fn files(&mut self, mut files: Download) -> io::Result<()> {
        loop {
            let frame = self.next()?;
            match frame.kind {
                FrameKind::Entry => files.entry(&frame.bytes)?,
                FrameKind::Content => files.content(&frame.bytes)?,
                FrameKind::EndOfFiles => return files.finish(),
                _ => return Err(io::Error::other("something else came than files")),
            }
        }
    }

    fn next(&mut self) -> io::Result<Frame> {
        let mut buffer = Zeroizing::new(vec![0; PIECE]);
        loop {
            match self.received.next() {
                Ok(Some(frame)) => return Ok(frame),
                Ok(None) => {}
                Err(_) => return Err(io::Error::other("something else came than what shipctl sends")),
            }
            match self.from.read(&mut buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => self.received.push(&buffer[..n]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Where a worker reports. Its console writes to the same, so there must be nothing left to be written there.
pub struct Output {
    to: File,
}

impl Output {
    /// Where a console writes to.
    pub fn stream(&self) -> &File {
        &self.to
    }

    /// Has whole lines written to stderr.
    pub fn say(&self, lines: &str) {
        self.send(&framed(FrameKind::Said, lines.as_bytes()));
    }

    /// Has something kept with the record of the job; it is for the sender to read.
    pub fn keep(&self, document: &[u8]) {
        self.send(&framed(FrameKind::Kept, document));
    }

    /// Sends files, and then how the job ended.
    ///
    /// # Errors
    ///
    /// When a file cannot be read.
    pub fn end(&self, mut files: Upload, result: &[u8]) -> io::Result<()> {
        while let Some(frame) = files.next()? {
            self.send(&frame);
        }
        self.send(&framed(FrameKind::Result, result));
        Ok(())
    }

    fn send(&self, frame: &[u8]) {
        // Without a supervisor, there is no reader.
        let _ = (&self.to).write_all(frame);
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};
    use std::thread;

    use super::*;

    /// The silence that is too long in these tests.
    const LIMIT: Duration = Duration::from_secs(1);

    /// Supervises a shell that runs this script, while `send` writes to its stdin, which stays open; what the script wrote to `$OUT`.
    fn supervised(script: &str, send: impl FnOnce(&File) + Send) -> String {
        let directory = tempfile::tempdir().unwrap();
        let written = directory.path().join("out");
        let (from_us, to_worker) = platform::pipe().unwrap();
        let (from_worker, to_us) = platform::pipe().unwrap();
        let (stdin, to_stdin) = platform::pipe().unwrap();
        let (_from_stdout, stdout) = platform::pipe().unwrap();
        let mut shell = Command::new("sh");
        shell
            .args(["-c", script])
            .env("OUT", &written)
            .stdin(Stdio::from(from_us))
            .stdout(Stdio::from(to_us));
        let worker = Pid::from_raw(shell.spawn().unwrap().id() as i32);
        // It has the worker's ends of the pipes.
        drop(shell);
        let signals = Signals::hold().unwrap();
        let ends = (stdin.as_fd(), stdout.as_fd());
        let mut supervisor = Supervisor::new(&signals, ends, worker, (from_worker, to_worker));
        supervisor.silence = LIMIT;
        let to_stdin = File::from(to_stdin);
        thread::scope(|scope| {
            scope.spawn(|| send(&to_stdin));
            supervisor.run().unwrap();
        });
        std::fs::read_to_string(written).unwrap_or_default()
    }

    #[test]
    fn a_worker_is_told_to_end_when_nothing_comes_for_too_long() {
        let begun = Instant::now();
        let script = "trap 'echo told >$OUT; exit' TERM; while :; do sleep 0.01; done";
        assert_eq!(supervised(script, |_| ()), "told\n");
        assert!(begun.elapsed() >= LIMIT);
    }

    #[test]
    fn signs_of_life_keep_it() {
        let send = |mut stdin: &File| {
            let begun = Instant::now();
            while begun.elapsed() < LIMIT * 3 / 2 {
                stdin.write_all(&framed(FrameKind::Alive, &[])).unwrap();
                thread::sleep(LIMIT / 20);
            }
            stdin.write_all(&framed(FrameKind::Content, b"the rest")).unwrap();
        };
        assert_eq!(supervised("head -c 14 | tail -c 9 >$OUT", send), "the rest\n");
    }
}
