//! The grammar of what runs something: `run`, `exec` and `shell`.

use std::borrow::Cow;
use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, ValueEnum as _};

use super::{Containers, JobOptions, LogFormat, value};

/// `shipctl run`
#[derive(Args)]
pub struct Run {
    /// The job, or several: each runs once, after those that it depends on
    #[arg(value_name = "JOB")]
    pub job: Vec<String>,
    /// Run what they depend on, too
    #[arg(long)]
    pub upstream: bool,
    /// Run what a change of theirs starts, too
    #[arg(long)]
    pub downstream: bool,
    /// Run all jobs of the line
    #[arg(long, conflicts_with_all = ["job", "upstream", "downstream"])]
    pub all: bool,
    /// Run the jobs that failed when they last ran, and what a change of theirs starts
    #[arg(long, conflicts_with_all = ["job", "upstream", "downstream", "all", "from", "shell_on_failure"])]
    pub failed: bool,
    /// Fail if a job that goes IN has no version yet, instead of a warning
    #[arg(long)]
    pub require_in: bool,
    /// Run so many jobs side by side (by default, as many as there are processors)
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// Run each job through this command, which starts another on another machine, such as 'ssh HOST' or
    /// 'srun -Q -n1 --export=NONE'
    #[arg(long, value_name = "COMMAND")]
    pub on: Option<String>,
    /// Run again when a file of the line changes, or of a repository that --repo names
    #[arg(long)]
    pub watch: bool,
    /// Say what would be done, start nothing, write nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// With --dry-run, show the whole environment of each job
    #[arg(short, long)]
    pub verbose: bool,
    /// Send notifications: NOTIFY of steps and sections
    #[arg(long)]
    pub notify: bool,
    /// End a job after this time (`90`, `90s`, `15m`, `1h`)
    #[arg(long, value_name = "TIME", value_parser = value::duration)]
    pub timeout: Option<Duration>,
    /// How long processes that are told to end may take before they are killed (10s by default)
    #[arg(long, value_name = "TIME", value_parser = value::duration)]
    pub grace: Option<Duration>,
    /// How the log is written
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,
    /// Begin with this TASK, by name or number from 0: those before it are not run
    #[arg(long, value_name = "NAME|N")]
    pub from: Option<String>,
    /// If a TASK fails, start a shell in the workspace, with its variables, before the run ends
    #[arg(long)]
    pub shell_on_failure: bool,
    /// Put the time before each line
    #[arg(long)]
    pub timestamps: bool,
    /// Write how it went to this file, as JUnit's XML
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Keep the workspace; its secret files go all the same
    #[arg(long)]
    pub keep: bool,
    /// Keep no log for `shipctl logs`
    #[arg(long)]
    pub no_log: bool,
    /// Leave no line in .shipctl/audit.jsonl (as SHIPCTL_NO_AUDIT=1 does)
    #[arg(long)]
    pub no_audit: bool,
    /// Store what the job leaves for the next run even if a secret is in it
    #[arg(long)]
    pub allow_secrets_in_state: bool,
    /// What runs the TASKs that name an image: a container of podman or docker, or this machine (`never`); as
    /// SHIPCTL_CONTAINERS says by default
    #[arg(long, value_name = "ENGINE")]
    pub containers: Option<Containers>,
    /// In GitHub Actions, have the secrets masked in the logs of later steps, too; prints them for its runner
    #[arg(long)]
    pub add_mask: bool,
    /// What the job is run with.
    #[command(flatten)]
    pub options: JobOptions,
}

impl Run {
    /// `shipctl run` of a job that was sent here: the log and the audit log of it are the sender's.
    pub fn of_job(job: &str) -> Run {
        #[derive(Parser)]
        struct Only {
            #[command(flatten)]
            run: Run,
        }
        Only::parse_from(["run", "--no-log", "--no-audit", "--", job]).run
    }
}

/// `shipctl exec`
#[derive(Args)]
#[command(
    override_usage = "shipctl exec [OPTIONS] JOB [--] [COMMAND [ARGUMENT]...]\n       shipctl exec [OPTIONS] --integration NAME [--] [COMMAND [ARGUMENT]...]",
    after_help = "Without a COMMAND, $SHELL is started. Options of shipctl come before it.\nThe command has the terminal, stdin, stdout and stderr to itself: what it prints is not masked, unless --mask is given.\nIts exit status is shipctl's."
)]
pub struct Exec {
    /// The job; with --integration, there is none
    #[arg(value_name = "JOB", required_unless_present = "integration")]
    job: Option<OsString>,
    /// The command and its arguments
    #[arg(trailing_var_arg = true, value_name = "COMMAND")]
    command: Vec<OsString>,
    /// Use this integration instead of a job, and configure its tool: aws, docker, kubectl … (repeatable)
    #[arg(long, value_name = "NAME")]
    pub integration: Vec<String>,
    /// The TASK whose own variables come on top, by name or number from 0
    #[arg(long, value_name = "NAME|N")]
    pub task: Option<String>,
    /// Run the command in the image of that TASK, or of the first one that names an image, with podman or Docker
    #[arg(long, conflicts_with = "integration")]
    pub container: bool,
    /// Leave no line in .shipctl/audit.jsonl (as SHIPCTL_NO_AUDIT=1 does)
    #[arg(long)]
    pub no_audit: bool,
    /// Mask secrets in what the command prints
    #[arg(long)]
    pub mask: bool,
    /// In GitHub Actions, have the secrets masked in the logs of this and later steps; prints them for its runner
    #[arg(long)]
    pub add_mask: bool,
    /// Keep the workspace; its secret files go all the same
    #[arg(long)]
    pub keep: bool,
    /// What the job is run with.
    #[command(flatten)]
    pub options: JobOptions,
}

impl Exec {
    /// The command that starts a shell for a job.
    pub fn shell(
        job: OsString,
        task: Option<String>,
        no_audit: bool,
        keep: bool,
        options: JobOptions,
    ) -> Exec {
        let (command, integration, container, mask, add_mask) = Default::default();
        let job = Some(job);
        Exec { job, command, integration, task, container, no_audit, mask, add_mask, keep, options }
    }

    /// The job, if there is one.
    pub fn job(&self) -> Option<Cow<'_, str>> {
        self.job.as_ref().filter(|_| self.integration.is_empty()).map(|job| job.to_string_lossy())
    }

    /// The command and its arguments; nothing if none is given.
    pub fn command(&self) -> Vec<OsString> {
        let first = self.job.iter().filter(|_| !self.integration.is_empty());
        first.chain(&self.command).cloned().collect()
    }
}

/// `shipctl shell`
#[derive(Args)]
pub struct Shell {
    /// The job
    pub job: String,
    /// The TASK whose own variables come on top, by name or number from 0
    #[arg(long, value_name = "NAME|N")]
    pub task: Option<String>,
    /// Leave no line in .shipctl/audit.jsonl (as SHIPCTL_NO_AUDIT=1 does)
    #[arg(long)]
    pub no_audit: bool,
    /// Keep the workspace; its secret files go all the same
    #[arg(long)]
    pub keep: bool,
    /// What the job is run with.
    #[command(flatten)]
    pub options: JobOptions,
}

impl Containers {
    /// The one that a word stands for.
    pub fn of_word(word: &str) -> Option<Containers> {
        Containers::from_str(word, false).ok()
    }
}
