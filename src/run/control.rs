//! The line between `shipctl` and a shell: the shell says how an entry ended and waits to be told what to do.
//!
//! Both directions are pipes of which `shipctl` holds both ends. The shell opens them anew for each exchange, by way
//! of `/proc/<pid of shipctl>/fd`, so no descriptor of ours is ever open while a script runs: none can be inherited,
//! closed or written to by accident, and no file can be removed from under us.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::{Pid, pipe2, read, write};

/// The line to one shell.
pub(super) struct Control {
    from_shell: OwnedFd,
    /// Kept open so that the shell can open it.
    from_shell_end: OwnedFd,
    to_shell: OwnedFd,
    to_shell_end: OwnedFd,
    received: Vec<u8>,
}

/// What a shell says when it has come to a point where it needs an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ask {
    /// The number of the question.
    pub number: u64,
    /// Which point that is.
    pub point: Point,
    /// The options in effect, as in `$-`.
    pub options: String,
    /// The EXIT trap as `trap -p` prints it; empty if there is none.
    pub trap: Vec<u8>,
}

/// A point at which a shell asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Point {
    /// Between two entries; the last command had this status.
    Between(u8),
    /// In the EXIT trap, with this `$?`. After a signal that is not what the process will end with.
    Leaving(u8),
    /// At the beginning of a copy of the shell, which is this process.
    Copy(Pid),
}

impl Control {
    pub(super) fn new() -> nix::Result<Control> {
        let (from_shell, from_shell_end) = pipe2(OFlag::O_CLOEXEC)?;
        let (to_shell_end, to_shell) = pipe2(OFlag::O_CLOEXEC)?;
        fcntl(&from_shell, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        Ok(Control { from_shell, from_shell_end, to_shell, to_shell_end, received: Vec::new() })
    }

    /// The path that the shell writes its questions to.
    pub(super) fn questions(&self) -> String {
        path_of(&self.from_shell_end)
    }

    /// The path that the shell reads the answers from.
    pub(super) fn answers(&self) -> String {
        path_of(&self.to_shell_end)
    }

    /// Reads what the shell has said.
    pub(super) fn receive(&mut self) -> nix::Result<()> {
        let mut buffer = [0; 4096];
        loop {
            match read(&self.from_shell, &mut buffer) {
                Ok(0) | Err(Errno::EAGAIN) => return Ok(()),
                Ok(n) => self.received.extend_from_slice(&buffer[..n]),
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The next question, if it has been received whole.
    pub(super) fn question(&mut self) -> Option<Ask> {
        while let Some(end) = self.received.iter().position(|&byte| byte == 0) {
            let ask = Ask::parse(&self.received[..end]);
            self.received.drain(..=end);
            if ask.is_some() {
                return ask;
            }
        }
        None
    }

    /// Answers a question with shell code to be evaluated.
    pub(super) fn answer(&self, number: u64, code: &str) -> nix::Result<()> {
        // Far below the capacity of a pipe that is empty: it cannot block.
        write(&self.to_shell, format!("{number} {code}\0").as_bytes()).map(drop)
    }
}

impl AsFd for Control {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.from_shell.as_fd()
    }
}

fn path_of(fd: &OwnedFd) -> String {
    format!("/proc/{}/fd/{}", Pid::this(), fd.as_raw_fd())
}

impl Ask {
    /// Reads a number, then `between <status> <options>`, `leaving <status> <options>` or `copy <pid> <options>`, a
    /// newline, and the trap. Anything else was not written by the driver.
    fn parse(message: &[u8]) -> Option<Ask> {
        let end = memchr::memchr(b'\n', message)?;
        let mut words = std::str::from_utf8(&message[..end]).ok()?.split(' ');
        let number = words.next()?.parse().ok()?;
        let (point, value) = (words.next()?, words.next()?);
        let point = match point {
            "between" => Point::Between(value.parse().ok()?),
            "leaving" => Point::Leaving(value.parse().ok()?),
            "copy" => Point::Copy(Pid::from_raw(value.parse().ok()?)),
            _ => return None,
        };
        Some(Ask { number, point, options: words.next()?.to_owned(), trap: message[end + 1..].to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_read() {
        let ask = Ask::parse(b"8 leaving 3 ehB\ntrap -- 'a\nb' EXIT\n").unwrap();
        assert_eq!((ask.number, ask.point), (8, Point::Leaving(3)));
        assert_eq!((ask.options.as_str(), ask.trap.as_slice()), ("ehB", b"trap -- 'a\nb' EXIT\n".as_slice()));
        assert_eq!(Ask::parse(b"1 copy 77 hB\n").unwrap().point, Point::Copy(Pid::from_raw(77)));
        for spoofed in
            ["", "between", "1 between 999 hB\n", "1 between 0\n", "1 over 0 hB\n", "between 0 hB\n"]
        {
            assert_eq!(Ask::parse(spoofed.as_bytes()), None);
        }
    }
}
