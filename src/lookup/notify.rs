//! `notify`: tells Slack, a webhook, IRC, Airbrake, New Relic or Jira, or sends e-mail.
//!
//! Which of them, and with which address and credentials, a `notification` resource says; what to say, the options
//! do. Addresses may be secret (a Slack webhook's is all it takes to write to it), so messages name the field that an
//! address came from, and never the address.
//!
//! Options and their meaning are those that the original's documentation of the notification resource shows; the
//! payloads are what each service documents for its API.

#[cfg(feature = "full")]
mod email;
mod irc;
mod options;
mod payload;

use std::time::Duration;

use base64::Engine;
use serde_json::Value;

use self::options::NotifyOptions;
#[cfg(not(feature = "full"))]
use super::absent;
use super::{Call, Context, Failure, files, missing, variables};
use crate::contract::{suffix, var};
use crate::exit;
use crate::http::{Request, encoded};

/// `notify RESOURCE [OPTION…]`.
pub(super) fn notify(call: &mut Call) -> Result<u8, Failure> {
    let target = Target::of(call.context, call.text(0).into_owned())?;
    let options = NotifyOptions::of(&call.args[1..], call.context)?;
    let service = target.service()?;
    if !options.fields.is_empty() && !matches!(service, Service::Webhook) {
        return Err(target.failed("--field is for webhooks: --text says something to the others"));
    }
    let sent = match service {
        Service::Slack => target.slack(&options)?,
        Service::Webhook => target.webhook(&options)?,
        Service::Airbrake => target.airbrake(&options)?,
        Service::NewRelic => target.new_relic(&options)?,
        Service::Jira => target.jira(&options)?,
        Service::Irc => target.irc(&options)?,
        Service::Email => target.email(&options)?,
    };
    call.say(format_args!("notify: {sent}"));
    Ok(exit::SUCCESS)
}

enum Service {
    Slack,
    Webhook,
    Airbrake,
    NewRelic,
    Jira,
    Irc,
    Email,
}

/// A notification resource.
struct Target<'a> {
    context: &'a dyn Context,
    name: String,
    prefix: String,
}

impl<'a> Target<'a> {
    fn of(context: &'a dyn Context, name: String) -> Result<Self, Failure> {
        let prefix = variables::prefix(&name)?;
        let kind = context.var(&format!("{prefix}_{}", suffix::TYPE));
        match kind.as_deref().and_then(|kind| kind.to_str()) {
            Some("notification") => Ok(Target { context, name, prefix }),
            Some(_) => Err(Failure::Failed(format!("Error: resource {name} is not of type 'notification'"))),
            None => {
                let message = format!("Error: resource data not found for {name}");
                Err(missing::resource(context, &name, &message))
            }
        }
    }

    /// What kind of integration the resource has, or the `method` of one that needs none.
    fn service(&self) -> Result<Service, Failure> {
        let method = self.setting("METHOD").or_else(|| self.version_key("method"));
        let kind = match method {
            Some(method) => method,
            None => self.integration_kind()?,
        };
        match kind.as_str() {
            "irc" | "ircCreds" => Ok(Service::Irc),
            "email" => Ok(Service::Email),
            "slackKey" => Ok(Service::Slack),
            "webhookV2" | "webhook" => Ok(Service::Webhook),
            "airBrakeKey" => Ok(Service::Airbrake),
            "newRelicKey" => Ok(Service::NewRelic),
            "jira" => Ok(Service::Jira),
            other => Err(self.failed(&format!(
                "notify cannot use `{other}`: it knows Slack, webhooks, IRC, e-mail, Airbrake, New Relic and Jira"
            ))),
        }
    }

    fn integration_kind(&self) -> Result<String, Failure> {
        let fields = files::integration(self.context, &self.name)?;
        if let Some(kind) = fields.get("masterName").and_then(Value::as_str) {
            return Ok(kind.to_owned());
        }
        // Two kinds that a field tells apart by its letters.
        let kind = [("webhookUrl", "slackKey"), ("webhookURL", "webhookV2")]
            .into_iter()
            .find_map(|(field, kind)| fields.get(field).map(|_| kind.to_owned()));
        kind.ok_or_else(|| self.failed("its integration.json does not say of which kind it is (masterName)"))
    }

    fn slack(&self, options: &NotifyOptions) -> Result<String, Failure> {
        let url = self.field("webhookUrl")?;
        let recipients = match &options.payload {
            Some(_) => vec![None],
            None => self.recipients(options),
        };
        for recipient in &recipients {
            let body = match &options.payload {
                Some(payload) => payload.clone(),
                None => payload::slack(self.context, options, recipient.as_deref()),
            };
            self.send("webhookUrl", Request::post(url.clone(), body), options)?;
        }
        Ok(format!("sent to Slack{}", to(&recipients)))
    }

    fn webhook(&self, options: &NotifyOptions) -> Result<String, Failure> {
        let body = match &options.payload {
            Some(payload) => payload.clone(),
            None => payload::webhook(self.context, options),
        };
        let mut request = Request::post(self.field("webhookURL")?, body);
        if let Some(authorization) = self.optional_field("authorization") {
            request = request.header("Authorization", authorization);
        }
        self.send("webhookURL", request, options)?;
        Ok("sent to the webhook".to_owned())
    }

    fn airbrake(&self, options: &NotifyOptions) -> Result<String, Failure> {
        if let Some(kind) = options.get("type").filter(|kind| *kind != "deploy") {
            return Err(self.failed(&format!("Airbrake is told of a deploy, not of `{kind}` (--type)")));
        }
        let first = self.recipients(options).into_iter().next().flatten();
        let Some(project) = options.get("project-id").map(str::to_owned).or(first) else {
            return Err(self.failed("which project? --project-id=ID or a recipient says so"));
        };
        let url = self.field("url")?;
        let url = url.trim_end_matches('/');
        let base = if url.ends_with("/projects") { url.to_owned() } else { format!("{url}/api/v4/projects") };
        let (project, token) = (encoded(&project), encoded(&self.field("token")?));
        let body = options.payload.clone().unwrap_or_else(|| payload::airbrake(options));
        let request = Request::post(format!("{base}/{project}/deploys?key={token}"), body);
        self.send("url", request, options)?;
        Ok("told Airbrake of a deploy".to_owned())
    }

    fn new_relic(&self, options: &NotifyOptions) -> Result<String, Failure> {
        let url = self.field("url")?;
        let url = url.trim_end_matches('/');
        let token = self.field("token")?;
        let id = match (options.get("app-id"), options.get("app-name")) {
            (Some(id), _) => id.to_owned(),
            (None, Some(name)) => {
                let search = format!("{url}/applications.json?filter[name]={}", encoded(name));
                let request = Request::get(search).header("X-Api-Key", token.clone());
                payload::application_id(&self.send("url", request, options)?, name).ok_or_else(|| {
                    self.failed(&format!("New Relic has no application `{name}` (--appName)"))
                })?
            }
            (None, None) => {
                return Err(self.failed("which application? --appId=ID or --appName=NAME says so"));
            }
        };
        if options.payload.is_none() && options.get("revision").is_none() {
            return Err(self.failed("New Relic wants a --revision"));
        }
        let body = options.payload.clone().unwrap_or_else(|| payload::new_relic(options));
        let url = format!("{url}/applications/{}/deployments.json", encoded(&id));
        self.send("url", Request::post(url, body).header("X-Api-Key", token), options)?;
        Ok("told New Relic of a deployment".to_owned())
    }

    fn jira(&self, options: &NotifyOptions) -> Result<String, Failure> {
        let first = self.recipients(options).into_iter().next().flatten();
        let body = match (&options.payload, options.get("project-id").map(str::to_owned).or(first)) {
            (Some(payload), _) => payload.clone(),
            (None, Some(project)) => payload::jira(self.context, options, &project),
            (None, None) => return Err(self.failed("which project? --project-id=KEY or a recipient says so")),
        };
        let url = format!("{}/rest/api/2/issue", self.field("url")?.trim_end_matches('/'));
        let login = format!("{}:{}", self.field("username")?, self.field("token")?);
        let login = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(login));
        let answer = self.send("url", Request::post(url, body).header("Authorization", login), options)?;
        let issue = serde_json::from_str::<Value>(&answer).unwrap_or_default();
        Ok(format!("made the Jira issue {}", issue["key"].as_str().unwrap_or("(it did not say which)")))
    }

    fn irc(&self, options: &NotifyOptions) -> Result<String, Failure> {
        let recipients: Vec<String> = self.recipients(options).into_iter().flatten().collect();
        if recipients.is_empty() {
            return Err(
                self.failed("which channel? --recipient=irc.example.org#channel or a recipient says so")
            );
        }
        let server = self.optional_field("server");
        let nick = options.get("username").map(str::to_owned).or_else(|| self.optional_field("nick"));
        let password = options.get("password").map(str::to_owned).or_else(|| self.optional_field("password"));
        let text = payload::text(self.context, options);
        for recipient in &recipients {
            let message = irc::Message {
                recipient,
                server: server.as_deref(),
                nick: nick.as_deref().unwrap_or("shipctl"),
                password: password.as_deref(),
                text: &text,
            };
            message
                .send(options.timeout)
                .map_err(|error| self.failed(&format!("IRC ({recipient}): {}", self.masked(&error))))?;
        }
        Ok(format!("sent to IRC ({})", recipients.join(", ")))
    }

    #[cfg(not(feature = "full"))]
    fn email(&self, _: &NotifyOptions) -> Result<String, Failure> {
        Err(self.failed(&absent::message("e-mail")))
    }

    fn send(&self, field: &str, request: Request, options: &NotifyOptions) -> Result<String, Failure> {
        request.send(options.timeout).map_err(|error| {
            let why = self.masked(&error);
            self.failed(&format!(
                "could not be sent to the address in the integration's field {field}: {why}"
            ))
        })
    }

    /// What a service answered, without the credentials that it may have repeated.
    fn masked(&self, answer: &impl std::fmt::Display) -> String {
        let fields =
            ["token", "password", "authorization", "webhookUrl"].map(|field| self.optional_field(field));
        let path = fields[3].as_deref().and_then(|url| url.split_once("://")?.1.split_once('/'));
        let path = path.map(|(_, path)| path.to_owned());
        let secrets = fields.into_iter().chain([path]).flatten().filter(|secret| secret.len() >= 3);
        secrets.fold(answer.to_string(), |answer, secret| answer.replace(&secret, "***"))
    }

    /// `--recipient`, or those of the resource. Slack needs none.
    fn recipients(&self, options: &NotifyOptions) -> Vec<Option<String>> {
        if let Some(recipient) = options.get("recipient") {
            return vec![Some(recipient.to_owned())];
        }
        let numbered = (0..).map_while(|n| self.setting(&format!("RECIPIENTS_{n}")));
        let mut recipients: Vec<_> = numbered.map(Some).collect();
        if recipients.is_empty() {
            recipients = match files::pointer(self.context, &self.name, "recipients") {
                Some(Value::Array(all)) => all.iter().map(|one| one.as_str().map(str::to_owned)).collect(),
                Some(Value::String(one)) => vec![Some(one)],
                _ => vec![None],
            };
        }
        recipients
    }

    /// A key of the pointer, from the environment.
    fn setting(&self, key: &str) -> Option<String> {
        self.variable(&format!("{}_{}_{key}", self.prefix, suffix::POINTER))
    }

    /// A key of the pointer, from version.json.
    fn version_key(&self, key: &str) -> Option<String> {
        files::pointer(self.context, &self.name, key)?.as_str().map(str::to_owned)
    }

    fn field(&self, field: &str) -> Result<String, Failure> {
        self.optional_field(field)
            .ok_or_else(|| self.failed(&format!("its integration has no field {field}, or it is empty")))
    }

    fn optional_field(&self, field: &str) -> Option<String> {
        self.variable(&format!("{}_{}_{}", self.prefix, suffix::INTEGRATION, field.to_ascii_uppercase()))
    }

    fn variable(&self, name: &str) -> Option<String> {
        let value = self.context.var(name)?.to_str()?.to_owned();
        (!value.is_empty()).then_some(value)
    }

    fn failed(&self, why: &str) -> Failure {
        Failure::Failed(format!("notify {}: {why}", self.name))
    }
}

fn to(recipients: &[Option<String>]) -> String {
    let named: Vec<&str> = recipients.iter().flatten().map(String::as_str).collect();
    if named.is_empty() { String::new() } else { format!(" ({})", named.join(", ")) }
}

/// The job that sends, for texts: its name and number, and where its console is.
struct Sender {
    job: String,
    number: Option<String>,
    url: Option<String>,
}

impl Sender {
    fn of(context: &dyn Context) -> Sender {
        let text = |name: &str| {
            let value = context.var(name)?.to_string_lossy().into_owned();
            (!value.is_empty()).then_some(value)
        };
        Sender {
            job: text(var::JOB_NAME).unwrap_or_else(|| "shipctl".to_owned()),
            number: text("BUILD_NUMBER"),
            url: text("BUILD_URL"),
        }
    }

    /// `deploy #12`.
    fn title(&self) -> String {
        self.number.as_ref().map_or_else(|| self.job.clone(), |number| format!("{} #{number}", self.job))
    }
}

/// How long a service may take to answer, unless `--timeout` says otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);
