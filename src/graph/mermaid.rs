//! The graph in the language of Mermaid.

use std::fmt::Write as _;

use super::Shape;
use super::parts::{edges, kind, names, shape};
use crate::model::Pipeline;
use crate::printable::Printable;

/// The whole line.
pub fn mermaid(pipeline: &Pipeline) -> String {
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
            Shape::Elsewhere => ("{{", "}}"),
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
