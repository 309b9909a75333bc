//! The parts of a line that a graph shows, by their names.

use indexmap::IndexSet;

use super::Shape;
use crate::model::{Job, Pipeline};

/// What a name of the line stands for.
pub(super) fn shape(pipeline: &Pipeline, name: &str) -> Shape {
    if pipeline.resources.contains_key(name) {
        Shape::Resource
    } else if pipeline.jobs.contains_key(name) {
        Shape::Job
    } else {
        Shape::Elsewhere
    }
}

/// The type of what a name stands for.
pub(super) fn kind<'a>(pipeline: &'a Pipeline, name: &str) -> &'a str {
    let resource = pipeline.resources.get(name).map(|resource| &resource.kind.text);
    resource
        .or_else(|| pipeline.jobs.get(name).map(|job| &job.kind.text))
        .map_or("declared elsewhere", String::as_str)
}

/// All names, in the order in which they are declared or referred to.
pub(super) fn names(pipeline: &Pipeline) -> IndexSet<&str> {
    let mut names: IndexSet<&str> =
        pipeline.resources.keys().chain(pipeline.jobs.keys()).map(String::as_str).collect();
    for job in pipeline.jobs.values() {
        names.extend(job.inputs().map(|input| input.name.text.as_str()));
        names.extend(job.outputs().map(|output| output.name.text.as_str()));
    }
    names
}

/// Arrows from what goes in to the job, and from the job to what comes out; the flag says that a change starts the job.
pub(super) fn edges(job: &Job) -> Vec<(&str, &str, bool)> {
    let name = job.name.text.as_str();
    let ins = job.inputs().map(|input| (input.name.text.as_str(), name, !input.switched_off));
    ins.chain(job.outputs().map(|output| (name, output.name.text.as_str(), true))).collect()
}
