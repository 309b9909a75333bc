//! The command lines that are run most, read without the whole grammar: to make that takes a tenth of the time of a short
//! job.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use clap::{Args as _, FromArgMatches as _};

use super::{Cli, Command, Exec, LineOptions, Run};

/// Reads a command line of `run` or `exec`. `None` where that does not do: for other commands, for help, and for mistakes,
/// which the whole grammar has more to say of.
pub fn read(arguments: &[OsString]) -> Option<Cli> {
    without_grammar(arguments).or_else(|| with_options(arguments))
}

/// `run JOB…` and `exec JOB -- COMMAND…` with no options but those that say where the line is.
fn without_grammar(arguments: &[OsString]) -> Option<Cli> {
    let mut line = LineOptions::default();
    let mut names = Vec::new();
    let mut words = arguments.iter();
    let mut after = None;
    while let Some(word) = words.next() {
        let mut path = || words.next().filter(|word| is_plain(word)).map(PathBuf::from);
        match word.to_str()? {
            "-f" | "--file" => line.file.push(path()?),
            "-i" | "--integrations" => line.integrations.push(path()?),
            "-C" | "--directory" if line.directory.is_none() => line.directory = Some(path()?),
            "--" => {
                after = Some(words.as_slice());
                break;
            }
            name if is_plain(word) => names.push(name),
            _ => return None,
        }
    }
    let command = match (&names[..], after) {
        (["run", jobs @ ..], None) if !jobs.is_empty() => {
            Command::Run(Run { job: jobs.iter().map(ToString::to_string).collect(), ..Run::default() })
        }
        (["exec", job], Some(command)) if !command.is_empty() => {
            Command::Exec(Exec { job: job.to_string(), command: command.to_vec(), ..Exec::default() })
        }
        _ => return None,
    };
    Some(Cli { command, line })
}

/// Whether a word is no option.
fn is_plain(word: &OsString) -> bool {
    !word.is_empty() && !word.as_bytes().starts_with(b"-")
}

/// The same commands with any options, which take a grammar of these alone.
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
            ("run a -f b", true),
            ("run --file b a -f c -C d -i e", true),
            ("-C d exec a -f b -- c -f d", true),
            ("exec -f b a -- c", true),
            ("run a -C b -C c", false),
            ("run a -f", false),
            ("run a -f -C b", false),
            ("run a -fb", false),
            ("run a --file=b", false),
            ("run -f b", false),
            ("run", false),
            ("run -n a", false),
            ("run a --keep -C /", false),
            ("exec a", false),
            ("exec a --", false),
            ("exec a b", false),
            ("exec --mask a -- b", false),
        ] {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert_eq!(without_grammar(&words).is_some(), is_quick, "{line}");
            assert!(is_same(&read(&words), &whole(line)), "{line}");
        }
    }
}
