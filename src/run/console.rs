//! Where events are shown: formats that turn events into bytes, and the stream that takes the bytes.

mod json;
mod text;

use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::unistd::write;

pub use json::Json;
pub use text::Text;

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

/// A stream and the format of what goes there.
///
/// Events are only taken note of; they are written while the run waits, never more at a time than the stream takes
/// without blocking (as far as a pipe can tell): a reader who does not read must not keep a time limit or Ctrl-C from
/// being noticed. When nobody reads any more (`shipctl run job | head`), the console falls silent and the job goes on to
/// its end: a deployment that is half done because its log was cut short would be the greater harm.
pub struct Console<'a> {
    format: Box<dyn Format + 'a>,
    stream: BorrowedFd<'a>,
    /// Whether what is run has a terminal for itself, and lines end as a terminal ends them.
    terminal: bool,
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
            stream,
            terminal: false,
            pending: Vec::new(),
            written: 0,
            closed: None,
        }
    }

    /// Gives what is run a terminal for itself if the stream is one, so that it finds what it would without us.
    #[must_use]
    pub fn with_terminal(mut self) -> Console<'a> {
        self.terminal = true;
        self
    }

    /// The terminal for what is run, if it is to have one.
    pub(super) fn open_terminal(&mut self) -> Option<Terminal<'a>> {
        let terminal = if self.terminal { Terminal::open(self.stream) } else { None };
        self.terminal = terminal.is_some();
        terminal
    }

    /// Why nothing can be written any more, if that is so. [`Errno::EPIPE`] means that nobody reads.
    pub fn error(&self) -> Option<io::Error> {
        self.closed.map(io::Error::from)
    }

    /// Takes note of an event.
    pub(super) fn event(&mut self, event: &Event) {
        if self.closed.is_some() {
            return;
        }
        let before = self.pending.len();
        self.format.event(event, &mut self.pending);
        if self.terminal && !matches!(event, Event::Output { .. }) {
            // The real terminal is raw and takes line ends literally; what is run has its own processed.
            let lines = self.pending.split_off(before);
            for line in lines.split_inclusive(|&byte| byte == b'\n') {
                let (text, end) = line.strip_suffix(b"\n").map_or((line, &b""[..]), |text| (text, b"\r\n"));
                self.pending.extend_from_slice(text);
                self.pending.extend_from_slice(end);
            }
        }
    }

    /// Gives the format a chance for a sign of life; says after how long to ask again.
    pub(super) fn idle(&mut self, now: Instant) -> Option<Duration> {
        // Nobody sees a sign of life behind what is still to be written.
        if self.closed.is_some() || self.waits() { None } else { self.format.idle(now, &mut self.pending) }
    }

    /// The stream, if something waits to be written.
    pub(super) fn stream(&self) -> Option<BorrowedFd<'a>> {
        self.waits().then_some(self.stream)
    }

    /// Whether something waits to be written.
    fn waits(&self) -> bool {
        self.written < self.pending.len()
    }

    /// Whether so much waits that no more should come.
    pub(super) fn is_full(&self) -> bool {
        self.pending.len() - self.written >= FULL
    }

    /// Writes a piece; to be called when the stream is writable.
    pub(super) fn write_some(&mut self) {
        let end = self.pending.len().min(self.written + PIECE);
        match write(self.stream, &self.pending[self.written..end]) {
            Ok(n) => self.written += n,
            Err(Errno::EINTR | Errno::EAGAIN) => {}
            Err(error) => {
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
