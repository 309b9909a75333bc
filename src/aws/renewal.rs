//! What it takes to assume a role again when its session ends: a document for a private file.
//!
//! The tools of AWS can take a role by themselves, but the AWS CLI then keeps the keys of the session in the user's home.
//! So a profile of a job names a program for them to ask, `shipctl aws-credentials FILE`, and this is the file.

use std::time::{Duration, SystemTime};

use serde_json::{Value as Json, json};
use zeroize::Zeroizing;

use super::sts::{self, Role, Session};
use super::{Client, Error, Keys, Settings};
use crate::secret::Secret;

/// A session is not used any more when it ends within this time: what was started with it should come to its end.
pub const SPARE: Duration = Duration::from_secs(300);

/// A role behind others, and the keys that take the first of them.
#[derive(Clone, Debug)]
pub struct Renewal {
    /// The region to ask.
    pub region: String,
    /// Where it is asked, if that is not where AWS answers.
    pub endpoint: Option<String>,
    /// The file of certificates to trust there, if not those of the machine.
    pub ca_bundle: Option<String>,
    /// The keys.
    pub keys: Keys,
    /// The roles, in the order in which they are taken.
    pub roles: Vec<Role>,
    /// The session that was got for them last.
    pub session: Session,
}

impl Renewal {
    /// The keys of the session: of the last one, or of a new one when that is about to end.
    ///
    /// # Errors
    ///
    /// When AWS refuses or cannot be asked.
    pub fn session(mut self, settings: Settings) -> Result<Session, Error> {
        let client = self.client(settings);
        self.renew(&client)?;
        Ok(self.session)
    }

    /// What asks AWS for it.
    pub fn client(&self, settings: Settings) -> Client {
        Client::new(settings.settled(self.endpoint.clone(), self.ca_bundle.clone()))
    }

    /// Takes the roles again if the session is about to end.
    ///
    /// # Errors
    ///
    /// When AWS refuses or cannot be asked.
    pub fn renew(&mut self, client: &Client) -> Result<(), Error> {
        if self.session.expires > SystemTime::now() + SPARE {
            return Ok(());
        }
        let (mut session, mut keys) = (self.session.clone(), self.keys.clone());
        for role in &self.roles {
            session = sts::assume_role(client, &self.region, &keys, role)?;
            keys = session.keys.clone();
        }
        self.session = session;
        Ok(())
    }

    /// The document.
    pub fn to_json(&self) -> Zeroizing<String> {
        let roles: Vec<_> = self
            .roles
            .iter()
            .map(|role| {
                json!({
                    "arn": role.arn,
                    "sessionName": role.session_name,
                    "externalId": role.external_id.as_ref().map(Secret::expose),
                    "seconds": role.seconds,
                })
            })
            .collect();
        let document = json!({
            "region": self.region,
            "endpoint": self.endpoint,
            "caBundle": self.ca_bundle,
            "keys": keys_to_json(&self.keys, None),
            "roles": roles,
            "session": keys_to_json(&self.session.keys, Some(&self.session.expiration)),
        });
        Zeroizing::new(format!("{document:#}\n"))
    }

    /// Reads the document back; `None` if it is none.
    pub fn parse(text: &str) -> Option<Renewal> {
        let json: Json = serde_json::from_str(text).ok()?;
        let text = |json: &Json| json.as_str().map(str::to_owned);
        let roles = json["roles"].as_array()?.iter().map(|role| {
            Some(Role {
                arn: text(&role["arn"])?,
                session_name: text(&role["sessionName"])?,
                external_id: text(&role["externalId"]).map(Secret::new),
                seconds: role["seconds"].as_u64().and_then(|seconds| seconds.try_into().ok()),
            })
        });
        Some(Renewal {
            region: text(&json["region"])?,
            endpoint: text(&json["endpoint"]),
            ca_bundle: text(&json["caBundle"]),
            keys: keys_of_json(&json["keys"])?,
            roles: roles.collect::<Option<_>>()?,
            session: session_of_json(&json["session"])?,
        })
    }
}

/// Keys in the form that the tools of AWS take from a program: `credential_process`.
pub fn keys_to_json(keys: &Keys, expiration: Option<&str>) -> Json {
    let mut json = json!({
        "Version": 1,
        "AccessKeyId": keys.access_key.expose(),
        "SecretAccessKey": keys.secret_key.expose(),
    });
    if let Some(token) = &keys.session_token {
        json["SessionToken"] = token.expose().into();
    }
    if let Some(expiration) = expiration {
        json["Expiration"] = expiration.into();
    }
    json
}

/// A session out of that form.
pub fn session_of_json(json: &Json) -> Option<Session> {
    let expiration = json["Expiration"].as_str()?.to_owned();
    Some(Session { keys: keys_of_json(json)?, expires: sts::time(&expiration)?, expiration })
}

/// Keys out of that form.
pub fn keys_of_json(json: &Json) -> Option<Keys> {
    let part = |name: &str| json[name].as_str().map(|text| Secret::new(text.to_owned()));
    Some(Keys {
        access_key: part("AccessKeyId")?,
        secret_key: part("SecretAccessKey")?,
        session_token: part("SessionToken"),
    })
}
