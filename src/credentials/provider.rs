//! The credentials provider for AWS: keys of integrations and of the user, and keys for a while in exchange for them.

use super::caller::{self, Caller, Issued, SourceError};
use super::kept::Purpose;
use super::session::{asked_for, device_of, in_memory, remembered};
use super::{Credential, Credentials};
use crate::aws::renewal::Renewal;
use crate::aws::sts::{self, Role, Session};
use crate::aws::{self, Arn, Client, CredentialSource, Keys, Partition, Settings};
use crate::diagnostic::Diagnostic;
use crate::model::Integration;
use crate::secret::Secret;

/// The kind of integration that stands for a role.
pub(super) const ROLE: &str = "amazonIamRole";

/// What to do where there are no credentials to take a role with.
const GIVE_CREDENTIALS: &str =
    "name a `sourceIntegration`, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";

/// Provides the credentials of AWS: assumes roles, and asks for the rest that a job needs.
pub struct AwsProvider {
    /// Calls AWS with keys that integrations hold.
    client: Client,
    caller: Caller,
    /// Calls AWS with the keys of the user, and with what they lead to.
    callers_client: Client,
    mfa_code: Option<Secret>,
    /// Whether the terminal is not to be asked for a code: it is another's.
    unattended: bool,
}

/// Why there are no keys: the integration that has none, and what to do.
pub(super) struct NoKeys {
    pub(super) integration: String,
    message: String,
    hint: String,
    /// Whether it is only that the caller has no credentials at all.
    pub(super) no_credentials: bool,
}

/// What an integration asks for.
pub(super) struct RoleIntegration<'a> {
    name: &'a str,
    pub(super) role: Role,
}

/// Whether an integration is a role.
pub fn is_role(integration: &Integration) -> bool {
    integration.kind.name == ROLE
}

impl NoKeys {
    pub(super) fn at(&self, integration: &Integration) -> Diagnostic {
        Diagnostic::error(format!("integration `{}`: {}", self.integration, self.message))
            .at(integration.name.place)
            .hint(self.hint.clone())
    }
}

impl AwsProvider {
    /// Reads what the environment says of AWS.
    pub fn new(mfa_code: Option<&str>) -> Self {
        AwsProvider::of_caller(Caller::new(), mfa_code)
    }

    /// The same for other keys than those that the environment leads to.
    pub(super) fn of_caller(caller: Caller, mfa_code: Option<&str>) -> Self {
        AwsProvider {
            client: Client::new(Settings::new(caller::variable)),
            callers_client: Client::new(caller.settings()),
            caller,
            mfa_code: mfa_code.map(|code| Secret::new(code.to_owned())),
            unattended: false,
        }
    }

    /// The same where there is no user to be asked for a code.
    pub(super) fn unattended(self) -> Self {
        AwsProvider { unattended: true, ..self }
    }

    /// Assumes the role of an integration, if it is one: its keys become fields like any other.
    pub(super) fn assume_role_of(
        &self,
        credentials: &mut Credentials,
        integration: &Integration,
    ) -> Result<(), Diagnostic> {
        if is_role(integration) {
            let name = &integration.name.text;
            let renewal = self.renewal(credentials, name).map_err(|problem| problem.at(integration))?;
            if let Some(credential) = credentials.get_mut(name) {
                credential.set_session(Some(&renewal.session));
                credential.renewal = Some(renewal);
            }
        }
        Ok(())
    }

    /// What calls AWS with the keys of an integration.
    pub(super) fn client(&self, credentials: &Credentials, name: &str) -> &Client {
        let role = credentials.get(name).filter(|credential| credential.kind.name == ROLE);
        match role.map(|role| role.text("sourceIntegration")) {
            Some(Some(source)) => self.client(credentials, source),
            Some(None) => &self.callers_client,
            None => &self.client,
        }
    }

    /// The region to ask for something of this ARN.
    pub(super) fn region_of(&self, arn: &str) -> String {
        let partition = Partition::of_arn(arn);
        self.caller
            .region()
            .filter(|region| Partition::of_region(region).name == partition.name)
            .unwrap_or_else(|| partition.home.to_owned())
    }

    /// The keys of an integration that has some, or leads to some.
    pub(super) fn keys(&self, credentials: &Credentials, name: &str) -> Result<Keys, NoKeys> {
        let credential = credentials.get(name).ok_or_else(|| undeclared(name))?;
        if credential.kind.name == ROLE {
            return self.renewal(credentials, name).map(|renewal| renewal.session.keys);
        }
        credential.aws_keys().ok_or_else(|| NoKeys {
            integration: name.to_owned(),
            message: "it has no keys for AWS".to_owned(),
            hint: "keys come from AWS Keys or, through a role, from AWS IAM".to_owned(),
            no_credentials: false,
        })
    }

    /// The session of a role, from memory if it was taken before and lasts, and what it takes to take it again.
    pub(super) fn renewal(&self, credentials: &Credentials, name: &str) -> Result<Renewal, NoKeys> {
        let credential = credentials.get(name).ok_or_else(|| undeclared(name))?;
        let wanted = RoleIntegration::of(credential)?;
        let region = self.region_of(&wanted.role.arn);
        let client = self.client(credentials, name);
        let source = credential.text("sourceIntegration");
        let is_role = |name: &&str| credentials.get(*name).is_some_and(|source| source.kind.name == ROLE);
        let (keys, mut roles, from) = if let Some(source) = source.filter(is_role) {
            let source = self.renewal(credentials, source)?;
            (source.keys, source.roles, source.session.keys)
        } else {
            let keys = match source {
                Some(source) => {
                    let keys = self.keys(credentials, source)?;
                    self.with_second_factor(client, keys.into(), None, &region)
                        .map_err(|error| wanted.failed(&error))?
                        .keys
                }
                None => self.callers_keys(&wanted, &region)?,
            };
            (keys.clone(), Vec::new(), keys)
        };
        let session = assume(client, &from, &wanted.role, &region).map_err(|error| wanted.failed(&error))?;
        roles.push(wanted.role);
        let (endpoint, ca_bundle) = client.settings().to_settle();
        Ok(Renewal { region, endpoint, ca_bundle, keys, roles, session })
    }

    /// The partition of AWS that the user works in.
    pub fn partition(&self) -> &'static Partition {
        Partition::of_region(&self.caller.region().unwrap_or_default())
    }

    /// A client for the user, the region that they work in, and their keys.
    ///
    /// # Errors
    ///
    /// When there are no keys.
    pub fn caller(&self) -> Result<(Client, String, Keys), SourceError> {
        let settings = self.caller.settings();
        let region = self.caller.region().unwrap_or_else(|| Partition::of_region("").home.to_owned());
        let source = self.caller.profiles.credential_source(&caller::variable)?;
        let issued = self.resolve_source(&source, &region)?;
        let serial = self.caller.mfa_serial();
        let keys = self.with_second_factor(&self.callers_client, issued, serial, &region)?.keys;
        Ok((Client::new(settings), region, keys))
    }

    /// The keys of the user.
    pub(super) fn callers_keys(&self, wanted: &RoleIntegration, region: &str) -> Result<Keys, NoKeys> {
        let fail = |why: SourceError, no_credentials: bool| NoKeys {
            integration: wanted.name.to_owned(),
            message: format!("no AWS credentials found to assume role {}: {why}", wanted.role.arn),
            hint: GIVE_CREDENTIALS.to_owned(),
            no_credentials,
        };
        let source = self.caller.credential_source().map_err(|error| fail(error.into(), false))?;
        let no_credentials =
            matches!(&source, CredentialSource::AwsCli { profile } if !self.caller.profiles.exists(profile));
        let issued = self.resolve_source(&source, region).map_err(|error| match error {
            SourceError::Aws(error) => wanted.failed(&error),
            error => fail(error, no_credentials),
        })?;
        self.with_second_factor(&self.callers_client, issued, self.caller.mfa_serial(), region)
            .map(|issued| issued.keys)
            .map_err(|error| wanted.failed(&error))
    }

    /// The keys of a source, with the second factor that the profile asks for.
    pub(super) fn keys_of_source(
        &self,
        source: &CredentialSource,
        region: &str,
    ) -> Result<Issued, SourceError> {
        let issued = self.resolve_source(source, region)?;
        let serial = self.caller.mfa_serial().filter(|_| matches!(source, CredentialSource::Keys(..)));
        match serial {
            Some(serial) => {
                Ok(self.with_second_factor(&self.callers_client, issued, Some(serial), region)?)
            }
            None => Ok(issued),
        }
    }

    /// Gets the keys of a source.
    fn resolve_source(&self, source: &CredentialSource, region: &str) -> Result<Issued, SourceError> {
        match source {
            CredentialSource::Keys(keys, _) => Ok(keys.clone().into()),
            CredentialSource::Process(command) => Ok(caller::of_process(command)?),
            CredentialSource::AwsCli { profile } => Ok(caller::of_aws_cli(profile)?),
            CredentialSource::WebIdentity { role, token } => {
                let client = &self.callers_client;
                let taken = in_memory(&["web identity", &role.arn, &role.session_name], || {
                    let token = caller::token(token, client)?;
                    Ok::<_, SourceError>(sts::assume_role_with_web_identity(client, region, role, &token)?)
                })?;
                Ok(taken.into())
            }
            CredentialSource::Role { role, from, mfa_serial } => {
                let (client, from) = (&self.callers_client, self.resolve_source(from, region)?);
                let from = self.with_second_factor(client, from, mfa_serial.clone(), region)?;
                Ok(assume(client, &from.keys, role, region)?.into())
            }
        }
    }

    /// Keys of a session with the second factor, where one is asked for or given; otherwise these keys.
    fn with_second_factor(
        &self,
        client: &Client,
        issued: Issued,
        serial: Option<String>,
        region: &str,
    ) -> Result<Issued, aws::Error> {
        let keys = &issued.keys;
        // Those of a session show it or not, and nothing more can be done.
        if keys.session_token.is_some() || (serial.is_none() && self.mfa_code.is_none()) {
            return Ok(issued);
        }
        let serial = match serial {
            Some(serial) => serial,
            None => {
                let arn = sts::caller_identity(client, region, keys)?.arn;
                device_of(&arn).unwrap_or(arn)
            }
        };
        let asked = [serial.as_str(), &client.address(region)];
        let session = remembered(keys, &asked, Purpose::SecondFactor, || {
            let code = match &self.mfa_code {
                Some(code) => code.clone(),
                None if self.unattended => return Err(aws::Error::no_code(&serial)),
                None => asked_for(&serial)?,
            };
            sts::session_with_mfa(client, region, keys, &serial, &code)
        })?;
        Ok(session.into())
    }
}

/// The session of a role, from memory if it was taken before and lasts.
fn assume(client: &Client, from: &Keys, role: &Role, region: &str) -> Result<Session, aws::Error> {
    let seconds = role.seconds.map(|seconds| seconds.to_string()).unwrap_or_default();
    let external_id = role.external_id.as_ref().map_or("", Secret::expose);
    let asked = [&role.arn, &role.session_name, external_id, &seconds, &client.address(region)];
    remembered(from, &asked, Purpose::Role, || sts::assume_role(client, region, from, role))
}

impl<'a> RoleIntegration<'a> {
    /// What an integration asks for.
    pub(super) fn of(credential: &'a Credential) -> Result<Self, NoKeys> {
        let fail = |message: String, hint: &str| NoKeys {
            integration: credential.name.clone(),
            message,
            hint: hint.to_owned(),
            no_credentials: false,
        };
        let text = |name: &str| credential.text(name).map(str::to_owned);
        let arn = text("assumeRoleARN").unwrap_or_default();
        if !Arn::parse(&arn).is_some_and(|arn| arn.is_role()) {
            return Err(fail(
                format!("`{arn}` is not the ARN of a role"),
                "it looks like arn:aws:iam::123456789012:role/deploy",
            ));
        }
        let seconds = text("durationSeconds").map(|text| {
            let seconds = text.parse().ok().filter(|seconds| (900..=43200).contains(seconds));
            seconds.ok_or_else(|| {
                fail(
                    format!("a session cannot last `{text}` seconds"),
                    "AWS allows 900 to 43200, if the role does",
                )
            })
        });
        let role = Role {
            arn,
            session_name: text("roleSessionName").unwrap_or_else(|| sts::SESSION_NAME.to_owned()),
            external_id: text("externalId").map(Secret::new),
            seconds: seconds.transpose()?,
        };
        Ok(RoleIntegration { name: &credential.name, role })
    }

    fn failed(&self, error: &aws::Error) -> NoKeys {
        NoKeys {
            integration: self.name.to_owned(),
            message: format!("cannot assume the role {}: {error}", self.role.arn),
            hint: error.hint(),
            no_credentials: false,
        }
    }
}

/// The error for an integration that is not there.
pub(super) fn undeclared(name: &str) -> NoKeys {
    NoKeys {
        integration: name.to_owned(),
        message: "it is declared nowhere".to_owned(),
        hint: "declare it under `integrations:`".to_owned(),
        no_credentials: false,
    }
}
