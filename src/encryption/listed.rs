//! The recipients that the files of a line list.

use anyhow::anyhow;

use crate::cli::LineOptions;
use crate::edit::{draft, target};
use crate::model::Recipient;
use crate::model::files::Line;
use crate::output::Failure;
use crate::printable::Printable;
use crate::source::SourceId;

/// The recipient that a name or a key stands for.
///
/// # Errors
///
/// When there is none, or more than one.
pub fn find<'l>(line: &'l Line, recipient: &str) -> Result<&'l Recipient, Failure> {
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
    Ok(found)
}

/// The file that lists recipients, or the one of integrations.
///
/// # Errors
///
/// When a file cannot be read.
pub fn file(line: &mut Line, options: &LineOptions) -> Result<SourceId, Failure> {
    let found = {
        let draft = draft(line, options)?;
        line.sources.ids().find(|id| draft.has_recipients(*id))
    };
    found.map_or_else(|| target::find(line, None, options), Ok)
}

/// Whether a file of the line has an encrypted value.
pub fn has_encrypted(line: &Line) -> bool {
    line.sources.ids().any(|id| line.sources.get(id).text().contains("secure"))
}
