//! The endpoint that gives programs of a job the keys of its session for AWS, where they read no profile.

use super::{Ready, Session};
use crate::contract::path;
use crate::credentials::CredentialsEndpoint;
use crate::diagnostic::Diagnostic;
use crate::output::Failure;
use crate::run::Variables;
use crate::secret::Secret;
use crate::tools;

const URL: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const TOKEN: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN";

impl Session {
    /// Starts the endpoint of a job, if the keys of its tools for AWS end with a session that can be renewed.
    pub(crate) fn serve_credentials(&self, ready: &Ready) -> Option<CredentialsEndpoint> {
        let credential = tools::default_of_aws(&ready.plan, &ready.credentials)?;
        let masked = ready.context.root.join(path::SECRETS).join(path::MASKED);
        match CredentialsEndpoint::start(credential, masked) {
            Ok(endpoint) => endpoint,
            Err(why) => {
                self.warn(&[Diagnostic::warning(format!("the job has no endpoint for keys of AWS: {why}"))
                    .hint("programs that read no profile of the AWS CLI find no keys")]);
                None
            }
        }
    }
}

/// Has programs on this machine find the endpoint, unless the job says where they are to ask.
///
/// # Errors
///
/// Those of [`Variables::set`].
pub(crate) fn name(
    endpoint: Option<&CredentialsEndpoint>,
    variables: &mut Variables,
    ready: &Ready,
) -> Result<(), Failure> {
    if let Some(endpoint) = endpoint.filter(|_| ready.environment.get(URL).is_none()) {
        variables.set(URL.as_ref(), endpoint.url().as_ref())?;
        variables.set(TOKEN.as_ref(), endpoint.token().expose().as_ref())?;
    }
    Ok(())
}

/// What is secret of it.
pub(crate) fn token(endpoint: Option<&CredentialsEndpoint>) -> Option<&Secret> {
    endpoint.map(CredentialsEndpoint::token)
}
