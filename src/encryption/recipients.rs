//! Whom values are encrypted to.

use crate::exit;
use crate::model::Pipeline;
use crate::output::Failure;
use crate::secure::{KeyPlace, Listed, NoAnswer, Opener, Recipient, RecipientError};

/// This user's own recipients, if they are known without asking for a passphrase.
pub fn own() -> Option<Vec<Recipient>> {
    let keys = KeyPlace::find().ok()?.keys(|_| Err(NoAnswer(String::new()))).ok()?;
    Some(keys.recipients())
}

/// Whom the values of a line are encrypted to: the recipients that it lists, or else the current key of the user. Not the
/// older ones: who took a new key because the old one leaked would write for the finder.
///
/// # Errors
///
/// When the line lists none and there is no key.
pub fn recipients(pipeline: &Pipeline, opener: &Opener) -> Result<Vec<Recipient>, Failure> {
    if pipeline.recipients.is_empty() {
        return Ok(opener.keys()?.recipients().into_iter().take(1).collect());
    }
    let recipient = |listed: &Listed| listed.recipient.clone();
    Ok(pipeline.recipients.iter().map(|found| recipient(&found.listed)).collect())
}

/// Reads a recipient that was given as an argument.
///
/// # Errors
///
/// When it is none.
pub fn parse(text: &str) -> Result<Recipient, Failure> {
    text.parse()
        .map_err(|why: RecipientError| Failure { status: exit::USAGE, message: format!("error: {why}\n") })
}
