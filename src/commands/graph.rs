//! `shipctl graph`: how jobs and resources hang together.

mod dot;
mod mermaid;
mod parts;
mod picture;
mod text;

use std::io;

use indexmap::IndexSet;

use crate::cli::{Graph, GraphFormat, LineOptions};
use crate::exit;
use crate::load::read_good;
use crate::model::files::Line;
use crate::order::{self, Selection};
use crate::output::{Failure, failure, paint, print};
use crate::resolve;

/// Runs the command.
///
/// # Errors
///
/// On errors in the YAML.
pub fn run(command: &Graph, options: &LineOptions) -> Result<u8, Failure> {
    let mut line = read_good(options)?;
    let selected = if command.job.is_empty() { None } else { Some(select(&mut line, command, options)?) };
    let shown = |job: &str| selected.as_ref().is_none_or(|selected| selected.contains(job));
    print(&match command.format {
        GraphFormat::Text => text::text(&line.pipeline, shown),
        GraphFormat::Dot => dot::dot(&line.pipeline),
        GraphFormat::Mermaid => mermaid::mermaid(&line.pipeline),
        GraphFormat::Svg => crate::graph::picture(&picture::of_line(&line)?),
        GraphFormat::Html => crate::graph::page(&picture::of_line(&line)?),
    })?;
    Ok(exit::SUCCESS)
}

/// Leaves of a line what is to be shown: some jobs, what they name, and of the jobs among that nothing but the name.
/// Returns the names of the jobs that are shown whole.
fn select(line: &mut Line, command: &Graph, options: &LineOptions) -> Result<IndexSet<String>, Failure> {
    let pipeline = &mut line.pipeline;
    let unknown = command.job.iter().find(|job| !pipeline.jobs.contains_key(*job));
    if let Some(job) = unknown {
        let problem = resolve::unknown_job(pipeline, job);
        return Err(failure(&[problem], &line.sources, paint(options.color, &io::stderr())));
    }
    let selection = Selection {
        jobs: &command.job,
        upstream: command.upstream,
        downstream: command.downstream,
        all: false,
    };
    let selected: IndexSet<String> =
        order::selected(pipeline, &selection).into_iter().map(str::to_owned).collect();
    let named: IndexSet<String> = pipeline
        .jobs
        .values()
        .filter(|job| selected.contains(&job.name.text))
        .flat_map(|job| job.inputs().map(|input| &input.name).chain(job.outputs().map(|output| &output.name)))
        .map(|name| name.text.clone())
        .collect();
    pipeline.resources.retain(|name, _| named.contains(name));
    pipeline.jobs.retain(|name, job| {
        if !selected.contains(name) {
            job.steps.clear();
            job.sections.notify.clear();
        }
        selected.contains(name) || named.contains(name)
    });
    Ok(selected)
}
