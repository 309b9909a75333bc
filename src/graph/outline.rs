//! The graph as lines of text.

use std::fmt::Write as _;

use super::parts::kind;
use crate::model::Pipeline;
use crate::printable::Printable;

/// Each job that is shown, with what goes in and what comes out.
pub fn outline(pipeline: &Pipeline, shown: impl Fn(&str) -> bool) -> String {
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
