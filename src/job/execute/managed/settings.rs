//! The values of the variables of what is deployed.

use std::collections::HashMap;

use crate::diagnostic::Diagnostic;
use crate::job::Session;
use crate::managed::deploy::Deployment;
use crate::managed::{Part, Setting};
use crate::output::Failure;
use crate::resolve::Plan;
use crate::secret::Secret;

/// The encrypted values of variables, opened: by the text, and the key in it.
pub(super) type Opened = HashMap<(String, Option<String>), Secret>;

/// The values of variables in the clear.
pub(super) fn value_of(opened: &Opened) -> impl FnMut(&Part, &str, Setting) -> String {
    |_, _, setting| match setting {
        Setting::Plain(text) => text.to_owned(),
        Setting::Secure(text, key) => {
            let opened = opened.get(&(text.to_owned(), key.map(str::to_owned)));
            opened.map(|secret| secret.expose().to_owned()).unwrap_or_default()
        }
    }
}

/// Opens the encrypted values of the variables.
pub(super) fn open(session: &Session, deployment: &Deployment, plan: &Plan) -> Result<Opened, Failure> {
    let mut opened = Opened::new();
    let mut problems = Vec::new();
    let parts = deployment.services.iter().flat_map(|service| service.manifest.parts());
    for part in parts {
        for (name, setting) in part.settings() {
            let Setting::Secure(text, key) = setting else { continue };
            match session.open_setting(text, key) {
                Ok(secret) => _ = opened.insert((text.to_owned(), key.map(str::to_owned)), secret),
                Err(error) => problems.push(
                    Diagnostic::error(format!("variable `{name}` of `{}`: {}", part.name, error.message))
                        .at(plan.job.name.place)
                        .hint(error.hint),
                ),
            }
        }
    }
    if problems.is_empty() { Ok(opened) } else { Err(session.fail(&problems)) }
}
