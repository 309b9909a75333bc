//! `shipctl`: a job runner and environment injector for assembly lines written in YAML.
//!
//! The way data walks has one direction: YAML text → `source` → `model` → `resolve` → `environment` →
//! `workspace` → `run` → exit status.

pub mod contract;
pub mod credentials;
pub mod diagnostic;
pub mod environment;
pub mod exit;
pub mod model;
pub mod resolve;
pub mod secret;
pub mod source;
pub mod yaml;

use std::process::ExitCode;

/// Runs the program with the arguments of the process and says how it ended.
pub fn main() -> ExitCode {
    ExitCode::from(exit::USAGE)
}
