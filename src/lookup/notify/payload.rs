//! What is sent to each service, unless `--payload` says it all.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use super::super::Context;
use super::Sender;
use super::options::NotifyOptions;

/// The colour beside a Slack message.
const COLOR: &str = "#65cea7";

/// `--text`, or which job sends and where its console is.
pub(super) fn text(context: &dyn Context, options: &NotifyOptions) -> String {
    let sender = Sender::of(context);
    let with_url = || match &sender.url {
        Some(url) => format!("{} {url}", sender.title()),
        None => sender.title(),
    };
    options.get("text").map_or_else(with_url, str::to_owned)
}

/// A message with one attachment: <https://api.slack.com/reference/messaging/attachments>. Slack shows its `ts` as
/// date and time.
pub(super) fn slack(context: &dyn Context, options: &NotifyOptions, recipient: Option<&str>) -> Vec<u8> {
    let sender = Sender::of(context);
    let link = || match &sender.url {
        Some(url) => format!("<{url}|{}>", sender.title()),
        None => sender.title(),
    };
    let attachment = compact([
        ("fallback", Some(text(context, options))),
        ("pretext", options.get("pretext").map(str::to_owned)),
        ("text", Some(options.get("text").map_or_else(link, str::to_owned))),
        ("color", Some(options.get("color").unwrap_or(COLOR).to_owned())),
    ]);
    let mut attachment = Value::Object(attachment);
    attachment["ts"] = json!(now());
    let mut message = compact([
        ("channel", recipient.map(str::to_owned)),
        ("username", Some(options.get("username").unwrap_or("shipctl").to_owned())),
        ("icon_url", options.get("icon-url").map(str::to_owned)),
    ]);
    message.insert("attachments".to_owned(), json!([attachment]));
    bytes(message)
}

/// The fields that are given, or else the job and what the options say.
pub(super) fn webhook(context: &dyn Context, options: &NotifyOptions) -> Vec<u8> {
    if !options.fields.is_empty() {
        return bytes(options.fields.clone());
    }
    let sender = Sender::of(context);
    let mut message = compact([
        ("jobName", Some(sender.job.clone())),
        ("buildNumber", sender.number.clone()),
        ("buildUrl", sender.url.clone()),
        ("text", Some(text(context, options))),
    ]);
    message.insert("timestamp".to_owned(), json!(now()));
    let more = [
        "recipient",
        "username",
        "pretext",
        "color",
        "type",
        "environment",
        "email",
        "repository",
        "revision",
        "version",
        "description",
        "changelog",
    ];
    message.extend(compact(more.map(|name| (name, options.get(name).map(str::to_owned)))));
    bytes(message)
}

/// A deploy, as Airbrake's API v4 has it: <https://docs.airbrake.io/docs/devops-tools/api/#create-deploy-v4>.
pub(super) fn airbrake(options: &NotifyOptions) -> Vec<u8> {
    let fields = ["environment", "username", "email", "repository", "revision", "version"];
    bytes(compact(fields.map(|name| (name, options.get(name).map(str::to_owned)))))
}

/// A deployment, as New Relic's REST API v2 has it.
pub(super) fn new_relic(options: &NotifyOptions) -> Vec<u8> {
    let option = |name: &str| options.get(name).map(str::to_owned);
    let deployment = compact([
        ("revision", option("revision")),
        ("changelog", option("changelog")),
        ("description", option("description").or_else(|| option("text"))),
        ("user", option("username").or_else(|| option("email"))),
    ]);
    json!({ "deployment": deployment }).to_string().into_bytes()
}

/// The id of the application called `name` in New Relic's answer to a search.
pub(super) fn application_id(answer: &str, name: &str) -> Option<String> {
    let answer: Value = serde_json::from_str(answer).ok()?;
    let mut applications = answer["applications"].as_array()?.iter();
    applications
        .find(|application| application["name"] == name)
        .map(|application| application["id"].to_string())
}

/// A new issue, as Jira's REST API v2 has it.
pub(super) fn jira(context: &dyn Context, options: &NotifyOptions, project: &str) -> Vec<u8> {
    let summary = options.get("summary").or_else(|| options.get("text")).map(str::to_owned);
    let mut fields = compact([
        ("summary", Some(summary.unwrap_or_else(|| Sender::of(context).title()))),
        (
            "description",
            Some(options.get("description").map_or_else(|| text(context, options), str::to_owned)),
        ),
    ]);
    fields.insert("project".to_owned(), json!({ "key": project }));
    fields.insert("issuetype".to_owned(), json!({ "name": options.get("type").unwrap_or("Task") }));
    json!({ "fields": fields }).to_string().into_bytes()
}

fn compact<const N: usize>(fields: [(&str, Option<String>); N]) -> Map<String, Value> {
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::String(value?)))).collect()
}

fn bytes(message: Map<String, Value>) -> Vec<u8> {
    Value::Object(message).to_string().into_bytes()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
