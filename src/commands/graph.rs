//! `shipctl graph`: how jobs and resources depend on each other.

use std::io;
use std::time::SystemTime;

use indexmap::IndexSet;

use crate::cli::{Graph, GraphFormat, LineOptions};
use crate::exit;
use crate::graph;
use crate::load::{read_good, store};
use crate::model::files::Line;
use crate::order::Selection;
use crate::output::{Failure, failure, paint, print};
use crate::resolve;

/// Runs the command.
///
/// # Errors
///
/// On errors in the YAML, and when there is state that cannot be read.
pub fn run(command: &Graph, options: &LineOptions) -> Result<u8, Failure> {
    let mut line = read_good(options)?;
    let selected = if command.job.is_empty() { None } else { Some(select(&mut line, command, options)?) };
    let shown = |job: &str| selected.as_ref().is_none_or(|selected| selected.contains(job));
    print(&match command.format {
        GraphFormat::Text => graph::outline(&line.pipeline, shown),
        GraphFormat::Dot => graph::dot(&line.pipeline),
        GraphFormat::Mermaid => graph::mermaid(&line.pipeline),
        GraphFormat::Svg => graph::picture(&with_builds(&line)?),
        GraphFormat::Html => graph::page(&with_builds(&line)?),
    })?;
    Ok(exit::SUCCESS)
}

/// Reduces the line to the jobs of the command. Returns their names.
fn select(line: &mut Line, command: &Graph, options: &LineOptions) -> Result<IndexSet<String>, Failure> {
    let unknown = command.job.iter().find(|job| !line.pipeline.jobs.contains_key(*job));
    if let Some(job) = unknown {
        let problem = resolve::unknown_job(&line.pipeline, job);
        return Err(failure(&[problem], &line.sources, paint(options.color, &io::stderr())));
    }
    let Graph { job: jobs, upstream, downstream, .. } = command;
    let selection = Selection { jobs, upstream: *upstream, downstream: *downstream, all: false };
    Ok(graph::select(&mut line.pipeline, &selection))
}

/// The line with the last builds of its jobs. Where it has no state, none is made.
fn with_builds(line: &Line) -> Result<graph::Graph, Failure> {
    let store = store::open_existing(line)?;
    let builds = store.map_or_else(|| Ok(Vec::new()), |store| store.last_builds(graph::BUILDS))?;
    Ok(graph::of_line(line, builds, SystemTime::now()))
}
