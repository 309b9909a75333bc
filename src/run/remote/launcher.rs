//! This side: the command that starts `shipctl` on another machine, and what comes from there.

mod receive;

use std::ffi::OsString;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::libc;
use nix::sys::signal::{Signal, raise};
use zeroize::Zeroizing;

use super::super::console::Console;
use super::super::event::{Event, StepResult};
use super::super::{Error, Outcome, Signals, StepKind, Variables};
use super::command::{END_LIMIT, Remote};
use super::frame::{FrameKind, PIECE, ReceivedBytes, UnsentBytes, framed};
use super::transfer::{Download, Upload};
use super::{COMMAND, SIGN_OF_LIFE};
use crate::exit;
use crate::poll::{PollSet, is_readable, is_writable};

/// How long the other side may take to end a job, on top of the grace period: its sections have a limit of their own.
const LAST_LIMIT: Duration = Duration::from_secs(150);

/// How often is looked whether time is up.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// What it takes to have a job run on another machine.
pub struct Launcher<'l, 's, 'c> {
    /// The command that starts another on another machine, with its stdin.
    pub command: &'l [String],
    /// Its environment: nothing secret that is the job's.
    pub environment: &'l Variables,
    /// How long processes that are told to end may take there.
    pub grace: Duration,
    /// How long nothing may come from there before it is given up: [`super::SILENCE`].
    pub silence: Duration,
    /// The signals that are passed on.
    pub signals: &'s Signals,
    /// Where the log of the job is shown.
    pub console: &'l mut Console<'c>,
    /// Takes whole lines for stderr.
    pub say: &'l dyn Fn(&str),
    /// Takes what is to be kept with the record of the job.
    pub keep: &'l dyn Fn(&[u8]),
}

/// What has become of a job.
#[derive(Debug)]
pub enum Reply {
    /// It has ended, and this is what the other side says of it.
    Ended(Zeroizing<Vec<u8>>),
    /// It began, and then the other side was lost: it is not known whether it came to its end.
    Lost(Outcome),
}

impl Launcher<'_, '_, '_> {
    /// Has a job run: sends it, and its files, and takes what it makes into the directory of `download`. It is started once;
    /// where that fails, or the other side is lost, it has failed.
    ///
    /// # Errors
    ///
    /// When no job was begun: says why.
    pub fn run(self, job: &[u8], upload: Upload, download: Download) -> Result<Reply, Error> {
        let shown = self.command.join(" ");
        // The shell of the job is not on it.
        self.console.forgo_terminal();
        let mut line: Vec<OsString> = self.command.iter().map(OsString::from).collect();
        line.extend([program_there(&self.command[0]), COMMAND.into()]);
        let (remote, stdout, stderr) = Remote::start(&line, self.environment, self.signals)?;
        Connection {
            remote,
            stdout: Some(stdout),
            stderr: Some(stderr),
            shown,
            launcher: self,
            job: Some(framed(FrameKind::Job, job)),
            upload: Some(upload),
            download,
            out: UnsentBytes::default(),
            received: ReceivedBytes::default(),
            greeted: None,
            shown_alive: Instant::now(),
            said: Vec::new(),
            started: None,
            step: None,
            steps: Vec::new(),
            cancelled: None,
            end_by: None,
            result: None,
        }
        .run()
    }
}

/// What `shipctl` is called on the other side: it is found along the `PATH` there. Slurm has no `PATH` there but the one that it
/// is given, and runs what lies where it lies here.
fn program_there(command: &str) -> OsString {
    let here = std::env::current_exe().ok().filter(|_| Path::new(command).ends_with("srun"));
    here.map_or_else(|| "shipctl".into(), PathBuf::into_os_string)
}

/// A job that is somewhere else.
struct Connection<'l, 's, 'c> {
    launcher: Launcher<'l, 's, 'c>,
    // Dropped before the command, which could not end while it writes what nobody reads.
    stdout: Option<OwnedFd>,
    stderr: Option<OwnedFd>,
    remote: Remote,
    /// The command, for messages.
    shown: String,
    /// The job, until it is sent; and its files, until they are.
    job: Option<Zeroizing<Vec<u8>>>,
    upload: Option<Upload>,
    download: Download,
    out: UnsentBytes,
    received: ReceivedBytes,
    /// When something came last; `None` before `shipctl` has answered there.
    greeted: Option<Instant>,
    /// When we last showed that we live.
    shown_alive: Instant,
    /// The line that the command is writing to stderr.
    said: Vec<u8>,
    /// When the job began.
    started: Option<(String, Instant)>,
    /// The step that runs.
    step: Option<(String, StepKind, Instant)>,
    /// The steps that have ended.
    steps: Vec<StepResult>,
    /// The signal that tells the job to end.
    cancelled: Option<i32>,
    /// When the command is given up.
    end_by: Option<Instant>,
    result: Option<Zeroizing<Vec<u8>>>,
}

/// Why the other side is given up.
type Lost = String;

impl Connection<'_, '_, '_> {
    fn run(mut self) -> Result<Reply, Error> {
        let lost = loop {
            match self.wait() {
                Ok(true) => {}
                Ok(false) => break None,
                Err(lost) => break Some(lost),
            }
        };
        if let Some(result) = self.result.take() {
            self.finish();
            return Ok(Reply::Ended(result));
        }
        self.drain_stderr();
        match (self.cancelled, self.started.take()) {
            (Some(signal), None) => Err(Error::Interrupted(signal)),
            (_, None) => Err(Error::Remote { message: lost.unwrap_or_default(), hint: self.hint() }),
            (cancelled, Some((job, started))) => {
                let outcome = cancelled.map_or(Outcome::Failed(exit::SHIPCTL_FAILED), Outcome::Cancelled);
                let message = format!("the job was lost: {}", lost.unwrap_or_default());
                self.close_log(&job, started, outcome, &message);
                Ok(Reply::Lost(outcome))
            }
        }
    }

    /// Says in the log of a job that was begun how that ended.
    fn close_log(&mut self, job: &str, started: Instant, outcome: Outcome, message: &str) {
        let console = &mut *self.launcher.console;
        console.tell(&Event::Notice { message });
        if let Some((name, kind, started)) = self.step.take() {
            let duration = started.elapsed();
            let step = StepResult { name, kind, outcome: Some(outcome), overlooked: 0, duration };
            console.tell(&Event::StepEnd { step: &step });
            self.steps.push(step);
        }
        console.tell(&Event::JobEnd { job, outcome, duration: started.elapsed(), steps: &self.steps });
    }

    /// Writes what is left to be shown, and has the command end.
    fn finish(&mut self) {
        self.remote.stdin = None;
        self.remote.wait(END_LIMIT);
        self.drain_stderr();
    }

    /// Waits until something happens, and does what is due; says whether there is more to come.
    fn wait(&mut self) -> Result<bool, Lost> {
        let now = Instant::now();
        let is_read = !self.launcher.console.is_full();
        if !is_read {
            // That nothing is heard is our own doing.
            self.greeted = self.greeted.map(|_| now);
        }
        self.fill(now)?;
        let console = &mut *self.launcher.console;
        let idle = console.idle(now);
        let mut set = PollSet::default();
        set.readable(self.launcher.signals.as_fd());
        set.readable(self.remote.end());
        set.readable(self.stdout.as_ref().filter(|_| is_read).map(AsFd::as_fd));
        let said = set.readable(self.stderr.as_ref().map(AsFd::as_fd));
        let stdin = self.remote.stdin.as_ref().filter(|_| !self.out.is_empty());
        let taken = set.writable(stdin.map(AsFd::as_fd));
        let shown = set.writable(console.stream());
        let limit = idle.unwrap_or(LOOK_AGAIN).clamp(Duration::from_millis(1), LOOK_AGAIN);
        let ready = set.wait(Some(limit));
        let ready = ready.map_err(|error| format!("cannot wait for `{}`: {error}", self.shown))?;
        if ready.has(shown) {
            console.write_some();
        }
        self.take_signals()?;
        if ready.has(said) {
            self.take_stderr();
        }
        if ready.has(taken)
            && let Some(stdin) = &self.remote.stdin
            && !self.out.write_some(stdin.as_fd(), PIECE)
        {
            self.remote.stdin = None;
        }
        // Looked at before stdout: then all that it wrote is there to be read.
        let has_ended = self.remote.has_ended();
        if is_read && self.stdout.as_ref().is_some_and(|fd| is_readable(fd.as_fd())) {
            self.take_stdout()?;
            if self.result.is_some() {
                return self.written();
            }
            return Ok(true);
        }
        if self.result.is_some() {
            return self.written();
        }
        if has_ended && is_read || self.stdout.is_none() {
            // What it says of that may still be on its way.
            self.remote.wait(END_LIMIT);
            self.drain_stderr();
            return Err(self.lost());
        }
        if self.end_by.is_some_and(|end_by| now >= end_by) {
            return Err(format!("`{}` did not end", self.shown));
        }
        Ok(true)
    }

    /// Whether there is still something to be shown.
    fn written(&self) -> Result<bool, Lost> {
        Ok(self.launcher.console.stream().is_some())
    }

    /// Has what is due written.
    fn fill(&mut self, now: Instant) -> Result<(), Lost> {
        let Some(heard) = self.greeted else { return Ok(()) };
        let limit = self.launcher.silence;
        if now >= heard + limit {
            return Err(format!("nothing came from `{}` for {} s", self.shown, limit.as_secs_f32()));
        }
        if now >= self.shown_alive + SIGN_OF_LIFE {
            self.out.push(&framed(FrameKind::Alive, &[]));
            self.shown_alive = now;
        }
        if let Some(job) = self.job.take() {
            self.out.push(&job);
        }
        while !self.out.is_full()
            && let Some(upload) = &mut self.upload
        {
            match upload.next() {
                Ok(Some(frame)) => self.out.push(&frame),
                Ok(None) => self.upload = None,
                Err(error) => return Err(format!("cannot send the files of the job: {error}")),
            }
        }
        Ok(())
    }

    /// Passes on the signals that came.
    fn take_signals(&mut self) -> Result<(), Lost> {
        loop {
            let arrival = self.launcher.signals.next();
            let Some(arrival) = arrival.map_err(|error| format!("cannot read signals: {error}"))? else {
                return Ok(());
            };
            match arrival.signal {
                signal @ (libc::SIGINT | libc::SIGTERM) => {
                    let is_first = self.cancelled.replace(signal).is_none();
                    if self.greeted.is_none() || self.upload.is_some() {
                        self.remote.terminate();
                        return Err("it was told to end".to_owned());
                    }
                    let limit = if is_first { self.launcher.grace + LAST_LIMIT } else { self.launcher.grace };
                    self.end_by = Some(Instant::now() + limit);
                    self.pass_on(signal);
                }
                signal @ (libc::SIGHUP | libc::SIGQUIT | libc::SIGUSR1 | libc::SIGUSR2) => {
                    self.pass_on(signal)
                }
                libc::SIGTSTP => self.pause(),
                _ => {}
            }
        }
    }

    fn pass_on(&mut self, signal: i32) {
        if self.greeted.is_some() {
            self.out.push(&framed(FrameKind::Signal, &signal.to_le_bytes()));
        }
    }

    /// Stops, and the job with us.
    fn pause(&mut self) {
        self.pass_on(libc::SIGTSTP);
        let until = Instant::now() + END_LIMIT;
        while !self.out.is_empty()
            && Instant::now() < until
            && let Some(stdin) = &self.remote.stdin
        {
            if is_writable(stdin.as_fd()) && !self.out.write_some(stdin.as_fd(), PIECE) {
                self.remote.stdin = None;
            }
        }
        let _ = raise(Signal::SIGSTOP);
        self.pass_on(libc::SIGCONT);
        self.greeted = self.greeted.map(|_| Instant::now());
    }

    /// What is said of a command that has ended before its job.
    fn lost(&self) -> Lost {
        let when = match self.greeted {
            None => " before shipctl answered on the other side",
            Some(_) => "",
        };
        format!("`{}` {}{when}", self.shown, self.remote.described())
    }

    /// What can be done about a job that did not begin.
    fn hint(&self) -> Option<String> {
        (self.greeted.is_none() && self.remote.found_nothing()).then(|| {
            "shipctl has to be there too, in the PATH of what this starts: \
             put `env PATH=…` behind it if it lies elsewhere"
                .to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::super::frame::hello;
    use super::*;
    use crate::paint::Paint;
    use crate::run::console::Text;

    /// What becomes of a job whose other side runs `script` once it has answered.
    fn answered(script: &str, silence: Duration) -> String {
        let directory = tempfile::tempdir().unwrap();
        let log = File::create(directory.path().join("log")).unwrap();
        let mut console = Console::new(Text::new(Paint::Plain, false), log.as_fd());
        let hello = String::from_utf8(hello()).unwrap();
        let command = ["/bin/sh".to_owned(), "-c".to_owned(), format!("printf '%s' '{hello}'; {script}")];
        let environment = Variables::new([("PATH".as_ref(), "/usr/bin:/bin".as_ref())]).unwrap();
        let launcher = Launcher {
            command: &command,
            environment: &environment,
            grace: Duration::ZERO,
            silence,
            signals: &Signals::hold().unwrap(),
            console: &mut console,
            say: &|_| {},
            keep: &|_| {},
        };
        let reply = launcher.run(b"{}", Upload::new(Vec::new()), Download::into(directory.path()));
        reply.unwrap_err().to_string()
    }

    #[test]
    fn the_other_side_is_given_up_when_it_is_silent_for_too_long() {
        let begun = Instant::now();
        let said = answered("while read -r line; do :; done", Duration::from_millis(200));
        assert!(said.contains("nothing came from `/bin/sh -c "), "{said}");
        assert!(said.ends_with("` for 0.2 s"), "{said}");
        assert!(begun.elapsed() >= Duration::from_millis(200));
    }

    #[test]
    fn the_other_side_is_not_given_up_before() {
        let said = answered("sleep 0.3; exit 3", Duration::from_secs(60));
        assert!(said.ends_with("` ended with status 3"), "{said}");
    }
}
