//! Looking at integrations one by one: whether each can be had, and whom it is.

use super::{AwsProvider, Content, Credential, Fetch, fetch_each};
use crate::aws::sts::Identity;
use crate::diagnostic::Diagnostic;
use crate::model::{Integration, Pipeline};
use crate::resolve::{self, AWS_KINDS};

/// What there is to say of an integration.
pub struct Examined<'p> {
    /// The integration.
    pub integration: &'p Integration,
    /// What could be fetched of it.
    pub credential: Credential,
    /// Whom it is, if AWS knows.
    pub identity: Option<Identity>,
    /// What is wrong with it.
    pub problems: Vec<Diagnostic>,
}

/// The integrations of a job, or of the whole line, each once and behind those it gets its own credentials with.
///
/// # Errors
///
/// When there is no such job, or it cannot be resolved.
pub fn integrations_of<'p>(
    pipeline: &'p Pipeline,
    job: Option<&str>,
) -> Result<Vec<&'p Integration>, Vec<Diagnostic>> {
    let mut named: Vec<&Integration> = Vec::new();
    let all: Vec<_> = match job {
        Some(job) => resolve::resolve(pipeline, job)?.all_integrations().collect(),
        None => pipeline.integrations.values().collect(),
    };
    for integration in all {
        if !named.iter().any(|known| std::ptr::eq(*known, integration)) {
            named.push(integration);
        }
    }
    Ok(named)
}

/// Fetches the fields of integrations, and asks AWS about its own.
pub fn examine<'p>(
    integrations: &[&'p Integration],
    fetch: &mut Fetch,
    mfa_code: Option<&str>,
) -> Vec<Examined<'p>> {
    let (mut credentials, mut problems) = fetch_each(integrations, fetch);
    let of_aws = |integration: &Integration| AWS_KINDS.contains(&integration.kind.name);
    let provider = integrations.iter().any(|known| of_aws(known)).then(|| AwsProvider::new(mfa_code));
    let mut identities = Vec::new();
    for (integration, found) in integrations.iter().zip(&mut problems) {
        let asked = provider.as_ref().filter(|_| of_aws(integration) && found.is_empty());
        let answer = asked.map(|provider| provider.examine(&mut credentials, integration));
        match answer {
            Some(Ok(identity)) => identities.push(Some(identity)),
            Some(Err(problem)) => {
                found.push(problem);
                identities.push(None);
            }
            None => identities.push(None),
        }
    }
    let credentials = credentials.into_values();
    let rest = credentials.zip(identities).zip(problems);
    integrations
        .iter()
        .zip(rest)
        .map(|(integration, ((credential, identity), problems))| Examined {
            integration,
            credential,
            identity,
            problems,
        })
        .collect()
}

impl Examined<'_> {
    /// When its session ends, as AWS writes it.
    pub fn expires(&self) -> Option<&str> {
        self.credential.text("expiration")
    }

    /// The fields that the line gives, and where each comes from.
    pub fn fields(&self) -> Vec<(String, String)> {
        let given = |name: &str| self.integration.fields.iter().any(|field| field.field.name == name);
        let mut fields = Vec::new();
        for field in self.credential.fields.iter().filter(|field| given(field.name)) {
            match &field.content {
                Content::One(value) => fields.push((field.name.to_owned(), value.origin.to_string())),
                Content::List(values) => fields
                    .extend(values.iter().map(|value| (field.name.to_owned(), value.origin.to_string()))),
                Content::Map(entries) => {
                    fields.extend(entries.iter().map(|(key, value)| (key.clone(), value.origin.to_string())));
                }
            }
        }
        fields
    }
}
