//! The grammar of what shows, checks or prints a line.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{CheckFormat, EnvFormat, GraphFormat, JobOptions, ListFormat, Listed};
use crate::diagnostic::RULES;
use crate::export::System;

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
    /// Write a pipeline that needs no shipctl, and say what of the line it lacks
    #[arg(long)]
    pub standalone: bool,
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

/// The ids of rules.
fn rules() -> clap::builder::PossibleValuesParser {
    clap::builder::PossibleValuesParser::new(RULES.iter().map(|rule| rule.id))
}
