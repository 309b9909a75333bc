//! Repositories that go into jobs, with real git and without a network.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod clone;
mod facts;
mod find;
mod server;
mod support;
mod working_tree;
