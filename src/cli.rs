//! The command line: the grammar, and nothing of what commands do.
//!
//! The utility functions are commands too; theirs come from their own table.

pub mod defaults;
mod formats;
mod integration;
mod keys;
mod stored;

use std::borrow::Cow;
use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use clap::{Arg, ArgAction, Args, CommandFactory as _, Parser, Subcommand, ValueEnum, value_parser};

use crate::diagnostic::RULES;
use crate::export::System;
use crate::lookup::{self, Function};
pub use formats::{
    CheckFormat, ColorWhen, Containers, EnvFormat, GraphFormat, ListFormat, Listed, LogFormat,
};
pub use integration::{IntegrationAdd, IntegrationArgs, IntegrationCommand, Scan};
pub use keys::{DecryptValue, Encrypt, KeyArgs, KeyCommand};
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

/// What `--version` prints: the version, how it was built, and for which kind of machine.
fn long_version() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let environment = match () {
            () if cfg!(target_env = "musl") => "-musl",
            () if cfg!(target_env = "gnu") => "-gnu",
            () => "",
        };
        format!(
            "{}\ntarget: {}-{}{environment}\nbuild: {}",
            env!("CARGO_PKG_VERSION"),
            std::env::consts::ARCH,
            std::env::consts::OS,
            if cfg!(debug_assertions) { "debug" } else { "release" }
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
    /// Print the keys of a role, for the tools of AWS that a job configures
    #[command(hide = true)]
    AwsCredentials {
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
    #[arg(short, long, value_name = "KEY=VALUE", value_parser = key_value)]
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
    #[arg(long, value_name = "NAME=PATH", value_parser = name_path)]
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
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub fetch_timeout: Option<Duration>,
}

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
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["shell_on_failure", "notify"])]
    pub on: Option<String>,
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
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub timeout: Option<Duration>,
    /// How long processes that are told to end may take before they are killed (10s by default)
    #[arg(long, value_name = "TIME", value_parser = duration)]
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

/// `shipctl env`
#[derive(Args)]
pub struct Env {
    /// The job
    pub job: String,
    /// How it is printed
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: EnvFormat,
    /// Show secrets
    #[arg(long)]
    pub reveal: bool,
    /// The TASK whose own variables come on top, by name or number from 0
    #[arg(long, value_name = "NAME|N")]
    pub task: Option<String>,
    /// What the job is run with.
    #[command(flatten)]
    pub options: JobOptions,
}

/// `shipctl check`
#[derive(Args)]
pub struct Check {
    /// Files of the line, instead of looking for them
    pub files: Vec<PathBuf>,
    /// How problems are printed
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: CheckFormat,
    /// Leave the warnings of this rule out (repeatable); `shipctl explain` lists the rules
    #[arg(long, value_name = "RULE", value_parser = rules())]
    pub allow: Vec<String>,
}

/// `shipctl explain`
#[derive(Args)]
pub struct Explain {
    /// The rule; all of them are listed by default
    #[arg(value_parser = rules())]
    pub rule: Option<String>,
}

/// `shipctl list`
#[derive(Args)]
pub struct List {
    /// What is listed; all of it by default
    pub what: Option<Listed>,
    /// How it is printed
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: ListFormat,
}

/// `shipctl graph`
#[derive(Args)]
pub struct Graph {
    /// Show these jobs alone, with what goes in and comes out (repeatable)
    #[arg(value_name = "JOB")]
    pub job: Vec<String>,
    /// Show the jobs that they depend on, too
    #[arg(long, requires = "job")]
    pub upstream: bool,
    /// Show the jobs that depend on them, too
    #[arg(long, requires = "job")]
    pub downstream: bool,
    /// How it is printed
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: GraphFormat,
}

/// `shipctl doctor`
#[derive(Args)]
pub struct Doctor {
    /// The job whose integrations are looked at; those of the whole line by default
    pub job: Option<String>,
    /// How it is printed
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: ListFormat,
    /// What jobs are run with.
    #[command(flatten)]
    pub options: JobOptions,
}

/// `shipctl export`
#[derive(Args)]
#[command(
    after_help = "Secrets are in it by name only; what to set is said on stderr, and in a comment.\nThe state goes from job to job as artefacts, or is kept where --state says."
)]
pub struct Export {
    /// The system
    #[arg(value_enum)]
    pub system: System,
}

/// `shipctl policy`
#[derive(Args)]
pub struct Policy {
    /// The job; without one, --state s3://… is what the policy is for
    pub job: Option<String>,
    /// The integration whose keys it is about, if the job has several of AWS
    #[arg(long, value_name = "NAME")]
    pub integration: Option<String>,
    /// Print the trust policy of the role instead: who may take it
    #[arg(long, conflicts_with = "check")]
    pub trust: bool,
    /// The ARN of the account, user or role that may take it, instead of asking AWS who does
    #[arg(long, value_name = "ARN", requires = "trust")]
    pub principal: Option<String>,
    /// Show the external id in the trust policy
    #[arg(long, requires = "trust")]
    pub reveal: bool,
    /// Ask AWS whether the keys at hand are allowed all of it
    #[arg(long)]
    pub check: bool,
    /// What the job is run with.
    #[command(flatten)]
    pub options: JobOptions,
}

/// `shipctl completions`
#[derive(Args)]
pub struct Completions {
    /// The shell
    pub shell: clap_complete::Shell,
}

impl ValueEnum for System {
    fn value_variants<'a>() -> &'a [Self] {
        &[System::Github, System::Gitlab, System::Buildkite]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        let name = match self {
            System::Github => "github",
            System::Gitlab => "gitlab",
            System::Buildkite => "buildkite",
        };
        Some(clap::builder::PossibleValue::new(name))
    }
}

impl Containers {
    /// The one that a word stands for.
    pub fn of_word(word: &str) -> Option<Containers> {
        Containers::from_str(word, false).ok()
    }
}

/// The words that a utility function was called with, where its answer comes from the YAML.
#[derive(Parser)]
pub struct FunctionCall {
    /// Answer from the YAML of this job
    #[arg(long, value_name = "JOB", required_unless_present = "integration")]
    pub job: Option<String>,
    /// Answer from this integration instead of a job (repeatable)
    #[arg(long, value_name = "NAME", conflicts_with = "job")]
    pub integration: Vec<String>,
    /// The arguments of the function
    #[arg(value_name = "ARGUMENT")]
    pub arguments: Vec<OsString>,
    /// Where the line is.
    #[command(flatten)]
    pub line: LineOptions,
    /// What the job is run with.
    #[command(flatten)]
    pub options: JobOptions,
}

/// How the utility functions are in the grammar.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Functions {
    /// As commands, but not in the list of commands, where they would drown the others.
    Hidden,
    /// As commands like the others: for completions.
    Shown,
    /// Not at all: where none is called, there is no need to make them.
    LeftOut,
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

/// The end of the help.
fn functions_help() -> String {
    let names: Vec<_> = lookup::FUNCTIONS.iter().map(|function| function.name).collect();
    format!(
        "Functions for scripts (shipctl help FUNCTION tells more; the get_* ones take --job JOB outside of a job):\n{}",
        wrapped(&names, 96)
    )
}

fn function_grammar(function: &'static Function) -> clap::Command {
    let command = if function.takes_job {
        FunctionCall::command()
    } else {
        clap::Command::new(function.name).arg(
            Arg::new("arguments")
                .value_name("ARGUMENT")
                .num_args(0..)
                .action(ArgAction::Append)
                .allow_hyphen_values(true)
                .value_parser(value_parser!(OsString)),
        )
    };
    command
        .name(function.name)
        .about(function.about)
        .override_usage(format!("shipctl {} {}", function.name, function.operands))
}

/// Words with blanks between them, in lines of at most `width` columns, indented by two.
fn wrapped(words: &[&str], width: usize) -> String {
    let mut text = String::new();
    let mut column = usize::MAX;
    for word in words {
        if column.saturating_add(word.len() + 1) > width {
            text.push_str(if text.is_empty() { "  " } else { "\n  " });
            column = 2;
        } else {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += word.len();
    }
    text
}

/// The index of the word that names the command, behind the options of the line.
pub fn place_of_command(arguments: &[OsString]) -> usize {
    const WITH_VALUE: &[&str] = &["-f", "--file", "-i", "--integrations", "-C", "--directory", "--color"];
    let mut at = 0;
    while let Some(word) =
        arguments.get(at).and_then(|word| word.to_str()).filter(|word| word.starts_with('-'))
    {
        at += 1 + usize::from(WITH_VALUE.contains(&word));
    }
    at.min(arguments.len().saturating_sub(1))
}

/// The ids of rules.
fn rules() -> clap::builder::PossibleValuesParser {
    clap::builder::PossibleValuesParser::new(RULES.iter().map(|rule| rule.id))
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write KEY=VALUE")?;
    if crate::environment::is_variable_name(key) {
        Ok((key.to_owned(), value.to_owned()))
    } else {
        Err(format!("`{key}` cannot be the name of a variable"))
    }
}

fn name_path(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, path)) if !name.is_empty() && !path.is_empty() => Ok((name.to_owned(), path.into())),
        _ => Err("write NAME=PATH, with the name of a resource".to_owned()),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len()));
    let seconds = match unit {
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err("the unit is s, m or h".to_owned()),
    };
    let number: f64 = number.parse().map_err(|_| "write a number and perhaps a unit, such as 15m")?;
    Duration::try_from_secs_f64(number * seconds)
        .ok()
        .filter(|limit| !limit.is_zero())
        .ok_or_else(|| "the time is above 0".to_owned())
}
