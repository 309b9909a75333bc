//! Programs that print values: started side by side, each with a time limit.

use std::io::{ErrorKind, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::fetch::{MAX_VALUE, text};
use crate::secret::Secret;
use crate::secure;

/// How many run at a time.
const SIDE_BY_SIDE: usize = 8;

/// The most of a program's complaints that is kept, in bytes.
const MAX_COMPLAINT: u64 = 16 << 10;

/// How long output may still come from what a program left behind, once it has ended.
const GRACE: Duration = Duration::from_millis(200);

/// Why a program gave no value.
#[derive(Clone, Debug)]
pub(super) enum Failed {
    /// There is no such program.
    Missing,
    /// It failed, in words.
    Ended(String),
    /// It took longer than it may.
    TooSlow(Duration),
}

/// Runs programs, each given by itself and its arguments, and gives what each printed, in the same order. Stdin is for
/// one that is alone; several could only take each other's answers away. All of them can ask on the terminal.
pub(super) fn run_all(programs: &[Vec<String>], limit: Duration) -> Vec<Result<Secret, Failed>> {
    if let [alone] = programs {
        return vec![run(alone, Stdio::inherit(), limit)];
    }
    let next = AtomicUsize::new(0);
    let printed: Vec<_> = programs.iter().map(|_| Mutex::new(None)).collect();
    thread::scope(|scope| {
        for _ in 0..programs.len().min(SIDE_BY_SIDE) {
            scope.spawn(|| {
                while let Some(index) =
                    Some(next.fetch_add(1, Ordering::Relaxed)).filter(|i| *i < programs.len())
                {
                    let result = run(&programs[index], Stdio::null(), limit);
                    *printed[index].lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
                }
            });
        }
    });
    let ended = || Err(Failed::Ended("it was not run".to_owned()));
    let take = |slot: Mutex<Option<_>>| slot.into_inner().unwrap_or_else(PoisonError::into_inner);
    printed.into_iter().map(|slot| take(slot).unwrap_or_else(ended)).collect()
}

/// Runs a program and takes what it prints. What it says on its stderr is shown if it fails.
fn run(words: &[String], stdin: Stdio, limit: Duration) -> Result<Secret, Failed> {
    let Some((program, arguments)) = words.split_first() else { return Err(Failed::Missing) };
    let failed = |why: std::io::Error| Failed::Ended(format!("cannot run {program}: {why}"));
    let mut command = Command::new(program);
    command.args(arguments).stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
    secure::VARIABLES.iter().for_each(|variable| _ = command.env_remove(variable));
    let mut child = command.spawn().map_err(|error| match error.kind() {
        ErrorKind::NotFound => Failed::Missing,
        _ => failed(error),
    })?;
    let output = child.stdout.take().map(|pipe| follow(pipe, MAX_VALUE + 1));
    let complaint = child.stderr.take().map(|pipe| follow(pipe, MAX_COMPLAINT));
    let deadline = Instant::now() + limit;
    let (bytes, status) =
        output.map_or_else(|| (Zeroizing::default(), None), |output| collect(&output, &mut child, deadline));
    let status = match status {
        Some(status) => status,
        None => wait(&mut child, deadline).map_err(failed)?.ok_or(Failed::TooSlow(limit))?,
    };
    if status.success() {
        let printed = text(bytes);
        return printed.map_err(|why| Failed::Ended(format!("what {program} prints cannot be used: {why}")));
    }
    let said = complaint.map_or_else(Zeroizing::default, |complaint| {
        collect(&complaint, &mut child, Instant::now() + GRACE).0
    });
    let said = String::from_utf8_lossy(&said);
    let colon = if said.trim().is_empty() { "" } else { ": " };
    Err(Failed::Ended(format!("{program} failed ({status}){colon}{}", said.trim())))
}

type Piece = Zeroizing<Vec<u8>>;

/// Reads a pipe in the background: as long as it is open, or up to `most` bytes.
fn follow(pipe: impl Read + Send + 'static, most: u64) -> Receiver<Piece> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut pipe = pipe.take(most);
        loop {
            let mut piece = Zeroizing::new(vec![0; 4096]);
            match pipe.read(&mut piece) {
                Ok(0) => return,
                Ok(count) => piece.truncate(count),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return,
            }
            if sender.send(piece).is_err() {
                return;
            }
        }
    });
    receiver
}

/// What comes through a pipe until it is closed, the time is up, or the program has ended and nothing more comes: what it
/// left in the background may keep the pipe open for good. And how the program ended, if it has.
fn collect(pipe: &Receiver<Piece>, child: &mut Child, deadline: Instant) -> (Piece, Option<ExitStatus>) {
    let mut all = Zeroizing::new(Vec::with_capacity(4096));
    let mut ended: Option<(ExitStatus, Instant)> = None;
    loop {
        match pipe.recv_timeout(Duration::from_millis(20)) {
            Ok(piece) => append(&mut all, &piece),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                if ended.is_none() {
                    ended = child.try_wait().ok().flatten().map(|status| (status, Instant::now()));
                }
                let over = ended.is_some_and(|(_, at)| at.elapsed() > GRACE);
                if over || Instant::now() >= deadline {
                    break;
                }
            }
        }
    }
    (all, ended.map(|(status, _)| status))
}

/// Appends a piece; what grows is wiped where it was.
fn append(all: &mut Piece, piece: &[u8]) {
    if all.capacity() - all.len() < piece.len() {
        let mut larger = Zeroizing::new(Vec::with_capacity((all.capacity() + piece.len()) * 2));
        larger.extend_from_slice(all);
        *all = larger;
    }
    all.extend_from_slice(piece);
}

/// Waits for the end of a program whose output has ended. `None` if it had to be killed.
fn wait(child: &mut Child, deadline: Instant) -> std::io::Result<Option<ExitStatus>> {
    let mut pause = Duration::from_micros(50);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}
