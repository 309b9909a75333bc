//! The grammar of the lookup functions, from their table.

mod help;

use std::ffi::OsString;

use clap::{Arg, ArgAction, Args as _, CommandFactory as _, Parser, value_parser};

use super::{JobOptions, LineOptions};
use crate::lookup::{self, Function};

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
    #[arg(value_name = "ARGUMENT", hide = true)]
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
    /// As commands, but not in the list of commands, where they would be most of it.
    Hidden,
    /// As commands like the others: for completions.
    Shown,
    /// Not at all: where none is called, there is no need to make them.
    LeftOut,
}

/// The end of the help.
pub(super) fn functions_help() -> String {
    let names: Vec<_> = lookup::FUNCTIONS.iter().map(|function| function.name).collect();
    format!(
        "Functions for scripts (shipctl help FUNCTION tells more; the get_* ones take --job JOB outside of a job):\n{}",
        wrapped(&names, 96)
    )
}

pub(super) fn function_grammar(function: &'static Function) -> clap::Command {
    let command = if function.takes_job {
        FunctionCall::command()
    } else {
        let arguments = Arg::new("arguments")
            .value_name("ARGUMENT")
            .num_args(0..)
            .action(ArgAction::Append)
            .allow_hyphen_values(true)
            .value_parser(value_parser!(OsString));
        // The options of the line are taken everywhere, but mean nothing to a function that is not answered from it.
        LineOptions::augment_args(clap::Command::new(function.name).arg(arguments))
            .mut_args(|argument| argument.hide(true))
    };
    command
        .name(function.name)
        .about(function.about)
        .long_about(help::about(function))
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
