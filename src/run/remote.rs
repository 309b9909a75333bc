//! A job on another machine: `shipctl` there runs it, this one sees to it.
//!
//! ```text
//! this machine                                         the other one
//! launcher ── stdin of the command ──▶ supervisor ── pipe ──▶ worker, which runs the job
//!          ◀─ stdout of the command ──            ◀─ pipe ──
//! ```
//!
//! `frame` is what goes over both lines, `event` what a worker reports of its job, `transfer` files. The supervisor is there
//! because the worker waits for its job: it passes signals on, and when the line from here is lost, it ends the job.

mod command;
mod event;
mod frame;
mod launcher;
mod supervisor;
mod transfer;

use std::time::Duration;

pub use event::Frames as EventFrames;
pub use launcher::{Launcher, Reply};
pub use supervisor::{Input, Output, supervise};
pub use transfer::{Download, Item, Upload, What, copy, walk};

/// The command that runs a job for a `shipctl` on another machine.
pub const COMMAND: &str = "remote-job";

/// How often each side shows that it lives.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);

/// Without one for so long, the other side is lost.
pub const SILENCE: Duration = Duration::from_secs(60);
