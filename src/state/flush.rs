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
            // The log's name, once.
            let mut directory = Some(directory);
            while queue.recv().is_ok() {
                // One wait serves all that was asked for until now.
                while queue.try_recv().is_ok() {}
                // After a failure no later success means anything: the system may have dropped what it could not write.
                flush(&log, directory.take().as_deref())?;
            }
            Ok(())
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

/// Brings the log to the disk, and its name if the directory is given. Opening it a second time is harmless, as it
/// would not be with the database: closing a file drops all locks that its process has on it.
pub(super) fn flush(log: &Path, directory: Option<&Path>) -> io::Result<()> {
    match File::open(log) {
        Ok(file) => file.sync_data()?,
        // Its content has been brought into the database, and that to the disk.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    }
    directory.map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}
