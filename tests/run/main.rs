//! How a job's scripts run: tasks, sections, signals, limits, output; and how `exec` runs a command.
//!
//! Every test starts the program and looks at it from outside. Nothing sleeps for a fixed time: what takes time is
//! waited for, with a deadline that only a failure reaches.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod added;
mod containers;
mod ends;
mod exec;
mod exec_container;
#[path = "../shared/homes.rs"]
mod homes;
mod limits;
mod output;
mod processes;
mod sections;
mod shells;
mod signals;
#[cfg(not(feature = "full"))]
mod slim;
mod support;
mod terminal;
mod traps;
