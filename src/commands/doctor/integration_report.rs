//! What `doctor` says of an integration.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use crate::credentials::Examined;
use crate::paint::{Paint, Style};
use crate::printable::Printable;
use crate::source::Sources;

/// The report of an integration for people.
pub(super) fn text(report: &Examined, sources: &Sources, paint: Paint) -> String {
    let name = paint.with(Style::Heading, &Printable(&report.integration.name.text).to_string());
    let mut text = format!("{name} ({})\n", report.integration.kind.display);
    let (good, bad) = (paint.with(Style::Good, "✓"), paint.with(Style::Bad, "✗"));
    for (field, origin) in report.fields() {
        let _ = writeln!(text, "  {good} {field}: from {}", Printable(&origin));
    }
    if let Some(identity) = &report.identity {
        let until = report.expires().map_or_else(String::new, |until| format!(", until {until}"));
        let _ = writeln!(text, "  {good} is {} of account {}{until}", identity.arn, identity.account);
    }
    for problem in &report.problems {
        let place = problem.place.map(|place| sources.describe(place).to_string());
        let place = place.map_or_else(String::new, |place| format!("  ({place})"));
        // Whose problem it is stands above.
        let whose = format!("integration `{}`", report.integration.name.text);
        let message =
            problem.message.strip_prefix(&whose).map(|rest| rest.trim_start_matches([':', ',', ' ']));
        let message = message.unwrap_or(&problem.message);
        let _ = writeln!(text, "  {bad} {}{}", Printable(message), Printable(&place));
        if let Some(hint) = &problem.hint {
            let _ = writeln!(text, "    {} {}", paint.with(Style::Hint, "fix:"), Printable(hint));
        }
    }
    text
}

/// The same for programs.
pub(super) fn json(report: &Examined, sources: &Sources) -> Json {
    let fields: Vec<_> =
        report.fields().into_iter().map(|(name, from)| json!({"name": name, "from": from})).collect();
    let problems: Vec<_> = report.problems.iter().map(|problem| problem.to_json(sources)).collect();
    json!({
        "name": report.integration.name.text,
        "type": report.integration.kind.name,
        "fields": fields,
        "account": report.identity.as_ref().map(|identity| &identity.account),
        "arn": report.identity.as_ref().map(|identity| &identity.arn),
        "expires": report.expires(),
        "problems": problems,
    })
}
