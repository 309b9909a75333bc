//! The utility functions, as scripts call them.

mod context;
#[cfg(feature = "full")]
mod decrypt;
mod files;
mod get;
mod git;
mod json;
mod notify;
mod output;
mod rooms;
mod state;
mod tools;
