//! Manual pages: what the grammar says of a command, with tables and examples.

mod tables;

use std::io;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use tables::{EXAMPLES, FILES, STATUSES, VARIABLES};

/// What the page of a command is called, the command given by its words.
pub fn title(words: &[String]) -> String {
    [&["shipctl".to_owned()], words].concat().join("-")
}

/// The page of a command, for man(1).
///
/// # Errors
///
/// None is known.
pub fn page(command: Command, words: &[String]) -> io::Result<Vec<u8>> {
    let name = [&["shipctl".to_owned()], words].concat().join(" ");
    let command = command.bin_name(name).display_name(title(words)).disable_help_subcommand(true);
    let mut page = Vec::new();
    Man::new(command).render(&mut page)?;
    let mut more = Roff::new();
    if let Some((_, examples)) = EXAMPLES.iter().find(|(of, _)| *of == words.join(" ")) {
        section(&mut more, "EXAMPLES", examples);
    }
    section(&mut more, "EXIT STATUS", STATUSES);
    section(&mut more, "ENVIRONMENT", VARIABLES);
    section(&mut more, "FILES", FILES);
    page.extend_from_slice(more.to_roff().as_bytes());
    Ok(page)
}

fn section(roff: &mut Roff, title: &str, rows: &[(&str, &str)]) {
    roff.control("SH", [title]);
    for (name, meaning) in rows {
        roff.control("TP", []).text([bold(*name)]).text([roman(*meaning)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Functions, grammar};

    #[test]
    fn examples_are_of_commands_that_there_are() {
        for (words, examples) in EXAMPLES {
            let mut grammar = &grammar(Functions::LeftOut);
            for word in words.split_whitespace() {
                grammar = grammar.find_subcommand(word).unwrap();
            }
            for (line, _) in *examples {
                assert!(line.contains(&format!("shipctl {words}")), "{line}");
            }
        }
    }
}
