//! A run as a trace of OpenTelemetry: the run, each of its jobs and each of their steps is a span. The spans are sent to a
//! collector as JSON over HTTP (OTLP) when the run has ended, where `OTEL_EXPORTER_OTLP_ENDPOINT` names one.
//!
//! Jobs of a line run in processes of their own, which are forked: spans are gathered in an open file that all of them share.
//! The identifier of a span follows from its name and from the span that it belongs to, so no process has to tell another.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use crate::http::{Request, RequestError};
use crate::run::console::{Console, Watcher};
use crate::run::{Event, Outcome, StepKind, StepResult};
use crate::secret::{self, Secret};

/// How long the collector may take: the run has ended, and its user waits.
const LIMIT: Duration = Duration::from_secs(2);

/// The variable by which a process finds the span that it is a part of, as the W3C's Trace Context has it.
pub const TRACEPARENT: &str = "TRACEPARENT";

/// A trace, from the beginning of a run to its end.
#[derive(Debug)]
pub struct Trace {
    collector: String,
    headers: Vec<(String, Secret)>,
    resource: Vec<(String, String)>,
    /// In hexadecimal, as all identifiers here.
    id: String,
    /// The span that the run is a part of.
    parent: Option<String>,
    run: String,
    started: SystemTime,
    /// The spans that have ended, one a line.
    spans: File,
}

/// Why a trace was not sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The spans cannot be read.
    #[error(transparent)]
    Spans(#[from] io::Error),
    /// The collector did not take them.
    #[error(transparent)]
    Collector(#[from] RequestError),
}

impl Trace {
    /// The trace that the environment asks for, if it does.
    ///
    /// # Errors
    ///
    /// When the system gives no random numbers or no file.
    pub fn wanted(variable: impl Fn(&str) -> Option<String>) -> io::Result<Option<Trace>> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let is = |name: &str, what: &str| set(name).is_some_and(|value| value.eq_ignore_ascii_case(what));
        let all = || Some(format!("{}/v1/traces", set("OTEL_EXPORTER_OTLP_ENDPOINT")?.trim_end_matches('/')));
        let Some(collector) = set("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").or_else(all) else { return Ok(None) };
        if is("OTEL_SDK_DISABLED", "true") || is("OTEL_TRACES_EXPORTER", "none") {
            return Ok(None);
        }
        let headers = set("OTEL_EXPORTER_OTLP_TRACES_HEADERS").or_else(|| set("OTEL_EXPORTER_OTLP_HEADERS"));
        let mut resource = pairs(&set("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default());
        if set("OTEL_SERVICE_NAME").is_some() || resource.iter().all(|(key, _)| key != "service.name") {
            resource.retain(|(key, _)| key != "service.name");
            let name = set("OTEL_SERVICE_NAME").unwrap_or_else(|| "shipctl".to_owned());
            resource.push(("service.name".to_owned(), name));
        }
        let (id, parent) = match set(TRACEPARENT).as_deref().and_then(parse_parent) {
            Some((id, parent)) => (id, Some(parent)),
            None => (hex(&*secret::random::<16>()?), None),
        };
        Ok(Some(Trace {
            collector,
            headers: pairs(&headers.unwrap_or_default())
                .into_iter()
                .map(|(name, value)| (name, Secret::new(value)))
                .collect(),
            resource,
            id,
            parent,
            run: hex(&*secret::random::<8>()?),
            started: SystemTime::now(),
            spans: shared_file()?,
        }))
    }

    /// Takes note of the jobs and steps that a console shows.
    pub fn watch(self: &Rc<Trace>, console: &mut Console) {
        let (trace, started) = (Rc::clone(self), self.started);
        console.tell_also(Spans { trace, job: String::new(), started, step_started: started, tasks: 0 });
    }

    /// The value of [`TRACEPARENT`] for the scripts of a TASK, by the number of those of its job that ran before.
    pub fn parent_of_task(&self, job: &str, number: usize) -> String {
        format!("00-{}-{}-01", self.id, part_of(&self.span_of_job(job), &number.to_string()))
    }

    /// Sends all spans; `status` is that of the run.
    ///
    /// # Errors
    ///
    /// When the collector does not take them.
    pub fn send(&self, name: &str, status: u8) -> Result<(), SendError> {
        let end = if status == 0 { Ok(()) } else { Err(format!("exit status {status}")) };
        let attributes = [("process.exit.code", json!({"intValue": status.to_string()}))];
        self.keep(&self.run, self.parent.as_deref(), name, self.started, end, &attributes);
        let mut file = &self.spans;
        let mut text = String::new();
        file.rewind().and_then(|()| file.read_to_string(&mut text))?;
        let spans: Vec<Json> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let resource: Vec<_> =
            self.resource.iter().map(|(key, value)| attribute(key, text_of(value))).collect();
        let document = json!({"resourceSpans": [{
            "resource": {"attributes": resource},
            "scopeSpans": [{
                "scope": {"name": "shipctl", "version": env!("CARGO_PKG_VERSION")},
                "spans": spans,
            }],
        }]});
        let request = Request::post(self.collector.clone(), document.to_string().into_bytes());
        let with = |request: Request, (name, value): &(String, Secret)| request.header(name, value.expose());
        self.headers.iter().fold(request, with).send(LIMIT)?;
        Ok(())
    }

    fn span_of_job(&self, job: &str) -> String {
        part_of(&self.run, job)
    }

    /// Keeps a span that has ended now.
    fn keep(
        &self,
        id: &str,
        parent: Option<&str>,
        name: &str,
        started: SystemTime,
        end: Result<(), String>,
        attributes: &[(&str, Json)],
    ) {
        let attributes: Vec<_> =
            attributes.iter().map(|(key, value)| attribute(key, value.clone())).collect();
        let status = match end {
            Ok(()) => json!({"code": 1}),
            Err(message) => json!({"code": 2, "message": message}),
        };
        let mut span = json!({
            "traceId": self.id,
            "spanId": id,
            "name": name,
            "kind": 1,
            "startTimeUnixNano": nanoseconds(started),
            "endTimeUnixNano": nanoseconds(SystemTime::now()),
            "attributes": attributes,
            "status": status,
        });
        if let Some(parent) = parent {
            span["parentSpanId"] = parent.into();
        }
        // In one piece: others write too. A trace with a gap is better than a run that ends.
        let _ = (&self.spans).write_all(format!("{span}\n").as_bytes());
    }
}

/// A file without a name: processes that are forked have it open, and it goes with the last of them.
fn shared_file() -> io::Result<File> {
    let name = format!("shipctl-spans-{}", hex(&*secret::random::<8>()?));
    let path = std::env::temp_dir().join(name);
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
    fs::remove_file(path)?;
    Ok(file)
}

/// What watches the console of a job.
struct Spans {
    trace: Rc<Trace>,
    /// The identifier of the job's span.
    job: String,
    started: SystemTime,
    step_started: SystemTime,
    /// How many TASKs have begun.
    tasks: usize,
}

impl Spans {
    fn keep_step(&self, step: &StepResult, outcome: Outcome) {
        let what = match step.kind {
            StepKind::Task => self.tasks.saturating_sub(1).to_string(),
            StepKind::Section => step.name.clone(),
        };
        let id = part_of(&self.job, &what);
        let attributes = [
            ("shipctl.step.kind", text_of(step.kind.as_str())),
            ("cicd.pipeline.task.name", text_of(&step.name)),
        ];
        self.trace.keep(&id, Some(&self.job), &step.name, self.step_started, end_of(outcome), &attributes);
    }
}

impl Watcher for Spans {
    fn event(&mut self, event: &Event) {
        match event {
            Event::JobStart { job } => {
                self.job = self.trace.span_of_job(job);
                (self.started, self.tasks) = (SystemTime::now(), 0);
            }
            Event::StepStart { kind, .. } => {
                self.step_started = SystemTime::now();
                self.tasks += usize::from(*kind == StepKind::Task);
            }
            Event::StepEnd { step } => {
                step.outcome.into_iter().for_each(|outcome| self.keep_step(step, outcome));
            }
            Event::JobEnd { job, outcome, .. } => {
                let trace = &self.trace;
                let attributes = [
                    ("cicd.pipeline.task.name", text_of(job)),
                    ("cicd.pipeline.task.run.result", text_of(result(*outcome))),
                    ("process.exit.code", json!({"intValue": outcome.status().to_string()})),
                ];
                trace.keep(&self.job, Some(&trace.run), job, self.started, end_of(*outcome), &attributes);
            }
            _ => {}
        }
    }
}

fn end_of(outcome: Outcome) -> Result<(), String> {
    if outcome == Outcome::Success { Ok(()) } else { Err(outcome.describe()) }
}

/// The result by the semantic conventions of OpenTelemetry.
fn result(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Success => "success",
        Outcome::Failed(_) | Outcome::Signalled(_) => "failure",
        Outcome::TimedOut => "timeout",
        Outcome::Cancelled(_) => "cancellation",
    }
}

fn text_of(text: &str) -> Json {
    json!({"stringValue": text})
}

fn attribute(key: &str, value: Json) -> Json {
    json!({"key": key, "value": value})
}

fn nanoseconds(time: SystemTime) -> String {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos().to_string()
}

/// The identifier of a span that is a part of another.
fn part_of(whole: &str, name: &str) -> String {
    hex(&Sha256::digest(format!("{whole}/{name}"))[..8])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The trace and the span of a `TRACEPARENT`; `None` if it is none.
fn parse_parent(text: &str) -> Option<(String, String)> {
    let mut parts = text.split('-');
    let (version, trace, span, _flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_id = |id: &str, length: usize| {
        id.len() == length
            && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            && id.bytes().any(|byte| byte != b'0')
    };
    (version.len() == 2 && version != "ff" && is_id(trace, 32) && is_id(span, 16))
        .then(|| (trace.to_owned(), span.to_owned()))
}

/// `key=value,key=value`, with percent-encoded values.
fn pairs(text: &str) -> Vec<(String, String)> {
    let pair = |pair: &str| {
        let (key, value) = pair.split_once('=')?;
        Some((key.trim().to_owned(), decoded(value.trim())))
    };
    text.split(',').filter_map(pair).collect()
}

fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, after @ ..] = rest {
        let code = (*first == b'%').then(|| after.get(..2)).flatten();
        let code = code.and_then(|code| u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
