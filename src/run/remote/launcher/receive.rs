//! What a command says on stdout and stderr: frames there, and lines here.

use std::os::fd::AsFd as _;
use std::time::Instant;

use nix::errno::Errno;
use nix::unistd::read;

use super::{Connection, Lost};
use crate::poll::is_readable;
use crate::run::event::Event;
use crate::run::remote::event::ReceivedEvent as Told;
use crate::run::remote::frame::{Frame, FrameKind};

/// How much may be printed before `shipctl` says that it is there, in bytes.
const LONGEST_BANNER: usize = 1 << 20;

/// What is read at once.
const PIECE: usize = 64 * 1024;

impl Connection<'_, '_, '_> {
    /// Takes what the command writes to stderr, line by line.
    pub(super) fn take_stderr(&mut self) {
        let mut buffer = [0; 4096];
        let Some(stderr) = &self.stderr else { return };
        match read(stderr, &mut buffer) {
            Ok(n @ 1..) => self.said.extend_from_slice(&buffer[..n]),
            Err(Errno::EINTR | Errno::EAGAIN) => return,
            Ok(0) | Err(_) => {
                self.stderr = None;
                if !self.said.is_empty() {
                    self.said.push(b'\n');
                }
            }
        }
        let Some(end) = memchr::memrchr(b'\n', &self.said) else { return };
        let lines: Vec<u8> = self.said.drain(..=end).collect();
        self.say(&lines);
    }

    /// What it has written there before it ended. Who holds the pipe still is not waited for.
    pub(super) fn drain_stderr(&mut self) {
        while self.stderr.as_ref().is_some_and(|fd| is_readable(fd.as_fd())) {
            self.take_stderr();
        }
    }

    /// Shows lines that the command has written.
    fn say(&self, lines: &[u8]) {
        for line in String::from_utf8_lossy(lines).lines().filter(|line| !line.trim().is_empty()) {
            (self.launcher.say)(&format!("warning: {}: {line}\n", self.shown));
        }
    }

    /// Takes what comes from the other side.
    pub(super) fn take_stdout(&mut self) -> Result<(), Lost> {
        let mut buffer = vec![0; PIECE];
        let Some(stdout) = &self.stdout else { return Ok(()) };
        match read(stdout, &mut buffer) {
            Ok(n @ 1..) => self.received.push(&buffer[..n]),
            Err(Errno::EINTR | Errno::EAGAIN) => return Ok(()),
            Ok(0) | Err(_) => {
                self.stdout = None;
                return Ok(());
            }
        }
        if self.greeted.is_none() {
            let Some((version, before)) = self.received.hello() else {
                if self.received.len() > LONGEST_BANNER {
                    return Err(format!("`{}` prints something else than shipctl does", self.shown));
                }
                return Ok(());
            };
            self.say(&before);
            self.check_version(&version)?;
        }
        self.greeted = Some(Instant::now());
        loop {
            match self.received.next() {
                Ok(Some(frame)) => self.take_frame(frame)?,
                Ok(None) => return Ok(()),
                Err(_) => {
                    return Err(format!(
                        "`{}` printed something between what shipctl writes there",
                        self.shown
                    ));
                }
            }
        }
    }

    fn check_version(&self, version: &str) -> Result<(), Lost> {
        const OURS: &str = env!("CARGO_PKG_VERSION");
        match version.strip_suffix('\r') {
            Some(_) => Err(format!(
                "`{}` has a terminal between the two sides, which changes what is sent",
                self.shown
            )),
            None if version == OURS => Ok(()),
            None => Err(format!(
                "`{}` starts shipctl {}, and this one is {OURS}: both must have the same version",
                self.shown,
                version.escape_debug()
            )),
        }
    }

    fn take_frame(&mut self, frame: Frame) -> Result<(), Lost> {
        let bytes = &frame.bytes;
        let unfit = || format!("`{}` starts a shipctl that writes what this one does not know", self.shown);
        let received = |error: std::io::Error| format!("what the job made cannot be written here: {error}");
        match frame.kind {
            FrameKind::Alive => {}
            FrameKind::Printed => self.launcher.console.event(&Event::Output { bytes }),
            FrameKind::Event => {
                let told = Told::parse(bytes).ok_or_else(unfit)?;
                self.note(&told);
                self.launcher.console.event(&told.event());
            }
            FrameKind::Kept => (self.launcher.keep)(bytes),
            FrameKind::Said => (self.launcher.say)(&String::from_utf8_lossy(bytes)),
            FrameKind::Entry => self.download.entry(bytes).map_err(received)?,
            FrameKind::Content => self.download.content(bytes).map_err(received)?,
            FrameKind::EndOfFiles => self.download.finish().map_err(received)?,
            FrameKind::Result => self.result = Some(frame.take()),
            FrameKind::Killed => return Err("the shipctl that ran it there was killed".to_owned()),
            FrameKind::Job | FrameKind::Signal => return Err(unfit()),
        }
        Ok(())
    }

    /// Takes note of how far the job is, in case the other side is lost.
    fn note(&mut self, told: &Told) {
        match told {
            Told::JobStart { job } => {
                self.started.get_or_insert((job.clone(), Instant::now()));
                self.steps.clear();
            }
            Told::StepStart { step, kind } => self.step = Some((step.clone(), *kind, Instant::now())),
            Told::StepEnd { step } => {
                self.step = None;
                self.steps.push(step.clone());
            }
            _ => {}
        }
    }
}
