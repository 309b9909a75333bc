//! What there is to say after an integration was renamed.

use std::fmt::Write as _;

use crate::contract::env_name;
use crate::edit::Edited;
use crate::model::files::Line;
use crate::printable::Printable;
use crate::source::{Sources, Span};

/// What was done, and what else has to be.
pub fn renamed(line: &Line, edited: &[Edited], old: &str, new: &str, jobs: &[&str]) -> String {
    let files: Vec<_> =
        edited.iter().map(|edited| line.sources.get(edited.source).path().display().to_string()).collect();
    let mut text = format!("renamed {} to {} in {}\n", Printable(old), Printable(new), files.join(", "));
    let (Some(before), Some(after)) = (env_name(old), env_name(new)) else { return text };
    if !line.pipeline.integrations.contains_key(old) {
        let _ = writeln!(
            text,
            "no file declares it: the environment has to call it SHIPCTL_INTEGRATION_{after}_…"
        );
    }
    if jobs.is_empty() || before == after {
        return text;
    }
    let prefix = format!("{before}_INTEGRATION_");
    let plural = if jobs.len() == 1 { "job" } else { "jobs" };
    let _ = writeln!(
        text,
        "variables of {plural} {}: {prefix}… are now {after}_INTEGRATION_…",
        Printable(&jobs.join(", "))
    );
    for place in mentions(line, edited, &prefix) {
        let _ = writeln!(text, "  {place} says {prefix}… still");
    }
    text
}

/// Where the texts, as they are now, speak of variables that begin with a prefix.
fn mentions(line: &Line, edited: &[Edited], prefix: &str) -> Vec<String> {
    let mut now = Sources::default();
    let mut places = Vec::new();
    for id in line.sources.ids() {
        let source = line.sources.get(id);
        let text =
            edited.iter().find(|edited| edited.source == id).map_or(source.text(), |edited| &edited.text);
        let Ok(id) = now.add(source.path().to_owned(), text.to_owned()) else { continue };
        for (start, _) in now.get(id).text().match_indices(prefix) {
            let inside = text[..start].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
            if !inside {
                places.push(now.describe(Span { source: id, start: start as u32, len: 0 }));
            }
        }
    }
    places
}
