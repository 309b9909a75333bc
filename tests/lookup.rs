//! The utility functions, as scripts call them: the real program, its whole stdout and stderr and its status.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "lookup/decrypt.rs"]
mod decrypt;
#[path = "lookup/files.rs"]
mod files;
#[path = "lookup/get.rs"]
mod get;
#[path = "lookup/git.rs"]
mod git;
#[path = "lookup/json.rs"]
mod json;
#[path = "lookup/notify.rs"]
mod notify;
#[path = "lookup/output.rs"]
mod output;
#[path = "lookup/rooms.rs"]
mod rooms;
#[path = "lookup/state.rs"]
mod state;
#[path = "lookup/support.rs"]
mod support;
#[path = "lookup/tools.rs"]
mod tools;
#[path = "lookup/world.rs"]
mod world;
