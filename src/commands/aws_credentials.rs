//! `shipctl aws-credentials`: the keys of a role for the tools of AWS, which ask for them again when they end.

use std::path::Path;

use anyhow::{Context as _, anyhow};
use zeroize::Zeroizing;

use crate::aws::Settings;
use crate::aws::renewal::{Renewal, keys_to_json};
use crate::exit;
use crate::output::{Failure, print};

/// Runs the command.
///
/// # Errors
///
/// When there is no such file, and when AWS refuses.
pub fn run(file: &Path) -> Result<u8, Failure> {
    let text = std::fs::read_to_string(file);
    let text = Zeroizing::new(text.with_context(|| format!("cannot read {}", file.display()))?);
    let renewal = Renewal::parse(&text)
        .ok_or_else(|| anyhow!("{} is not the file of a role that shipctl took", file.display()))?;
    let role = renewal.roles.last().map_or_else(String::new, |role| role.arn.clone());
    let session = renewal
        .session(Settings::new(|name| std::env::var(name).ok()))
        .map_err(|error| anyhow!("cannot assume the role {role} again: {error}; {}", error.hint()))?;
    print(&format!("{:#}\n", keys_to_json(&session.keys, Some(&session.expiration))))?;
    Ok(exit::SUCCESS)
}
