//! One command in a job's environment: everything but the environment is the command's own.

pub(super) mod container;
mod stream;

use std::ffi::{CStr, OsString};
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::command::{Variables, c_string, find, not_started, words};
use super::masking::Masking;
use super::terminal::{SignalKeys, Terminal};
use super::{Error, Outcome, Signals};
use crate::mask::{Masker, Patterns};
use crate::platform::{self, Arrival, Launch, Session, end_of};
use crate::poll::PollSet;
use stream::Stream;

/// How long what the command has left behind may be silent before it is no longer listened to: what stands behind
/// `>( … )` ends a little later than the command.
const QUIET: Duration = Duration::from_millis(200);

/// How long it is listened to at most.
const LISTENING_LIMIT: Duration = Duration::from_secs(10);

/// Runs a command with exactly this environment and says how it ended.
///
/// The command has our stdin, stdout, stderr, terminal, process group and directory; `PATH` is the one of its own
/// environment. Signals that reach us alone are passed on, those that the terminal sends to both of us are not; when
/// the command stops (Ctrl-Z), so do we, and it goes on when we do.
///
/// With `masking`, stdout and stderr go through a masker each. Where they are a terminal, the command has one for itself
/// instead, and one masker for both; what it has left in the foreground there is hung up on when it ends.
///
/// What is to be done `meanwhile` is done once the command has been started: that takes a while to begin.
///
/// # Panics
///
/// If `command` is empty.
#[allow(clippy::drop_non_drop, reason = "only on Linux a session has something to end")]
pub fn exec(
    command: &[OsString],
    environment: Variables,
    masking: Option<&mut Masking>,
    signals: &Signals,
    meanwhile: impl FnOnce(),
) -> Result<Outcome, Error> {
    let file = find(&command[0], &environment)?;
    let arguments = words(command)?;
    let (stdout, stderr) = (std::io::stdout(), std::io::stderr());
    let mut ways = match masking {
        Some(masking) => Ways::new(stdout.as_fd(), stderr.as_fd(), Some(masking))?,
        None => Ways::default(),
    };
    let mut launch = Launch {
        program: &c_string(file.as_os_str())?,
        arguments: &arguments,
        environment: environment.words(),
        directory: None,
        stdin: None,
        stdout: ways.end(0),
        stderr: ways.end(1),
        session: false,
        outlives: false,
        blocked: signals.before(),
        mount: None,
    };
    let (started, session) = match ways.start(&launch)? {
        // A script without a first line that names its interpreter is one for sh, as everywhere.
        (Err(error), session) if error.raw_os_error() == Some(libc::ENOEXEC) => {
            drop(session);
            let shell: &CStr = c"/bin/sh";
            let mut arguments = vec![shell.to_owned(), launch.program.to_owned()];
            arguments.extend_from_slice(&launch.arguments[1..]);
            launch.program = shell;
            launch.arguments = &arguments;
            let (started, session) = ways.start(&launch)?;
            (started.map_err(|error| not_started(Path::new("/bin/sh"), error, &environment)), session)
        }
        (started, session) => (started.map_err(|error| not_started(&file, error, &environment)), session),
    };
    let pid = started?;
    // Wiped while the command begins.
    drop(environment);
    ways.ends.clear();
    meanwhile();
    let outcome = attend(pid, signals, &mut ways);
    drop(session);
    outcome
}

/// The ways from the command to our stdout and stderr.
#[derive(Default)]
struct Ways<'a> {
    streams: Vec<Stream<'a>>,
    /// The command's stdout and stderr, until it has been started; empty if it has ours.
    ends: Vec<OwnedFd>,
    terminal: Option<Terminal<'a>>,
    masking: Option<&'a mut Masking>,
}

impl<'a> Ways<'a> {
    fn new(
        stdout: BorrowedFd<'a>,
        stderr: BorrowedFd<'a>,
        masking: Option<&'a mut Masking>,
    ) -> Result<Ways<'a>, Error> {
        let mut ways = Ways::default();
        let nothing = Patterns::new([]);
        let patterns = masking.as_ref().map_or(&nothing, |masking| masking.patterns());
        let screen = [stdout, stderr].into_iter().find(IsTerminal::is_terminal);
        ways.terminal = screen.and_then(Terminal::open);
        let mut on_terminal = None;
        for to in [stdout, stderr] {
            let (from, end) = match &ways.terminal {
                Some(terminal) if to.is_terminal() => {
                    let end = terminal.slave().try_clone_to_owned();
                    let from = on_terminal.is_none().then(|| terminal.output()).transpose();
                    on_terminal = Some(());
                    let prepare = Error::system("prepare a terminal");
                    from.and_then(|from| Ok((from, end?))).map_err(prepare)?
                }
                _ => {
                    let (from, end) = platform::pipe().map_err(Error::system("make a pipe"))?;
                    fcntl(&from, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))
                        .map_err(Error::system("prepare a pipe"))?;
                    (Some(from), end)
                }
            };
            let masker = Masker::new(patterns);
            ways.streams.extend(from.map(|from| Stream {
                from: Some(from),
                to,
                masker,
                masked: Vec::new(),
                written: 0,
                error: None,
            }));
            ways.ends.push(end);
        }
        ways.masking = masking;
        Ok(ways)
    }

    /// The command's stdout (0) or stderr (1), if it is not ours.
    fn end(&self, which: usize) -> Option<BorrowedFd<'_>> {
        self.ends.get(which).map(AsFd::as_fd)
    }

    /// Starts the command, on its terminal if it has one.
    fn start(&self, launch: &Launch) -> Result<(io::Result<Pid>, Option<Session>), Error> {
        let Some(terminal) = &self.terminal else { return Ok((platform::spawn(launch), None)) };
        let (session, started) = terminal
            .start(launch, SignalKeys::Passed)
            .map_err(Error::system("open a session on a terminal"))?;
        Ok((started, Some(session)))
    }

    /// Waits until there is something to do, here or for `others`, and does what is due here but for signals.
    fn wait<'f>(
        &mut self,
        signals: &Signals,
        others: impl IntoIterator<Item = BorrowedFd<'f>>,
        buffer: &mut [u8],
    ) -> Result<(), Error> {
        let (keys, look_again) = self.terminal.as_ref().map_or((None, None), Terminal::keys);
        let writable = self.terminal.as_ref().and_then(Terminal::writable);
        let mut set = PollSet::default();
        set.readable(signals.as_fd());
        let (takes_keys, keys) = (set.writable(writable), set.readable(keys));
        self.streams.iter().for_each(|stream| stream.wait_in(&mut set));
        others.into_iter().for_each(|other| _ = set.readable(other));
        let ready = set.wait(look_again).map_err(Error::system("wait for the command"))?;
        if let Some(terminal) = &mut self.terminal {
            terminal.enter();
            if ready.has(takes_keys) {
                terminal.pass_keys();
            }
            if ready.has(keys) {
                terminal.take_keys(SignalKeys::Passed);
            }
        }
        self.pass_on(buffer);
        Ok(())
    }

    /// Passes on what the command has written, as far as that is taken; says whether there was anything.
    fn pass_on(&mut self, buffer: &mut [u8]) -> bool {
        let mut any = false;
        for at in 0..self.streams.len() {
            self.streams[at].write_some();
            let Some(length) = self.streams[at].read(buffer) else { continue };
            any = true;
            if let Some(masking) = &mut self.masking
                && masking.refresh()
            {
                self.streams.iter_mut().for_each(|stream| stream.masker.know(masking.patterns()));
            }
            self.streams[at].show(&buffer[..length]);
        }
        any
    }

    /// Passes on a signal that the command has not got yet.
    fn forward(&mut self, arrival: Arrival, pid: Pid) {
        let Some(terminal) = &mut self.terminal else {
            // A key on the terminal reaches the whole process group; the command itself (`kill 0`) has meant us, or has it.
            if !arrival.from_kernel && arrival.sender != pid {
                platform::kill(pid, arrival.signal);
            }
            return;
        };
        // We are not of its process group: it has nothing yet but the size of its window.
        match arrival.signal {
            libc::SIGCONT => terminal.go_on(),
            libc::SIGWINCH if terminal.resize() => return,
            // We have meant our neighbours.
            _ if arrival.sender == Pid::this() => return,
            _ => {}
        }
        // The real terminal is gone: that is told to who came first there too, as a shell whose job is in the foreground.
        if arrival.from_kernel && arrival.signal == libc::SIGHUP {
            platform::kill(pid, libc::SIGHUP);
            platform::kill(pid, libc::SIGCONT);
        }
        match terminal.foreground() {
            Some(group) if arrival.from_kernel => {
                platform::kill(Pid::from_raw(-group.as_raw()), arrival.signal)
            }
            _ => platform::kill(pid, arrival.signal),
        }
    }

    /// The command has stopped: so do we, and it goes on when we do.
    fn stop(&mut self, pid: Pid) {
        let Some(terminal) = &mut self.terminal else {
            platform::kill(Pid::this(), libc::SIGSTOP);
            platform::kill(pid, libc::SIGCONT);
            return;
        };
        terminal.leave();
        // A shell that waits for a pipeline waits for all of it to stop. Our own of these is held back.
        platform::kill(Pid::from_raw(0), libc::SIGTSTP);
        platform::kill(Pid::this(), libc::SIGSTOP);
        terminal.go_on();
        let group = terminal.foreground().map_or(pid, |group| Pid::from_raw(-group.as_raw()));
        for woken in [group, pid] {
            platform::kill(woken, libc::SIGCONT);
        }
    }

    /// Whether what the command has left is about to come to its end by itself.
    fn is_awaited(&self) -> bool {
        let mut files: Vec<_> =
            self.streams.iter().filter_map(|stream| stream.from.as_ref()).map(AsFd::as_fd).collect();
        files.extend(self.terminal.as_ref().map(Terminal::slave));
        platform::has_finishing_writer(&files)
    }

    /// Passes on what the command has left, when it has ended. A signal that ends programs ends this.
    ///
    /// # Errors
    ///
    /// When not all of what the command printed could be written.
    fn finish(&mut self, signals: &Signals, buffer: &mut [u8]) -> Result<(), Error> {
        self.pass_on_rest(signals, buffer)?;
        match self.streams.iter().find_map(|stream| stream.error) {
            Some(error) => Err(Error::system("write what the command printed")(error)),
            None => Ok(()),
        }
    }

    fn pass_on_rest(&mut self, signals: &Signals, buffer: &mut [u8]) -> Result<(), Error> {
        let limit = Instant::now() + LISTENING_LIMIT;
        let mut until = Instant::now() + QUIET;
        loop {
            if Instant::now() < limit && self.pass_on(buffer) {
                until = (Instant::now() + QUIET).min(limit);
                continue;
            }
            self.streams.iter_mut().for_each(Stream::write_some);
            let is_closed = self.streams.iter().all(|stream| stream.from.is_none());
            if !is_closed && until <= Instant::now() && Instant::now() < limit && self.is_awaited() {
                until = (Instant::now() + QUIET).min(limit);
            }
            let is_over = is_closed || until <= Instant::now();
            if is_over && !self.streams.iter().any(Stream::is_waiting) {
                // What the masker still holds.
                self.streams.iter_mut().for_each(Stream::finish);
                if !self.streams.iter().any(Stream::is_waiting) {
                    return Ok(());
                }
            }
            let mut set = PollSet::default();
            set.readable(signals.as_fd());
            self.streams.iter().for_each(|stream| stream.wait_in(&mut set));
            // A reader that is slow is waited for, however long that takes.
            let left = (!is_over).then(|| until.saturating_duration_since(Instant::now()));
            set.wait(left).map_err(Error::system("wait for the command"))?;
            while let Some(arrival) = signals.next().map_err(Error::system("read signals"))? {
                if arrival.ends_programs() {
                    return Ok(());
                }
            }
        }
    }
}

/// Stays with the command until it has ended.
fn attend(pid: Pid, signals: &Signals, ways: &mut Ways) -> Result<Outcome, Error> {
    let mut buffer = if ways.streams.is_empty() { Vec::new() } else { vec![0; 64 * 1024] };
    let end = end_of(pid);
    loop {
        ways.wait(signals, end.as_ref().map(AsFd::as_fd), &mut buffer)?;
        while let Some(arrival) = signals.next().map_err(Error::system("read signals"))? {
            if arrival.signal != libc::SIGCHLD {
                ways.forward(arrival, pid);
            }
        }
        if let Some(outcome) = look(pid, ways)? {
            ways.finish(signals, &mut buffer)?;
            return Ok(outcome);
        }
    }
}

/// Looks how the command is: its outcome if it has ended. If it has stopped, so do we.
fn look(pid: Pid, ways: &mut Ways) -> Result<Option<Outcome>, Error> {
    loop {
        return match waitpid(pid, Some(WaitPidFlag::WNOHANG | WaitPidFlag::WUNTRACED)) {
            Ok(WaitStatus::Exited(_, status)) => Ok(Some(Outcome::of_status(status as u8))),
            Ok(WaitStatus::Signaled(_, signal, _)) => Ok(Some(Outcome::Signalled(signal as i32))),
            Ok(WaitStatus::Stopped(..)) => {
                ways.stop(pid);
                continue;
            }
            Ok(_) => Ok(None),
            Err(Errno::EINTR) => continue,
            Err(error) => Err(Error::system("wait for the command")(error)),
        };
    }
}
