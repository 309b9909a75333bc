//! `shipctl init` beside a line: what it lacks.

use anyhow::anyhow;

use super::ask::ask_about;
use super::create::create;
use crate::exit;
use crate::init::{self, INTEGRATIONS};
use crate::model::Job;
use crate::model::files::Line;
use crate::output::{Failure, print};

/// Writes what a line lacks beside it.
pub(super) fn complete(line: &Line, asks: bool) -> Result<u8, Failure> {
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
    print(&(survey.summary() + next(line)))?;
    Ok(exit::SUCCESS)
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
