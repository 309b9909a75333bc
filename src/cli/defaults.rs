//! Options that files give: `.shipctlrc` beside the line, and the user's own `shipctl/config`.
//!
//! A line of such a file holds options as they stand on the command line, behind the command that they are for or for every
//! command that has them. `#` begins a comment.

use std::ffi::OsString;

use clap::{Arg, Command};

use crate::nearest::nearest;

/// All commands with their options.
pub type Grammar = Command;

/// A file of options.
pub struct File<'t> {
    /// What it is called in messages.
    pub name: String,
    /// Its text.
    pub text: &'t str,
    /// Whether it is the user's own, not one that came with a line.
    pub is_own: bool,
}

/// The options of files for one command.
#[derive(Clone, Default)]
pub struct Defaults {
    /// The words, as on the command line.
    pub words: Vec<OsString>,
    /// For people: each option with the file and line that it comes from.
    pub shown: Vec<String>,
    /// What was left out, and why.
    pub warnings: Vec<String>,
}

/// A word of a file that is no option, with where the word is.
#[derive(Debug, thiserror::Error)]
#[error("{place}:1: {why}")]
pub struct DefaultsError {
    /// `FILE:LINE`.
    place: String,
    why: Wrong,
}

/// What is wrong with a word.
#[derive(Debug, thiserror::Error)]
enum Wrong {
    #[error("its quotes do not pair up")]
    Quotes,
    #[error("`{0}` is no command of shipctl, and no option: options begin with `-`")]
    NoCommand(String),
    #[error("`{0}` needs a value")]
    NoValue(String),
    #[error("`{0}` is for the command line alone: the file is found with it")]
    OnCommandLine(String),
    #[error("an argument that is no option: files give options alone")]
    Argument,
    #[error("no command has an option `{name}`{}", meant.as_ref().map_or_else(String::new, |meant| format!("; did you mean `{meant}`?")))]
    Unknown { name: String, meant: Option<String> },
}

/// Options that only the user's own file may give: they send something elsewhere, start programs, show secrets, or keep what
/// was done from being seen.
const OWN_ALONE: &[&str] =
    &["on", "state", "notify", "reveal", "add_mask", "no_audit", "allow_secrets_in_state"];

/// Options that no file can give: the files are found with them.
const ON_COMMAND_LINE: &[&str] = &["directory", "file", "help", "version"];

/// The options that a file gives for `command`, added to those of files before it.
///
/// # Errors
///
/// A line that is no option of any command.
pub fn add(
    defaults: &mut Defaults,
    file: &File,
    grammar: &Command,
    command: &str,
) -> Result<(), DefaultsError> {
    for (index, line) in file.text.lines().enumerate() {
        let place = format!("{}:{}", file.name, index + 1);
        let wrong = |why| DefaultsError { place: place.clone(), why };
        let words = shlex::split(line).ok_or_else(|| wrong(Wrong::Quotes))?;
        let mut words = words.as_slice();
        let mut of = None;
        if let Some((first, rest)) = words.split_first()
            && !first.starts_with('-')
        {
            let named = grammar.find_subcommand(first);
            of = Some(named.ok_or_else(|| wrong(Wrong::NoCommand(first.clone())))?);
            words = rest;
        }
        while let Some(first) = words.first() {
            let commands = of.map_or_else(|| grammar.get_subcommands().collect(), |of| vec![of]);
            let known = commands.iter().find_map(|of| find(grammar, of, first));
            let Some((arg, own_value)) = known else { return Err(wrong(unknown(first, grammar, &commands))) };
            let takes = arg.get_action().takes_values() && own_value.is_none();
            let end = 1 + usize::from(takes);
            if words.len() < end {
                return Err(wrong(Wrong::NoValue(first.clone())));
            }
            let (option, rest) = words.split_at(end);
            words = rest;
            let id = arg.get_id().as_str();
            if ON_COMMAND_LINE.contains(&id) {
                return Err(wrong(Wrong::OnCommandLine(first.clone())));
            }
            let is_for = of.is_none_or(|of| of.get_name() == command);
            let here = grammar.find_subcommand(command).and_then(|here| find(grammar, here, first));
            if !is_for || here.is_none() {
                continue;
            }
            let is_elsewhere = id == "state" && option.iter().any(|word| word.contains("://"));
            if !file.is_own && (OWN_ALONE.contains(&id) || is_elsewhere) {
                defaults.warnings.push(format!(
                    "warning: {place}: --{} is left out: only your own configuration file may give it\n",
                    id.replace('_', "-")
                ));
                continue;
            }
            defaults.words.extend(option.iter().map(OsString::from));
            defaults.shown.push(format!("{} ({place})", option.join(" ")));
        }
    }
    Ok(())
}

/// The option that a word is of a command, and the value that the word has itself.
fn find<'g, 'w>(grammar: &'g Command, of: &'g Command, word: &'w str) -> Option<(&'g Arg, Option<&'w str>)> {
    let globals = grammar.get_arguments().filter(|arg| arg.is_global_set());
    let mut arguments = of.get_arguments().chain(globals);
    if let Some(long) = word.strip_prefix("--") {
        let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
        return arguments.find(|arg| arg.get_long() == Some(name)).map(|arg| (arg, value));
    }
    let mut letters = word.strip_prefix('-')?.chars();
    let letter = letters.next()?;
    let arg = arguments.find(|arg| arg.get_short() == Some(letter))?;
    let value = letters.as_str();
    match (value.is_empty(), arg.get_action().takes_values()) {
        (true, _) => Some((arg, None)),
        (false, true) => Some((arg, Some(value))),
        (false, false) => None,
    }
}

fn unknown(word: &str, grammar: &Command, commands: &[&Command]) -> Wrong {
    let name = word.split('=').next().unwrap_or(word);
    if !word.starts_with('-') {
        return Wrong::Argument;
    }
    let globals = grammar.get_arguments();
    let known = commands.iter().flat_map(|of| of.get_arguments()).chain(globals).filter_map(Arg::get_long);
    let known: Vec<_> = known.map(|long| format!("--{long}")).collect();
    let meant = nearest(name, known.iter().map(String::as_str)).map(str::to_owned);
    Wrong::Unknown { name: name.to_owned(), meant }
}
