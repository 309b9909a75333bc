//! `shipctl integration used-by`.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::unknown;
use crate::cli::{LineOptions, ListFormat};
use crate::exit;
use crate::load::read_good;
use crate::model::usage::{self, Usage};
use crate::output::{Failure, print};
use crate::printable::{self, Printable};
use crate::source::Sources;

/// Runs the command. What is declared nowhere may be used all the same: it may be in the environment.
pub(super) fn run(name: &str, format: ListFormat, options: &LineOptions) -> Result<u8, Failure> {
    let line = read_good(options)?;
    let usage = usage::of(&line.pipeline, name);
    if usage.is_empty() && !line.pipeline.integrations.contains_key(name) {
        return Err(unknown(&line.pipeline, name));
    }
    print(&match format {
        ListFormat::Json => printable::json(format!("{:#}\n", to_json(&usage, &line.sources))),
        ListFormat::Text if usage.is_empty() => format!("nothing uses {}\n", Printable(name)),
        ListFormat::Text => to_text(&usage, &line.sources),
    })?;
    Ok(exit::SUCCESS)
}

/// What uses an integration: a line for each, with its place; under a resource, the jobs that it leads to.
pub(super) fn to_text(usage: &Usage, sources: &Sources) -> String {
    let mut rows = Vec::new();
    for bound in &usage.resources {
        rows.push((format!("resource {}", bound.resource.name.text), bound.name.place));
        for (job, word, name) in &bound.jobs {
            rows.push((format!("  {word} of job {}", job.name.text), name.place));
        }
    }
    for (job, name) in &usage.jobs {
        rows.push((format!("integrations of job {}", job.name.text), name.place));
    }
    for (integration, name) in &usage.integrations {
        rows.push((format!("integration {}", integration.name.text), name.place));
    }
    let width = rows.iter().map(|(what, _)| what.chars().count()).max().unwrap_or(0);
    rows.iter().fold(String::new(), |mut text, (what, place)| {
        let _ = writeln!(text, "{:width$}  {}", Printable(what).to_string(), sources.describe(*place));
        text
    })
}

fn to_json(usage: &Usage, sources: &Sources) -> Json {
    let resources = usage.resources.iter().map(|bound| {
        let jobs = bound.jobs.iter().map(|(job, word, name)| {
            json!({"name": job.name.text, "operation": word, "place": sources.describe(name.place)})
        });
        json!({
            "name": bound.resource.name.text,
            "place": sources.describe(bound.name.place),
            "jobs": jobs.collect::<Vec<_>>(),
        })
    });
    let jobs = usage
        .jobs
        .iter()
        .map(|(job, name)| json!({"name": job.name.text, "place": sources.describe(name.place)}));
    let integrations = usage
        .integrations
        .iter()
        .map(|(user, name)| json!({"name": user.name.text, "place": sources.describe(name.place)}));
    json!({
        "resources": resources.collect::<Vec<_>>(),
        "jobs": jobs.collect::<Vec<_>>(),
        "integrations": integrations.collect::<Vec<_>>(),
    })
}
