//! `--add-mask`: asks GitHub Actions to mask the secrets of a job in the logs of later steps, too.
//!
//! To ask for that is to print them, for the runner, which takes such lines out of the log. It is only done where the user
//! wants it: a step that sends its output to a file would have them there.

use std::io::{self, Write as _};

use anyhow::{Context as _, anyhow};
use zeroize::Zeroizing;

use crate::output::Failure;
use crate::secret::Secret;

/// Asks for the masks of `secrets`, if that is wanted. Values of several lines are masked line by line.
///
/// # Errors
///
/// Elsewhere than in GitHub Actions: there it would do nothing but print them.
pub(crate) fn add_masks(wanted: bool, secrets: &[Secret]) -> Result<(), Failure> {
    if !wanted {
        return Ok(());
    }
    if std::env::var_os("GITHUB_ACTIONS").is_none_or(|value| value != "true") {
        return Err(anyhow!(
            "--add-mask is for GitHub Actions, which sets GITHUB_ACTIONS=true: elsewhere it would only print the secrets; \
             leave it out"
        )
        .into());
    }
    let mut commands = Zeroizing::new(String::new());
    for line in secrets.iter().flat_map(|secret| secret.expose().lines()).filter(|line| !line.is_empty()) {
        commands.push_str("::add-mask::");
        for character in line.chars() {
            match character {
                '%' => commands.push_str("%25"),
                '\r' => commands.push_str("%0D"),
                _ => commands.push(character),
            }
        }
        commands.push('\n');
    }
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(commands.as_bytes())
        .and_then(|()| stdout.flush())
        .context("cannot ask for masks")
        .map_err(Failure::from)
}
