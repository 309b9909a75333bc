//! The integrations that others get their own credentials with.

use crate::diagnostic::Diagnostic;
use crate::model::{Integration, Name, Pipeline};

/// The integrations that others get their own credentials with, and so on, without those others. What cannot be goes to
/// `problems`, but for names that are declared nowhere.
pub fn sources<'a>(
    pipeline: &'a Pipeline,
    named: &[&'a Integration],
    problems: &mut Vec<Diagnostic>,
) -> Vec<&'a Integration> {
    let mut met: Vec<&Integration> = Vec::new();
    for start in named.iter().filter(|integration| integration.source().is_some()) {
        // Whatever comes after one that was met before has been looked at.
        let mut chain = Vec::new();
        let mut next = Some(*start);
        while let Some(integration) = next.filter(|next| !met.iter().any(|known| std::ptr::eq(*known, *next)))
        {
            met.push(integration);
            chain.push(integration);
            next = None;
            let Some(name) = integration.source() else { break };
            if let Some(at) = chain.iter().position(|known| known.name.text == name.text) {
                problems.push(circle(&chain[at..], name));
            } else if let Some(source) = pipeline.integrations.get(&name.text) {
                if !AWS_KINDS.contains(&source.kind.name) {
                    problems.push(no_source(integration, source, name));
                }
                next = Some(source);
            }
        }
    }
    met.retain(|integration| !named.iter().any(|known| std::ptr::eq(*known, *integration)));
    met
}

/// The kinds that hold keys of AWS, or lead to them.
pub const AWS_KINDS: &[&str] = &["amazonKeys", "amazonIamRole"];

/// The error for integrations that wait for each other's credentials.
fn circle(chain: &[&Integration], closing: &Name) -> Diagnostic {
    let names: Vec<_> = chain.iter().map(|integration| integration.name.text.as_str()).collect();
    Diagnostic::error(format!(
        "integrations get their credentials from each other: {} → {}",
        names.join(" → "),
        closing.text
    ))
    .rule("circle")
    .at(closing.place)
    .hint("one of them needs a `sourceIntegration` that has keys of its own, or none at all")
}

/// The error for an integration that gives no credentials of AWS.
fn no_source(integration: &Integration, source: &Integration, name: &Name) -> Diagnostic {
    Diagnostic::error(format!(
        "integration `{}` takes its keys from `{}`, which is of type {}",
        integration.name.text, source.name.text, source.kind.display
    ))
    .at(name.place)
    .hint("keys come from AWS Keys or, through another role, from AWS IAM")
}
