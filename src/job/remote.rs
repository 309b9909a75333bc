//! `run --on`: a job that a `shipctl` on another machine runs, which a command starts there.
//!
//! Here everything is fetched for the job, its number is claimed, and what it makes is stored; there it runs. What it needs
//! goes over the stdin of the command, and over nothing else: `assignment` says what that is. `report` is what comes back.

pub(crate) mod assignment;
pub(crate) mod incoming;
pub(crate) mod report;

use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use anyhow::{Context as _, anyhow};

use super::add_mask::add_masks;
use super::record::Record;
use super::{Executor, Fetched, Ready, Session};
use super::{audit, log, results};
use crate::contract::path;
use crate::credentials::Credentials;
use crate::environment::dependency_directory;
use crate::mask::Patterns;
use crate::model::files::{Line, Texts};
use crate::output::Failure;
use crate::printable;
use crate::resolve::{Operation, Plan};
use crate::run::remote::{Download, Launcher, Reply, Upload, walk};
use crate::run::{self, Signals, Variables};
use crate::state::BuildRef;
use crate::workspace::{Home, Layout, Unavailable, Workspace};
use report::Report;

/// Where the files lie that go to the other machine, and those that come back.
const SENT: &str = "sent";
const MADE: &str = "made";

/// What starts jobs on another machine, and what each of them needs.
pub(crate) struct Elsewhere {
    /// The command, as `--on` has it.
    pub(crate) on: String,
    words: Vec<String>,
    /// The files of the line.
    texts: Texts,
}

impl Elsewhere {
    /// What `on` starts, for jobs of a line.
    ///
    /// # Errors
    ///
    /// When it is no command, and when the line cannot be sent.
    pub(super) fn new(on: &str, line: &Line) -> Result<Elsewhere, Failure> {
        let words = shlex::split(on).ok_or_else(|| anyhow!("--on `{on}`: its quotes do not pair up"))?;
        if words.is_empty() {
            let none = anyhow!("--on names no command: give one that starts another, such as `ssh HOST`");
            return Err(none.into());
        }
        let texts = Texts::of(line).context("the line cannot be sent to another machine")?;
        Ok(Elsewhere { on: on.to_owned(), words, texts })
    }
}

/// A job that has ended on another machine.
pub(super) struct EndedRemotely {
    pub(super) report: Report,
    pub(super) credentials: Credentials,
    /// What is masked.
    pub(super) patterns: Patterns,
    /// Where the files lie that it has made, until this is dropped.
    pub(super) files: Workspace,
}

impl Executor<'_, '_> {
    /// Runs a job for which everything was fetched on another machine.
    ///
    /// # Errors
    ///
    /// When nothing of it was run, or its end is not known.
    pub(super) fn run_remote(
        &mut self,
        elsewhere: &Elsewhere,
        fetched: Fetched,
        record: &Record,
    ) -> Result<EndedRemotely, Failure> {
        let Executor { session, command, signals, console } = self;
        let document = assignment::write(session, &elsewhere.texts, &fetched, command)
            .context("the job cannot be sent to another machine")?;
        let files = claim(&fetched.plan.job.name.text, |root, what| {
            session.say(&format!("warning: {} is not used: {what}\n", root.display()));
        })?;
        // Nothing is in it yet; but what killed runs have left goes.
        files.fill()?;
        let (sent, made) = (files.root().join(SENT), files.root().join(MADE));
        for directory in [&sent, &made] {
            let made = DirBuilder::new().mode(0o700).create(directory);
            made.with_context(|| format!("cannot make {}", directory.display()))?;
        }
        let (built, context, _) = session.build(&fetched, sent.clone())?;
        let Fetched { plan, credentials, logins, .. } = fetched;
        let environment = built.environment;
        let ready = Ready { plan, credentials, environment, context, logins, finish: Vec::new() };
        let patterns = Patterns::new(ready.environment.secrets());
        add_masks(command.add_mask, ready.environment.secrets())?;
        put_files(session, &ready, record, &sent, signals)?;
        let number = record.number();
        let entry = audit::AuditEntry { command: "run", program: None, build: number };
        let note = audit::begin(&ready, command.no_audit, &entry);
        let items = walk(&sent).with_context(|| format!("cannot read {}", sent.display()))?;
        let say = |lines: &str| {
            let masked = patterns.mask(lines.as_bytes());
            session.say(&printable::lines(&String::from_utf8_lossy(&masked)));
        };
        let build = number.map(|number| BuildRef { job: ready.plan.job.name.text.clone(), number });
        let launcher = Launcher {
            command: &elsewhere.words,
            environment: &environment_of_command(session, &patterns)?,
            grace: command.grace.unwrap_or(run::GRACE),
            silence: run::remote::SILENCE,
            signals,
            console,
            say: &say,
            keep: &|document| {
                if let (Some(build), Some(result)) = (&build, results::KeptResults::parse(document)) {
                    results::keep(session, build, &result);
                }
            },
        };
        let reply = launcher.run(&document, Upload::new(items), Download::into(&made)).map_err(Failure::from);
        let report = reply.and_then(|reply| match reply {
            Reply::Ended(document) => report::read(&document, &made, &elsewhere.on),
            Reply::Lost(outcome) => Ok(Report { outcome, changes: Ok(Vec::new()), added: Vec::new() }),
        });
        let outcome = report
            .as_ref()
            .map(|report| report.outcome)
            .map_err(|failure| Failure { status: failure.status, message: failure.message.clone() });
        note.into_iter().for_each(|note| note.end(session, &outcome));
        let mut report = report.map_err(|failure| failure.masked(&patterns))?;
        if let Ok(changes) = &mut report.changes {
            // The other machine changes what comes out of the job, and nothing else.
            changes.retain(|change| comes_out(&ready.plan, &change.name));
        }
        log::written(console)?;
        let patterns = patterns.with(report.added.iter().cloned());
        Ok(EndedRemotely { report, credentials: ready.credentials, patterns, files })
    }
}

/// Whether a job makes versions of this.
fn comes_out(plan: &Plan, name: &str) -> bool {
    let outputs =
        plan.dependencies.iter().filter(|dependency| matches!(dependency.operation, Operation::Out(_)));
    plan.job.name.text == name || outputs.into_iter().any(|output| output.name.text == name)
}

/// A private directory for the files of a job that are on their way. Is told which ones are not used, and why.
fn claim(job: &str, blocked: impl Fn(&Path, &str)) -> Result<Workspace, Failure> {
    for attempt in 0.. {
        let root = Home::Disk.workspace(&format!("{job}.files"), attempt);
        match Workspace::claim(&root, Layout::default(), false) {
            Ok(workspace) => return Ok(workspace),
            Err(Unavailable::InUse) => {}
            Err(Unavailable::Blocked(what)) => blocked(&root, &what.to_string()),
            Err(Unavailable::Failed(error)) => return Err(error.into()),
        }
    }
    Err(anyhow!("there are no more names for workspaces").into())
}

/// Puts the files that go in where they are sent from: those of versions, and clones of repositories.
fn put_files(
    session: &Session,
    ready: &Ready,
    record: &Record,
    sent: &Path,
    signals: &Signals,
) -> Result<(), Failure> {
    for dependency in &ready.plan.dependencies {
        let directory = dependency_directory(sent, path::IN, &dependency.name.text);
        fs::create_dir_all(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
    }
    session.clone_repositories(ready, signals)?;
    record.restore_files(ready)
}

/// The environment of the command: without what the line takes secrets from, and without secrets of the job.
fn environment_of_command(session: &Session, patterns: &Patterns) -> Result<Variables, Failure> {
    let integrations = session.line.pipeline.integrations.values();
    let sources = integrations.flat_map(|integration| &integration.fields);
    let sources = sources.flat_map(|field| field.values.sources());
    let named: Vec<&str> = sources.filter_map(|(_, source)| source.variable()).collect();
    let is_secret = |(name, value): &&(OsString, OsString)| {
        let value = value.as_encoded_bytes();
        named.iter().any(|named| OsStr::new(named) == name) || patterns.mask(value) != value
    };
    let kept = session.inherited.iter().filter(|variable| !is_secret(variable));
    Ok(Variables::new(kept.map(|(name, value)| (&**name, &**value)))?)
}
