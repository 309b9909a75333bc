//! The roles among the integrations of a job, which become keys when it runs.

use super::provider::{AwsProvider, is_role};
use super::{Content, Credential, Credentials, Fetched, FetchedValue, Value};
use crate::aws::sts::Session;
use crate::aws::{Arn, Keys};
use crate::diagnostic::{Diagnostic, Severity};
use crate::resolve::Plan;
use crate::secret::Secret;

/// What only AWS knows that was not asked: the values of such fields, of those that are secret and of the others. Nothing
/// else contains them.
pub const UNASKED: &[&str] = &[UNASKED_SECRET, UNASKED_TIME];
const UNASKED_SECRET: &str = "(AWS gives it when the job runs)";
const UNASKED_TIME: &str = "(AWS is asked when the job runs)";

/// Assumes the roles among the integrations of a plan: their keys become fields like any other. Without a provider AWS is not
/// asked, and the fields hold [`UNASKED`].
///
/// Where there are no credentials at all to take a role with, the job has its ARN alone, as in the original, and a warning says so.
///
/// # Errors
///
/// All roles that cannot be taken.
pub fn assume_roles(
    plan: &Plan,
    credentials: &mut Credentials,
    provider: Option<&AwsProvider>,
) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let mut warnings = Vec::new();
    let mut failed: Vec<String> = Vec::new();
    for integration in plan.all_integrations().filter(|integration| is_role(integration)) {
        let name = &integration.name.text;
        if failed.contains(name) {
            continue;
        }
        let taken = match provider {
            Some(provider) => provider.renewal(credentials, name).map(Some),
            None => Ok(None),
        };
        match (taken, credentials.get_mut(name)) {
            (Ok(taken), Some(credential)) => {
                credential.set_session(taken.as_ref().map(|renewal| &renewal.session));
                credential.renewal = taken;
            }
            (Err(problem), _) if !failed.contains(&problem.integration) => {
                let of = plan.all_integrations().find(|of| of.name.text == problem.integration);
                let diagnostic = problem.at(of.unwrap_or(integration));
                if problem.no_credentials {
                    warnings.push(Diagnostic { severity: Severity::Warning, ..diagnostic });
                } else {
                    problems.push(diagnostic);
                }
                failed.extend([problem.integration, name.clone()]);
            }
            _ => {}
        }
    }
    if problems.is_empty() { Ok(warnings) } else { Err(problems) }
}

impl Credential {
    /// Its keys for AWS: those it holds, or those of the role that was taken.
    pub fn aws_keys(&self) -> Option<Keys> {
        let secret = |name: &str| self.text(name).map(|text| Secret::new(text.to_owned()));
        Some(Keys {
            access_key: secret("accessKey")?,
            secret_key: secret("secretKey")?,
            session_token: secret("sessionToken").filter(|token| !token.is_empty()),
        })
    }

    /// Adds what a role gives.
    pub(super) fn set_session(&mut self, session: Option<&Session>) {
        let origin = match session {
            Some(_) => "sts:AssumeRole",
            None => "sts:AssumeRole, which is called when the job runs",
        };
        let secret = |of: fn(&Keys) -> Option<&Secret>| match session {
            Some(session) => of(&session.keys).cloned(),
            None => Some(Secret::new(UNASKED_SECRET.to_owned())),
        };
        let expiration = session.map_or(UNASKED_TIME, |session| &session.expiration).to_owned();
        let account = self.text("assumeRoleARN").and_then(Arn::parse).map_or("", |arn| arn.account);
        let account = (self.text("awsAccountId").is_none()).then(|| Value::Plain(account.to_owned()));
        let new = [
            ("accessKey", secret(|keys| Some(&keys.access_key)).map(Value::Secret), origin),
            ("secretKey", secret(|keys| Some(&keys.secret_key)).map(Value::Secret), origin),
            ("sessionToken", secret(|keys| keys.session_token.as_ref()).map(Value::Secret), origin),
            ("expiration", Some(Value::Plain(expiration)), origin),
            ("awsAccountId", account, "the ARN of the role"),
        ];
        // What is not known yet is replaced by what is.
        self.fields.retain(|field| new.iter().all(|(name, value, _)| field.name != *name || value.is_none()));
        let Some(place) = self.place("assumeRoleARN") else { return };
        for (name, value, origin) in new {
            let fetched = |value| FetchedValue { value, origin: origin.into(), masked: true, place };
            let content = value.map(|value| Content::One(fetched(value)));
            self.fields.extend(content.map(|content| Fetched { name, content }));
        }
    }
}
