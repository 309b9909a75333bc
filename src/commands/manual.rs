//! `shipctl man`: manual pages, of the program and of each of its commands.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, anyhow};

use crate::cli::defaults::Grammar;
use crate::cli::manual::{page, title};
use crate::cli::{Functions, Man, grammar};
use crate::exit;
use crate::output::{Failure, print};

/// Prints the manual page of the program or of one of its commands, or writes all of them.
///
/// # Errors
///
/// When there is no such command, and when a page cannot be written.
pub fn run(command: &Man) -> Result<u8, Failure> {
    let grammar = grammar(Functions::Hidden);
    if let Some(directory) = &command.directory {
        write_all(grammar, &[], directory)?;
        return Ok(exit::SUCCESS);
    }
    let mut found = &grammar;
    for word in &command.command {
        let Some(below) = found.find_subcommand(word) else {
            let name = command.command.join(" ");
            let error = anyhow!("there is no command `shipctl {name}`: see `shipctl --help`");
            return Err(Failure { status: exit::USAGE, ..error.into() });
        };
        found = below;
    }
    print(&String::from_utf8_lossy(&page(found.clone(), &command.command)?))?;
    Ok(exit::SUCCESS)
}

/// Writes the pages of a command and of those below it.
fn write_all(command: Grammar, words: &[String], directory: &Path) -> Result<(), Failure> {
    for below in command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help")
    {
        let words = [words, &[below.get_name().to_owned()]].concat();
        write_all(below.clone(), &words, directory)?;
    }
    let path = directory.join(format!("{}.1", title(words)));
    let page = page(command, words)?;
    fs::write(&path, page).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(())
}
