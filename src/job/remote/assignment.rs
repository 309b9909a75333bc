//! What a job needs, as it is sent to the machine that runs it: the files of its line, and all that was fetched for it.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use indexmap::IndexMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use super::super::notifications::Sent;
use super::super::{Fetched, Session};
use crate::aws::ecr::Login;
use crate::aws::renewal::Renewal;
use crate::cli::Run;
use crate::container::Choice;
use crate::credentials::{self, Content, Credential, Credentials, FetchedValue, Value};
use crate::environment::GivenVariable;
use crate::model::Integration;
use crate::model::files::Texts;
use crate::model::kind::Kind;
use crate::repository::{Repositories, Repository};
use crate::resolve::Plan;
use crate::secret::Secret;
use crate::source::Span;
use crate::versions::{Opened, Versions};

/// The options of a run that count where the job runs.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct RemoteOptions {
    pub(crate) workspace: Option<PathBuf>,
    pub(crate) matrix: Option<NonZeroUsize>,
    pub(crate) clean_env: bool,
    pub(crate) keep: bool,
    pub(crate) from: Option<String>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) grace: Option<Duration>,
    pub(crate) containers: Choice,
    pub(crate) notifications: Option<Sent>,
}

/// A job with all that it needs, to be sent.
#[derive(Serialize)]
struct SentJob<'a> {
    job: &'a str,
    number: u32,
    texts: &'a Texts,
    credentials: Vec<SentCredential<'a>>,
    versions: &'a Versions,
    /// Encrypted params, opened: by resource and key.
    opened: Vec<(&'a str, &'a str, SentParams<'a>)>,
    repositories: Vec<(&'a str, &'a Repository)>,
    logins: Vec<(&'a str, &'a str, &'a str, &'a str)>,
    given: Vec<SentGiven<'a>>,
    smtp_password: Option<&'a str>,
    options: RemoteOptions,
}

/// The same, received.
#[derive(Deserialize)]
pub(crate) struct Assignment {
    pub(crate) job: String,
    number: u32,
    texts: Texts,
    credentials: Vec<TakenCredential>,
    versions: Versions,
    opened: Vec<(String, String, TakenParams)>,
    repositories: Vec<(String, Repository)>,
    logins: Vec<(String, String, Exposed, Exposed)>,
    given: Vec<TakenGiven>,
    smtp_password: Option<Exposed>,
    pub(crate) options: RemoteOptions,
}

/// Keys and values.
type SentParams<'a> = Vec<(&'a str, &'a str)>;
type TakenParams = Vec<(String, Exposed)>;

/// A secret among what is received.
pub(super) struct Exposed(pub(super) Secret);

impl<'de> Deserialize<'de> for Exposed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Exposed, D::Error> {
        String::deserialize(deserializer).map(|text| Exposed(Secret::new(text)))
    }
}

#[derive(Serialize)]
struct SentCredential<'a> {
    name: &'a str,
    kind: &'a str,
    fields: Vec<(&'a str, SentContent<'a>)>,
    #[serde(serialize_with = "expose_text")]
    renewal: Option<Zeroizing<String>>,
}

#[derive(Serialize)]
enum SentContent<'a> {
    One(SentValue<'a>),
    List(Vec<SentValue<'a>>),
    Map(Vec<(&'a str, SentValue<'a>)>),
}

/// A value, and whether it is secret.
#[derive(Serialize)]
struct SentValue<'a> {
    value: SentText<'a>,
    origin: &'a str,
    masked: bool,
    place: Span,
}

#[derive(Serialize)]
struct SentGiven<'a> {
    name: &'a str,
    value: SentText<'a>,
    origin: &'a str,
}

#[derive(Serialize)]
enum SentText<'a> {
    Missing,
    Plain(&'a str),
    Secret(&'a str),
}

#[derive(Deserialize)]
struct TakenCredential {
    name: String,
    kind: String,
    fields: Vec<(String, TakenContent)>,
    renewal: Option<Exposed>,
}

#[derive(Deserialize)]
enum TakenContent {
    One(TakenValue),
    List(Vec<TakenValue>),
    Map(Vec<(String, TakenValue)>),
}

#[derive(Deserialize)]
struct TakenValue {
    value: TakenText,
    origin: String,
    masked: bool,
    place: Span,
}

#[derive(Deserialize)]
struct TakenGiven {
    name: String,
    value: TakenText,
    origin: String,
}

#[derive(Deserialize)]
enum TakenText {
    Missing,
    Plain(String),
    Secret(Exposed),
}

/// The document of a job for which everything was fetched.
pub(super) fn write(
    session: &Session,
    texts: &Texts,
    fetched: &Fetched,
    command: &Run,
) -> serde_json::Result<Zeroizing<Vec<u8>>> {
    let opened = fetched.opened.iter().map(|(resource, key, params)| {
        let params = params.iter().map(|(key, secret)| (key.as_str(), secret.expose()));
        (resource, key, params.collect())
    });
    let logins = fetched.logins.iter().map(|(resource, login)| {
        (resource.as_str(), login.host.as_str(), login.auth.expose(), login.password.expose())
    });
    let given = session.given.iter().map(|given| SentGiven {
        name: &given.name,
        value: text_of(&given.value),
        origin: &given.origin,
    });
    let sent = SentJob {
        job: &fetched.plan.job.name.text,
        number: fetched.number,
        texts,
        credentials: fetched.credentials.values().map(credential_of).collect(),
        versions: &fetched.versions,
        opened: opened.collect(),
        repositories: fetched.repositories.iter().map(|(name, found)| (name.as_str(), &**found)).collect(),
        logins: logins.collect(),
        given: given.collect(),
        smtp_password: session.smtp_password(),
        options: RemoteOptions {
            workspace: session.options.workspace.clone(),
            matrix: session.options.matrix,
            clean_env: session.options.clean_env,
            keep: command.keep,
            from: command.from.clone(),
            timeout: command.timeout,
            grace: command.grace,
            containers: session.runs_containers,
            notifications: session.notifications.get(&fetched.plan.job.name.text).cloned(),
        },
    };
    written(&sent)
}

/// A document with secrets: as large as it needs to be from the start, so that no copy stays behind.
pub(super) fn written(document: &impl Serialize) -> serde_json::Result<Zeroizing<Vec<u8>>> {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    serde_json::to_writer(&mut count, document)?;
    let mut text = Zeroizing::new(Vec::with_capacity(count.0));
    serde_json::to_writer(&mut *text, document)?;
    Ok(text)
}

fn credential_of(credential: &Credential) -> SentCredential<'_> {
    let fields = credential.fields.iter().map(|field| {
        let content = match &field.content {
            Content::One(value) => SentContent::One(value_of(value)),
            Content::List(values) => SentContent::List(values.iter().map(value_of).collect()),
            Content::Map(entries) => {
                SentContent::Map(entries.iter().map(|(key, value)| (key.as_str(), value_of(value))).collect())
            }
        };
        (field.name, content)
    });
    SentCredential {
        name: &credential.name,
        kind: credential.kind.name,
        fields: fields.collect(),
        renewal: credential.renewal.as_ref().map(Renewal::to_json),
    }
}

fn value_of(value: &FetchedValue) -> SentValue<'_> {
    SentValue {
        value: text_of(&value.value),
        origin: &value.origin,
        masked: value.masked,
        place: value.place,
    }
}

fn text_of(value: &Value) -> SentText<'_> {
    match value {
        Value::Missing => SentText::Missing,
        Value::Plain(text) => SentText::Plain(text),
        Value::Secret(secret) => SentText::Secret(secret.expose()),
    }
}

impl TakenText {
    fn value(self) -> Value {
        match self {
            TakenText::Missing => Value::Missing,
            TakenText::Plain(text) => Value::Plain(text),
            TakenText::Secret(Exposed(secret)) => Value::Secret(secret),
        }
    }
}

impl TakenValue {
    fn value(self) -> FetchedValue {
        let TakenValue { value, origin, masked, place } = self;
        FetchedValue { value: value.value(), origin: origin.into(), masked, place }
    }
}

impl TakenCredential {
    /// `None` for a kind or a field that this version does not know.
    fn credential(self) -> Option<Credential> {
        let kind = Kind::find(&self.kind)?;
        let fields = self.fields.into_iter().map(|(name, content)| {
            let name = kind.fields.iter().find(|field| field.name == name)?.name;
            let content = match content {
                TakenContent::One(value) => Content::One(value.value()),
                TakenContent::List(values) => {
                    Content::List(values.into_iter().map(TakenValue::value).collect())
                }
                TakenContent::Map(entries) => {
                    Content::Map(entries.into_iter().map(|(key, value)| (key, value.value())).collect())
                }
            };
            Some(credentials::Fetched { name, content })
        });
        let renewal = match self.renewal {
            Some(Exposed(text)) => Some(Renewal::parse(text.expose())?),
            None => None,
        };
        Some(Credential {
            name: self.name,
            kind,
            fields: fields.collect::<Option<_>>()?,
            renewal,
            profile: None,
        })
    }
}

/// A job that was received, but for its line.
pub(crate) struct ReceivedJob {
    pub(crate) credentials: Credentials,
    pub(crate) given: Rc<[GivenVariable]>,
    pub(crate) smtp_password: Option<Secret>,
    pub(crate) repositories: Repositories,
    number: u32,
    versions: Versions,
    opened: Opened,
    logins: Vec<(String, Login)>,
}

impl Assignment {
    /// Reads a document.
    pub(crate) fn parse(text: &[u8]) -> Option<Assignment> {
        serde_json::from_slice(text).ok()
    }

    /// The files of the line, and all else.
    pub(crate) fn split(self) -> Option<(Texts, ReceivedJob)> {
        let mut credentials = IndexMap::new();
        for taken in self.credentials {
            let credential = taken.credential()?;
            credentials.insert(credential.name.clone(), credential);
        }
        let mut opened = Opened::default();
        for (resource, key, params) in self.opened {
            let params = params.into_iter().map(|(key, Exposed(secret))| (key, secret));
            opened.insert(&resource, &key, params.collect());
        }
        let given = self.given.into_iter().map(|given| GivenVariable {
            name: given.name,
            value: given.value.value(),
            origin: given.origin.into(),
        });
        let logins = self.logins.into_iter().map(|(resource, host, Exposed(auth), Exposed(password))| {
            (resource, Login { host, auth, password })
        });
        let repositories = self.repositories.into_iter().map(|(name, found)| (name, Rc::new(found)));
        let received = ReceivedJob {
            credentials,
            given: given.collect(),
            smtp_password: self.smtp_password.map(|Exposed(secret)| secret),
            repositories: repositories.collect(),
            number: self.number,
            versions: self.versions,
            opened,
            logins: logins.collect(),
        };
        Some((self.texts, received))
    }
}

impl ReceivedJob {
    /// The integrations that the job has. Their values are known, so that there is nothing more to them.
    pub(crate) fn integrations(&self, place: Span) -> impl Iterator<Item = Integration> {
        self.credentials.values().map(move |credential| Integration {
            name: crate::model::Name { text: credential.name.clone(), place },
            kind: credential.kind,
            fields: Vec::new(),
        })
    }

    /// What was fetched for the job with this plan.
    pub(crate) fn fetched(self, plan: Plan<'_>, entry: usize) -> Fetched<'_> {
        Fetched {
            plan,
            credentials: self.credentials,
            repositories: self.repositories,
            versions: Rc::new(self.versions),
            logins: self.logins,
            opened: Rc::new(self.opened),
            number: self.number,
            entry,
        }
    }
}

/// A secret among what is sent.
pub(super) fn expose<S: Serializer>(secrets: &[Secret], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(secrets.iter().map(Secret::expose))
}

fn expose_text<S: Serializer>(text: &Option<Zeroizing<String>>, serializer: S) -> Result<S::Ok, S::Error> {
    text.as_ref().map(|text| text.as_str()).serialize(serializer)
}
