//! The command lines that are run most, read without the whole grammar: to make that takes a tenth of the time of a short
//! job.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;

use clap::{Args as _, FromArgMatches as _};

use super::{Cli, Command, Exec, LineOptions, Run};

/// Reads a command line of `run` or `exec`. `None` where that does not do: for other commands, for help, and for mistakes,
/// which the whole grammar has more to say of.
pub fn read(arguments: &[OsString]) -> Option<Cli> {
    without_options(arguments).or_else(|| with_options(arguments))
}

/// `run JOB…` and `exec JOB -- COMMAND…`, which take no grammar at all.
fn without_options(arguments: &[OsString]) -> Option<Cli> {
    let (command, words) = arguments.split_first()?;
    let is_name = |word: &&OsString| !word.is_empty() && !word.as_bytes().starts_with(b"-");
    let name = |word: &OsString| Some(word).filter(is_name)?.to_str().map(str::to_owned);
    let command = match (command.to_str()?, words) {
        ("run", [_, ..]) => {
            let job = words.iter().map(name).collect::<Option<_>>()?;
            Command::Run(Run { job, ..Run::default() })
        }
        ("exec", [job, dashes, command @ ..]) if dashes == "--" && !command.is_empty() => {
            Command::Exec(Exec { job: name(job)?, command: command.to_vec(), ..Exec::default() })
        }
        _ => return None,
    };
    Some(Cli { command, line: LineOptions::default() })
}

/// The same commands with options, which take a grammar of these alone.
fn with_options(arguments: &[OsString]) -> Option<Cli> {
    let command = match arguments.first()?.to_str()? {
        "run" => Run::augment_args(clap::Command::new("run")),
        "exec" => Exec::augment_args(clap::Command::new("exec")),
        _ => return None,
    };
    let grammar = LineOptions::augment_args(clap::Command::new("shipctl").no_binary_name(true));
    let matches = grammar.subcommand(command).try_get_matches_from(arguments).ok()?;
    Cli::from_arg_matches(&matches).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quick_ways_read_what_the_grammar_reads() {
        let whole = |line: &str| {
            let words = std::iter::once("shipctl").chain(line.split(' '));
            let matches = super::super::grammar(super::super::Functions::LeftOut).try_get_matches_from(words);
            Cli::from_arg_matches(&matches.ok()?).ok()
        };
        let is_same = |one: &Option<Cli>, other: &Option<Cli>| match (one, other) {
            (None, None) => true,
            (Some(one), Some(other)) => {
                one.line == other.line
                    && match (&one.command, &other.command) {
                        (Command::Run(one), Command::Run(other)) => one == other,
                        (Command::Exec(one), Command::Exec(other)) => one == other,
                        _ => false,
                    }
            }
            _ => false,
        };
        for (line, is_quick) in [
            ("run a", true),
            ("run a b", true),
            ("exec a -- b", true),
            ("exec a -- b -x -- c", true),
            ("run", false),
            ("run -n a", false),
            ("run a --keep -C /", false),
            ("exec a", false),
            ("exec a --", false),
            ("exec a b", false),
            ("exec --mask a -- b", false),
        ] {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert_eq!(without_options(&words).is_some(), is_quick, "{line}");
            assert!(is_same(&read(&words), &whole(line)), "{line}");
        }
    }
}
