//! `shipctl`: a job runner and environment injector for assembly lines written in YAML.
//!
//! The way data walks has one direction: YAML text → `source` → `model` → `resolve` → `environment` →
//! `workspace` → `run` → exit status.

pub mod contract;
pub mod exit;
pub mod mask;
pub mod run;
pub mod secret;

use std::process::ExitCode;

/// Runs the program with the arguments of the process and says how it ended.
pub fn main() -> ExitCode {
    ExitCode::from(exit::USAGE)
}
