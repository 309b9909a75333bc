//! The graph in the language of Graphviz.

use std::fmt::Write as _;

use super::Shape;
use super::parts::{edges, kind, names, shape};
use crate::model::Pipeline;
use crate::printable::Printable;

/// The whole line.
pub fn dot(pipeline: &Pipeline) -> String {
    let quoted = |name: &str| {
        format!("\"{}\"", Printable(name).to_string().replace('\\', "\\\\").replace('"', "\\\""))
    };
    let mut text = String::from("digraph line {\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];\n");
    for name in names(pipeline) {
        let style = match shape(pipeline, name) {
            Shape::Job => "shape=box, style=\"rounded,filled\", fillcolor=\"#dbeafe\"",
            Shape::Resource => "shape=ellipse",
            Shape::Elsewhere => "shape=ellipse, style=dashed",
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
