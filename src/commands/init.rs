//! `shipctl init`: a small line in an empty directory, or what an old line lacks.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, anyhow};

use crate::cli::{Init, LineOptions};
use crate::edit;
use crate::exit;
use crate::init::{self, INTEGRATIONS, LINE, Missing, Origin, Survey};
use crate::load::read;
use crate::model::Job;
use crate::model::files::Line;
use crate::model::kind::Kind;
use crate::output::{Failure, failure, paint, print};
use crate::printable::Printable;
use crate::prompt::{ask, can_ask};

/// Runs the command.
///
/// # Errors
///
/// When the line has errors, or a file is there already.
pub fn run(command: &Init, options: &LineOptions) -> Result<u8, Failure> {
    let here = std::env::current_dir().context("the current directory is gone")?;
    let line = read(options)?;
    let asks = !command.yes && can_ask();
    if options.file.is_empty() && (line.sources.is_empty() || line.directory != here) {
        return begin(&here, asks);
    }
    let errors: Vec<_> = line.diagnostics.iter().filter(|found| found.is_error()).cloned().collect();
    if !errors.is_empty() {
        return Err(failure(&errors, &line.sources, paint(options.color, &std::io::stderr())));
    }
    complete(&line, asks)
}

/// Writes a small line into a directory that has none.
fn begin(directory: &Path, asks: bool) -> Result<u8, Failure> {
    let secret = if asks { ask_for_secret()? } else { None };
    let files = init::starter(secret.as_deref());
    for (name, text) in &files {
        create(&directory.join(name), name, text)?;
    }
    let mut said = String::new();
    for (name, _) in &files {
        said += &format!("wrote {name}\n");
    }
    if let Some(secret) = &secret {
        said += &format!("the job reads its secret from your environment: export {secret}=…\n");
    }
    print(&format!("{said}next: shipctl run hello\n"))?;
    Ok(exit::SUCCESS)
}

fn ask_for_secret() -> Result<Option<String>, Failure> {
    loop {
        let name = ask("a variable with a secret that the job needs, such as API_TOKEN (Enter for none)")?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        match name.trim() {
            "" => return Ok(None),
            name if name.chars().all(is_name) && !name.starts_with(|c: char| c.is_ascii_digit()) => {
                return Ok(Some(name.to_owned()));
            }
            _ => eprintln!("a name has letters, digits and `_`, and begins with no digit"),
        }
    }
}

/// Writes what a line lacks beside it.
fn complete(line: &Line, asks: bool) -> Result<u8, Failure> {
    let mut survey = init::survey(line);
    if survey.integrations.is_empty() && survey.resources.is_empty() {
        print(&format!("nothing is missing: all that the line uses is declared\n{}", next(line)))?;
        return Ok(exit::SUCCESS);
    }
    let Some(file) = line.sources.ids().next() else { return Ok(exit::SUCCESS) };
    let path = line.directory.join(INTEGRATIONS);
    if path.exists() {
        return Err(anyhow!(
            "{INTEGRATIONS} is there already, and init overwrites nothing\n  hint: add this to it:\n{}",
            indented(&init::render(&survey, file))
        )
        .into());
    }
    if asks {
        for missing in &mut survey.integrations {
            ask_about(missing)?;
        }
    }
    create(&path, INTEGRATIONS, &init::render(&survey, file))?;
    print(&(summary(&survey) + next(line)))?;
    Ok(exit::SUCCESS)
}

/// Asks for the kind of an integration and for where its values are.
fn ask_about(missing: &mut Missing) -> Result<(), Failure> {
    eprintln!("{} ({})", Printable(&missing.name), Printable(&missing.used_by.join(", ")));
    loop {
        let answer = ask(&format!("  kind [{}]", missing.kind.display))?;
        if answer.trim().is_empty() {
            break;
        }
        match Kind::find(answer.trim()) {
            Some(kind) => {
                *missing =
                    Missing::new(missing.name.clone(), kind, &[], std::mem::take(&mut missing.used_by));
                break;
            }
            None => eprintln!("  there is no such kind: `shipctl integration types` lists them"),
        }
    }
    for (key, origin) in &mut missing.values {
        let name = key.key.as_deref().unwrap_or(key.field.name);
        let is_secret = key.field.secret;
        let question = match &*origin {
            Origin::Text(text) => format!("  {name} [{text}]"),
            Origin::Elsewhere(_, variable) if is_secret => {
                format!("  variable with {name} [{variable}], or file:PATH, or command:LINE")
            }
            Origin::Elsewhere(_, variable) => format!("  {name} (Enter to take it from {variable})"),
        };
        let answer = ask(&question)?;
        let answer = answer.trim();
        if !answer.is_empty() {
            *origin = match (answer.split_once(':'), is_secret) {
                (Some(("file", path)), true) => Origin::Elsewhere("file", path.to_owned()),
                (Some(("command", line)), true) => Origin::Elsewhere("command", line.to_owned()),
                (_, true) => Origin::Elsewhere("env", answer.to_owned()),
                (_, false) => Origin::Text(answer.to_owned()),
            };
        }
    }
    Ok(())
}

fn summary(survey: &Survey) -> String {
    let count = |count: usize, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
    let mut text = format!(
        "wrote {INTEGRATIONS}: {}, {}\n",
        count(survey.integrations.len(), "integration"),
        count(survey.resources.len(), "stub"),
    );
    let width = survey.integrations.iter().map(|missing| missing.name.chars().count()).max().unwrap_or(0);
    for missing in &survey.integrations {
        let from = missing.values.iter().filter_map(|(_, origin)| match origin {
            Origin::Elsewhere(_, text) => Some(text.as_str()),
            Origin::Text(_) => None,
        });
        let name = Printable(&missing.name).to_string();
        text +=
            &format!("  {name:width$}  {}: {}\n", missing.kind.display, from.collect::<Vec<_>>().join(", "));
    }
    text
}

/// What to do when the line is complete.
fn next(line: &Line) -> &'static str {
    match line.pipeline.jobs.values().any(Job::can_run) {
        true => "next: shipctl run --all --dry-run\n",
        false => "next: shipctl check\n",
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}

/// Makes a file that is not there yet. One that says where secrets are is its owner's alone.
fn create(path: &Path, name: &str, text: &str) -> Result<(), Failure> {
    if name != LINE {
        return Ok(edit::create(path, text).map_err(anyhow::Error::from)?);
    }
    let write = || OpenOptions::new().write(true).create_new(true).open(path)?.write_all(text.as_bytes());
    Ok(write().with_context(|| format!("cannot make {}", path.display()))?)
}
