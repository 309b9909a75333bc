//! Errors and warnings, each with what was wrong, where, and what to do.

mod exchange;
mod rules;

use std::fmt::Write as _;

use serde_json::json;

use crate::nearest::nearest;
use crate::paint::{Paint, Style};
use crate::printable::{Printable, in_one_column};
use crate::source::{Excerpt, Sources, Span};

pub use exchange::{github, sarif};
pub use rules::{DECLARED_TWICE, INVALID, RULES, Rule};
use rules::{NO_EFFECT, allows};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing can be run with it.
    Error,
    /// It works, though perhaps not as meant.
    Warning,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What kind of mistake it is: the id of one of [`RULES`].
    pub rule: &'static str,
    /// What is wrong; one line.
    pub message: String,
    /// Where.
    pub place: Option<Span>,
    /// Other places that have to do with it, each with what is there.
    pub related: Vec<(Span, String)>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// An error.
    pub fn error(message: impl Into<String>) -> Self {
        Diagnostic {
            severity: Severity::Error,
            rule: INVALID,
            message: message.into(),
            place: None,
            related: Vec::new(),
            hint: None,
        }
    }

    /// A warning.
    pub fn warning(message: impl Into<String>) -> Self {
        Diagnostic { severity: Severity::Warning, rule: NO_EFFECT, ..Diagnostic::error(message) }
    }

    /// With the kind of mistake it is, the id of one of [`RULES`].
    #[must_use]
    pub fn rule(mut self, id: &'static str) -> Self {
        self.rule = id;
        self
    }

    /// Whether it is a warning that a comment beside its place allows: `# shipctl: allow ID`, in the line or the one above.
    pub fn is_allowed(&self, sources: &Sources) -> bool {
        let Some(place) = self.place.filter(|_| !self.is_error()) else { return false };
        sources.get(place.source).comments_at(place.start).any(|comment| allows(comment, self.rule))
    }

    /// With the place.
    #[must_use]
    pub fn at(mut self, place: Span) -> Self {
        self.place = Some(place);
        self
    }

    /// With another place and what is there.
    #[must_use]
    pub fn and_at(mut self, place: Span, what: impl Into<String>) -> Self {
        self.related.push((place, what.into()));
        self
    }

    /// With what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With a hint that asks "did you mean …?" if one of `known` is near to `written`.
    #[must_use]
    pub fn did_you_mean<'a>(mut self, written: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        if let Some(near) = nearest(written, known) {
            self.hint = Some(format!("did you mean `{near}`?"));
        }
        self
    }

    /// Whether it is an error.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// As text for people, with the line it is about and a caret.
    pub fn render(&self, sources: &Sources, paint: Paint) -> String {
        let mut out = String::new();
        let message = masked(&self.message, sources);
        let (label, colour) = match self.severity {
            Severity::Error => ("error", Style::ErrorLabel),
            Severity::Warning => ("warning", Style::WarningLabel),
        };
        let _ = writeln!(
            out,
            "{}: {}",
            paint.with(colour, label),
            paint.with(Style::Heading, &Printable(&message).to_string())
        );
        if let Some(place) = self.place {
            let _ = writeln!(out, "  {} {}", paint.with(Style::Place, "-->"), sources.describe(place));
            snippet(&mut out, sources, place, &message, paint.with(colour, "^"), paint);
        }
        for (place, what) in &self.related {
            let _ = writeln!(
                out,
                "  {} {}: {}",
                paint.with(Style::Place, "-->"),
                sources.describe(*place),
                Printable(&masked(what, sources))
            );
            snippet(&mut out, sources, *place, &message, paint.with(Style::Place, "-"), paint);
        }
        if let Some(hint) = &self.hint {
            let _ =
                writeln!(out, "  {} {}", paint.with(Style::Hint, "hint:"), Printable(&masked(hint, sources)));
        }
        out
    }

    /// As JSON for machines: severity, message, file, line, column (from 1), hint, related.
    pub fn to_json(&self, sources: &Sources) -> serde_json::Value {
        let place = |place: Span| {
            let source = sources.get(place.source);
            let position = source.position(place.start);
            json!({"file": source.path().to_string_lossy(), "line": position.line, "column": position.column})
        };
        let mut object = json!({
            "rule": self.rule,
            "severity": match self.severity { Severity::Error => "error", Severity::Warning => "warning" },
            "message": masked(&self.message, sources),
            "hint": self.hint.as_deref().map(|hint| masked(hint, sources)),
            "related": self.related.iter().map(|(at, what)| {
                let mut object = place(*at);
                object["message"] = json!(masked(what, sources));
                object
            }).collect::<Vec<_>>(),
        });
        let place = self.place.map_or_else(|| json!({"file": null, "line": null, "column": null}), place);
        for key in ["file", "line", "column"] {
            object[key] = place[key].clone();
        }
        object
    }
}

/// How much of a line is shown, in characters.
const MAX_SNIPPET: usize = 160;

fn snippet(out: &mut String, sources: &Sources, place: Span, message: &str, mark: String, paint: Paint) {
    let source = sources.get(place.source);
    let position = source.position(place.start);
    let named = |text: &str| message.contains(&format!("`{text}`"));
    let Excerpt { line, before, width } = source.excerpt(place, named);
    let chars: Vec<char> = line.chars().map(in_one_column).collect();
    // A long line is cut to a window around the place.
    let from = before.saturating_sub(if chars.len() > MAX_SNIPPET { 40 } else { before });
    let to = chars.len().min(from + MAX_SNIPPET);
    let gutter = paint.with(Style::Place, &format!("{:>4} |", position.line));
    let _ = writeln!(out, "{gutter} {}", chars[from.min(to)..to].iter().collect::<String>().trim_end());
    let gutter = paint.with(Style::Place, &format!("{:>4} |", ""));
    let width = width.min(to.saturating_sub(before).max(1));
    let _ = writeln!(out, "{gutter} {}{}", " ".repeat(before - from), repeat_mark(&mark, width));
}

/// A message without what may be a secret: what it quotes, between backquotes, is masked as a whole. A text that is no
/// longer the YAML that was meant may have one anywhere.
fn masked(message: &str, sources: &Sources) -> String {
    let may_be_secret = |text: &str| sources.may_be_secret(text);
    if !may_be_secret(message) {
        return message.to_owned();
    }
    let parts = message.split('`').enumerate().map(|(index, part)| match (index % 2, may_be_secret(part)) {
        (1, true) => "***".to_owned(),
        (_, false) => part.to_owned(),
        _ => {
            let words = part.split(' ');
            let long = |word: &str| word.len() >= LONG && may_be_secret(word);
            words.map(|word| if long(word) { "***" } else { word }).collect::<Vec<_>>().join(" ")
        }
    });
    parts.collect::<Vec<_>>().join("`")
}

/// From which length on, in bytes, a word of a message that is not quoted is masked: shorter ones may be words of ours.
const LONG: usize = 10;

/// The mark `width` times; colour codes around it stay one pair.
fn repeat_mark(mark: &str, width: usize) -> String {
    let symbol = if mark.contains('^') { '^' } else { '-' };
    match mark.split_once(symbol) {
        Some((before, after)) => format!("{before}{}{after}", symbol.to_string().repeat(width)),
        None => mark.to_owned(),
    }
}
