//! The commands: glue between the command line and the road from YAML to a finished job. One file each.

pub mod audit_log;
pub mod aws_credentials;
pub mod check;
pub mod completions;
pub mod defaults;
pub mod doctor;
pub mod encrypt;
pub mod env;
pub mod exec;
pub mod explain;
pub mod export;
pub mod function;
pub mod graph;
pub mod history;
pub mod init;
pub mod integration;
pub mod key;
pub mod list;
pub mod logs;
pub mod manual;
pub mod policy;
pub mod remote_job;
pub mod reset;
pub mod run;
pub mod scan;
pub mod schema;
pub mod session;
pub mod state;
mod watch;

use std::path::PathBuf;

use anyhow::Context as _;

use crate::exit;
use crate::output::Failure;

impl From<clap::Error> for Failure {
    fn from(error: clap::Error) -> Self {
        Failure { status: exit::USAGE, message: error.render().to_string() }
    }
}

/// Goes to the directory of `-C`, once, before anything else.
pub fn enter(directory: Option<&PathBuf>) -> Result<(), Failure> {
    if let Some(directory) = directory {
        std::env::set_current_dir(directory)
            .with_context(|| format!("cannot go to the directory {}", directory.display()))?;
    }
    Ok(())
}
