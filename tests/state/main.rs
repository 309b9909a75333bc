//! State that lasts, as those see it who store and read it: all through the public functions.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod altered;
mod builds;
#[path = "../shared/dice.rs"]
mod dice;
mod files;
mod full;
mod kill;
mod leaks;
mod model;
mod opening;
mod pending;
mod runs;
mod shared;
mod support;
mod together;
mod versions;
