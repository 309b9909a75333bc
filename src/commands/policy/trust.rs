//! `shipctl policy --trust`: who may take a role.

use anyhow::anyhow;

use crate::cli::Policy;
use crate::credentials::AwsProvider;
use crate::exit;
use crate::job::{Ready, Session};
use crate::mask::MASK;
use crate::output::{Failure, print};
use crate::policy::{self, Need};

/// Prints who may take the role.
pub(super) fn trust(command: &Policy, session: &Session, ready: &Ready, need: &Need) -> Result<u8, Failure> {
    let credential = ready.credentials.get(&need.integration);
    let Some(credential) = credential.filter(|credential| credential.text("assumeRoleARN").is_some()) else {
        return Err(anyhow!("`{}` is no role: only roles have a trust policy", need.integration).into());
    };
    let principal = match &command.principal {
        Some(principal) => principal.clone(),
        None => {
            let provider = AwsProvider::new(command.options.mfa_code.as_deref());
            let integration = need.integration_in(&ready.plan).map_err(anyhow::Error::from)?;
            let caller = provider.caller_of(&ready.credentials, integration);
            caller.map_err(|problem| session.fail(&[problem]))?
        }
    };
    let external_id = credential.text("externalId").map(|id| if command.reveal { id } else { MASK });
    if external_id == Some(MASK) {
        session.say("note: the external id is a secret; --reveal shows it\n");
    }
    print(&format!("{:#}\n", policy::trust(&principal, external_id)))?;
    Ok(exit::SUCCESS)
}
