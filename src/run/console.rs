//! Where events are shown: formats that turn events into bytes, and the stream that takes the bytes.

mod groups;
mod json;
pub mod junit;
mod kept;
mod prefixed;
mod stamped;
mod text;

use std::io::{self, Write as _};
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::unistd::write;

pub use groups::Groups;
pub use json::{Json, seconds};
pub use kept::LogFile;
pub use prefixed::Prefixed;
pub use stamped::{STAMP, Stamped, now};
pub use text::{Short, Text};

use super::event::Event;
use super::terminal::Terminal;

/// A way to show events. Formats are pure: they turn events into bytes and do nothing else.
pub trait Format {
    /// Appends what an event looks like.
    fn event(&mut self, event: &Event, out: &mut Vec<u8>);

    /// Appends a sign of life, if it is time for one, and says after how long to ask again.
    fn idle(&mut self, _now: Instant, _out: &mut Vec<u8>) -> Option<Duration> {
        None
    }
}

/// Who is told of events besides.
pub trait Watcher {
    /// Takes note of an event, which is masked.
    fn event(&mut self, event: &Event);
}

/// A stream and the format of what goes there.
///
/// Events are only taken note of; they are written while the run waits, never more at a time than the stream takes
/// without blocking (as far as a pipe can tell): a reader who does not read must not keep a time limit or Ctrl-C from
/// being noticed. When it is not read any more (`shipctl run job | head`), the console says so on stderr, falls silent, and the job goes on to
/// its end: a deployment that is half done because its log was cut short would be the greater harm.
pub struct Console<'a> {
    format: Box<dyn Format + 'a>,
    stream: Stream<'a>,
    /// Whether what is run has a terminal for itself, and lines end as a terminal ends them.
    terminal: bool,
    watchers: Vec<Box<dyn Watcher + 'a>>,
}

/// A stream that is written to when it takes something, and what waits for that.
pub struct Stream<'a> {
    to: BorrowedFd<'a>,
    pending: Vec<u8>,
    written: usize,
    closed: Option<Errno>,
}

/// What a pipe surely takes without blocking once it is writable (`PIPE_BUF`).
const PIECE: usize = 4096;

/// How much may wait to be written before the job's output is left in its pipe.
const FULL: usize = 1 << 20;

impl<'a> Console<'a> {
    /// Shows events in a format on a stream.
    pub fn new(format: impl Format + 'a, stream: BorrowedFd<'a>) -> Console<'a> {
        Console {
            format: Box::new(format),
            stream: Stream::new(stream),
            terminal: false,
            watchers: Vec::new(),
        }
    }

    /// Tells another watcher of all that is shown from now on.
    pub fn tell_also(&mut self, watcher: impl Watcher + 'a) {
        self.watchers.push(Box::new(watcher));
    }

    /// Gives what is run a terminal for itself if the stream is one, so that it finds what it would without us.
    #[must_use]
    pub fn with_terminal(mut self) -> Console<'a> {
        self.terminal = true;
        self
    }

    /// Gives what is run no terminal: it is elsewhere.
    pub(super) fn forgo_terminal(&mut self) {
        self.terminal = false;
    }

    /// The terminal for what is run, if it is to have one.
    pub(super) fn open_terminal(&mut self) -> Option<Terminal<'a>> {
        let terminal = if self.terminal { Terminal::open(self.stream.to) } else { None };
        self.terminal = terminal.is_some();
        terminal
    }

    /// Why nothing can be written any more, if that is so. [`Errno::EPIPE`] means that there is no reader.
    pub fn error(&self) -> Option<io::Error> {
        self.stream.error()
    }

    /// Takes note of an event.
    pub(super) fn event(&mut self, event: &Event) {
        self.watchers.iter_mut().for_each(|watcher| watcher.event(event));
        let own = self.terminal && !matches!(event, Event::Output { .. });
        self.stream.append(|pending| {
            let before = pending.len();
            self.format.event(event, pending);
            if own {
                end_lines(pending, before);
            }
        });
    }

    /// Shows an event between two runs, when nothing else writes.
    pub fn tell(&mut self, event: &Event) {
        self.event(event);
        while self.stream.writable().is_some() {
            self.stream.write_some();
        }
    }

    /// Gives the format a chance for a sign of life; says after how long to ask again.
    pub(super) fn idle(&mut self, now: Instant) -> Option<Duration> {
        // A sign of life behind what is still to be written is not seen.
        if self.stream.closed.is_some() || self.stream.waits() {
            return None;
        }
        self.format.idle(now, &mut self.stream.pending)
    }

    /// The stream, if something waits to be written.
    pub(super) fn stream(&self) -> Option<BorrowedFd<'a>> {
        self.stream.writable()
    }

    /// Whether so much waits that no more should come.
    pub(super) fn is_full(&self) -> bool {
        self.stream.is_full()
    }

    /// Writes a piece; to be called when the stream is writable.
    pub(super) fn write_some(&mut self) {
        self.stream.write_some();
    }
}

impl<'a> Stream<'a> {
    /// A stream to which nothing has been written.
    pub fn new(to: BorrowedFd<'a>) -> Stream<'a> {
        Stream { to, pending: Vec::new(), written: 0, closed: None }
    }

    /// Why nothing can be written any more, if that is so.
    pub fn error(&self) -> Option<io::Error> {
        self.closed.map(io::Error::from)
    }

    /// Has something written, later.
    pub fn append(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        if self.closed.is_none() {
            write(&mut self.pending);
        }
    }

    /// Where to, if something waits to be written.
    pub fn writable(&self) -> Option<BorrowedFd<'a>> {
        self.waits().then_some(self.to)
    }

    fn waits(&self) -> bool {
        self.written < self.pending.len()
    }

    /// Whether so much waits that no more should come.
    pub fn is_full(&self) -> bool {
        self.pending.len() - self.written >= FULL
    }

    /// Writes a piece; to be called when the stream is writable.
    pub fn write_some(&mut self) {
        let end = self.pending.len().min(self.written + PIECE);
        match write(self.to, &self.pending[self.written..end]) {
            Ok(n) => self.written += n,
            Err(Errno::EINTR | Errno::EAGAIN) => {}
            Err(error) => {
                if error == Errno::EPIPE {
                    // What reads stderr may be gone too.
                    let said = "shipctl: the reader of the log is gone; the run goes on without it\n";
                    let _ = io::stderr().lock().write_all(said.as_bytes());
                }
                self.closed = Some(error);
                self.written = self.pending.len();
            }
        }
        if !self.waits() {
            self.pending.clear();
            self.written = 0;
        }
    }
}

/// Ends the lines from `start` on as a terminal does: the real one is raw, and what is run has had its own processed.
fn end_lines(text: &mut Vec<u8>, start: usize) {
    let lines = text.split_off(start);
    for line in lines.split_inclusive(|&byte| byte == b'\n') {
        let (line, end) = line.strip_suffix(b"\n").map_or((line, &b""[..]), |line| (line, b"\r\n"));
        text.extend_from_slice(line);
        text.extend_from_slice(end);
    }
}
