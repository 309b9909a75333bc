//! Programs that print values: started side by side, each with a time limit.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::unistd::Pid;
use zeroize::{Zeroize as _, Zeroizing};

use super::{FetchContext, NoValue};
use crate::platform::end_of;
use crate::poll::{PollSet, wait_for_end};
use crate::secret::Secret;
use crate::secure;

/// What to do about a program that fails.
pub(super) const RUN_IT: &str = "run the command by hand to see what it needs";

/// What to do about a program of the user's that is not there.
pub(super) const NOT_THERE: &str = "install it, or name its directory in PATH";

/// The largest value that is fetched, in bytes. A variable of more than 128 KiB cannot be passed on anyway.
pub(super) const MAX_VALUE: u64 = 1 << 20;

/// How long a program may take to print a value by default.
pub const LIMIT: Duration = Duration::from_secs(30);

/// How many run at a time.
const SIDE_BY_SIDE: usize = 8;

/// The most of a program's complaints that is kept, in bytes.
const MAX_COMPLAINT: u64 = 16 << 10;

/// How long output may still come from what a program left behind, once it has ended.
const GRACE: Duration = Duration::from_millis(200);

/// How often to look whether it has ended, on a kernel that does not tell.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Why a program gave no value.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// There is no such program.
    #[error("there is no {0}")]
    Missing(String),
    /// It was not started.
    #[error("it was not run")]
    NotRun,
    /// The system did not start it, or its output could not be read.
    #[error("cannot run {0}: {1}")]
    Io(String, std::io::Error),
    /// It failed; with what it said.
    #[error("{0} failed ({1}){colon}{2}", colon = if .2.is_empty() { "" } else { ": " })]
    Failed(String, ExitStatus, String),
    /// What it printed is no value.
    #[error("what {0} prints cannot be used: {1}")]
    Unusable(String, TextError),
    /// It took longer than it may.
    #[error("{0} gave nothing within {seconds} s", seconds = .1.as_secs())]
    TooSlow(String, Duration),
}

/// Why bytes are no value.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    /// It is longer than [`MAX_VALUE`].
    #[error("it holds more than {} KiB", MAX_VALUE >> 10)]
    TooLong,
    /// It is not UTF-8.
    #[error("it holds something that is not UTF-8 text")]
    NotText,
}

/// What the program of a source printed; with what to do where it is not there.
pub(super) fn printed<'c>(context: &FetchContext<'c>, install: &str) -> Result<&'c Secret, NoValue> {
    let failed = match context.printed {
        Some(Ok(printed)) => return Ok(printed),
        Some(Err(failed)) => failed,
        None => &ProgramError::NotRun,
    };
    Err(match failed {
        ProgramError::Missing(program) => {
            NoValue::new(format!("cannot run {program}: there is no such program here"), install)
        }
        ProgramError::TooSlow(program, limit) => NoValue::new(
            format!("{program} printed no value within {} s", limit.as_secs_f64()),
            format!("{RUN_IT}; --fetch-timeout gives it more time"),
        ),
        other => NoValue::new(other.to_string(), RUN_IT),
    })
}

/// Runs programs, each given by itself and its arguments, and gives what each printed, in the same order. Stdin is for
/// one that is alone; several could only take each other's answers away. All of them can ask on the terminal.
pub fn run_all(programs: &[Vec<String>], limit: Duration) -> Vec<Result<Secret, ProgramError>> {
    if let [alone] = programs {
        return vec![run(alone, Stdio::inherit(), limit)];
    }
    let next = AtomicUsize::new(0);
    let printed: Vec<_> = programs.iter().map(|_| Mutex::new(None)).collect();
    let work = || {
        while let Some(index) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|i| *i < programs.len()) {
            let result = run(&programs[index], Stdio::null(), limit);
            *printed[index].lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        }
    };
    thread::scope(|scope| {
        let workers = 0..programs.len().min(SIDE_BY_SIDE);
        let workers: Vec<_> = workers.map(|_| scope.spawn(work)).collect();
        // The end of a scope waits until the work is done, and not until the threads are gone: one that still is there
        // would get the signals that tell of the job's own processes, and do nothing about them.
        workers.into_iter().for_each(|worker| _ = worker.join());
    });
    let take = |slot: Mutex<Option<_>>| slot.into_inner().unwrap_or_else(PoisonError::into_inner);
    printed.into_iter().map(|slot| take(slot).unwrap_or(Err(ProgramError::NotRun))).collect()
}

/// Runs a program and takes what it prints. What it says on its stderr is shown if it fails.
fn run(words: &[String], stdin: Stdio, limit: Duration) -> Result<Secret, ProgramError> {
    let Some((program, arguments)) = words.split_first() else { return Err(ProgramError::NotRun) };
    let failed = |error: std::io::Error| ProgramError::Io(program.clone(), error);
    let mut command = Command::new(program);
    command.args(arguments).stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
    secure::VARIABLES.iter().for_each(|variable| _ = command.env_remove(variable));
    let mut child = command.spawn().map_err(|error| match error.kind() {
        ErrorKind::NotFound => ProgramError::Missing(program.clone()),
        _ => failed(error),
    })?;
    let deadline = Instant::now() + limit;
    let mut output = Pipe::of(child.stdout.take(), MAX_VALUE + 1);
    let mut complaint = Pipe::of(child.stderr.take(), MAX_COMPLAINT);
    let ended = collect([&mut output, &mut complaint], &mut child, deadline);
    let status = match ended.map_err(failed)? {
        Some(status) => status,
        None => {
            let status = wait(&mut child, deadline).map_err(failed)?;
            status.ok_or_else(|| ProgramError::TooSlow(program.clone(), limit))?
        }
    };
    if status.success() {
        return text(output.bytes).map_err(|error| ProgramError::Unusable(program.clone(), error));
    }
    let complaint = String::from_utf8_lossy(&complaint.bytes).trim().to_owned();
    Err(ProgramError::Failed(program.clone(), status, complaint))
}

type Bytes = Zeroizing<Vec<u8>>;

/// A pipe and what came through it.
struct Pipe {
    file: Option<File>,
    bytes: Bytes,
    /// How much of it is kept, in bytes.
    most: usize,
}

impl Pipe {
    fn of(pipe: Option<impl Into<OwnedFd>>, most: u64) -> Pipe {
        let file = pipe.map(|pipe| File::from(pipe.into()));
        Pipe { file, bytes: Zeroizing::new(Vec::with_capacity(4096)), most: most as usize }
    }

    /// Reads what is there.
    fn read(&mut self) -> std::io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let mut piece = Zeroizing::new([0; 4096]);
        let count = match file.read(&mut *piece) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            read => read?,
        };
        // The rest is read all the same: a program that cannot get rid of its output ends as if something were wrong.
        let kept = count.min(self.most - self.bytes.len());
        append(&mut self.bytes, &piece[..kept]);
        if count == 0 {
            self.file = None;
        }
        Ok(())
    }
}

/// Reads both pipes until they are closed, the time is up, or the program has ended and nothing more comes: what it left
/// in the background may keep them open for good. How the program ended, if it has.
///
/// No thread may stay behind that still reads: it would get the signals of the run that follows.
fn collect(
    mut pipes: [&mut Pipe; 2],
    child: &mut Child,
    deadline: Instant,
) -> std::io::Result<Option<ExitStatus>> {
    let end = end_of(Pid::from_raw(child.id() as i32));
    let mut ended: Option<(ExitStatus, Instant)> = None;
    loop {
        let until = ended.map_or(deadline, |(_, at)| deadline.min(at + GRACE));
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || pipes.iter().all(|pipe| pipe.file.is_none()) {
            break;
        }
        let mut set = PollSet::default();
        let tokens = pipes.each_ref().map(|pipe| set.readable(pipe.file.as_ref().map(AsFd::as_fd)));
        set.readable(end.as_ref().filter(|_| ended.is_none()).map(AsFd::as_fd));
        let ready = set.wait(Some(left.min(LOOK_AGAIN)))?;
        for (pipe, _) in pipes.iter_mut().zip(tokens).filter(|(_, token)| ready.has(*token)) {
            pipe.read()?;
        }
        if ended.is_none() {
            ended = child.try_wait()?.map(|status| (status, Instant::now()));
        }
    }
    Ok(ended.map(|(status, _)| status))
}

/// Appends a piece; what grows is wiped where it was.
fn append(all: &mut Bytes, piece: &[u8]) {
    if all.capacity() - all.len() < piece.len() {
        let mut larger = Zeroizing::new(Vec::with_capacity((all.capacity() + piece.len()) * 2));
        larger.extend_from_slice(all);
        *all = larger;
    }
    all.extend_from_slice(piece);
}

/// Waits for the end of a program whose output has ended. `None` if it had to be killed.
fn wait(child: &mut Child, deadline: Instant) -> std::io::Result<Option<ExitStatus>> {
    let end = end_of(Pid::from_raw(child.id() as i32));
    let ended = wait_for_end(end.as_ref().map(AsFd::as_fd), deadline, || child.try_wait().transpose());
    if ended.is_none() {
        child.kill()?;
        child.wait()?;
    }
    ended.transpose()
}

/// One trailing newline is dropped: editors and `echo` add it.
pub(super) fn text(mut bytes: Zeroizing<Vec<u8>>) -> Result<Secret, TextError> {
    if bytes.len() as u64 > MAX_VALUE {
        return Err(TextError::TooLong);
    }
    let mut text = String::from_utf8(std::mem::take(&mut *bytes)).map_err(|error| {
        error.into_bytes().zeroize();
        TextError::NotText
    })?;
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(Secret::new(text))
}
