//! `shipctl integration add`.

mod kind;

use crate::cli::{IntegrationAdd, LineOptions};
use crate::edit::{self, as_block, target};
use crate::encryption::LineRecipients;
use crate::exit;
use crate::integration::{FieldOptions, answers, check_name, item};
use crate::model::integration::unknown_kind;
use crate::model::kind::Kind;
use crate::output::{Failure, failure, paint, print};
use crate::printable::Printable;
use crate::yaml::Node;

/// Runs the command.
pub(super) fn run(command: &IntegrationAdd, options: &LineOptions) -> Result<u8, Failure> {
    let _lock = edit::lock(options, command.to.as_deref())?;
    let mut line = edit::read_to_add(options)?;
    check_name(&line.pipeline, &command.name, None)?;
    let kind = match &command.r#type {
        Some(written) => Kind::find(written).ok_or_else(|| {
            let message = format!("there is no type of integrations `{written}`");
            let paint = paint(options.color, &std::io::stderr());
            failure(&[unknown_kind(message, written)], &line.sources, paint)
        })?,
        None => kind::ask(&command.name, &line)?,
    };
    let given = FieldOptions::of(command, kind)?;
    let file = target::find(&mut line, command.to.as_deref(), options)?;
    let recipients = LineRecipients::of_line(&line.pipeline);
    let answers = answers::all(kind, given, &recipients)?;
    let item = item(file, &command.name, kind, &answers, &recipients)?;
    let mut draft = edit::draft(&line, options)?;
    let added = draft.add(file, item.clone()).map_err(Failure::from);
    let done = added.and_then(|()| edit::commit(&line, draft, options));
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
