//! What AWS says of an account, asked with the keys of an integration.

use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use super::Credentials;
use super::provider::{AwsProvider, NoKeys, RoleIntegration, is_role, undeclared};
use crate::aws::ecr::{self, Login};
use crate::aws::iam;
use crate::aws::renewal::Renewal;
use crate::aws::sts::{self, Identity};
use crate::aws::{self, Client, Keys};
use crate::diagnostic::Diagnostic;
use crate::model::Integration;

/// Keys that can be used for as long as it takes: a role is taken again when its session is about to end.
pub enum LastingKeys<'a> {
    /// The same all the time.
    Fixed(Keys),
    /// Those of a role, and what takes it.
    OfRole(&'a Client, Box<Mutex<Renewal>>),
}

impl LastingKeys<'_> {
    /// The keys to use now.
    ///
    /// # Errors
    ///
    /// When the session of a role has ended, and it cannot be taken again.
    pub fn now(&self) -> Result<Keys, aws::Error> {
        match self {
            LastingKeys::Fixed(keys) => Ok(keys.clone()),
            LastingKeys::OfRole(client, renewal) => {
                // Others wait for the new session meanwhile.
                let mut renewal = renewal.lock().unwrap_or_else(PoisonError::into_inner);
                match renewal.renew(client) {
                    // What is spare is for this, too.
                    Err(error) if renewal.session.expires <= SystemTime::now() => Err(error),
                    _ => Ok(renewal.session.keys.clone()),
                }
            }
        }
    }
}

impl AwsProvider {
    /// The login to the registry of the account that an integration has keys of.
    ///
    /// # Errors
    ///
    /// When there are no keys, or AWS does not give it.
    pub fn registry(
        &self,
        credentials: &Credentials,
        integration: &Integration,
        region: Option<&str>,
    ) -> Result<Login, Diagnostic> {
        let name = &integration.name.text;
        let keys = self.keys(credentials, name).map_err(|problem| problem.at(integration))?;
        let region = region.map_or_else(|| self.region(credentials, name), str::to_owned);
        ecr::login(self.client(credentials, name), &region, &keys).map_err(|error| {
            Diagnostic::error(format!(
                "integration `{name}`: cannot log in to its registry in {region}: {error}"
            ))
            .at(integration.name.place)
            .hint(error.hint())
        })
    }

    /// What calls AWS for an integration, and its keys, for as long as it takes.
    ///
    /// # Errors
    ///
    /// When there are no keys.
    pub fn access<'a>(
        &'a self,
        credentials: &Credentials,
        integration: &Integration,
    ) -> Result<(&'a Client, LastingKeys<'a>), Diagnostic> {
        let name = &integration.name.text;
        let fail = |problem: NoKeys| problem.at(integration);
        let client = self.client(credentials, name);
        let keys = match is_role(integration) {
            true => {
                let renewal = self.renewal(credentials, name).map_err(fail)?;
                LastingKeys::OfRole(client, Box::new(Mutex::new(renewal)))
            }
            false => LastingKeys::Fixed(self.keys(credentials, name).map_err(fail)?),
        };
        Ok((client, keys))
    }

    /// Whom the keys of an integration belong to.
    ///
    /// # Errors
    ///
    /// When there are none, they are not valid, or AWS cannot be asked.
    pub fn identity(
        &self,
        credentials: &Credentials,
        integration: &Integration,
    ) -> Result<Identity, Diagnostic> {
        let name = &integration.name.text;
        let keys = self.keys(credentials, name).map_err(|problem| problem.at(integration))?;
        self.identity_of(&keys, credentials, integration)
    }

    /// Tries an integration: takes its role, if it is one, and asks whom its keys belong to.
    ///
    /// # Errors
    ///
    /// When there are no keys, they are not valid, or AWS cannot be asked.
    pub fn examine(
        &self,
        credentials: &mut Credentials,
        integration: &Integration,
    ) -> Result<Identity, Diagnostic> {
        self.assume_role_of(credentials, integration)?;
        self.identity(credentials, integration)
    }

    /// The ARN of the identity that assumes a role.
    ///
    /// # Errors
    ///
    /// When there are no keys, they are not valid, or AWS cannot be asked.
    pub fn caller_of(
        &self,
        credentials: &Credentials,
        integration: &Integration,
    ) -> Result<String, Diagnostic> {
        let fail = |problem: NoKeys| problem.at(integration);
        let credential = credentials
            .get(&integration.name.text)
            .ok_or_else(|| fail(undeclared(&integration.name.text)))?;
        let keys = match credential.text("sourceIntegration") {
            Some(source) => self.keys(credentials, source).map_err(fail)?,
            None => {
                let wanted = RoleIntegration::of(credential).map_err(fail)?;
                let region = self.region_of(&wanted.role.arn);
                self.callers_keys(&wanted, &region).map_err(fail)?
            }
        };
        Ok(iam::principal(&self.identity_of(&keys, credentials, integration)?.arn))
    }

    fn identity_of(
        &self,
        keys: &Keys,
        credentials: &Credentials,
        integration: &Integration,
    ) -> Result<Identity, Diagnostic> {
        let name = &integration.name.text;
        sts::caller_identity(self.client(credentials, name), &self.region(credentials, name), keys).map_err(
            |error| {
                Diagnostic::error(format!("integration `{name}`: {error}"))
                    .at(integration.name.place)
                    .hint(error.hint())
            },
        )
    }

    /// Whether the keys of an integration may do something, without doing it.
    ///
    /// # Errors
    ///
    /// When they may not ask this, or AWS cannot be asked.
    pub fn may(
        &self,
        credentials: &Credentials,
        integration: &Integration,
        identity: &Identity,
        action: &str,
        resources: &[&str],
    ) -> Result<bool, aws::Error> {
        let name = &integration.name.text;
        let Ok(keys) = self.keys(credentials, name) else { return Ok(false) };
        let principal = iam::principal(&identity.arn);
        let region = self.region(credentials, name);
        let decisions =
            iam::simulate(self.client(credentials, name), &region, &keys, &principal, &[action], resources)?;
        Ok(!decisions.is_empty() && decisions.iter().all(|allowed| *allowed))
    }

    fn region(&self, credentials: &Credentials, name: &str) -> String {
        let arn = credentials.get(name).and_then(|credential| credential.text("assumeRoleARN"));
        self.region_of(arn.unwrap_or_default())
    }
}
