//! `shipctl aws-credentials`: the keys of a session for the tools of AWS, which ask for them again when they end.

use std::path::Path;

use anyhow::{Context as _, anyhow};
use zeroize::Zeroizing;

use crate::aws::Settings;
use crate::aws::renewal::{Renewal, keys_to_json, session_of_json};
use crate::aws::sts::Session;
use crate::contract::{path, var};
use crate::credentials;
use crate::exit;
use crate::output::{Failure, print};

/// Runs the command.
///
/// # Errors
///
/// When there is no such file, and when AWS refuses or the profile gives no keys.
pub fn run(profile: Option<&str>, file: &Path) -> Result<u8, Failure> {
    let text = std::fs::read_to_string(file);
    let text = Zeroizing::new(text.with_context(|| format!("cannot read {}", file.display()))?);
    let session = match profile {
        Some(profile) => of_profile(profile, &text)?,
        None => of_role(&text, file)?,
    };
    if let Some(workspace) = std::env::var_os(var::JOB_PATH) {
        let masked = Path::new(&workspace).join(path::SECRETS).join(path::MASKED);
        credentials::mask_in_log(&masked, &session.keys);
    }
    print(&format!("{:#}\n", keys_to_json(&session.keys, Some(&session.expiration))))?;
    Ok(exit::SUCCESS)
}

fn of_role(text: &str, file: &Path) -> Result<Session, Failure> {
    let renewal = Renewal::parse(text)
        .ok_or_else(|| anyhow!("{} is not the file of a role that shipctl took", file.display()))?;
    let role = renewal.roles.last().map_or_else(String::new, |role| role.arn.clone());
    let session = renewal
        .session(Settings::new(|name| std::env::var(name).ok()))
        .map_err(|error| anyhow!("cannot assume the role {role} again: {error}; {}", error.hint()))?;
    Ok(session)
}

fn of_profile(profile: &str, text: &str) -> Result<Session, Failure> {
    let before = serde_json::from_str(text).ok().as_ref().and_then(session_of_json);
    Ok(credentials::renewed_profile(profile, before)
        .map_err(|error| anyhow!("{}; {}", error.message, error.hint))?)
}
