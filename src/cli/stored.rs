//! The commands that are about what runs left.

use std::path::PathBuf;

use clap::{Args, Subcommand, value_parser};

use super::{ListFormat, value};

/// `shipctl history`
#[derive(Args)]
pub struct History {
    /// The job; all jobs by default
    pub job: Option<String>,
    /// How many runs are shown, the last ones
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = value_parser!(u32).range(1..))]
    pub limit: u32,
    /// How they are printed
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: ListFormat,
}

/// `shipctl logs`
#[derive(Args)]
pub struct Logs {
    /// The job; by default, that of the last run of all
    pub job: Option<String>,
    /// The number of the run; the last one by default
    pub number: Option<u32>,
    /// Put the time before each line
    #[arg(long)]
    pub timestamps: bool,
}

/// `shipctl audit`
#[derive(Args)]
pub struct Audit {
    /// Show runs of this job alone
    pub job: Option<String>,
    /// Show runs of this user alone
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// Show runs alone that were given this integration
    #[arg(long, value_name = "NAME")]
    pub integration: Option<String>,
    /// Show runs from this time on: 2026-11-30, or 2026-11-30T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = value::since)]
    pub since: Option<String>,
    /// Show runs alone that did not succeed
    #[arg(long)]
    pub failed: bool,
    /// How many runs are shown, the last ones; all by default
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
    /// How they are printed: for people, or as the lines of the log
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: ListFormat,
}

/// `shipctl state`
#[derive(Args)]
pub struct State {
    /// What is done.
    #[command(subcommand)]
    pub command: StateCommand,
}

/// The commands of `shipctl state`.
#[derive(Subcommand)]
pub enum StateCommand {
    /// Show a version of a job or resource, the last one by default
    Show {
        /// The job or resource
        name: String,
        /// The number of the version
        #[arg(long, value_name = "N")]
        number: Option<u32>,
        /// How it is printed
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: ListFormat,
    },
    /// List the versions of a job or resource, the last one first
    Versions {
        /// The job or resource
        name: String,
        /// How they are printed
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: ListFormat,
    },
    /// Write a version and its files to a new directory
    Export {
        /// The job or resource
        name: String,
        /// The directory, which is made if it is not there
        #[arg(value_name = "DIR")]
        to: PathBuf,
        /// The number of the version; the last one by default
        #[arg(long, value_name = "N")]
        number: Option<u32>,
    },
    /// Store versions that were exported, with their numbers; those that are stored already are left as they are
    Import {
        /// What `state export` wrote (repeatable)
        #[arg(value_name = "DIR", required = true)]
        from: Vec<PathBuf>,
    },
    /// Drop old versions and runs
    Prune {
        /// How many versions of each job and resource are kept, and how many runs of each job
        #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
        keep: u32,
    },
}

/// `shipctl reset`
#[derive(Args)]
pub struct Reset {
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}
