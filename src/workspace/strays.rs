//! Processes that a killed run has left behind.
//!
//! While a job runs, the lock file of its workspace says so. When the next command finds the lock free and the note still
//! there, the run was killed, and what it started lives on, with the job's secrets in its environment. A process belongs to
//! that run if its environment names the workspace: no other run can have made that a workspace, as the lock is held while
//! the processes are looked for. One without that environment has no secrets either, and is left alone.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::unistd::Pid;

use crate::contract::var;
use crate::platform;

/// How the note begins; the path of the workspace follows.
const RUNS: &[u8] = b"run ";

/// How long they have to end after TERM, and to vanish after KILL.
const GRACE: Duration = Duration::from_secs(1);

/// How often to look whether they have.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Notes in the lock file of a workspace that what is started in it ends with it.
pub(super) fn note(mut lock: &File, root: &Path) -> io::Result<()> {
    lock.set_len(0)?;
    lock.write_all(&[RUNS, root.as_os_str().as_bytes()].concat())
}

/// What a lock file says. If that is that a job ran, its processes are ended first.
pub(super) fn read(mut lock: &File) -> io::Result<Vec<u8>> {
    let mut contents = Vec::new();
    lock.read_to_end(&mut contents)?;
    if let Some(root) = contents.strip_prefix(RUNS) {
        end(OsStr::from_bytes(root));
    }
    Ok(contents)
}

/// Ends the processes of the run in this workspace.
fn end(root: &OsStr) {
    let variable = [var::JOB_PATH.as_bytes(), b"=", root.as_bytes()].concat();
    for kill in [false, true] {
        // What is told to end may start something first.
        let patience = Instant::now() + GRACE;
        let mut told: Vec<Pid> = Vec::new();
        loop {
            let left = platform::having_variable(&variable);
            if left.is_empty() {
                return;
            }
            for process in left {
                if told.contains(&process.pid) {
                    continue;
                }
                if kill {
                    process.kill()
                } else {
                    process.terminate()
                }
                told.push(process.pid);
            }
            if patience <= Instant::now() {
                break;
            }
            sleep(LOOK_AGAIN);
        }
    }
}
