//! What uses an integration.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use crate::model::usage::Usage;
use crate::printable::Printable;
use crate::source::Sources;

/// What uses an integration: a line for each, with its place; under a resource, the jobs that it leads to.
pub fn usage_text(usage: &Usage, sources: &Sources) -> String {
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

/// The same as JSON.
pub fn usage_json(usage: &Usage, sources: &Sources) -> Json {
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
