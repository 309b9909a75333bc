//! Encrypted values that are not for those whom the line lists.

use crate::diagnostic::Diagnostic;
use crate::model::files::Line;
use crate::secure;
use crate::source::Span;
use crate::versions;

/// Warns where values were encrypted to more or fewer keys than the line lists: a recipient came or went, and `key rotate`
/// was forgotten. A value says how many keys open it, and not whose they are.
pub(super) fn warn(line: &Line) -> Option<Diagnostic> {
    let listed = line.pipeline.recipients.len();
    if listed == 0 {
        return None;
    }
    let mut stale: Vec<(Span, String, usize)> = Vec::new();
    let mut look = |text: &str, place: Span, what: String| {
        if let Some(count) = secure::count_recipients(text).filter(|count| *count != listed) {
            stale.push((place, what, count));
        }
    };
    for integration in line.pipeline.integrations.values() {
        for field in &integration.fields {
            for (_, source) in field.values.sources() {
                if let Some(text) = source.reference.encrypted() {
                    let what = format!("`{}` of `{}`", field.field.name, integration.name.text);
                    look(text, source.place, what);
                }
            }
        }
    }
    for resource in line.pipeline.resources.values() {
        for param in versions::params(resource, None) {
            if let Some(text) = &param.secure {
                look(text, param.place, format!("`{}` of `{}`", param.key, resource.name.text));
            }
        }
    }
    let (place, what, count) = stale.first()?;
    let others = match stale.len() {
        1 => String::new(),
        n => format!(" (and {} more)", n - 1),
    };
    let keys = if *count == 1 { "1 key opens".to_owned() } else { format!("{count} keys open") };
    let message = format!("{keys} {what}{others}, and the line lists {listed} recipients");
    Some(
        Diagnostic::warning(message)
            .rule("stale-secret")
            .at(*place)
            .hint("`shipctl key rotate` encrypts all values to those listed"),
    )
}
