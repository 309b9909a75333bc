//! `shipctl`: a job runner and environment injector for assembly lines written in YAML.
//!
//! This crate is the program; its library is there for the binary, the tests and the benchmarks, and promises no stable API.
//! Most of it is private: `cargo doc --document-private-items` shows all. `docs/architecture.md` has a table of where to find what,
//! and CONTRIBUTING.md says what it takes to add a source of secrets, a lookup function or an integration kind.
//!
//! # How data flows
//!
//! Data flows in one direction, and each step is one function:
//!
//! | step | gives |
//! |---|---|
//! | [`source`] | the text of the files, and places in it |
//! | [`yaml`] | a tree that keeps the text and the place of every scalar |
//! | [`model`] | what the YAML says: jobs, resources, integrations |
//! | [`resolve`] | a plan: all that one job refers to, or all that is missing |
//! | [`credentials`], [`repository`] | secrets and repositories that go in |
//! | [`environment`] | ordered variables, plain or secret, each with its origin |
//! | [`workspace`] | the private directory of the job |
//! | [`run`] | bash, its output masked by [`mask`], and an [`exit`] status |
//!
//! What a run leaves for the next one is [`state`], which comes back as [`versions`] before the environment is made.
//!
//! # Beside the road
//!
//! [`container`] knows the command lines of the engines that [`run`] starts where a TASK names an image.
//! [`edit`] changes the YAML, [`check`] finds what people get wrong in it, and [`scan`] looks for secrets where they should
//! not be. The [`lookup`] functions, which scripts call inside a job, share nothing with the road but the [`contract`].
//! `job` takes a job along the road, `line` does so with several, and `commands` are the glue between the grammar of the
//! command line, [`cli`], and all of this.

// What the tests, the benchmarks and the fuzzers use is public. The rest is not, so that the compiler tells what is dead.
#![allow(rustdoc::private_intra_doc_links)]

mod aws;
pub mod check;
mod cli;
mod commands;
mod completion;
mod container;
mod contract;
pub mod credentials;
mod deploy;
pub mod diagnostic;
pub mod edit;
mod encryption;
pub mod environment;
mod exit;
mod export;
mod file;
mod graph;
mod http;
mod init;
mod integration;
mod inventory;
mod job;
mod line;
mod load;
pub mod lookup;
mod managed;
pub mod mask;
pub mod model;
mod nearest;
mod order;
mod output;
pub mod paint;
mod platform;
mod policy;
mod poll;
mod printable;
mod prompt;
mod repository;
pub mod resolve;
mod results;
mod run;
pub mod scan;
mod schema;
pub mod secret;
pub mod secure;
pub mod source;
pub mod state;
mod tools;
mod trace;
mod value_source;
mod versions;
pub mod workspace;
pub mod yaml;

use std::ffi::OsString;

use clap::FromArgMatches as _;

use cli::defaults::Defaults;
use cli::{Cli, Command, FunctionCall, Functions, LineOptions};
use output::Failure;

/// Runs the program with the arguments of the process and says how it ended.
///
/// A lookup is answered from its table before anything else starts; everything else goes through the grammar.
pub fn main() -> u8 {
    run::take_file_limit_for_error();
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    if let Some(status) = lookup::main(&arguments) {
        return status;
    }
    // The first process of a container has no more secrets than what it starts; and an engine has to look into it.
    if let [command, arguments @ ..] = arguments.as_slice()
        && command == run::FIRST_PROCESS
    {
        return run::first_process(arguments);
    }
    if completion::answer() {
        return exit::SUCCESS;
    }
    run::keep_memory_private();
    read(&arguments).unwrap_or_else(|failure| {
        eprint!("{failure}");
        failure.status
    })
}

/// Reads the arguments with the whole grammar, and does what they say.
fn read(arguments: &[OsString]) -> Result<u8, Failure> {
    let names_function = arguments.iter().any(|argument| lookup::find(argument).is_some());
    let functions = if names_function { Functions::Hidden } else { Functions::LeftOut };
    let (matches, defaults) = matches(arguments, functions)?;
    let function = matches.subcommand().and_then(|(name, words)| Some((lookup::find(name.as_ref())?, words)));
    match function {
        Some((function, words)) => answer(function, words),
        None => {
            let mut cli = Cli::from_arg_matches(&matches)?;
            cli.line.defaults = defaults.shown;
            execute(&cli)
        }
    }
}

/// What the arguments say, with the options that files give before those of the command line.
fn matches(arguments: &[OsString], functions: Functions) -> Result<(clap::ArgMatches, Defaults), Failure> {
    let grammar = cli::grammar(functions);
    let matches = grammar.clone().get_matches();
    let Some(command) = matches.subcommand_name() else { return Ok((matches, Defaults::default())) };
    let line = LineOptions::from_arg_matches(&matches)?;
    let defaults = commands::defaults::read(&grammar, command, &line)?;
    defaults.warnings.iter().for_each(|warning| eprint!("{warning}"));
    if defaults.words.is_empty() {
        return Ok((matches, defaults));
    }
    let mut words: Vec<OsString> = arguments.to_vec();
    let at = cli::place_of_command(arguments) + 1;
    words.splice(at..at, defaults.words.iter().cloned());
    let own = std::env::args_os().next().unwrap_or_else(|| "shipctl".into());
    // What the command line says again is what counts.
    let grammar = grammar.args_override_self(true);
    Ok((grammar.get_matches_from(std::iter::once(own).chain(words)), defaults))
}

fn execute(cli: &Cli) -> Result<u8, Failure> {
    commands::enter(cli.line.directory.as_ref())?;
    match &cli.command {
        Command::Run(command) => commands::run::run(command, &cli.line),
        Command::Exec(command) => commands::exec::run(command, &cli.line),
        Command::Init(command) => commands::init::run(command, &cli.line),
        Command::Shell(command) => commands::exec::shell(command, &cli.line),
        Command::Audit(command) => commands::audit_log::run(command, &cli.line),
        Command::Env(command) => commands::env::run(command, &cli.line),
        Command::Check(command) => commands::check::run(command, &cli.line),
        Command::Explain(command) => commands::explain::run(command),
        Command::List(command) => commands::list::run(command, &cli.line),
        Command::Graph(command) => commands::graph::run(command, &cli.line),
        Command::Integration(command) => commands::integration::run(command, &cli.line),
        Command::Key(command) => commands::key::run(command, &cli.line),
        Command::Session(command) => commands::session::run(command),
        Command::Encrypt(command) => commands::encrypt::encrypt(command, &cli.line),
        Command::DecryptValue(_) => commands::encrypt::decrypt(&cli.line),
        Command::Scan(command) => commands::scan::run(command, &cli.line),
        Command::Logs(command) => commands::logs::run(command, &cli.line),
        Command::History(command) => commands::history::run(command, &cli.line),
        Command::State(command) => commands::state::run(command, &cli.line),
        Command::Reset(command) => commands::reset::run(command, &cli.line),
        Command::Doctor(command) => commands::doctor::run(command, &cli.line),
        Command::Export(command) => commands::export::run(command, &cli.line),
        Command::Policy(command) => commands::policy::run(command, &cli.line),
        Command::AwsCredentials { profile, file } => commands::aws_credentials::run(profile.as_deref(), file),
        Command::RemoteJob => commands::remote_job::run(),
        Command::Schema => commands::schema::run(),
        Command::Completions(command) => commands::completions::completions(command),
        Command::Man(command) => commands::manual::run(command),
    }
}

/// A function with options of shipctl: most likely `--job`.
fn answer(function: &'static lookup::Function, words: &clap::ArgMatches) -> Result<u8, Failure> {
    let line = LineOptions::from_arg_matches(words)?;
    commands::enter(line.directory.as_ref())?;
    if function.takes_job {
        return commands::function::run(function, &FunctionCall::from_arg_matches(words)?);
    }
    let arguments: Vec<_> = words.get_many::<OsString>("arguments").unwrap_or_default().cloned().collect();
    let (mut out, mut err) = (std::io::stdout().lock(), std::io::stderr().lock());
    Ok(lookup::call(function, &arguments, &lookup::ProcessContext, &mut out, &mut err))
}
