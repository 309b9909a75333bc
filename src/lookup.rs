//! The functions for scripts: `shipctl get_resource_id vpc` and the like, as scripts call them.
//!
//! A script calls them hundreds of times, so they stay clear of everything that takes time to start: [`main`]
//! looks for argv\[1\] in one static table ([`FUNCTIONS`]) before the command line is parsed, reads the environment,
//! writes once and is done. No YAML, no configuration. The same table feeds completions and the list in the help.
//!
//! What a function knows of its environment comes through a [`Context`]: inside a job that is the process's
//! environment and the workspace, and with `--job JOB` whatever the caller computed from the YAML.
//!
//! Results go to stdout, everything else to stderr. What is missing is an error that says what there is instead;
//! names may be shown there, values never: they may be secret.

#[cfg(not(feature = "full"))]
mod absent;
mod bump;
mod context;
mod copy;
#[cfg(feature = "full")]
mod decrypt;
mod files;
mod git;
mod glob;
mod jdk;
mod json;
mod mask;
mod missing;
mod notify;
mod query;
mod replace;
mod replicate;
mod retry;
mod split_tests;
mod state;
mod table;
mod text;
mod variables;

pub use context::{Context, ProcessContext};
pub use table::FUNCTIONS;

use std::borrow::Cow;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, Write};

use crate::contract::var;
use crate::exit;
use crate::printable;

/// One row of the table: all there is to know of a utility function.
pub struct Function {
    /// What the user types: `get_resource_id`.
    pub name: &'static str,
    /// The arguments as the usage shows them: `RESOURCE_NAME KEY`.
    pub operands: &'static str,
    /// One line that says what the function does, for help and completions.
    pub about: &'static str,
    /// How many of the operands must be there and not be empty.
    required: usize,
    /// How many there may be; the original ignored the others, and so do we, with a warning.
    most: usize,
    /// Whether `--job JOB` makes sense: it answers from what the runner puts into a job.
    pub takes_job: bool,
    body: Body,
}

impl Function {
    fn is_value(&self) -> bool {
        matches!(self.body, Body::Value(_))
    }
}

/// What runs when a function is called.
#[derive(Clone, Copy)]
enum Body {
    /// Finds a value; the answer is printed byte for byte.
    Value(fn(&Call) -> Result<Vec<u8>, Failure>),
    /// Does something; what it says on the way it writes itself. Gives the exit status.
    Act(fn(&mut Call) -> Result<u8, Failure>),
}

/// A function being called: its arguments, its environment, and where it writes.
struct Call<'a> {
    args: &'a [OsString],
    context: &'a dyn Context,
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
}

impl<'a> Call<'a> {
    /// Argument `index`, or nothing; [`call`] has seen to it that the required ones are there.
    fn arg(&self, index: usize) -> &'a OsStr {
        self.args.get(index).map_or(OsStr::new(""), OsString::as_os_str)
    }

    /// Argument `index` as text, for names: a byte that is not UTF-8 could not be in one anyway.
    fn text(&self, index: usize) -> Cow<'a, str> {
        self.arg(index).to_string_lossy()
    }

    /// Says something on stderr. What the function does counts; whether its messages can be written does not.
    fn say(&mut self, line: fmt::Arguments) {
        _ = writeln!(self.err, "{}", printable::lines(&line.to_string()));
    }
}

/// Why a function did not succeed.
enum Failure {
    /// Called wrongly: the usage says how to.
    Usage,
    /// A variable, key, file or resource is not there. The original printed an empty line and went on;
    /// scripts that rely on that set `SHIPCTL_ALLOW_MISSING=1`.
    Missing(String),
    /// Anything else that went wrong.
    Failed(String),
    /// The result could not be written.
    Output(io::Error),
}

impl From<io::Error> for Failure {
    /// Only writes of a result are passed on with `?`; every other error names its file.
    fn from(error: io::Error) -> Self {
        Failure::Output(error)
    }
}

/// Runs the utility function that the arguments (without the program's name) ask for, and gives its exit status.
///
/// `None` if they ask for something else: a command, help for a function, or an answer from the YAML (`--job`).
pub fn main(args: &[OsString]) -> Option<u8> {
    let (name, args) = args.split_first()?;
    let (mut out, mut err) = (io::stdout().lock(), io::stderr().lock());
    let Some(function) = find(name) else {
        return unknown(name, &mut err);
    };
    let asks_for_help = args.len() == 1 && (args[0] == "--help" || args[0] == "-h");
    if asks_for_help || function.takes_job && args.iter().any(|arg| is_job_option(arg)) {
        return None;
    }
    Some(call(function, args, &ProcessContext, &mut out, &mut err))
}

/// The row of the function called `name`.
pub fn find(name: &OsStr) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| name == function.name)
}

/// Calls `function` with `args` in `context`: the result goes to `out`, messages go to `err`. Gives the exit status:
/// 0, 99 ([`exit::FUNCTION_FAILED`]), or for `retry` that of its command. A closed `out` is no failure.
pub fn call(
    function: &Function,
    args: &[OsString],
    context: &dyn Context,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> u8 {
    let mut call = Call { args, context, out, err };
    let failure = match run(function, &mut call) {
        Ok(status) => return status,
        Err(failure) => failure,
    };
    match failure {
        Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => return exit::SUCCESS,
        Failure::Missing(_) if function.is_value() && allows_missing() => match print(&mut call, b"\n") {
            Ok(()) => return exit::SUCCESS,
            Err(error) => call.say(format_args!("shipctl: cannot write the result: {error}")),
        },
        Failure::Usage => call.say(format_args!("{}", usage(function))),
        Failure::Missing(message) => {
            call.say(format_args!("shipctl: {message}"));
            if function.takes_job && !is_inside_a_job(context) {
                call.say(format_args!(
                    "  this is not inside a job: with `--job JOB` the answer comes from the YAML"
                ));
            }
        }
        Failure::Failed(message) => call.say(format_args!("shipctl: {message}")),
        Failure::Output(error) => call.say(format_args!("shipctl: cannot write the result: {error}")),
    }
    exit::FUNCTION_FAILED
}

/// How `function` is called, in the original's wording.
pub fn usage(function: &Function) -> String {
    format!("Usage: shipctl {} {}", function.name, function.operands)
}

fn run(function: &Function, call: &mut Call) -> Result<u8, Failure> {
    // The original took an argument that is empty for one that is missing.
    if (0..function.required).any(|index| call.arg(index).is_empty()) {
        return Err(Failure::Usage);
    }
    if call.args.len() > function.most {
        let extra: Vec<_> = call.args[function.most..].iter().map(|arg| arg.to_string_lossy()).collect();
        call.say(format_args!("shipctl: warning: {} ignores `{}`", function.name, extra.join(" ")));
    }
    match function.body {
        Body::Value(value) => {
            let answer = value(call)?;
            print(call, &answer)?;
            Ok(exit::SUCCESS)
        }
        Body::Act(act) => {
            let status = act(call)?;
            call.out.flush()?;
            Ok(status)
        }
    }
}

fn print(call: &mut Call, answer: &[u8]) -> io::Result<()> {
    match call.out.write_all(answer).and_then(|()| call.out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

/// The caller says so, not the job that is asked about: this is read from the environment in any context.
fn allows_missing() -> bool {
    env::var_os(var::ALLOW_MISSING).is_some_and(|value| value == "1")
}

fn is_inside_a_job(context: &dyn Context) -> bool {
    [var::JOB_NAME, var::JOB_PATH].iter().any(|name| context.var(name).is_some())
}

fn is_job_option(arg: &OsStr) -> bool {
    let arg = arg.as_encoded_bytes();
    let is_option =
        |name: &[u8]| arg.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest[0] == b'=');
    is_option(b"--job") || is_option(b"--integration")
}

/// Says that there is no function `name`, if that looks like one: no command has an underscore in its name.
fn unknown(name: &OsStr, err: &mut dyn Write) -> Option<u8> {
    let name = name.to_str()?;
    if !name.contains('_') || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    {
        return None;
    }
    let hint = missing::did_you_mean(name, FUNCTIONS.iter().map(|function| function.name));
    _ = writeln!(err, "The command {name} is not supported{hint}");
    Some(exit::FUNCTION_FAILED)
}
