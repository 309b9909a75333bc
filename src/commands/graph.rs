//! `shipctl graph`: how jobs and resources hang together.

use std::fmt::Write as _;
use std::io;

use indexmap::IndexSet;

mod picture;
use crate::cli::{Graph, GraphFormat, LineOptions};
use crate::exit;
use crate::load::read_good;
use crate::model::files::Line;
use crate::model::{Job, Pipeline};
use crate::order::{self, Selection};
use crate::output::{Failure, failure, paint, print};
use crate::printable::Printable;
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
        GraphFormat::Text => text(&line.pipeline, shown),
        GraphFormat::Dot => dot(&line.pipeline),
        GraphFormat::Mermaid => mermaid(&line.pipeline),
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

/// What a name stands for.
#[derive(Clone, Copy, PartialEq)]
enum Shape {
    Job,
    Resource,
    Unknown,
}

fn shape(pipeline: &Pipeline, name: &str) -> Shape {
    if pipeline.resources.contains_key(name) {
        Shape::Resource
    } else if pipeline.jobs.contains_key(name) {
        Shape::Job
    } else {
        Shape::Unknown
    }
}

fn kind<'a>(pipeline: &'a Pipeline, name: &str) -> &'a str {
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

fn text(pipeline: &Pipeline, shown: impl Fn(&str) -> bool) -> String {
    let mut text = String::new();
    for job in pipeline.jobs.values().filter(|job| shown(&job.name.text)) {
        let _ = writeln!(text, "{} ({})", Printable(&job.name.text), Printable(&job.kind.text));
        let describe = |name: &str| format!("{} ({})", Printable(name), Printable(kind(pipeline, name)));
        for input in job.inputs() {
            let off = if input.switched_off { ", switched off" } else { "" };
            let _ = writeln!(text, "  ← {}{off}", describe(&input.name.text));
        }
        for output in job.outputs() {
            let _ = writeln!(text, "  → {}", describe(&output.name.text));
        }
    }
    text
}

fn dot(pipeline: &Pipeline) -> String {
    let quoted = |name: &str| {
        format!("\"{}\"", Printable(name).to_string().replace('\\', "\\\\").replace('"', "\\\""))
    };
    let mut text = String::from("digraph line {\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];\n");
    for name in names(pipeline) {
        let style = match shape(pipeline, name) {
            Shape::Job => "shape=box, style=\"rounded,filled\", fillcolor=\"#dbeafe\"",
            Shape::Resource => "shape=ellipse",
            Shape::Unknown => "shape=ellipse, style=dashed",
        };
        let label = quoted(&format!("{name}\u{1}{}", kind(pipeline, name))).replace("\\\\u{1}", "\\n");
        let _ = writeln!(text, "  {} [label={label}, {style}];", quoted(name));
    }
    for (from, to, starts) in pipeline.jobs.values().flat_map(edges) {
        let style = if starts { "" } else { " [style=dashed]" };
        let _ = writeln!(text, "  {} -> {}{style};", quoted(from), quoted(to));
    }
    text + "}\n"
}

fn mermaid(pipeline: &Pipeline) -> String {
    let names = names(pipeline);
    let escaped = |name: &str| {
        let mut text = String::new();
        for c in Printable(name).to_string().chars() {
            match c {
                // Mermaid's own way to write characters that mean something to it.
                '"' | '#' | '<' | '>' | '&' | ';' | '\\' | '`' => _ = write!(text, "#{};", u32::from(c)),
                _ => text.push(c),
            }
        }
        text
    };
    let id = |name: &str| format!("n{}", names.get_index_of(name).unwrap_or(0));
    let mut text = String::from("flowchart LR\n");
    for name in &names {
        let (open, close) = match shape(pipeline, name) {
            Shape::Job => ("[", "]"),
            Shape::Resource => ("([", "])"),
            Shape::Unknown => ("{{", "}}"),
        };
        let _ = writeln!(
            text,
            "  {}{open}\"{}<br/>{}\"{close}",
            id(name),
            escaped(name),
            escaped(kind(pipeline, name))
        );
    }
    for (from, to, starts) in pipeline.jobs.values().flat_map(edges) {
        let _ = writeln!(text, "  {} {} {}", id(from), if starts { "-->" } else { "-.->" }, id(to));
    }
    text
}
