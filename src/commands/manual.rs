//! `shipctl man`: manual pages, of the program and of each of its commands.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, anyhow};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::cli::{self, Functions, grammar};
use crate::exit;
use crate::output::{Failure, print};

/// What the exit statuses mean.
const STATUSES: &[(&str, &str)] = &[
    ("0", "success"),
    (
        "1",
        "check found errors, scan found secrets, doctor found something to do, policy --check found an action that is not \
         allowed, integration remove found a use of the integration; or the scripts of a job succeeded and what they left \
         could not be stored",
    ),
    ("2", "wrong usage: an unknown option, a missing argument"),
    ("3", "scan found nothing, but could not look for all secrets"),
    ("99", "a function for scripts failed"),
    ("124", "the time limit was reached"),
    (
        "125",
        "shipctl failed before the first line of a script: bad YAML, an unknown job, an unreadable secret",
    ),
    ("126", "the command of exec cannot be executed"),
    ("127", "the command of exec was not found"),
    ("128+N", "ended by signal N"),
    ("others", "those of the script that failed, or of the command"),
];

/// The variables that shipctl reads.
const VARIABLES: &[(&str, &str)] = &[
    ("SHIPCTL_KEY", "the key that opens encrypted values, itself"),
    ("SHIPCTL_KEY_FILE", "a file with that key"),
    ("SHIPCTL_INTEGRATION_NAME_FIELD", "a field of an integration that no file declares; _TYPE has its kind"),
    ("SHIPCTL_STATE", "where versions and runs are kept, as --state"),
    ("SHIPCTL_CONTAINERS", "what runs containers, as --containers"),
    ("SHIPCTL_ALLOW_MISSING", "1: what a function for scripts does not find is an empty line and no error"),
    ("SHIPCTL_NO_AUDIT", "1: no line in the audit log, as --no-audit"),
    ("SHIPCTL_NO_SESSIONS", "1: no session of AWS is kept between runs"),
    ("SHIPCTL_SMTP", "the server for notifications by e-mail, smtp://user@host:port"),
    ("SHIPCTL_SMTP_PASSWORD", "the password for that server"),
    ("SHIPCTL_SMTP_FROM", "the sender of these e-mails"),
    ("SHIPCTL_CACHE_DIR", "where repositories that are cloned from a provider are cached"),
    ("SHIPCTL_SHM", "a file system in memory for secret files, /dev/shm by default"),
    ("NO_COLOR", "no colours, as --color never"),
];

/// The files that shipctl reads and writes.
const FILES: &[(&str, &str)] = &[
    (
        "shippable.yml, shippable.{jobs,resources,triggers,integrations,templates}.yml",
        "the line: all of them that are in the nearest directory, from here up, that has one",
    ),
    (".shipctlrc", "options for this line, as on the command line"),
    ("$XDG_CONFIG_HOME/shipctl/config", "options for all lines"),
    ("$XDG_CONFIG_HOME/shipctl/key.txt", "the key that opens encrypted values"),
    (
        "$XDG_CACHE_HOME/shipctl/sessions/",
        "sessions of AWS that are kept between runs, encrypted to that key",
    ),
    (".shipctl/", "versions, runs, logs and the audit log of the line"),
];

/// Examples, by the words of the command.
const EXAMPLES: &[(&str, &[(&str, &str)])] = &[
    (
        "",
        &[
            ("shipctl init", "write a line to begin with, or what an old line lacks"),
            ("shipctl run deploy --dry-run", "show what a job would do"),
            ("shipctl run deploy", "run it"),
            ("shipctl exec deploy -- terraform plan", "run a command with its environment"),
        ],
    ),
    (
        "run",
        &[
            ("shipctl run deploy", "one job"),
            ("shipctl run deploy --upstream -j 4", "with the jobs that it depends on, four at a time"),
            ("shipctl run --all --report report.xml", "the whole line, with a report for a CI"),
            ("shipctl run --failed", "what failed the last time, and what comes after it"),
            (
                "shipctl run deploy --from 2 --shell-on-failure",
                "from the third TASK on, with a shell where it fails",
            ),
        ],
    ),
    (
        "exec",
        &[
            ("shipctl exec deploy -- aws s3 ls", "a command with the environment of a job"),
            ("shipctl exec deploy --mask -- ./deploy.sh", "the same, with secrets masked in its output"),
            ("shipctl exec --integration my_aws -- aws sts get-caller-identity", "without a job"),
        ],
    ),
    (
        "env",
        &[
            ("shipctl env deploy", "the environment of a job, secrets masked"),
            ("eval \"$(shipctl env deploy --format shell --reveal)\"", "the same in this shell"),
        ],
    ),
    (
        "check",
        &[("shipctl check", "all problems of the line"), ("shipctl check --format github", "as annotations")],
    ),
    ("graph", &[("shipctl graph --format mermaid", "the line as a picture of Mermaid")]),
    (
        "logs",
        &[("shipctl logs deploy", "the log of the last run"), ("shipctl logs deploy 12", "that of run 12")],
    ),
    ("integration add", &[("shipctl integration add my_aws --type amazonKeys", "ask for the fields")]),
    ("encrypt", &[("shipctl encrypt < password.txt", "print the YAML to paste")]),
    (
        "export",
        &[("shipctl export github > .github/workflows/line.yml", "the line as a workflow of GitHub Actions")],
    ),
    ("state export", &[("shipctl state export > state.tar", "all versions, for another machine")]),
];

/// Prints the manual page of the program or of one of its commands, or writes all of them.
///
/// # Errors
///
/// When there is no such command, and when a page cannot be written.
pub fn run(command: &cli::Man) -> Result<u8, Failure> {
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
fn write_all(command: clap::Command, words: &[String], directory: &Path) -> Result<(), Failure> {
    for below in command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help")
    {
        let words = [words, &[below.get_name().to_owned()]].concat();
        write_all(below.clone(), &words, directory)?;
    }
    let path = directory.join(format!("{}.1", title(words)));
    fs::write(&path, page(command, words)?).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(())
}

/// What the page of a command is called.
fn title(words: &[String]) -> String {
    [&["shipctl".to_owned()], words].concat().join("-")
}

/// A page, for man(1).
fn page(command: clap::Command, words: &[String]) -> anyhow::Result<Vec<u8>> {
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

    #[test]
    fn the_reference_has_the_same_tables() {
        let reference = include_str!("../../docs/reference.md");
        for (name, meaning) in STATUSES.iter().chain(VARIABLES) {
            let row = format!("| `{name}` | {meaning} |\n");
            assert!(reference.contains(&row.replace("| `others` ", "| others ")), "no {row}");
        }
    }

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
