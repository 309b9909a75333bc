//! The command line: the grammar, and nothing of what commands do.
//!
//! The utility functions are commands too; theirs come from their own table.

pub mod defaults;
mod formats;
mod functions;
mod integration;
mod keys;
mod line;
pub mod manual;
mod run;
mod stored;
mod value;

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use clap::{Args, CommandFactory as _, Parser, Subcommand};

use crate::lookup;
use functions::{function_grammar, functions_help};

pub use formats::{
    CheckFormat, ColorWhen, Containers, EnvFormat, GraphFormat, ListFormat, Listed, LogFormat,
};
pub use functions::{FunctionCall, Functions};
pub use integration::{IntegrationAdd, IntegrationArgs, IntegrationCommand, Scan};
pub use keys::{DecryptValue, Encrypt, KeyArgs, KeyCommand, SessionArgs, SessionCommand};
pub use line::{Check, Doctor, Env, Explain, Export, Graph, List, Policy};
pub use run::{Exec, Run, Shell};
pub use stored::{Audit, History, Logs, Reset, State, StateCommand};

/// Run the jobs of an assembly line, with their integrations in the environment.
#[derive(Parser)]
#[command(name = "shipctl", version, long_version = long_version(), max_term_width = 100, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Where the line is.
    #[command(flatten)]
    pub line: LineOptions,
}

/// What `--version` prints: the version, for which kind of machine and how it was built.
fn long_version() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let environment = match () {
            () if cfg!(target_env = "musl") => "-musl",
            () if cfg!(target_env = "gnu") => "-gnu",
            () => "",
        };
        format!(
            "{}\ntarget: {}-{}{environment}\nbuild: {}\nfeatures: {}",
            env!("CARGO_PKG_VERSION"),
            std::env::consts::ARCH,
            std::env::consts::OS,
            if cfg!(debug_assertions) { "debug" } else { "release" },
            match (cfg!(feature = "full"), cfg!(feature = "posix")) {
                (true, true) => "full, posix",
                (true, false) => "full",
                (false, true) => "posix",
                (false, false) => "none",
            }
        )
    });
    &TEXT
}

/// The commands.
#[derive(Subcommand)]
pub enum Command {
    /// Run jobs: their TASKs and their sections
    Run(Run),
    /// Write a line to begin with, or what an existing line lacks to be run
    Init(Init),
    /// Run a command with the environment and the files of a job
    Exec(Exec),
    /// Start a shell where the scripts of a job run: in its workspace, with its environment
    Shell(Shell),
    /// Print the environment of a job
    Env(Env),
    /// Report every problem of the line at once
    Check(Check),
    /// Tell what a rule of check is about
    Explain(Explain),
    /// List jobs, resources or integrations
    List(List),
    /// Show how jobs and resources hang together
    Graph(Graph),
    /// Add, show, rename and remove integrations, and tell who uses one
    Integration(IntegrationArgs),
    /// Make the key that encrypted values are opened with, and say who else opens them
    Key(KeyArgs),
    /// List and forget the sessions of AWS that are kept between runs
    Session(SessionArgs),
    /// Encrypt a value, and print the YAML to paste
    Encrypt(Encrypt),
    /// Print what an encrypted value is
    DecryptValue(DecryptValue),
    /// Look for the values of the line's secrets in files
    Scan(Scan),
    /// Show the runs of a job, or of all jobs
    History(History),
    /// Print the log of a run
    Logs(Logs),
    /// Tell who ran what with which credentials
    Audit(Audit),
    /// Show, export and prune the versions of jobs and resources
    State(State),
    /// Forget all versions and runs
    Reset(Reset),
    /// Tell of each integration whether it works, whom it is, and what to do if not
    Doctor(Doctor),
    /// Print the line as a pipeline of GitHub Actions, GitLab or Buildkite, which runs its jobs with shipctl
    Export(Export),
    /// Print the IAM policy that the AWS keys of a job need
    Policy(Policy),
    /// Print the keys of a session, for the tools of AWS that a job configures
    #[command(hide = true)]
    AwsCredentials {
        /// The profile of the AWS CLI that gives them, if no role does
        #[arg(long)]
        profile: Option<String>,
        /// What shipctl wrote among the job's secrets
        file: PathBuf,
    },
    /// Run the job that `shipctl run --on` sends from another machine
    #[command(hide = true)]
    RemoteJob,
    /// Print the JSON Schema of the files of a line, for editors
    Schema,
    /// Print a completion script for a shell
    Completions(Completions),
    /// Print a manual page
    Man(Man),
}

/// `shipctl man`
#[derive(Args)]
pub struct Man {
    /// The command that the page is of; the program itself without one
    pub command: Vec<String>,
    /// Write the pages of the program and of all its commands to this directory
    #[arg(long = "output-dir", value_name = "DIR", conflicts_with = "command")]
    pub directory: Option<PathBuf>,
}

/// Which files a line is made of.
#[derive(Args, Clone)]
pub struct LineOptions {
    /// Read this file of the line instead of looking for files (repeatable)
    #[arg(short, long, global = true, value_name = "FILE")]
    pub file: Vec<PathBuf>,
    /// Read integrations from this file too (repeatable)
    #[arg(short, long, global = true, value_name = "FILE")]
    pub integrations: Vec<PathBuf>,
    /// Go to this directory first
    #[arg(short = 'C', long, global = true, value_name = "DIR")]
    pub directory: Option<PathBuf>,
    /// Keep versions and runs here, where several machines may share them: a directory, or s3://BUCKET/PREFIX
    /// (.shipctl/ beside the line by default; SHIPCTL_STATE does the same)
    #[arg(long, global = true, value_name = "PLACE")]
    pub state: Option<String>,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: ColorWhen,
    /// The options that files gave, for people.
    #[arg(skip)]
    pub defaults: Vec<String>,
}

/// What a job is run with.
#[derive(Args, Clone, Default)]
pub struct JobOptions {
    /// Set a variable of the job (repeatable)
    #[arg(short, long, value_name = "KEY=VALUE", value_parser = value::key_value)]
    pub env: Vec<(String, String)>,
    /// Set the variables of a .env file (repeatable)
    #[arg(long, value_name = "FILE")]
    pub env_file: Vec<PathBuf>,
    /// Set the variables of a .env file, and mask their values in the log (repeatable)
    #[arg(long, value_name = "FILE")]
    pub secret_file: Vec<PathBuf>,
    /// Use this directory, new or empty, as the workspace
    #[arg(long, value_name = "DIR")]
    pub workspace: Option<PathBuf>,
    /// Take the repository of this resource from a local clone (repeatable)
    #[arg(long, value_name = "NAME=PATH", value_parser = value::name_path)]
    pub repo: Vec<(String, PathBuf)>,
    /// Take what is checked out in local repositories, with its uncommitted changes
    #[arg(long)]
    pub working_tree: bool,
    /// The code that an MFA device shows, for roles of AWS that ask for one
    #[arg(long, value_name = "CODE")]
    pub mfa_code: Option<String>,
    /// Take this entry of a runCI job's matrix alone (from 1)
    #[arg(long, value_name = "N")]
    pub matrix: Option<NonZeroUsize>,
    /// Start from HOME, PATH, USER, LOGNAME, LANG, LC_*, TERM, TMPDIR, SHELL and TZ alone
    #[arg(long)]
    pub clean_env: bool,
    /// How long each program may take that a secret comes from (30s by default)
    #[arg(long, value_name = "TIME", value_parser = value::duration)]
    pub fetch_timeout: Option<Duration>,
}

/// `shipctl init`
#[derive(Args)]
#[command(
    after_help = "In a directory without a line, init writes a small one. Beside the files of a line, it writes\nshippable.integrations.yml with the integrations and resources that the line uses and does not declare.\nNo file is overwritten."
)]
pub struct Init {
    /// Ask nothing: take the defaults, with a variable as the source of each secret
    #[arg(short, long)]
    pub yes: bool,
}

/// `shipctl completions`
#[derive(Args)]
pub struct Completions {
    /// The shell
    pub shell: clap_complete::Shell,
}

/// The whole grammar. The utility functions are listed at the end of the help in any case.
pub fn grammar(functions: Functions) -> clap::Command {
    let grammar = Cli::command().after_help(functions_help());
    if functions == Functions::LeftOut {
        return grammar;
    }
    let hide = functions == Functions::Hidden;
    grammar.subcommands(lookup::FUNCTIONS.iter().map(|function| function_grammar(function).hide(hide)))
}

/// The index of the word that names the command, behind the options of the line.
pub fn place_of_command(arguments: &[OsString]) -> usize {
    const WITH_VALUE: &[&str] =
        &["-f", "--file", "-i", "--integrations", "-C", "--directory", "--state", "--color"];
    let mut at = 0;
    while let Some(word) =
        arguments.get(at).and_then(|word| word.to_str()).filter(|word| word.starts_with('-'))
    {
        at += 1 + usize::from(WITH_VALUE.contains(&word));
    }
    at.min(arguments.len().saturating_sub(1))
}
