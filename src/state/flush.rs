//! Bringing the write-ahead log to the disk, beside the work.
//!
//! A wait for the disk takes as long as a small job does. So a commit does not wait; a thread of its own does, while
//! the next job runs, and the store waits for that thread when it is closed. What it guards against is a power
//! cut alone: what was written is safe from a kill without it.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};

/// A thread that waits for the disk.
pub(super) struct Flusher {
    /// Dropped to end the thread.
    requests: Option<Sender<()>>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Flusher {
    /// Starts one for the log at `log` in `directory`.
    ///
    /// # Errors
    ///
    /// When there can be no more threads.
    pub(super) fn start(log: PathBuf, directory: PathBuf) -> io::Result<Flusher> {
        let (requests, queue) = mpsc::channel();
        let thread = thread::Builder::new().name("state".to_owned()).spawn(move || {
            let mut result = Ok(());
            while queue.recv().is_ok() {
                // One wait serves all that was asked for until now.
                while queue.try_recv().is_ok() {}
                // A later one that succeeds makes up for one that failed only if the disk says so: it does not.
                result = result.and(flush(&log, &directory));
            }
            result
        })?;
        Ok(Flusher { requests: Some(requests), thread: Some(thread) })
    }

    /// Asks for all that has been committed to be brought to the disk. Does not wait.
    pub(super) fn request(&self) {
        if let Some(requests) = &self.requests {
            // If the thread is gone, `finish` says why.
            let _ = requests.send(());
        }
    }

    /// Waits until all that was asked for is on the disk.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.join()
    }

    fn join(&mut self) -> io::Result<()> {
        self.requests = None;
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(io::Error::other("the thread that writes to the disk was lost")),
            None => Ok(()),
        }
    }
}

impl Drop for Flusher {
    fn drop(&mut self) {
        // Whoever wants to know calls `finish`.
        let _ = self.join();
    }
}

/// Brings the log to the disk. Opening it a second time is harmless, unlike the database: its locks are elsewhere.
pub(super) fn flush(log: &Path, directory: &Path) -> io::Result<()> {
    match File::open(log) {
        Ok(file) => file.sync_data()?,
        // Its content has been brought into the database, and that to the disk.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    }
    File::open(directory)?.sync_all()
}
