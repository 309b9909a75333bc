//! `shipctl integration add`.

mod answers;
mod kind;

use super::encrypt::Recipients;
use super::rename::check_name;
use super::{commit, lock, read_to_add, target};
use crate::cli::{IntegrationAdd, LineOptions};
use crate::edit::{Draft, as_block, map_node, text_node};
use crate::exit;
use crate::model::integration::unknown_kind;
use crate::model::kind::{Kind, Shape};
use crate::output::{Failure, failure, paint, print};
use crate::printable::Printable;
use crate::source::SourceId;
use crate::yaml::{Node, Value};
use answers::{Answers, FieldOptions, From};

/// Runs the command.
pub(super) fn run(command: &IntegrationAdd, options: &LineOptions) -> Result<u8, Failure> {
    let _lock = lock(options, command.to.as_deref())?;
    let mut line = read_to_add(options)?;
    let colours = || paint(options.color, &std::io::stderr());
    check_name(&line.pipeline, &command.name, None)?;
    let kind = match &command.r#type {
        Some(written) => Kind::find(written).ok_or_else(|| {
            let message = format!("there is no type of integrations `{written}`");
            failure(&[unknown_kind(message, written)], &line.sources, colours())
        })?,
        None => kind::ask(&command.name, &line)?,
    };
    let given = FieldOptions::of(command, kind)?;
    let file = target::find(&mut line, command.to.as_deref(), options)?;
    let recipients = Recipients::of_line(&line.pipeline);
    let answers = answers::all(kind, given, &recipients)?;
    let item = item(file, &command.name, kind, &answers, &recipients)?;
    let mut draft =
        Draft::new(&line.sources).map_err(|problems| failure(&problems, &line.sources, colours()))?;
    let added = draft.add(file, item.clone()).map_err(Failure::from);
    let done = added.and_then(|()| commit(&line, draft, options));
    done.map_err(|failure| with_paste(failure, &item))?;
    let path = line.sources.get(file).path().display();
    print(&format!("added {} ({}) to {path}\n", Printable(&command.name), kind.display))?;
    target::tell(&line, file, options);
    Ok(exit::SUCCESS)
}

/// What to put into the file by hand. Secrets are encrypted in it.
fn with_paste(mut failure: Failure, item: &Node) -> Failure {
    let lines: Vec<_> = as_block(item, 2, 2).into_iter().map(|line| format!("  {line}\n")).collect();
    failure.message += &format!("  hint: put it there by hand:\n  integrations:\n{}", lines.concat());
    failure
}

/// The integration as a map of YAML.
fn item(
    file: SourceId,
    name: &str,
    kind: &Kind,
    answers: &Answers,
    recipients: &Recipients,
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

fn value(file: SourceId, from: &From, secret: bool, recipients: &Recipients) -> Result<Node, Failure> {
    let source = |key: &str, text: &str| map_node(file, [(key.to_owned(), text_node(file, text))]);
    Ok(match from {
        From::Open(text) => text_node(file, text),
        From::Typed(value) if secret => source("secure", &recipients.encrypt(value)?),
        From::Typed(value) => text_node(file, value.expose()),
        From::Elsewhere(key, text) => source(key, text),
    })
}
