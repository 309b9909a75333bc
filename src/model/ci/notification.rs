//! Notifications of the CI section: who is told of a run, and of which ones.

use std::sync::LazyLock;

use regex::Regex;

use crate::contract::shell_quoted;
use crate::diagnostic::Diagnostic;
use crate::model::{Name, Resource, flatten_texts, warn_of_unknown_keys, written};
use crate::yaml::{Entry, Map, Node, Value};

/// A notification.
#[derive(Clone)]
pub struct Notification {
    /// The integration that it is sent with, or `email` or `irc`, which need none.
    pub name: Name,
    /// Its type, in small letters.
    kind: String,
    recipients: Vec<String>,
    /// What is sent to a webhook, if it is said: names and values, in which variables stand.
    payload: Vec<(String, String)>,
    /// The branches whose runs are told of, all if there is none; and those whose runs are not.
    only: Vec<String>,
    except: Vec<String>,
    events: Events,
}

/// When it is sent.
#[derive(Clone, Copy)]
struct Events {
    start: When,
    success: When,
    failure: When,
    cancel: When,
    pull_request: When,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    /// If the run before ended otherwise.
    Change,
    Never,
}

/// How the run before ended, as far as one is known.
#[derive(Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Before {
    /// There was none, or nothing is known of it.
    Unknown,
    /// It succeeded.
    Succeeded,
    /// It failed.
    Failed,
    /// It was cancelled.
    Cancelled,
}

#[rustfmt::skip]
const KEYS: &[&str] = &[
    "integrationName", "type", "recipients", "payload", "branches", "on_success", "on_failure", "on_cancel", "on_start",
    "on_pull_request", "sendConsoleLogs", "sendCoverageReports", "sendFailingSnippet",
];

impl Notification {
    /// Reads one of the list, whose integration has this name.
    pub(super) fn read(
        node: &Node,
        name: Name,
        kind: &str,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Notification {
        if let Some(map) = node.map() {
            warn_of_unknown_keys(map, KEYS, "a notification of the CI section", diagnostics);
        }
        let texts = |node: Option<&Node>, what: &str, diagnostics: &mut Vec<Diagnostic>| {
            let mut texts = Vec::new();
            if let Some(node) = node {
                flatten_texts(node, what, &mut texts, diagnostics);
            }
            texts
        };
        let recipients = texts(node.get("recipients"), "a recipient", diagnostics);
        let kind = kind.to_ascii_lowercase();
        let payload = match node.get("payload") {
            Some(node) if kind == "webhook" => payload(node, diagnostics),
            Some(node) => {
                let warning = Diagnostic::warning(format!(
                    "`payload` has no effect on a notification of type `{kind}`"
                ));
                diagnostics.push(warning.at(node.place).hint("only what a webhook gets can be said"));
                Vec::new()
            }
            None => Vec::new(),
        };
        let branches = node.get("branches");
        let mut when = |key: &str, default: When| match node.get(key).map(|value| (value, value.text())) {
            None | Some((_, Some(""))) => default,
            Some((_, Some("always"))) => When::Always,
            Some((_, Some("change"))) => When::Change,
            Some((_, Some("never"))) => When::Never,
            Some((value, _)) => {
                diagnostics.push(
                    Diagnostic::warning(format!(
                        "`{key}` of a notification is `always`, `change` or `never`"
                    ))
                    .at(value.place)
                    .hint("it counts as if it were not there"),
                );
                default
            }
        };
        let failure = when("on_failure", When::Always);
        let events = Events {
            start: when("on_start", When::Never),
            success: when("on_success", When::Change),
            failure,
            cancel: when("on_cancel", failure),
            pull_request: when("on_pull_request", When::Always),
        };
        Notification {
            only: texts(branches.and_then(|branches| branches.get("only")), "a branch", diagnostics),
            except: texts(branches.and_then(|branches| branches.get("except")), "a branch", diagnostics),
            kind,
            name,
            recipients,
            payload,
            events,
        }
    }

    /// The integration that it is sent with; `None` for e-mail and IRC, which need none.
    pub fn integration(&self) -> Option<&Name> {
        (!matches!(self.kind.as_str(), "email" | "irc")).then_some(&self.name)
    }

    /// The resource that stands for it.
    pub fn resource(&self, name: Name) -> Resource {
        let place = self.name.place;
        let recipients = self.recipients.iter().map(|recipient| written::text(place, recipient)).collect();
        let recipients = ("recipients", Node { place, value: Value::List(recipients) });
        let needs_none = self.integration().is_none();
        let method = needs_none.then(|| ("method", written::text(place, &self.kind)));
        let pointer = written::map_of(place, method.into_iter().chain([recipients]));
        let mut resource = Resource::implied(name, "notification").with("pointer", pointer);
        resource.integration = self.integration().cloned();
        resource
    }

    /// The scripts that send it, each with the section that it belongs to, under the name of its resource.
    pub fn scripts(&self, resource: &str, before: Before) -> Vec<(&'static str, String)> {
        let Events { start, success, failure, cancel, .. } = self.events;
        let always = |event, unlike| event == When::Always || event == When::Change && before != unlike;
        let alone = |words| Some(self.on_branches(&self.send(resource, words)));
        let of = |event, words, unlike| self.script(resource, event, words, before != unlike);
        let sections = [
            ("on_start", alone("has started").filter(|_| start == When::Always)),
            ("on_success", of(success, "succeeded", Before::Succeeded)),
            ("on_failure", of(failure, "failed", Before::Failed)),
            ("on_cancel", alone("was cancelled").filter(|_| always(cancel, Before::Cancelled))),
        ];
        sections.into_iter().filter_map(|(section, script)| Some((section, script?))).collect()
    }

    /// What sends it, under the name of its resource, at the end of a run; `None` where it is never sent.
    fn script(&self, resource: &str, event: When, words: &str, changed: bool) -> Option<String> {
        let is_wanted = event == When::Always || event == When::Change && changed;
        let of_pull_requests = self.events.pull_request == When::Always;
        let condition = match (is_wanted, of_pull_requests) {
            (true, true) => "",
            (true, false) => "[ \"$IS_PULL_REQUEST\" = true ] || ",
            (false, true) => "[ \"$IS_PULL_REQUEST\" != true ] || ",
            (false, false) => return None,
        };
        Some(self.on_branches(&format!("{condition}{}", self.send(resource, words))))
    }

    fn send(&self, resource: &str, words: &str) -> String {
        let resource = shell_quoted(resource);
        if self.payload.is_empty() {
            return format!(
                "shipctl notify {resource} --text=\"$JOB_NAME #$BUILD_NUMBER of $BRANCH {words}\""
            );
        }
        let field = |(name, value): &(String, String)| {
            format!(" --field={}{}", shell_quoted(&format!("{name}=")), with_variables(value))
        };
        format!("shipctl notify {resource}{}", self.payload.iter().map(field).collect::<String>())
    }

    /// A command for the branches that are told of alone.
    fn on_branches(&self, command: &str) -> String {
        let patterns = |branches: &[String]| {
            // All but the wildcards is meant as it stands.
            let quoted =
                |branch: &String| branch.split('*').map(shell_quoted_part).collect::<Vec<_>>().join("*");
            branches.iter().map(quoted).collect::<Vec<_>>().join("|")
        };
        match (self.only.is_empty(), self.except.is_empty()) {
            (true, true) => command.to_owned(),
            (false, _) => format!("case \"$BRANCH\" in {}) {command} ;; esac", patterns(&self.only)),
            (true, false) => {
                format!("case \"$BRANCH\" in {}) ;; *) {command} ;; esac", patterns(&self.except))
            }
        }
    }
}

fn shell_quoted_part(text: &str) -> String {
    if text.is_empty() { String::new() } else { shell_quoted(text) }
}

/// What a webhook is to get: a list of `NAME=VALUE`.
fn payload(node: &Node, diagnostics: &mut Vec<Diagnostic>) -> Vec<(String, String)> {
    let mut texts = Vec::new();
    flatten_texts(node, "an entry of `payload`", &mut texts, diagnostics);
    let mut pairs = Vec::new();
    for text in texts {
        match text.split_once('=') {
            Some((name, value)) => pairs.push((name.trim().to_owned(), value.to_owned())),
            None => diagnostics.push(
                Diagnostic::warning("an entry of `payload` has no value, and is left out")
                    .at(node.place)
                    .hint("write `- name=value`"),
            ),
        }
    }
    pairs
}

/// Quotes a text for bash so that `$NAME` and `${NAME}` alone mean something in it; a variable that is not set is empty.
fn with_variables(text: &str) -> String {
    static VARIABLE: LazyLock<Regex> = LazyLock::new(|| {
        let pattern = r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))";
        Regex::new(pattern).expect("the pattern is a constant")
    });
    let mut quoted = String::new();
    let mut end = 0;
    for found in VARIABLE.captures_iter(text) {
        let (Some(all), Some(name)) = (found.get(0), found.get(1).or(found.get(2))) else { continue };
        quoted += &shell_quoted_part(&text[end..all.start()]);
        quoted += &format!("\"${{{}-}}\"", name.as_str());
        end = all.end();
    }
    quoted + &shell_quoted_part(&text[end..])
}

/// The notifications at the top of a file, as the first form of the section had them: those by e-mail.
pub(super) fn of_first_form(section: &Map, diagnostics: &mut Vec<Diagnostic>) -> Option<Notification> {
    let entry = section.get("notifications")?;
    let email = entry.node.get("email")?;
    let name = Name { text: "email".to_owned(), place: entry.key };
    match &email.value {
        Value::Map(_) => Some(Notification::read(email, name, "email", diagnostics)),
        Value::List(_) => {
            let recipients = Entry { key: email.place, node: email.clone() };
            let map = Map::from_iter([("recipients".to_owned(), recipients)]);
            let node = Node { place: email.place, value: Value::Map(map) };
            Some(Notification::read(&node, name, "email", diagnostics))
        }
        Value::Scalar(_) | Value::Null => None,
    }
}
