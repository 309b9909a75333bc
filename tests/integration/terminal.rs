//! Somebody at a terminal.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::openpty;

/// A program on a terminal of its own.
pub struct Terminal {
    child: Child,
    screen: File,
    /// All that was shown so far.
    seen: String,
    /// How much of it was waited for.
    read: usize,
}

impl Terminal {
    /// Starts a command on a new terminal.
    pub fn start(command: &mut Command) -> Terminal {
        let pty = openpty(None, None).unwrap();
        let [stdin, stdout] = [(); 2].map(|()| Stdio::from(pty.slave.try_clone().unwrap()));
        let child = command.stdin(stdin).stdout(stdout).stderr(pty.slave).spawn().unwrap();
        // The command holds on to the other end of the terminal, and it has to be let go of.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Terminal { child, screen: pty.master.into(), seen: String::new(), read: 0 }
    }

    /// Waits until a text is shown, behind what was waited for before.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) {
        while !self.seen[self.read..].contains(text) {
            assert!(self.more(), "waited for {text:?}, saw {:?}", &self.seen[self.read..]);
        }
        self.read += self.seen[self.read..].find(text).unwrap() + text.len();
    }

    /// Types something.
    pub fn types(&mut self, keys: &str) {
        self.screen.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits for the end. All that was shown, and the exit status.
    pub fn end(mut self) -> (String, ExitStatus) {
        while self.more() {}
        (self.seen, self.child.wait().unwrap())
    }

    /// Reads what is shown next; `false` at the end.
    fn more(&mut self) -> bool {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "nothing comes behind {:?}", self.seen);
            let mut fds = [PollFd::new(self.screen.as_fd(), PollFlags::POLLIN)];
            if poll(&mut fds, PollTimeout::try_from(left).unwrap()).unwrap() == 0 {
                continue;
            }
            let mut bytes = [0; 4096];
            // A terminal that nobody has open any more is an error to read from.
            let length = self.screen.read(&mut bytes).unwrap_or(0);
            self.seen.push_str(&String::from_utf8_lossy(&bytes[..length]));
            return length > 0;
        }
    }
}
