//! Names of integrations.

use anyhow::anyhow;

use crate::contract::env_name;
use crate::model::Pipeline;
use crate::output::Failure;
use crate::printable::Printable;

/// Refuses a name that another integration has, or that gives the same variables as another's, or none.
///
/// # Errors
///
/// With the reason.
pub fn check_name(pipeline: &Pipeline, name: &str, instead_of: Option<&str>) -> Result<(), Failure> {
    let shown = Printable(name);
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let begins = name.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    if !begins || !name.chars().all(allowed) || name.len() > 200 {
        return Err(anyhow!(
            "an integration cannot be called `{shown}`\n  hint: use letters, digits, `_`, `-` and `.`, and begin with a letter"
        )
        .into());
    }
    let Some(env) = env_name(name) else {
        return Err(anyhow!(
            "nothing is left of the name `{shown}` for its variables\n  hint: they keep ASCII letters, digits and `_`, without leading digits"
        )
        .into());
    };
    if pipeline.integrations.contains_key(name) {
        let message = format!("there is an integration `{shown}` already");
        return Err(match instead_of {
            Some(_) => anyhow!(message),
            None => anyhow!(
                "{message}\n  hint: to change one value, put what `shipctl encrypt --one-line` prints in its place; to begin anew, `shipctl integration remove --force {shown}` first"
            ),
        }
        .into());
    }
    let others = pipeline.integrations.keys().filter(|other| instead_of != Some(other.as_str()));
    match others.into_iter().find(|other| env_name(other).as_ref() == Some(&env)) {
        Some(other) => Err(anyhow!(
            "`{shown}` would have the same variables as the integration `{}`: {env}_…",
            Printable(other)
        )
        .into()),
        None => Ok(()),
    }
}
