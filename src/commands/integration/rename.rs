//! `shipctl integration rename`.

use std::fmt::Write as _;

use anyhow::anyhow;

use super::{commit, lock, unknown};
use crate::cli::LineOptions;
use crate::contract::env_name;
use crate::edit::{Draft, Edited};
use crate::exit;
use crate::load::read_good;
use crate::model::files::Line;
use crate::model::{Pipeline, usage};
use crate::output::{Failure, failure, paint, print};
use crate::printable::Printable;
use crate::source::Span;

/// Runs the command.
pub(super) fn run(old: &str, new: &str, options: &LineOptions) -> Result<u8, Failure> {
    let _lock = lock(options, None)?;
    let line = read_good(options)?;
    let used = usage::of(&line.pipeline, old);
    if used.is_empty() && !line.pipeline.integrations.contains_key(old) {
        return Err(unknown(&line.pipeline, old));
    }
    check_name(&line.pipeline, new, Some(old))?;
    let mut draft = Draft::new(&line.sources)
        .map_err(|problems| failure(&problems, &line.sources, paint(options.color, &std::io::stderr())))?;
    draft.rename(old, new)?;
    let edited = commit(&line, draft, options)?;
    let jobs: Vec<_> = used.jobs.iter().map(|(job, _)| job.name.text.as_str()).collect();
    print(&told(&line, &edited, old, new, &jobs))?;
    Ok(exit::SUCCESS)
}

/// Refuses a name that another integration has, or that gives the same variables as another's, or none.
pub(super) fn check_name(pipeline: &Pipeline, name: &str, instead_of: Option<&str>) -> Result<(), Failure> {
    let shown = Printable(name);
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let begins = name.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    if !begins || !name.chars().all(allowed) || name.len() > 200 {
        return Err(anyhow!(
            "an integration cannot be called `{shown}`\n  hint: use letters, digits, `_`, `-` and `.`, and begin with a letter"
        )
        .into());
    }
    let Some(env) = env_name(name) else {
        return Err(anyhow!(
            "nothing is left of the name `{shown}` for its variables\n  hint: they keep ASCII letters, digits and `_`, without leading digits"
        )
        .into());
    };
    if pipeline.integrations.contains_key(name) {
        let message = format!("there is an integration `{shown}` already");
        return Err(match instead_of {
            Some(_) => anyhow!(message),
            None => anyhow!(
                "{message}\n  hint: to change one value, put what `shipctl encrypt --one-line` prints in its place; to begin anew, `shipctl integration remove --force {shown}` first"
            ),
        }
        .into());
    }
    let others = pipeline.integrations.keys().filter(|other| instead_of != Some(other.as_str()));
    match others.into_iter().find(|other| env_name(other).as_ref() == Some(&env)) {
        Some(other) => Err(anyhow!(
            "`{shown}` would have the same variables as the integration `{}`: {env}_…",
            Printable(other)
        )
        .into()),
        None => Ok(()),
    }
}

/// What was done, and what else has to be.
fn told(line: &Line, edited: &[Edited], old: &str, new: &str, jobs: &[&str]) -> String {
    let files: Vec<_> =
        edited.iter().map(|edited| line.sources.get(edited.source).path().display().to_string()).collect();
    let mut text = format!("renamed {} to {} in {}\n", Printable(old), Printable(new), files.join(", "));
    let (Some(before), Some(after)) = (env_name(old), env_name(new)) else { return text };
    if !line.pipeline.integrations.contains_key(old) {
        let _ = writeln!(
            text,
            "no file declares it: the environment has to call it SHIPCTL_INTEGRATION_{after}_…"
        );
    }
    if jobs.is_empty() || before == after {
        return text;
    }
    let prefix = format!("{before}_INTEGRATION_");
    let plural = if jobs.len() == 1 { "job" } else { "jobs" };
    let _ = writeln!(
        text,
        "variables of {plural} {}: {prefix}… are now {after}_INTEGRATION_…",
        Printable(&jobs.join(", "))
    );
    for place in mentions(line, edited, &prefix) {
        let _ = writeln!(text, "  {place} says {prefix}… still");
    }
    text
}

/// Where the texts, as they are now, speak of variables that begin with a prefix.
fn mentions(line: &Line, edited: &[Edited], prefix: &str) -> Vec<String> {
    let mut now = crate::source::Sources::default();
    let mut places = Vec::new();
    for id in line.sources.ids() {
        let source = line.sources.get(id);
        let text =
            edited.iter().find(|edited| edited.source == id).map_or(source.text(), |edited| &edited.text);
        let Ok(id) = now.add(source.path().to_owned(), text.to_owned()) else { continue };
        for (start, _) in now.get(id).text().match_indices(prefix) {
            let inside = text[..start].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
            if !inside {
                places.push(now.describe(Span { source: id, start: start as u32, len: 0 }));
            }
        }
    }
    places
}
