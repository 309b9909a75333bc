//! Roles: keys for a while, in exchange for keys that last, or for those of another role.

use super::caller::{self, Caller};
use super::session::{asked_for, device_of, remembered};
use super::{Content, Credential, Credentials, Fetched, FetchedValue, Value};
use crate::aws::renewal::Renewal;
use crate::aws::sts::{self, Role, Session};
use crate::aws::{self, Arn, Client, Keys, Partition, Settings, Way};
use crate::diagnostic::{Diagnostic, Severity};
use crate::model::Integration;
use crate::resolve::Plan;
use crate::secret::Secret;
use crate::source::Place;

/// The kind of integration that stands for a role.
const ROLE: &str = "amazonIamRole";

/// What only AWS knows that was not asked: the values of such fields, of those that are secret and of the others. Nothing
/// else contains them.
pub const UNASKED: &[&str] = &[UNASKED_SECRET, UNASKED_TIME];
const UNASKED_SECRET: &str = "(AWS gives it when the job runs)";
const UNASKED_TIME: &str = "(AWS is asked when the job runs)";

/// What to do where there are no credentials to take a role with.
const GIVE_CREDENTIALS: &str =
    "name a `sourceIntegration`, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";

/// Takes roles, and asks AWS for the rest that a job needs of it.
pub struct Taker {
    /// The way to AWS of keys that integrations hold.
    client: Client,
    caller: Caller,
    /// The way to AWS of the caller's keys, and of what they lead to.
    callers_client: Client,
    mfa_code: Option<Secret>,
}

/// Why there are no keys: the integration that has none, and what to do.
pub(super) struct NoKeys {
    integration: String,
    message: String,
    hint: String,
    /// Whether it is only that the caller has no credentials at all.
    no_credentials: bool,
}

/// What an integration asks for.
pub(super) struct Wanted<'a> {
    name: &'a str,
    pub(super) role: Role,
}

/// Whether an integration is a role.
pub fn is_role(integration: &Integration) -> bool {
    integration.kind.name == ROLE
}

/// Takes the roles among the integrations of a plan: their keys become fields like any other. Without a taker AWS is not
/// asked, and the fields hold [`UNASKED`].
///
/// Where there are no credentials at all to take a role with, the job has its ARN alone, as in the original, and a warning says so.
///
/// # Errors
///
/// All roles that cannot be taken.
pub fn take_roles(
    plan: &Plan,
    credentials: &mut Credentials,
    taker: Option<&Taker>,
) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let mut warnings = Vec::new();
    let mut failed: Vec<String> = Vec::new();
    for integration in plan.all_integrations().filter(|integration| is_role(integration)) {
        let name = &integration.name.text;
        if failed.contains(name) {
            continue;
        }
        let taken = match taker {
            Some(taker) => taker.renewal(credentials, name).map(Some),
            None => Ok(None),
        };
        match (taken, credentials.get_mut(name)) {
            (Ok(taken), Some(credential)) => {
                credential.take(taken.as_ref().map(|renewal| &renewal.session));
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

impl NoKeys {
    pub(super) fn at(&self, integration: &Integration) -> Diagnostic {
        Diagnostic::error(format!("integration `{}`: {}", self.integration, self.message))
            .at(integration.name.place)
            .hint(self.hint.clone())
    }
}

impl Taker {
    /// Reads what the environment says of the way to AWS.
    pub fn new(mfa_code: Option<&str>) -> Self {
        Taker::of_caller(Caller::new(), mfa_code)
    }

    /// The same for other keys than those that the environment leads to.
    pub(super) fn of_caller(caller: Caller, mfa_code: Option<&str>) -> Self {
        Taker {
            client: Client::new(Settings::new(caller::variable)),
            callers_client: Client::new(caller.settings()),
            caller,
            mfa_code: mfa_code.map(|code| Secret::new(code.to_owned())),
        }
    }

    /// Takes the role of an integration, if it is one: its keys become fields like any other.
    pub(super) fn take(
        &self,
        credentials: &mut Credentials,
        integration: &Integration,
    ) -> Result<(), Diagnostic> {
        if is_role(integration) {
            let name = &integration.name.text;
            let renewal = self.renewal(credentials, name).map_err(|problem| problem.at(integration))?;
            if let Some(credential) = credentials.get_mut(name) {
                credential.take(Some(&renewal.session));
                credential.renewal = Some(renewal);
            }
        }
        Ok(())
    }

    /// The way to AWS of the keys of an integration.
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
    fn renewal(&self, credentials: &Credentials, name: &str) -> Result<Renewal, NoKeys> {
        let credential = credentials.get(name).ok_or_else(|| undeclared(name))?;
        let wanted = Wanted::of(credential)?;
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
                    self.with_second_factor(client, keys, None, &region)
                        .map_err(|error| wanted.failed(&error))?
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

    /// The part of AWS that whoever runs shipctl works in.
    pub fn partition(&self) -> &'static Partition {
        Partition::of_region(&self.caller.region().unwrap_or_default())
    }

    /// The way to AWS of whoever runs shipctl, the region that they work in, and their keys.
    ///
    /// # Errors
    ///
    /// When there are no keys, in words that say why.
    pub fn caller(&self) -> Result<(Client, String, Keys), String> {
        let settings = self.caller.settings();
        let region = self.caller.region().unwrap_or_else(|| Partition::of_region("").home.to_owned());
        let way = self.caller.profiles.way(&caller::variable)?;
        let keys = self.go(&way, &region).map_err(|error| match error {
            Lost::Aws(error) => format!("{error}; {}", error.hint()),
            Lost::Elsewhere(why) => why,
        })?;
        let keys = self
            .with_second_factor(&self.callers_client, keys, self.caller.mfa_serial(), &region)
            .map_err(|error| format!("{error}; {}", error.hint()))?;
        Ok((Client::new(settings), region, keys))
    }

    /// The keys of whoever runs shipctl.
    pub(super) fn callers_keys(&self, wanted: &Wanted, region: &str) -> Result<Keys, NoKeys> {
        let fail = |why: String, no_credentials: bool| NoKeys {
            integration: wanted.name.to_owned(),
            message: format!("no AWS credentials found to assume role {}: {why}", wanted.role.arn),
            hint: GIVE_CREDENTIALS.to_owned(),
            no_credentials,
        };
        let way = self.caller.way().map_err(|why| fail(why, false))?;
        let no_credentials = matches!(&way, Way::AwsCli { profile } if !self.caller.profiles.exists(profile));
        let keys = self.go(&way, region).map_err(|error| match error {
            Lost::Aws(error) => wanted.failed(&error),
            Lost::Elsewhere(why) => fail(why, no_credentials),
        })?;
        self.with_second_factor(&self.callers_client, keys, self.caller.mfa_serial(), region)
            .map_err(|error| wanted.failed(&error))
    }

    /// The keys that a way leads to, with the second factor that the profile asks for.
    pub(super) fn keys_on(&self, way: &Way, region: &str) -> Result<Keys, Lost> {
        let keys = self.go(way, region)?;
        let serial = self.caller.mfa_serial().filter(|_| matches!(way, Way::Keys(..)));
        match serial {
            Some(serial) => Ok(self.with_second_factor(&self.callers_client, keys, Some(serial), region)?),
            None => Ok(keys),
        }
    }

    /// Goes the way to keys.
    fn go(&self, way: &Way, region: &str) -> Result<Keys, Lost> {
        match way {
            Way::Keys(keys, _) => Ok(keys.clone()),
            Way::Process(command) => Ok(caller::of_process(command)?),
            Way::AwsCli { profile } => Ok(caller::of_aws_cli(profile)?),
            Way::Role { role, from, mfa_serial } => {
                let (client, from) = (&self.callers_client, self.go(from, region)?);
                let from = self.with_second_factor(client, from, mfa_serial.clone(), region)?;
                Ok(assume(client, &from, role, region)?.keys)
            }
        }
    }

    /// The keys of somebody who has shown the second factor, where one is asked for or given.
    fn with_second_factor(
        &self,
        client: &Client,
        keys: Keys,
        serial: Option<String>,
        region: &str,
    ) -> Result<Keys, aws::Error> {
        // Those of a session show it or not, and nothing more can be done.
        if keys.session_token.is_some() || (serial.is_none() && self.mfa_code.is_none()) {
            return Ok(keys);
        }
        let serial = match serial {
            Some(serial) => serial,
            None => {
                let arn = sts::caller_identity(client, region, &keys)?.arn;
                device_of(&arn).unwrap_or(arn)
            }
        };
        let session = remembered(&keys, &[&serial, &client.address(region)], || {
            let code = self.mfa_code.clone().map_or_else(|| asked_for(&serial), Ok)?;
            sts::session_with_mfa(client, region, &keys, &serial, &code)
        })?;
        Ok(session.keys)
    }
}

/// The session of a role, from memory if it was taken before and lasts.
fn assume(client: &Client, from: &Keys, role: &Role, region: &str) -> Result<Session, aws::Error> {
    let seconds = role.seconds.map(|seconds| seconds.to_string()).unwrap_or_default();
    let external_id = role.external_id.as_ref().map_or("", Secret::expose);
    let asked = [&role.arn, &role.session_name, external_id, &seconds, &client.address(region)];
    remembered(from, &asked, || sts::assume_role(client, region, from, role))
}

/// Why the way to keys led nowhere.
pub(super) enum Lost {
    Aws(aws::Error),
    Elsewhere(String),
}

impl From<aws::Error> for Lost {
    fn from(error: aws::Error) -> Self {
        Lost::Aws(error)
    }
}

impl From<String> for Lost {
    fn from(why: String) -> Self {
        Lost::Elsewhere(why)
    }
}

impl<'a> Wanted<'a> {
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
        Ok(Wanted { name: &credential.name, role })
    }

    fn failed(&self, error: &aws::Error) -> NoKeys {
        NoKeys {
            integration: self.name.to_owned(),
            message: format!("cannot take the role {}: {error}", self.role.arn),
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

impl Credential {
    /// All its secret values.
    pub fn secrets(&self) -> Vec<Secret> {
        let of_value = |fetched: &FetchedValue| match &fetched.value {
            Value::Secret(secret) => Some(secret.clone()),
            Value::Plain(_) | Value::Missing => None,
        };
        let of_field = |field: &Fetched| -> Vec<Secret> {
            match &field.content {
                Content::One(value) => of_value(value).into_iter().collect(),
                Content::List(values) => values.iter().filter_map(of_value).collect(),
                Content::Map(entries) => entries.iter().filter_map(|(_, value)| of_value(value)).collect(),
            }
        };
        self.fields.iter().flat_map(of_field).collect()
    }

    /// The text of a field that has one.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.one(name).map(|fetched| fetched.value.expose())
    }

    fn place(&self, name: &str) -> Option<Place> {
        self.one(name).map(|fetched| fetched.place)
    }

    fn one(&self, name: &str) -> Option<&FetchedValue> {
        self.fields.iter().find(|field| field.name == name).and_then(|field| match &field.content {
            Content::One(fetched) => Some(fetched),
            Content::List(_) | Content::Map(_) => None,
        })
    }

    /// Its keys for AWS: those it holds, or those of the role that was taken.
    pub fn aws_keys(&self) -> Option<Keys> {
        let secret = |name: &str| self.text(name).map(|text| Secret::new(text.to_owned()));
        Some(Keys {
            access_key: secret("accessKey")?,
            secret_key: secret("secretKey")?,
            session_token: secret("sessionToken").filter(|token| !token.expose().is_empty()),
        })
    }

    /// Adds what a role gives.
    fn take(&mut self, session: Option<&Session>) {
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
        // What is not known yet gives way to what is.
        self.fields.retain(|field| new.iter().all(|(name, value, _)| field.name != *name || value.is_none()));
        let Some(place) = self.place("assumeRoleARN") else { return };
        for (name, value, origin) in new {
            let fetched = |value| FetchedValue { value, origin: origin.into(), masked: true, place };
            let content = value.map(|value| Content::One(fetched(value)));
            self.fields.extend(content.map(|content| Fetched { name, content }));
        }
    }
}
