//! `shipctl`: a job runner and environment injector for assembly lines written in YAML.
//!
//! The way data walks has one direction: YAML text → `source` → `model` → `resolve` → `environment` →
//! `workspace` → `run` → exit status.

pub mod contract;
pub mod credentials;
pub mod diagnostic;
pub mod environment;
pub mod exit;
pub mod lookup;
pub mod model;
pub mod resolve;
pub mod mask;
pub mod secret;
pub mod source;
pub mod yaml;

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the program with the arguments of the process and says how it ended.
pub fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    if let Some(status) = lookup::main(&args) {
        return ExitCode::from(status);
    }
    eprintln!("Usage: shipctl COMMAND ARGUMENTS");
    ExitCode::from(exit::USAGE)
}
