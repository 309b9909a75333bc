//! Waiting: for what can be read or written, for the end of a process, for the clock. Every wait of the program is one of these.

use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// How often to look whether a child has ended, on a kernel that does not tell.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// What is waited for at the same time.
#[derive(Default)]
pub struct PollSet<'fd>(Vec<PollFd<'fd>>);

/// One of the things that a [`PollSet`] waits for.
#[derive(Debug, Clone, Copy)]
pub struct Token(Option<usize>);

/// Which of them have happened.
#[derive(Debug)]
pub struct Ready(Vec<bool>);

impl<'fd> PollSet<'fd> {
    /// Waits for a descriptor to be readable, or at its end. Nothing happens to `None`.
    pub fn readable(&mut self, fd: impl Into<Option<BorrowedFd<'fd>>>) -> Token {
        self.add(fd.into(), PollFlags::POLLIN)
    }

    /// Waits for a descriptor to be writable, or without a reader. Nothing happens to `None`.
    pub fn writable(&mut self, fd: impl Into<Option<BorrowedFd<'fd>>>) -> Token {
        self.add(fd.into(), PollFlags::POLLOUT)
    }

    fn add(&mut self, fd: Option<BorrowedFd<'fd>>, how: PollFlags) -> Token {
        Token(fd.map(|fd| {
            self.0.push(PollFd::new(fd, how));
            self.0.len() - 1
        }))
    }

    /// Waits until something has happened or the time is up; without a time, as long as it takes. A signal that has a handler
    /// ends it early, with nothing ready.
    ///
    /// # Errors
    ///
    /// Those of poll(2), but for such a signal.
    pub fn wait(mut self, timeout: Option<Duration>) -> nix::Result<Ready> {
        // Rounded up: waking a moment too early would mean to poll again and again until it is over.
        let timeout = timeout.map_or(PollTimeout::NONE, |timeout| {
            PollTimeout::try_from(timeout.as_micros().div_ceil(1000)).unwrap_or(PollTimeout::MAX)
        });
        match poll(&mut self.0, timeout) {
            Ok(_) => Ok(Ready(self.0.iter().map(|fd| fd.any().unwrap_or(false)).collect())),
            Err(Errno::EINTR) => Ok(Ready(Vec::new())),
            Err(error) => Err(error),
        }
    }
}

impl Ready {
    /// Whether this has happened.
    pub fn has(&self, token: Token) -> bool {
        token.0.and_then(|index| self.0.get(index)).is_some_and(|ready| *ready)
    }
}

/// Whether a descriptor can be read without waiting, or is at its end.
pub fn is_readable(fd: BorrowedFd) -> bool {
    is_ready(fd, PollFlags::POLLIN)
}

/// Whether a descriptor can be written to without waiting, or has no reader.
pub fn is_writable(fd: BorrowedFd) -> bool {
    is_ready(fd, PollFlags::POLLOUT)
}

fn is_ready(fd: BorrowedFd, how: PollFlags) -> bool {
    let mut set = PollSet::default();
    let token = set.add(Some(fd), how);
    set.wait(Some(Duration::ZERO)).is_ok_and(|ready| ready.has(token))
}

/// Waits for the end of a child until a deadline, and gives what `ended` says of it; `None` if it has not ended by then. `end`
/// is what `platform::end_of` gives; without it, or where something else takes the news, `ended` is asked again and again.
pub fn wait_for_end<T>(
    end: Option<BorrowedFd>,
    deadline: Instant,
    mut ended: impl FnMut() -> Option<T>,
) -> Option<T> {
    loop {
        if let Some(said) = ended() {
            return Some(said);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return None;
        }
        let mut set = PollSet::default();
        set.readable(end);
        // What goes wrong here would go wrong again: the deadline ends it.
        let _ = set.wait(Some(left.min(LOOK_AGAIN)));
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd as _;

    use super::*;

    #[test]
    fn says_what_has_happened() {
        let (reader, writer) = nix::unistd::pipe().unwrap();
        let mut set = PollSet::default();
        let (none, read, write) =
            (set.readable(None), set.readable(reader.as_fd()), set.writable(writer.as_fd()));
        let ready = set.wait(None).unwrap();
        assert_eq!([none, read, write].map(|token| ready.has(token)), [false, false, true]);
        drop(writer);
        assert!(is_readable(reader.as_fd()));
    }

    #[test]
    fn never_wakes_before_the_time() {
        let before = Instant::now();
        PollSet::default().wait(Some(Duration::from_micros(1500))).unwrap();
        assert!(before.elapsed() >= Duration::from_micros(1500));
    }
}
