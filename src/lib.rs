//! `shipctl`: a job runner and environment injector for assembly lines written in YAML.
//!
//! The way data walks has one direction: YAML text → [`source`] → [`yaml`] → [`model`] → [`resolve`] →
//! [`credentials`] → [`environment`] → [`workspace`] → `run` → exit status. The [`lookup`] functions, which scripts
//! call inside a job, share nothing with that road but the [`contract`].

pub mod check;
pub mod cli;
pub mod commands;
pub mod contract;
pub mod credentials;
pub mod diagnostic;
pub mod environment;
pub mod exit;
pub mod lookup;
pub mod mask;
pub mod model;
pub mod resolve;
pub mod secret;
pub mod source;
pub mod state;
pub mod workspace;
pub mod yaml;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::FromArgMatches as _;

use cli::{Cli, Command, FunctionCall};
use commands::Failure;

/// Runs the program with the arguments of the process and says how it ended.
///
/// A lookup is answered from its table before anything else starts; everything else goes through the grammar.
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    if let Some(status) = lookup::main(&arguments) {
        return ExitCode::from(status);
    }
    let matches = cli::grammar(true).get_matches();
    let status = match matches.subcommand() {
        Some((name, matches)) => match lookup::find(name.as_ref()) {
            Some(function) => FunctionCall::from_arg_matches(matches).map(|call| answer(function, &call)),
            None => Cli::from_arg_matches(&cli::grammar(true).get_matches()).map(|cli| execute(&cli)),
        },
        None => Ok(Ok(exit::USAGE)),
    };
    let status = status.unwrap_or_else(|error| error.exit()).unwrap_or_else(|failure| {
        eprint!("{failure}");
        failure.status
    });
    ExitCode::from(status)
}

fn execute(cli: &Cli) -> Result<u8, Failure> {
    commands::enter(cli.line.directory.as_ref())?;
    match &cli.command {
        Command::Run(command) => commands::run::run(command, &cli.line),
        Command::Exec(_) => Ok(0),
        Command::Env(command) => commands::env::run(command, &cli.line),
        Command::Check(command) => commands::check::run(command, &cli.line),
        Command::List(command) => commands::list::run(command, &cli.line),
        Command::Graph(command) => commands::graph::run(command, &cli.line),
        Command::Completions(command) => commands::completions::completions(command),
        Command::Man => commands::completions::man(),
    }
}

fn answer(function: &'static lookup::Function, call: &FunctionCall) -> Result<u8, Failure> {
    commands::enter(call.line.directory.as_ref())?;
    commands::function::run(function, call)
}
