//! `shipctl key add-recipient` and `shipctl key remove-recipient`.

use std::io;

use anyhow::anyhow;

use crate::cli::LineOptions;
use crate::commands::encrypt::{own, parse};
use crate::commands::integration::{commit, lock, read_to_add, target};
use crate::edit::{Draft, map_node, text_node};
use crate::exit;
use crate::load::read_good;
use crate::model::Recipient;
use crate::model::files::Line;
use crate::output::{Failure, failure, paint, print};
use crate::printable::Printable;
use crate::source::SourceId;

/// Runs the command.
pub(super) fn add(recipient: &str, name: Option<&str>, options: &LineOptions) -> Result<u8, Failure> {
    let recipient = parse(recipient)?;
    let _lock = lock(options, None)?;
    let mut line = read_to_add(options)?;
    let twice = line.pipeline.recipients.iter().find(|found| found.listed.recipient == recipient);
    if let Some(found) = twice {
        let place = line.sources.describe(found.place);
        return Err(anyhow!("{} is a recipient already ({place})", found.listed).into());
    }
    let file = file(&mut line, options)?;
    let text = |text: &str| text_node(file, text);
    let item = map_node(
        file,
        name.map(|name| ("name".to_owned(), text(name)))
            .into_iter()
            .chain([("key".to_owned(), text(&recipient.to_string()))]),
    );
    let first = line.pipeline.recipients.is_empty();
    let mut draft = draft(&line, options)?;
    draft.add_recipient(file, item)?;
    commit(&line, draft, options)?;
    let who = name.map_or_else(|| recipient.to_string(), |name| Printable(name).to_string());
    print(&format!("added {who} to the recipients of {}\n", line.sources.get(file).path().display()))?;
    let own = own().unwrap_or_default();
    // The values of a line without recipients were encrypted to the owner of the one key there is.
    let opens = first && own.contains(&recipient);
    if has_encrypted(&line) && !opens {
        eprintln!("shipctl: what is encrypted already opens for {who} after `shipctl key rotate`");
    }
    if let Some(own) = own.first().filter(|_| first && !own.contains(&recipient)) {
        eprintln!(
            "shipctl: no other key opens what is encrypted from now on: `shipctl key add-recipient {own}` adds you"
        );
    }
    target::tell(&line, file, options);
    Ok(exit::SUCCESS)
}

/// Runs the command that takes one out.
pub(super) fn remove(recipient: &str, options: &LineOptions) -> Result<u8, Failure> {
    let _lock = lock(options, None)?;
    let line = read_good(options)?;
    let is_meant = |found: &&Recipient| {
        found.listed.name.as_deref() == Some(recipient) || found.listed.recipient.to_string() == recipient
    };
    let recipients = &line.pipeline.recipients;
    let meant: Vec<_> = recipients.iter().filter(is_meant).collect();
    let [found] = meant.as_slice() else {
        let shown = Printable(recipient);
        let listed: Vec<_> = recipients.iter().map(|found| found.listed.to_string()).collect();
        let message = match (meant.is_empty(), listed.is_empty()) {
            (true, true) => "the line lists no recipients".to_owned(),
            (true, false) => {
                format!("{shown} is no recipient of the line; it lists {}", listed.join(", "))
            }
            _ => format!("{shown} names {} recipients: give the key of the one that is to go", meant.len()),
        };
        return Err(anyhow!(message).into());
    };
    let mut draft = draft(&line, options)?;
    draft.remove_recipient(found.place)?;
    commit(&line, draft, options)?;
    let file = line.sources.get(found.place.source).path();
    print(&format!("removed {} from the recipients of {}\n", found.listed, file.display()))?;
    if has_encrypted(&line) {
        eprintln!(
            "shipctl: `shipctl key rotate` encrypts the values to the others; what {} could open until now is to be changed where it comes from",
            found.listed
        );
    }
    Ok(exit::SUCCESS)
}

/// The file that lists recipients, or the one of integrations.
fn file(line: &mut Line, options: &LineOptions) -> Result<SourceId, Failure> {
    let found = {
        let draft = draft(line, options)?;
        line.sources.ids().find(|id| draft.has_recipients(*id))
    };
    found.map_or_else(|| target::find(line, None, options), Ok)
}

pub(super) fn draft<'a>(line: &'a Line, options: &LineOptions) -> Result<Draft<'a>, Failure> {
    let draft = Draft::new(&line.sources);
    draft.map_err(|problems| failure(&problems, &line.sources, paint(options.color, &io::stderr())))
}

/// Whether a file of the line has an encrypted value.
fn has_encrypted(line: &Line) -> bool {
    line.sources.ids().any(|id| line.sources.get(id).text().contains("secure"))
}
