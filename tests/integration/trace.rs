//! A run as a trace of OpenTelemetry, sent to a collector.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread::{self, JoinHandle};

use serde_json::Value;

use crate::line::{Line, text};

const LINE: &str = "integrations: [{name: pair, type: keyValuePair, fields: {envs: {TOKEN: s3cret-token}}}]
jobs:
- name: build
  type: runSh
  integrations: [pair]
  steps: [{TASK: {name: s3cret-token, script: [echo $TRACEPARENT > $WORK/seen]}}, {TASK: {name: two, script: [exit 3]}}]
  on_failure: [{script: echo sorry}]
- {name: other, type: runSh, steps: [{TASK: [echo]}]}
";

/// A collector that takes one trace: where it is, and what it gets: the head of the request and its spans.
fn collector() -> (String, JoinHandle<(String, Value)>) {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", socket.local_addr().unwrap());
    let taken = thread::spawn(move || {
        let (mut stream, _) = socket.accept().unwrap();
        let mut request = Vec::new();
        let mut piece = [0; 4096];
        loop {
            let read = stream.read(&mut piece).unwrap();
            request.extend_from_slice(&piece[..read]);
            let text = text(&request);
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let head = head.to_ascii_lowercase();
            let length: usize =
                head.split("content-length: ").nth(1).unwrap().lines().next().unwrap().parse().unwrap();
            if body.len() >= length {
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
                    .unwrap();
                return (head, serde_json::from_str(body).unwrap());
            }
        }
    });
    (address, taken)
}

fn spans(document: &Value) -> Vec<Value> {
    document["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap().clone()
}

fn named<'s>(spans: &'s [Value], name: &str) -> &'s Value {
    spans.iter().find(|span| span["name"] == name).unwrap_or_else(|| panic!("{name}: {spans:?}"))
}

#[test]
fn the_run_its_job_and_its_steps_are_spans() {
    let (address, taken) = collector();
    let line = Line::new(LINE);
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let output = line
        .command("run build")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("{address}/"))
        .env("OTEL_EXPORTER_OTLP_HEADERS", "x-key=a%20b,other=c")
        .env("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
        .env("TRACEPARENT", parent)
        .output()
        .unwrap();
    assert_eq!((output.status.code(), &*text(&output.stderr)), (Some(3), ""));
    let (head, document) = taken.join().unwrap();
    assert!(head.starts_with("post /v1/traces http/1.1\r\n"), "{head}");
    assert!(head.contains("\r\nx-key: a b\r\n") && head.ends_with("\r\nother: c"), "{head}");
    let resource = document["resourceSpans"][0]["resource"]["attributes"].to_string();
    assert!(resource.contains(r#"{"key":"deployment.environment.name","value":{"stringValue":"test"}}"#));
    assert!(resource.contains(r#"{"key":"service.name","value":{"stringValue":"shipctl"}}"#), "{resource}");

    let spans = spans(&document);
    assert!(!document.to_string().contains("s3cret"), "{document}");
    let names: Vec<_> = spans.iter().map(|span| span["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["***", "two", "on_failure", "build", "run build"]);
    let (run, job, task) = (named(&spans, "run build"), named(&spans, "build"), named(&spans, "***"));
    assert_eq!(run["parentSpanId"], "b7ad6b7169203331");
    assert_eq!(job["parentSpanId"], run["spanId"]);
    for span in &spans {
        assert_eq!(span["traceId"], "0af7651916cd43dd8448eb211c80319c");
        let time = |name: &str| span[name].as_str().unwrap().parse::<u64>().unwrap();
        assert!(time("startTimeUnixNano") <= time("endTimeUnixNano"));
    }
    for step in &spans[..3] {
        assert_eq!(step["parentSpanId"], job["spanId"], "{step}");
    }
    assert_eq!(task["status"]["code"], 1);
    assert_eq!(named(&spans, "two")["status"]["message"], "failed with status 3");
    assert!(job["attributes"].to_string().contains(r#"{"stringValue":"failure"}"#), "{job}");
    let seen = std::fs::read_to_string(line.path("seen")).unwrap();
    assert_eq!(
        seen,
        format!("00-0af7651916cd43dd8448eb211c80319c-{}-01\n", task["spanId"].as_str().unwrap())
    );
}

#[test]
fn the_jobs_of_a_line_are_in_one_trace() {
    let (address, taken) = collector();
    let line = Line::new(LINE);
    let output = line
        .command("run --all")
        .env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", format!("{address}/own?path"))
        .env("OTEL_SERVICE_NAME", "shop")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    let (head, document) = taken.join().unwrap();
    assert!(head.starts_with("post /own?path http/1.1\r\n"), "{head}");
    assert!(document.to_string().contains(r#"{"key":"service.name","value":{"stringValue":"shop"}}"#));
    let spans = spans(&document);
    let run = named(&spans, "run --all");
    assert_eq!(run["parentSpanId"], Value::Null);
    assert_eq!(run["status"]["message"], "exit status 3");
    for job in ["build", "other"] {
        assert_eq!(named(&spans, job)["parentSpanId"], run["spanId"]);
    }
    assert_eq!(named(&spans, "Task 0")["parentSpanId"], named(&spans, "other")["spanId"]);
}

#[test]
fn a_collector_that_is_away_is_a_warning() {
    let line = Line::new(LINE);
    let run = |variables: &[(&str, &str)]| {
        let mut command = line.command("run other");
        let output = command.envs(variables.iter().copied()).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        text(&output.stderr)
    };
    let away = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1");
    let said = run(&[away, ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=s3cret")]);
    assert!(
        said.starts_with("warning: the trace was not sent to the collector of OpenTelemetry: "),
        "{said}"
    );
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(!said.contains("s3cret"));
    assert_eq!(run(&[away, ("OTEL_SDK_DISABLED", "true")]), "");
    assert_eq!(run(&[away, ("OTEL_TRACES_EXPORTER", "none")]), "");
}
