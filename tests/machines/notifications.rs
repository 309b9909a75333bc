//! Messages of jobs that run elsewhere: the same as here.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use serde_json::Value;

use crate::here;
use crate::line::Line;

/// A server for webhooks, and what it was sent.
fn webhook() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, messages) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut length = 0;
            loop {
                let mut line = String::new();
                if stream.read_line(&mut line).unwrap() == 0 || line.trim_end().is_empty() {
                    break;
                }
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            let body: Value = serde_json::from_slice(&body).unwrap();
            stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
            // The test may be over.
            let _ = sender.send(body["text"].as_str().unwrap().to_owned());
        }
    });
    (address, messages)
}

/// Runs a line some times, with these values of `WORKS`; what is sent, and what the last run says on stderr.
fn sent(line: &str, runs: &[&str], on: Option<&str>) -> (Vec<String>, String) {
    let (address, messages) = webhook();
    let line = Line::new(line);
    let mut stderr = String::new();
    for works in runs {
        let works_as = format!("WORKS={works}");
        let mut words = vec!["run", "--all", "--notify", "-e", &works_as];
        words.extend(on.iter().flat_map(|on| ["--on", on]));
        let output = line.call(&words, |command| {
            command.env("SHIPCTL_INTEGRATION_CHAT_TYPE", "webhook");
            command.env("SHIPCTL_INTEGRATION_CHAT_WEBHOOKURL", &address);
        });
        stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            output.status.success(),
            *works == "true",
            "{}{stderr}",
            String::from_utf8_lossy(&output.stdout)
        );
    }
    let name = line.path().file_name().unwrap().to_str().unwrap();
    (messages.try_iter().map(|text| text.replace(name, "line")).collect(), stderr.replace(name, "line"))
}

/// What is sent by a job that runs elsewhere, which has to be what is sent by one that runs here.
#[track_caller]
fn same_sent(line: &str, runs: &[&str]) -> (Vec<String>, String) {
    let there = sent(line, runs, Some(&here()));
    assert_eq!(there, sent(line, runs, None));
    there
}

#[test]
fn a_change_is_told_of_once() {
    let line = "language: none\nbuild: {ci: ['$WORKS']}\nintegrations:\n  notifications:\n    - {integrationName: chat, type: webhook, on_success: change, on_failure: change, on_start: always}\n";
    let (messages, stderr) = same_sent(line, &["false", "false", "true", "true", "false"]);
    let words: Vec<_> = messages.iter().map(|text| text.rsplit(' ').next().unwrap()).collect();
    assert_eq!(
        words,
        ["started", "failed", "started", "started", "succeeded", "started", "started", "failed"],
        "{stderr}"
    );
}

#[test]
fn a_job_tells_where_its_steps_say() {
    let line = "resources:\n  - {name: team, type: notification, integration: chat}\n  - {name: lost, type: notification, integration: declared_nowhere}\njobs:\n  - name: a\n    type: runSh\n    steps:\n      - NOTIFY: lost\n      - TASK: {script: ['echo one']}\n      - NOTIFY: team\n      - TASK: {script: ['$WORKS']}\n      - NOTIFY: nowhere\n    on_failure:\n      - NOTIFY: team\n";
    let (messages, stderr) = same_sent(line, &["false"]);
    assert_eq!(messages.len(), 2, "{messages:?}{stderr}");
    assert!(
        stderr.contains("job `a` does not notify `lost`: its integration `declared_nowhere`"),
        "{stderr}"
    );
    assert!(stderr.contains("job `a` does not notify `nowhere`: it is declared nowhere"), "{stderr}");
}
