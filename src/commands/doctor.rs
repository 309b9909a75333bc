//! `shipctl doctor`: integration by integration, whether it can be had, whom it is, and what to do if not. And whether there is
//! what runs the images of the line.

use std::fmt::Write as _;
use std::io;

use serde_json::{Value as Json, json};

use super::engine_report::EngineReport;
use crate::cli::{Doctor, LineOptions, ListFormat};
use crate::credentials::{self, AwsProvider, Content, Credential};
use crate::diagnostic::Diagnostic;
use crate::exit;
use crate::job::{FetchPolicy, Session};
use crate::load::read_good;
use crate::mask::Patterns;
use crate::model::job::Step;
use crate::model::{Integration, Pipeline};
use crate::output::{Failure, paint, print};
use crate::paint::{Paint, Style};
use crate::printable::{self, Printable};
use crate::resolve::{self, AWS_KINDS};

/// Runs the command.
///
/// # Errors
///
/// On errors in the YAML, and for a job that there is not.
pub fn run(command: &Doctor, options: &LineOptions) -> Result<u8, Failure> {
    let line = read_good(options)?;
    let jobs: Vec<String> = match &command.job {
        Some(job) => vec![job.clone()],
        None => line.pipeline.jobs.keys().cloned().collect(),
    };
    let jobs: Vec<&str> = jobs.iter().map(String::as_str).collect();
    let session = Session::of(line, &jobs, paint(options.color, &io::stderr()), &command.options)?;
    let integrations = looked_at(&session.line.pipeline, command.job.as_deref());
    let integrations = integrations.map_err(|problems| session.fail(&problems))?;
    if integrations.is_empty() {
        session.say("shipctl: there is no integration to look at\n");
    }
    let reports = examine(&session, &integrations, command.options.mfa_code.as_deref());
    let engine = if names_image(&session.line.pipeline, &jobs) { EngineReport::examine()? } else { None };
    let good = reports.iter().all(|report| report.problems.is_empty())
        && engine.as_ref().is_none_or(EngineReport::is_good);
    let text = match command.format {
        ListFormat::Text => {
            let paint = paint(options.color, &io::stdout());
            let texts = reports.iter().map(|report| report.text(&session, paint));
            texts.chain(engine.iter().map(|engine| engine.text(paint))).collect::<Vec<_>>().join("\n")
        }
        ListFormat::Json => {
            let reports = reports.iter().map(|report| report.json(&session));
            let reports: Vec<_> = reports.chain(engine.iter().map(EngineReport::json)).collect();
            printable::json(format!("{:#}\n", Json::Array(reports)))
        }
    };
    // Nothing in it is secret; a message of another program may be.
    let secrets: Vec<_> = reports.iter().flat_map(|report| report.credential.secrets()).collect();
    print(&String::from_utf8_lossy(&Patterns::new(&secrets).mask(text.as_bytes())))?;
    Ok(if good { exit::SUCCESS } else { exit::FINDINGS })
}

/// Whether a TASK of one of the jobs runs in an image.
fn names_image(pipeline: &Pipeline, jobs: &[&str]) -> bool {
    let steps = jobs.iter().filter_map(|job| pipeline.jobs.get(*job)).flat_map(|job| &job.steps);
    steps.into_iter().any(|step| matches!(step, Step::Task(task) if task.image.is_some()))
}

/// The integrations of a job, or of the whole line, each once and behind those it gets its own credentials with.
fn looked_at<'p>(pipeline: &'p Pipeline, job: Option<&str>) -> Result<Vec<&'p Integration>, Vec<Diagnostic>> {
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

/// What there is to say of an integration.
struct Report<'p> {
    integration: &'p Integration,
    credential: Credential,
    /// Whom it is.
    identity: Option<crate::aws::sts::Identity>,
    problems: Vec<Diagnostic>,
}

/// Looks at integrations: fetches their fields, and asks AWS about its own.
fn examine<'p>(
    session: &Session,
    integrations: &[&'p Integration],
    mfa_code: Option<&str>,
) -> Vec<Report<'p>> {
    let (mut credentials, mut problems) =
        credentials::fetch_each(integrations, &mut session.fetcher(FetchPolicy::Full).announcing());
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
        .map(|(integration, ((credential, identity), problems))| Report {
            integration,
            credential,
            identity,
            problems,
        })
        .collect()
}

impl Report<'_> {
    fn text(&self, session: &Session, paint: Paint) -> String {
        let name = paint.with(Style::Heading, &Printable(&self.integration.name.text).to_string());
        let mut text = format!("{name} ({})\n", self.integration.kind.display);
        let (good, bad) = (paint.with(Style::Good, "✓"), paint.with(Style::Bad, "✗"));
        for (field, origin) in self.fields() {
            let _ = writeln!(text, "  {good} {field}: from {}", Printable(&origin));
        }
        if let Some(identity) = &self.identity {
            let until = self.expires().map_or_else(String::new, |until| format!(", until {until}"));
            let _ = writeln!(text, "  {good} is {} of account {}{until}", identity.arn, identity.account);
        }
        for problem in &self.problems {
            let place = problem.place.map(|place| session.line.sources.describe(place).to_string());
            let place = place.map_or_else(String::new, |place| format!("  ({place})"));
            // Whose problem it is stands above.
            let whose = format!("integration `{}`", self.integration.name.text);
            let message =
                problem.message.strip_prefix(&whose).map(|rest| rest.trim_start_matches([':', ',', ' ']));
            let message = message.unwrap_or(&problem.message);
            let _ = writeln!(text, "  {bad} {}{}", Printable(message), Printable(&place));
            if let Some(hint) = &problem.hint {
                let _ = writeln!(text, "    {} {}", paint.with(Style::Hint, "fix:"), Printable(hint));
            }
        }
        text
    }

    fn json(&self, session: &Session) -> Json {
        let fields: Vec<_> =
            self.fields().into_iter().map(|(name, from)| json!({"name": name, "from": from})).collect();
        let problems: Vec<_> =
            self.problems.iter().map(|problem| problem.to_json(&session.line.sources)).collect();
        json!({
            "name": self.integration.name.text,
            "type": self.integration.kind.name,
            "fields": fields,
            "account": self.identity.as_ref().map(|identity| &identity.account),
            "arn": self.identity.as_ref().map(|identity| &identity.arn),
            "expires": self.expires(),
            "problems": problems,
        })
    }

    fn expires(&self) -> Option<&str> {
        self.credential.text("expiration")
    }

    /// The fields that the line gives, and where each comes from.
    fn fields(&self) -> Vec<(String, String)> {
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
