//! The part of a line that a graph shows.

use indexmap::IndexSet;

use crate::model::Pipeline;
use crate::order::{Selection, selected};

/// Reduces a line to what a graph of the selected jobs shows: these jobs, what they name, and of the other jobs among that
/// only the names. Returns the names of the selected jobs.
pub fn select(pipeline: &mut Pipeline, selection: &Selection) -> IndexSet<String> {
    let selected: IndexSet<String> = selected(pipeline, selection).into_iter().map(str::to_owned).collect();
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
    selected
}
