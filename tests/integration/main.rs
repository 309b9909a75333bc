//! The program as its users see it: one module for each behaviour, inputs beside the outputs they must have.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod bad_input;
mod check;
mod ci;
mod env;
mod files;
mod graph;
mod history;
mod job;
mod line;
mod lines;
mod lookup;
mod mask;
mod readme;
mod rooms;
mod state;
mod support;
