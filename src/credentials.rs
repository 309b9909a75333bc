//! Where secrets come from: the fields of integrations, fetched from where they are.
//!
//! A field is fetched once per run, and only if the job needs its integration.

mod account;
mod ambient;
mod caller;
mod endpoint;
mod examine;
mod fetch;
pub mod kept;
mod profile;
mod provider;
mod role;
mod session;
mod weak;

use std::rc::Rc;

use indexmap::IndexMap;

use crate::aws::renewal::Renewal;
use crate::diagnostic::Diagnostic;
use crate::model::integration::Values;
use crate::model::kind::Kind;
use crate::model::{Integration, Pipeline};
use crate::resolve::Plan;
use crate::secret::Secret;
use crate::source::Span;
use crate::value_source::ValueSource;

pub use account::LastingKeys;
pub use ambient::{Ambient, PREFIX};
pub use endpoint::{CredentialsEndpoint, mask_in_log};
pub use examine::{Examined, examine, integrations_of};
pub use fetch::{Fetch, NOT_RUN};
pub use profile::{ProfileSession, renewed as renewed_profile};
pub use provider::{AwsProvider, is_role};
pub use role::{UNASKED, assume_roles};
pub use weak::weak;

pub use crate::value_source::program::LIMIT;

/// The fields of an integration, fetched.
pub struct Credential {
    /// The integration's name.
    pub name: String,
    /// Its kind.
    pub kind: &'static Kind,
    /// Its fields, in the order of the file.
    pub fields: Vec<Fetched>,
    /// How its session came to be, if it is a role and was taken.
    pub renewal: Option<Renewal>,
    /// The session that its keys are of, if they come from a profile of AWS.
    pub profile: Option<ProfileSession>,
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

    fn place(&self, name: &str) -> Option<Span> {
        self.one(name).map(|fetched| fetched.place)
    }

    fn one(&self, name: &str) -> Option<&FetchedValue> {
        self.fields.iter().find(|field| field.name == name).and_then(|field| match &field.content {
            Content::One(fetched) => Some(fetched),
            Content::List(_) | Content::Map(_) => None,
        })
    }

    /// Whether one of its values could not be had.
    pub fn lacks_something(&self) -> bool {
        let is_missing = |fetched: &FetchedValue| matches!(fetched.value, Value::Missing);
        self.fields.iter().any(|field| match &field.content {
            Content::One(value) => is_missing(value),
            Content::List(values) => values.iter().any(is_missing),
            Content::Map(entries) => entries.iter().any(|(_, value)| is_missing(value)),
        })
    }
}

/// A field, fetched.
pub struct Fetched {
    /// Its key.
    pub name: &'static str,
    /// Its value or values.
    pub content: Content,
}

/// The value or values of a field.
pub enum Content {
    /// One.
    One(FetchedValue),
    /// A list.
    List(Vec<FetchedValue>),
    /// A value for each key.
    Map(Vec<(String, FetchedValue)>),
}

/// A value and where it was.
#[derive(Clone)]
pub struct FetchedValue {
    /// The value.
    pub value: Value,
    /// Where it was, in words: `$AWS_KEY`, `file key.pem`.
    pub origin: Rc<str>,
    /// Whether the log masks it if it is secret.
    pub masked: bool,
    /// Where the YAML says it.
    pub place: Span,
}

/// A value of the environment or of a field.
#[derive(Clone, Debug)]
pub enum Value {
    /// It could not be had. Only a dry run goes on with it.
    Missing,
    /// It may be shown.
    Plain(String),
    /// It may not.
    Secret(Secret),
}

impl Value {
    /// The value itself, for the environment of a job and for files of its workspace.
    pub fn expose(&self) -> &str {
        match self {
            Value::Missing => "",
            Value::Plain(text) => text,
            Value::Secret(secret) => secret.expose(),
        }
    }
}

/// The fetched integrations of a job, by name.
pub type Credentials = IndexMap<String, Credential>;

/// Adds the integrations that a job needs and no file declares, if the environment has them.
pub fn add_ambient(pipeline: &mut Pipeline, job: &str, ambient: &Ambient, diagnostics: &mut Vec<Diagnostic>) {
    let Some(job) = pipeline.jobs.get(job) else { return };
    let bound = job
        .inputs()
        .map(|input| &input.name)
        .chain(job.outputs().map(|output| &output.name))
        .filter_map(|name| pipeline.resources.get(&name.text)?.integration.as_ref());
    let mut needed: Vec<_> = bound.chain(&job.integrations).cloned().collect();
    let mut next = 0;
    while let Some(name) = needed.get(next).cloned() {
        next += 1;
        if !pipeline.integrations.contains_key(&name.text)
            && let Some(integration) = ambient.integration(&name, diagnostics)
        {
            pipeline.integrations.insert(name.text.clone(), integration);
        }
        // What it gets its own credentials with may be of the environment too.
        let source = pipeline.integrations.get(&name.text).and_then(Integration::source);
        if let Some(source) = source.filter(|source| needed.iter().all(|known| known.text != source.text)) {
            needed.push(source.clone());
        }
    }
}

/// Unbinds the repositories that the caller gives from integrations whose values cannot be had: nothing is fetched from the
/// provider, so its credentials are not needed.
pub fn spare<'n>(pipeline: &mut Pipeline, given: impl Iterator<Item = &'n str>) {
    for name in given {
        let bound = pipeline.resources.get(name).and_then(|resource| resource.integration.as_ref());
        let Some(integration) = bound.map(|bound| pipeline.integrations.get(&bound.text)) else { continue };
        let is_unset =
            |source: &ValueSource| source.variable().is_some_and(|name| std::env::var_os(name).is_none());
        if integration.is_none_or(|integration| sources(integration).any(is_unset))
            && let Some(resource) = pipeline.resources.get_mut(name)
        {
            resource.integration = None;
        }
    }
}

/// Fetches the fields of every integration of a plan.
///
/// # Errors
///
/// All that could not be fetched, at once.
pub fn fetch(plan: &Plan, fetch: &mut Fetch) -> Result<Credentials, Vec<Diagnostic>> {
    let (credentials, problems) = fetch_in_part(plan, fetch);
    if problems.is_empty() { Ok(credentials) } else { Err(problems) }
}

/// Fetches the fields of every integration of a plan as far as that is possible, and says what was not.
pub fn fetch_in_part(plan: &Plan, fetch: &mut Fetch) -> (Credentials, Vec<Diagnostic>) {
    let mut credentials = Credentials::new();
    let mut problems = Vec::new();
    fetch.run_commands(plan.all_integrations().flat_map(sources));
    for integration in plan.all_integrations() {
        if !credentials.contains_key(&integration.name.text) {
            let credential = fetch_one(integration, fetch, &mut problems);
            credentials.insert(credential.name.clone(), credential);
        }
    }
    (credentials, problems)
}

/// Fetches the fields of some integrations, as far as that is possible; with what was not, integration by integration.
pub fn fetch_each(integrations: &[&Integration], fetch: &mut Fetch) -> (Credentials, Vec<Vec<Diagnostic>>) {
    fetch.run_commands(integrations.iter().copied().flat_map(sources));
    let mut problems = Vec::new();
    let fetched = integrations.iter().map(|integration| {
        let mut found = Vec::new();
        let credential = fetch_one(integration, fetch, &mut found);
        problems.push(found);
        (credential.name.clone(), credential)
    });
    (fetched.collect(), problems)
}

/// Fetches the fields of all integrations of a line, as far as that is possible, and says what was not.
pub fn fetch_all(pipeline: &Pipeline, fetch: &mut Fetch) -> (Credentials, Vec<Diagnostic>) {
    let all: Vec<_> = pipeline.integrations.values().collect();
    let (credentials, problems) = fetch_each(&all, fetch);
    (credentials, problems.into_iter().flatten().collect())
}

fn sources(integration: &Integration) -> impl Iterator<Item = &ValueSource> {
    integration.fields.iter().flat_map(|field| field.values.sources()).map(|(_, source)| source)
}

fn fetch_one(integration: &Integration, fetch: &mut Fetch, problems: &mut Vec<Diagnostic>) -> Credential {
    let mut fields = Vec::new();
    for given in &integration.fields {
        let name = given.field.name;
        let mut one = |source, key: &str, secret| match fetch.value(source, secret) {
            Ok(value) => value,
            Err(error) => {
                let missing = fetch.missing(&error);
                problems.push(error.at_field(&integration.name.text, key));
                missing
            }
        };
        let content = match &given.values {
            Values::One(source) => one(source, name, given.field.secret).map(Content::One),
            Values::List(sources) => {
                all(sources.iter().map(|source| one(source, name, given.field.secret))).map(Content::List)
            }
            // What people put into a key-value pair, they put there to hide it.
            Values::Map(entries) => {
                let pairs = entries.iter();
                all(pairs.map(|(key, source)| Some((key.text.clone(), one(source, &key.text, true)?))))
                    .map(Content::Map)
            }
            Values::Integration(name) => Some(Content::One(FetchedValue {
                value: Value::Plain(name.text.clone()),
                origin: "the YAML".into(),
                masked: true,
                place: name.place,
            })),
        };
        fields.extend(content.map(|content| Fetched { name, content }));
    }
    let profile = fetch.session_of(integration);
    Credential { name: integration.name.text.clone(), kind: integration.kind, fields, renewal: None, profile }
}

/// All of them or none, but each is tried: people want to know everything that is wrong.
fn all<T>(values: impl Iterator<Item = Option<T>>) -> Option<Vec<T>> {
    values.collect::<Vec<_>>().into_iter().collect()
}
