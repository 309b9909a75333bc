//! `shipctl key add-recipient`.

use anyhow::anyhow;

use crate::cli::LineOptions;
use crate::edit::{self, map_node, target, text_node};
use crate::encryption::{listed, own, parse};
use crate::exit;
use crate::output::{Failure, print};
use crate::printable::Printable;

/// Runs the command.
pub(in crate::commands::key) fn add(
    recipient: &str,
    name: Option<&str>,
    options: &LineOptions,
) -> Result<u8, Failure> {
    let recipient = parse(recipient)?;
    let _lock = edit::lock(options, None)?;
    let mut line = edit::read_to_add(options)?;
    let twice = line.pipeline.recipients.iter().find(|found| found.listed.recipient == recipient);
    if let Some(found) = twice {
        let place = line.sources.describe(found.place);
        return Err(anyhow!("{} is a recipient already ({place})", found.listed).into());
    }
    let file = listed::file(&mut line, options)?;
    let text = |text: &str| text_node(file, text);
    let item = map_node(
        file,
        name.map(|name| ("name".to_owned(), text(name)))
            .into_iter()
            .chain([("key".to_owned(), text(&recipient.to_string()))]),
    );
    let first = line.pipeline.recipients.is_empty();
    let mut draft = edit::draft(&line, options)?;
    draft.add_recipient(file, item)?;
    edit::commit(&line, draft, options)?;
    let who = name.map_or_else(|| recipient.to_string(), |name| Printable(name).to_string());
    print(&format!("added {who} to the recipients of {}\n", line.sources.get(file).path().display()))?;
    let own = own().unwrap_or_default();
    // The values of a line without recipients were encrypted to the owner of the one key there is.
    let opens = first && own.contains(&recipient);
    if listed::has_encrypted(&line) && !opens {
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
