//! `shipctl doctor`: integration by integration, whether it can be had, whom it is, and what to do if not. And whether there is
//! what runs the images of the line.

mod integration_report;

use std::io;

use serde_json::Value as Json;

use crate::cli::{Doctor, LineOptions, ListFormat};
use crate::credentials;
use crate::exit;
use crate::job::containers::{EngineReport, names_image};
use crate::job::{FetchPolicy, Session};
use crate::load::read_good;
use crate::mask::Patterns;
use crate::output::{Failure, paint, print};
use crate::printable;

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
    let integrations = credentials::integrations_of(&session.line.pipeline, command.job.as_deref());
    let integrations = integrations.map_err(|problems| session.fail(&problems))?;
    if integrations.is_empty() {
        session.say("shipctl: there is no integration to look at\n");
    }
    let mut fetcher = session.fetcher(FetchPolicy::Full).announcing();
    let reports = credentials::examine(&integrations, &mut fetcher, command.options.mfa_code.as_deref());
    let engine = if names_image(&session.line.pipeline, &jobs) { EngineReport::examine()? } else { None };
    let good = reports.iter().all(|report| report.problems.is_empty())
        && engine.as_ref().is_none_or(EngineReport::is_good);
    let sources = &session.line.sources;
    let text = match command.format {
        ListFormat::Text => {
            let paint = paint(options.color, &io::stdout());
            let texts = reports.iter().map(|report| integration_report::text(report, sources, paint));
            texts.chain(engine.iter().map(|engine| engine.text(paint))).collect::<Vec<_>>().join("\n")
        }
        ListFormat::Json => {
            let reports = reports.iter().map(|report| integration_report::json(report, sources));
            let reports: Vec<_> = reports.chain(engine.iter().map(EngineReport::json)).collect();
            printable::json(format!("{:#}\n", Json::Array(reports)))
        }
    };
    // Nothing in it is secret; a message of another program may be.
    let secrets: Vec<_> = reports.iter().flat_map(|report| report.credential.secrets()).collect();
    print(&String::from_utf8_lossy(&Patterns::new(&secrets).mask(text.as_bytes())))?;
    Ok(if good { exit::SUCCESS } else { exit::FINDINGS })
}
