//! A terminal for what is run, so that masking does not take the terminal from it.
//!
//! What is run writes to a pseudo-terminal, whose other side the masker reads. Whatever a terminal does happens there:
//! colours and widths are asked of it, it echoes what is typed (or not, for `read -s`), it turns keys into signals, it is
//! `/dev/tty`. The real terminal does nothing by itself meanwhile; it is raw, and every key is passed on. Two things
//! follow it: the size of its window, and whether we are in its foreground, as we let go of it when we are not.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::panic;
use std::sync::Mutex;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::libc;
use nix::pty::{PtyMaster, grantpt, posix_openpt, unlockpt};
use nix::sys::termios::{
    LocalFlags, OutputFlags, SetArg, SpecialCharacterIndices, Termios, cfmakeraw, tcgetattr, tcsetattr,
};
use nix::unistd::{Pid, getpgrp, read, tcgetpgrp, write};

use crate::platform::{self, Launch, Session};

/// How often to look whether we have come to the foreground: there is no signal for it.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// How much may be typed ahead of who reads it, in bytes.
const TYPED: usize = 64 * 1024;

/// A pseudo-terminal in front of the real one.
pub(super) struct Terminal<'a> {
    /// The real terminal.
    screen: BorrowedFd<'a>,
    /// Where keys come from; `None` if from nowhere.
    keyboard: Option<OwnedFd>,
    /// Whether keys come from our stdin, and so do for what is run. Otherwise its stdin is ours, whatever that is.
    is_stdin: bool,
    /// Our side of the pseudo-terminal.
    master: PtyMaster,
    /// The other side. Held open, so that it is there when no process has it open.
    slave: File,
    /// The settings of the real terminal when we came, which what is run gets and which are set again in the end.
    usual: Termios,
    raw: bool,
    /// The keys that the pseudo-terminal has not taken yet.
    typed: Vec<u8>,
}

/// Who acts on the keys that mean a signal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum SignalKeys {
    /// We do, and all that is in our process group, as if the real terminal had sent them.
    Ours,
    /// What is run does.
    Passed,
}

impl<'a> Terminal<'a> {
    /// A pseudo-terminal in front of `screen`, in whose size and settings it begins. `None` if that is no terminal, or
    /// this machine gives us none: then a pipe must do.
    pub(super) fn open(screen: BorrowedFd<'a>) -> Option<Terminal<'a>> {
        let usual = tcgetattr(screen).ok()?;
        let master =
            posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC).ok()?;
        grantpt(&master).and_then(|()| unlockpt(&master)).ok()?;
        let slave = open(&platform::terminal_name(&master).ok()?).ok()?;
        let stdin = io::stdin();
        let is_stdin = tcgetattr(&stdin).is_ok();
        // A password is asked of /dev/tty, whatever stdin is.
        let keyboard = if is_stdin {
            stdin.as_fd().try_clone_to_owned().ok()
        } else {
            open("/dev/tty").ok().map(OwnedFd::from)
        };
        let mut terminal =
            Terminal { screen, keyboard, is_stdin, master, slave, usual, raw: false, typed: Vec::new() };
        terminal.resize();
        terminal.restore_on_panic();
        terminal.enter();
        Some(terminal)
    }

    /// Starts a process in a session on this terminal; see [`Session::start`].
    pub(super) fn start(&self, launch: &Launch, keys: SignalKeys) -> io::Result<(Session, io::Result<Pid>)> {
        self.prepare()?;
        let launch = Launch { stdin: self.is_stdin.then(|| self.slave.as_fd()), session: false, ..*launch };
        Session::start(&launch, self.slave.as_fd(), keys == SignalKeys::Passed)
    }

    /// Puts the settings in order: a program before us may have been killed while it asked for a password.
    pub(super) fn prepare(&self) -> io::Result<()> {
        Ok(tcsetattr(&self.slave, SetArg::TCSANOW, &self.usual)?)
    }

    /// Whether keys come from our stdin, and so do for what is run.
    pub(super) fn is_stdin(&self) -> bool {
        self.is_stdin
    }

    /// Where what is run writes to.
    pub(super) fn slave(&self) -> BorrowedFd<'_> {
        self.slave.as_fd()
    }

    /// What it has written can be read from this, never waiting.
    pub(super) fn output(&self) -> io::Result<OwnedFd> {
        self.master.as_fd().try_clone_to_owned()
    }

    /// What to wait for: keys, and after how long to call [`Self::enter`] again.
    pub(super) fn keys(&self) -> (Option<BorrowedFd<'_>>, Option<Duration>) {
        let keyboard = self.keyboard.as_ref().filter(|_| self.typed.len() < TYPED);
        match self.raw {
            true => (keyboard.map(AsFd::as_fd), None),
            false => (None, Some(LOOK_AGAIN)),
        }
    }

    /// What to wait for until it can be written to, if something is to be written.
    pub(super) fn writable(&self) -> Option<BorrowedFd<'_>> {
        (!self.typed.is_empty()).then(|| self.master.as_fd())
    }

    /// Takes the keys that were pressed.
    pub(super) fn take_keys(&mut self, keys: SignalKeys) {
        let Some(keyboard) = &self.keyboard else { return };
        let mut buffer = [0; 4096];
        match read(keyboard, &mut buffer) {
            Ok(0) | Err(Errno::EIO) => self.keyboard = None,
            Ok(n) if keys == SignalKeys::Ours => {
                let signals = self.signal_keys();
                for &key in &buffer[..n] {
                    match signals.iter().find(|(signal_key, _)| *signal_key == key) {
                        Some((_, signal)) => platform::kill(Pid::from_raw(0), *signal),
                        None => self.typed.push(key),
                    }
                }
            }
            Ok(n) => self.typed.extend_from_slice(&buffer[..n]),
            Err(_) => {}
        }
        self.pass_keys();
    }

    /// Passes on the keys that were taken, as far as there is room for them.
    pub(super) fn pass_keys(&mut self) {
        while !self.typed.is_empty() {
            match write(&self.master, &self.typed) {
                Ok(n) => drop(self.typed.drain(..n)),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return,
                Err(_) => self.typed.clear(),
            }
        }
    }

    /// The keys that mean a signal to what is run, now: a program may have turned that off.
    fn signal_keys(&self) -> Vec<(u8, libc::c_int)> {
        let Ok(settings) = tcgetattr(&self.slave) else { return Vec::new() };
        if !settings.local_flags.contains(LocalFlags::ISIG) {
            return Vec::new();
        }
        let key = |index: SpecialCharacterIndices| settings.control_chars[index as usize];
        [
            (key(SpecialCharacterIndices::VINTR), libc::SIGINT),
            (key(SpecialCharacterIndices::VQUIT), libc::SIGQUIT),
            (key(SpecialCharacterIndices::VSUSP), libc::SIGTSTP),
        ]
        .into_iter()
        // 0 means that there is none.
        .filter(|(key, _)| *key != 0)
        .collect()
    }

    /// Makes the window of what is run as large as the real one; says whether it was not.
    pub(super) fn resize(&self) -> bool {
        let (Some(real), Some(ours)) = (platform::window(self.screen), platform::window(self.master.as_fd()))
        else {
            return false;
        };
        let parts = |size: libc::winsize| (size.ws_row, size.ws_col, size.ws_xpixel, size.ws_ypixel);
        let differs = parts(real) != parts(ours);
        if differs {
            platform::set_window(self.master.as_fd(), &real);
        }
        differs
    }

    /// Takes hold of the real terminal, if we are in its foreground.
    pub(super) fn enter(&mut self) {
        if self.raw || !self.is_in_foreground() {
            return;
        }
        let mut raw = self.usual.clone();
        if self.keyboard.is_some() {
            cfmakeraw(&mut raw);
        } else {
            // What is written has been processed already.
            raw.output_flags.remove(OutputFlags::OPOST);
        }
        self.raw = tcsetattr(self.screen, SetArg::TCSANOW, &raw).is_ok();
        self.resize();
    }

    /// Lets go of the real terminal: it is as it was.
    pub(super) fn leave(&mut self) {
        if std::mem::take(&mut self.raw) && self.is_in_foreground() {
            let _ = tcsetattr(self.screen, SetArg::TCSANOW, &self.usual);
        }
    }

    /// We go on after we had been stopped: what was in the foreground meanwhile has the terminal as they like it.
    pub(super) fn go_on(&mut self) {
        self.raw = false;
        self.enter();
    }

    /// The process group that is in the foreground of what is run.
    pub(super) fn foreground(&self) -> Option<Pid> {
        tcgetpgrp(&self.master).ok().filter(|group| group.as_raw() > 0)
    }

    fn is_in_foreground(&self) -> bool {
        // A terminal that does not control us knows no foreground.
        tcgetpgrp(self.screen).map_or(true, |group| group == getpgrp())
    }

    /// A panic aborts, so that nothing else would put the real terminal in order.
    fn restore_on_panic(&self) {
        let Ok(screen) = self.screen.try_clone_to_owned() else { return };
        let usual = Mutex::new(self.usual.clone());
        let tell = panic::take_hook();
        panic::set_hook(Box::new(move |why| {
            if let Ok(usual) = usual.lock() {
                let _ = tcsetattr(&screen, SetArg::TCSANOW, &usual);
            }
            tell(why);
        }));
    }
}

impl Drop for Terminal<'_> {
    fn drop(&mut self) {
        self.leave();
        // The hook from before, so to say: only we set one.
        drop(panic::take_hook());
    }
}

fn open(path: &str) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).custom_flags(libc::O_NOCTTY).open(path)
}
