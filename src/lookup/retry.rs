//! `retry`: a command once more, if it fails.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};
use std::thread;
use std::time::Duration;

use super::{Call, Failure};
use crate::exit;

/// How often the original ran a command that fails.
const ATTEMPTS: u32 = 3;

/// The longest wait between two attempts, however often the delay was doubled.
const LONGEST_DELAY: Duration = Duration::from_secs(3600);

/// SIGINT, SIGQUIT, SIGTERM: their sender wants an end, not another attempt.
const END: [i32; 3] = [2, 3, 15];

/// `retry [--attempts N] [--delay SECONDS] COMMAND [ARGUMENT…]`: gives the status of the first attempt that
/// succeeds, or of the last. The delay doubles after each attempt; there is none by default, as in the original.
///
/// A single argument with blanks in it is a line for bash: the documentation shows that form, but the original took
/// it for the name of a command.
pub(super) fn retry(call: &mut Call) -> Result<u8, Failure> {
    let RetryOptions { attempts, mut delay, command } = options(call.args)?;
    for attempt in 1..=attempts {
        let (status, end) = run(command, call);
        if status == exit::SUCCESS {
            if attempt > 1 {
                call.say(format_args!("shipctl: retry: attempt {attempt} of {attempts} succeeded"));
            }
            return Ok(status);
        }
        if end || attempt == attempts {
            call.say(format_args!(
                "shipctl: retry: gave up after {attempt} of {attempts} attempts; \
                 {status} is the status of the last"
            ));
            return Ok(status);
        }
        call.say(format_args!(
            "shipctl: retry: attempt {attempt} of {attempts} failed with status {status}, trying again"
        ));
        thread::sleep(delay);
        delay = (delay * 2).min(LONGEST_DELAY);
    }
    Ok(exit::FUNCTION_FAILED)
}

struct RetryOptions<'a> {
    attempts: u32,
    delay: Duration,
    command: &'a [OsString],
}

/// Takes the options before the command; what follows is the command's own.
fn options(mut args: &[OsString]) -> Result<RetryOptions<'_>, Failure> {
    let mut attempts = ATTEMPTS;
    let mut delay = Duration::ZERO;
    while let Some((first, rest)) = args.split_first() {
        let text = first.to_string_lossy();
        if text == "--" {
            args = rest;
            break;
        }
        let Some(option) = text.strip_prefix("--") else { break };
        let (name, value, rest) = match (option.split_once('='), rest.split_first()) {
            (Some((name, value)), _) => (name, value.to_owned(), rest),
            (None, Some((value, rest))) => (option, value.to_string_lossy().into_owned(), rest),
            (None, None) => return Err(Failure::Usage),
        };
        let wrong = |what| Failure::Failed(format!("retry: `{value}` is not {what} (--{name})"));
        match name {
            "attempts" => {
                let valid = value.parse().ok().filter(|&n| n > 0);
                attempts = valid.ok_or_else(|| wrong("a number of attempts"))?;
            }
            "delay" => {
                let seconds =
                    value.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
                delay = seconds.ok_or_else(|| wrong("a number of seconds"))?.min(LONGEST_DELAY);
            }
            _ => return Err(Failure::Usage),
        }
        args = rest;
    }
    match args.first() {
        Some(command) if !command.is_empty() => Ok(RetryOptions { attempts, delay, command: args }),
        _ => Err(Failure::Usage),
    }
}

/// Runs the command and gives its status as a shell would, and whether someone asked for an end.
fn run(command: &[OsString], call: &mut Call) -> (u8, bool) {
    let (program, args) = match command {
        [line] if is_line(line) => (OsStr::new("bash"), vec![OsStr::new("-c"), line]),
        [program, args @ ..] => (program.as_os_str(), args.iter().map(OsString::as_os_str).collect()),
        [] => return (exit::NOT_FOUND, false),
    };
    match Command::new(program).args(args).status() {
        Ok(status) => (code(status), status.signal().is_some_and(|signal| END.contains(&signal))),
        Err(error) => {
            _ = writeln!(call.err, "shipctl: retry: cannot run {}: {error}", program.display());
            let not_found = error.kind() == io::ErrorKind::NotFound;
            (if not_found { exit::NOT_FOUND } else { exit::NOT_EXECUTABLE }, false)
        }
    }
}

fn is_line(argument: &OsStr) -> bool {
    argument.as_bytes().iter().any(u8::is_ascii_whitespace) && !std::path::Path::new(argument).is_file()
}

fn code(status: ExitStatus) -> u8 {
    match (status.code(), status.signal()) {
        (Some(code), _) => u8::try_from(code).unwrap_or(u8::MAX),
        (None, signal) => exit::of_signal(signal.unwrap_or_default()),
    }
}
