//! A new integration as YAML.

use super::answers::{Answers, From};
use crate::edit::{map_node, text_node};
use crate::encryption::LineRecipients;
use crate::model::kind::{Kind, Shape};
use crate::output::Failure;
use crate::source::SourceId;
use crate::yaml::{Node, Value};

/// The integration as a map of YAML. Secrets are encrypted in it.
///
/// # Errors
///
/// When a secret cannot be encrypted.
pub fn item(
    file: SourceId,
    name: &str,
    kind: &Kind,
    answers: &Answers,
    recipients: &LineRecipients,
) -> Result<Node, Failure> {
    let mut fields = Vec::new();
    for field in kind.fields {
        let of_field = || answers.of(field.name);
        let values: Vec<_> = of_field()
            .map(|answer| Ok((answer.key.clone(), value(file, &answer.from, field.secret, recipients)?)))
            .collect::<Result<_, Failure>>()?;
        let mut values = values.into_iter();
        let node = match field.shape {
            _ if values.len() == 0 => continue,
            Shape::Text | Shape::Integration => values.next().map(|(_, node)| node),
            Shape::List => {
                let place = text_node(file, "").place;
                Some(Node { place, value: Value::List(values.map(|(_, node)| node).collect()) })
            }
            Shape::Map => Some(map_node(file, values.map(|(key, node)| (key.unwrap_or_default(), node)))),
        };
        fields.extend(node.map(|node| (field.name.to_owned(), node)));
    }
    let mut entries =
        vec![("name".to_owned(), text_node(file, name)), ("type".to_owned(), text_node(file, kind.name))];
    if !fields.is_empty() {
        entries.push(("fields".to_owned(), map_node(file, fields)));
    }
    Ok(map_node(file, entries))
}

fn value(file: SourceId, from: &From, secret: bool, recipients: &LineRecipients) -> Result<Node, Failure> {
    let source = |key: &str, text: &str| map_node(file, [(key.to_owned(), text_node(file, text))]);
    Ok(match from {
        From::Open(text) => text_node(file, text),
        From::Typed(value) if secret => source("secure", &recipients.encrypt(value)?),
        From::Typed(value) => text_node(file, value.expose()),
        From::Elsewhere(key, text) => source(key, text),
    })
}
